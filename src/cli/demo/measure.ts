import { statSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../../compress/choosing/timing.js';
import { sparsity } from '../../compress/index.js';
import { DataLoader, type ImageDataset } from '../../data/index.js';
import { zeros } from '../../ops/index.js';
import { type Evaluation, evaluate, latency, saveModel } from '../../train/index.js';
import type { ReportVariant } from '../report/report.js';
import type { Net } from './nets.js';
import type { Variant } from './variants.js';

/** What measuring one network gave. */
export interface Measured {
  readonly variant: ReportVariant;
  readonly test: Evaluation;
  readonly layers: readonly { layer: string; weights: number; zeros: number }[];
}

/** Numbers a network stores, and how many of them are not 0. Counters of batch norm are not weights and do not count. */
export function countParameters(net: Net): { parameters: number; nonzero: number } {
  let parameters = 0;
  let nonzero = 0;
  for (const value of Object.values(net.stateDict())) {
    parameters += value.numel();
    for (const v of value.dataSync()) if (v !== 0) nonzero++;
  }
  return { parameters, nonzero };
}

/** How often each network's time is taken. */
export const ROUNDS = 3;

/** Median latencies of all networks in milliseconds, for 1 and 64 images. `onEach` is waited for after each measurement. */
export async function measureLatencies(
  variants: readonly Variant[],
  shape: readonly [number, number, number],
  { share, onEach }: { readonly share: number; readonly onEach: () => Promise<void> },
): Promise<Map<string, { batch1: number; batch64: number }>> {
  const seen = new Map(variants.map(({ name }) => [name, { batch1: [] as number[], batch64: [] as number[] }]));
  const one = zeros([1, ...shape]);
  const many = zeros([64, ...shape]);
  try {
    // In turns, so that a slow moment of the machine does not fall on one network alone.
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name, net } of variants) {
        seen.get(name)?.batch1.push(latency(net, one, { budgetMs: 60 * share }));
        seen.get(name)?.batch64.push(latency(net, many, { budgetMs: 120 * share }));
        await onEach();
      }
    }
  } finally {
    one.dispose();
    many.dispose();
  }
  return new Map(
    [...seen].map(([name, { batch1, batch64 }]) => [name, { batch1: median(batch1), batch64: median(batch64) }]),
  );
}

/** Saves a network and evaluates it on both parts that it was not trained on. */
export async function measure(
  { name, method, net }: Variant,
  folder: string,
  parts: { readonly validation: ImageDataset; readonly test: ImageDataset },
  latencyMs: { batch1: number; batch64: number },
  about: unknown,
): Promise<Measured> {
  const file = `${name}.safetensors`;
  const loader = (part: ImageDataset) => new DataLoader(part, { batchSize: 256 });
  const validation = await evaluate(net, loader(parts.validation));
  const test = await evaluate(net, loader(parts.test));
  await saveModel(join(folder, file), net, about);
  return {
    test,
    layers: sparsity(net).layers.map((layer) => ({ layer: layer.name, weights: layer.weights, zeros: layer.zeros })),
    variant: {
      name,
      method,
      accuracy: { validation: validation.accuracy, test: test.accuracy },
      ...countParameters(net),
      bytes: statSync(join(folder, file)).size,
      latencyMs,
      file,
    },
  };
}
