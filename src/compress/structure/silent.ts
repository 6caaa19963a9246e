import { sizeOf } from '../../core/shape.js';
import type { Links } from './link.js';
import type { Graph, Step, Value } from './trace.js';

/** Ops of which one silent factor makes the result silent; of the others, all that comes in has to be. */
const FACTORS: ReadonlySet<string> = new Set(['mul', 'matmul']);

/** For each slice, whether every element of the tensor is zero there. */
function zerosAlong({ shape, tensor }: Value, dim: number): Uint8Array {
  const size = shape?.[dim] ?? 0;
  const areZero = new Uint8Array(size);
  if (tensor === null || tensor.disposed || shape === null) return areZero;
  areZero.fill(1);
  const inner = sizeOf(shape.slice(dim + 1));
  tensor.dataSync().forEach((value: number | bigint, i: number) => {
    if (Number(value) !== 0) areZero[Math.floor(i / inner) % size] = 0;
  });
  return areZero;
}

/**
 * The slices that are zero whatever comes in, by their numbers: those of weights that are zero, of products whose weights are,
 * and of what follows from such alone and was seen to be zero.
 */
export function silentSlices(graph: Graph, links: Links): Uint8Array {
  const { classes } = links;
  const silent = new Uint8Array(classes.count);
  const set = (value: Value, dim: number, areSilent: ArrayLike<number>): void => {
    for (let i = 0; i < areSilent.length; i++) silent[classes.slice(value, dim, i)] = areSilent[i] as number;
  };
  for (const weight of graph.weights.values()) {
    weight.shape?.forEach((_, d) => {
      if (classes.isFree(weight, d)) set(weight, d, zerosAlong(weight, d));
    });
  }
  for (const step of graph.steps) {
    const product = productOf(step);
    if (product !== null) {
      const { x, weight, bias, y, dim } = product;
      if (classes.isFree(y, dim)) set(y, dim, silentRows(links, silent, x, weight, bias, y, dim, step.name));
      continue;
    }
    for (const y of step.outputs) {
      y.shape?.forEach((size, d) => {
        if (!classes.isFree(y, d)) return;
        const seen = zerosAlong(y, d);
        if (!seen.includes(1)) return;
        const from = sourcesOf(step, links);
        for (let i = 0; i < size; i++) {
          const slice = classes.slice(y, d, i);
          if (seen[i] === 1 && followsSilence(step, from.get(slice) ?? [], silent)) silent[slice] = 1;
        }
      });
    }
  }
  return silent;
}

/** Slices of inputs by the slices of outputs they were joined with. */
function sourcesOf(step: Step, { joined }: Links): Map<number, number[]> {
  const sources = new Map<number, number[]>();
  const pairs = joined.get(step) ?? [];
  for (let k = 0; k < pairs.length; k += 2) {
    const [from, to] = [pairs[k] as number, pairs[k + 1] as number];
    sources.set(to, [...(sources.get(to) ?? []), from]);
  }
  return sources;
}

/** Whether zeros seen in a result follow from silence in what it was made of. */
function followsSilence({ name }: Step, sources: readonly number[], silent: Uint8Array): boolean {
  if (sources.length === 0) return false;
  const areSilent = sources.map((slice) => silent[slice] === 1);
  if (FACTORS.has(name)) return areSilent.some(Boolean);
  // What a norm gives is its shift, where it scales by zero.
  if (name === 'batchNorm' && areSilent.length > 2 && areSilent.slice(1).every(Boolean)) return true;
  return areSilent.every(Boolean);
}

interface Product {
  readonly x: Value;
  readonly weight: Value;
  readonly bias: Value | null;
  readonly y: Value;
  /** The dimension of the result along which the weight's rows stand. */
  readonly dim: number;
}

function productOf({ name, inputs: [x, weight, bias = null], outputs: [y] }: Step): Product | null {
  if ((name !== 'linear' && name !== 'conv2d') || !x || !weight || y === undefined) return null;
  return { x, weight, bias, y, dim: 1 };
}

/** Rows of a product that are zero: no shift, and a weight of zero for everything that is not silent itself. */
function silentRows(
  { classes }: Links,
  silent: Uint8Array,
  x: Value,
  weight: Value,
  bias: Value | null,
  y: Value,
  dim: number,
  name: string,
): Uint8Array {
  const rows = y.shape?.[dim] ?? 0;
  const areSilent = new Uint8Array(rows);
  if (weight.tensor === null || weight.tensor.disposed) return areSilent;
  const [, own = 0, ...field] = weight.shape ?? [];
  const values = weight.tensor.dataSync();
  const area = sizeOf(field);
  const groups = name === 'conv2d' ? (x.shape?.[1] ?? 0) / own : 1;
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / (rows / groups)) * own;
    let isSilent = bias === null || silent[classes.slice(bias, 0, row)] === 1;
    for (let i = 0; isSilent && i < own; i++) {
      if (silent[classes.slice(x, 1, first + i)] === 1) continue;
      for (let k = 0; k < area; k++) if (values[(row * own + i) * area + k] !== 0) isSilent = false;
    }
    areSilent[row] = Number(isSilent);
  }
  return areSilent;
}
