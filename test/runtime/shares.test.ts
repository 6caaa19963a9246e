import { conv2d, deterministic, manualSeed, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { currentDevice } from '../../src/backend/current.js';
import type { WasmDevice } from '../../src/backend/wasm.js';
import type { Launch } from '../../src/core/device.js';
import { convFused } from '../../src/ops/convfused.js';
import type { Sample } from '../../src/ops/sheet.js';
import { type AnyOp, canHold, dtypesOf, LAYOUTS, lay, sheets } from '../support/sheets.js';

/**
 * What makes the same bits at any number of threads: a kernel computes the items [begin, end) of its work and nothing that depends
 * on where the share begins or ends. So every op of the table, and its gradient, is computed whole and in shares of all kinds, on
 * one thread, and must come to the same bits.
 */

const device = currentDevice() as WasmDevice;
const { engine } = device;

/** Shares a launch out, in an order that no thread would take them in: the last first. */
let cut: (work: number) => number = (work) => work;
/** Kernels that have been run in more than one share. */
const shared = new Set<string>();

const launch = device.launch.bind(device);

function inShares(launched: Launch): void {
  const { work, kernel } = launched;
  const entry = engine.kernel(kernel);
  const length = Math.max(1, cut(work));
  if (length >= work || launched.grain === undefined) {
    launch(launched);
    return;
  }
  shared.add(typeof kernel === 'string' ? kernel : kernel.name);
  const { run } = entry;
  const whole = entry as { run: typeof run };
  whole.run = (record, begin, end) => {
    const last = begin + Math.floor((end - 1 - begin) / length) * length;
    for (let at = last; at >= begin; at -= length) run(record, at, Math.min(end, at + length));
  };
  try {
    launch(launched);
  } finally {
    whole.run = run;
  }
}

beforeAll(() => {
  device.launch = inShares;
});

afterAll(() => {
  device.launch = launch;
  deterministic(false);
});

/** Shares of one item, of a few, and of half the work. */
const CUTS: readonly ((work: number) => number)[] = [
  () => 1,
  () => 3,
  (work) => Math.ceil(work / 2),
  (work) => Math.max(1, Math.floor((2 * work) / 5)),
];

/** The result of an op on a sample and the gradients of its inputs, as numbers in the order of memory. */
function outcome(op: AnyOp, dtype: string, layout: (typeof LAYOUTS)[number], sample: Sample): (readonly number[])[] {
  const dtypes = dtypesOf(dtype, sample.inputs.length);
  const inputs = sample.inputs.map((a, i) => {
    const x = lay(a, dtypes[i] as never, layout);
    return op.op.differentiable[i] && x.dtype === 'float32' ? x.requiresGrad_() : x;
  });
  manualSeed(5);
  const y = op(...inputs, ...(sample.args ?? []));
  const results = [Array.from(y.dataSync(), Number)];
  const leaves = inputs.filter((x) => x.requiresGrad);
  if (!y.requiresGrad || leaves.length === 0) return results;
  const g = Float32Array.from({ length: y.numel() }, (_, i) => Math.sin(i + 1));
  y.backward(tensor(g, y.shape));
  return [...results, ...leaves.map((x) => Array.from(x.grad?.dataSync() ?? [], Number))];
}

/** Whether two lists hold the same numbers, bit by bit but for what is in a NaN. */
function same(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): boolean {
  return a.length === b.length && a.every((list, i) => list.every((v, k) => Object.is(v, b[i]?.[k])));
}

describe.each([true, false])('strict: %s', (strict) => {
  beforeAll(() => deterministic(strict));

  test.each(sheets)('%s', (name, op) => {
    for (const dtype of op.op.dtypes) {
      for (const layout of name === 'view' ? LAYOUTS.slice(0, 1) : LAYOUTS.slice(0, 2)) {
        for (const [k, sample] of op.op.samples().entries()) {
          if (!sample.inputs.every((a, i) => canHold(dtypesOf(dtype, sample.inputs.length)[i] as never, a))) continue;
          cut = (work) => work;
          const whole = scope(() => outcome(op, dtype, layout, sample));
          for (const [c, length] of CUTS.entries()) {
            cut = length;
            const parts = scope(() => outcome(op, dtype, layout, sample));
            if (!same(whole, parts)) {
              throw new Error(
                `${dtype}, ${layout}, sample ${k}, cut ${c}: ${JSON.stringify([whole, parts]).slice(0, 600)}`,
              );
            }
          }
        }
      }
    }
  });
});

describe.each([true, false])('convolutions of few images and many channels, strict: %s', (strict) => {
  beforeAll(() => deterministic(strict));

  test.each([
    [1, 3, 17, 9, 9, 3, 1],
    [1, 5, 20, 5, 5, 3, 1],
    [2, 4, 33, 6, 7, 3, 1],
    [3, 2, 64, 5, 5, 1, 0],
    [1, 1, 25, 12, 12, 5, 2],
    [2, 6, 16, 3, 3, 3, 1],
    [1, 8, 40, 4, 4, 3, 2],
    [5, 3, 9, 8, 30, 3, 0],
    [9, 8, 24, 7, 7, 3, 1],
    [2, 16, 9, 10, 10, 3, 1],
  ])('%i × %i → %i, %i × %i, kernel %i, padding %i', (n, c, oc, h, w, k, padding) => {
    const results = [(work: number) => work, ...CUTS].map((length) => {
      cut = length;
      return scope(() => {
        manualSeed(3);
        const inputs = [randn([n, c, h, w]), randn([oc, c, k, k]), randn([oc])].map((x) => x.requiresGrad_());
        const [x, weight, bias] = inputs as [Tensor, Tensor, Tensor];
        const fused = noGrad(() => convFused(x, weight, { bias, padding }, { scale: bias, shift: bias, relu: true }));
        const y = conv2d(x, weight, bias, { padding });
        y.backward(randn(y.shape));
        return [fused, y, ...inputs.map(({ grad }) => grad as Tensor)].map((t) => Array.from(t.dataSync(), Number));
      });
    });
    for (const result of results) expect(same(result, results[0] ?? [])).toBe(true);
  });
});

test('most kernels that can be shared were', () => {
  expect(shared.size).toBeGreaterThan(100);
});
