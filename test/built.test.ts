import { Tensor } from 'fettle';
import { beforeAll, describe, expect, test } from 'vitest';
import { build } from '../scripts/build.mjs';
import type { Sample } from '../src/ops/sheet.js';
import { dtypesOf, lay, sheets } from './support/sheets.js';

/**
 * What is built is not the sources: sheets are left out, calls are marked, modules are gathered. Every op of it, as a function and
 * as a method, gives what it gives in the sources, to the bit.
 */

type Module = typeof import('fettle') & Readonly<Record<string, unknown>>;
type AnyFunction = (...args: readonly unknown[]) => Tensor;

/** As a method it chooses what the tensor is, and takes the condition first. */
const OTHERWISE = ['where'];

/** What a tensor holds, with the sign of zeros. */
const written = (y: Tensor): string =>
  `${y.dtype} [${y.shape}] ${Array.from<unknown>(y.dataSync()).map((v) => (Object.is(v, -0) ? '-0' : String(v)))}`;

describe.each(['dist/node/index.js', 'dist/index.js'])('%s', (file) => {
  let built: Module;
  beforeAll(async () => {
    await build();
    built = (await import(new URL(`../${file}`, import.meta.url).href)) as Module;
  }, 300_000);

  /** The same tensor there; whatever else it is, itself. */
  const there = (x: unknown): unknown =>
    x instanceof Tensor ? built.tensor(x.dataSync() as never, x.shape, { dtype: x.dtype }) : x;

  test.each(sheets)('%s', (name, op) => {
    const { dtypes, samples } = op.op;
    const args = ({ inputs, args = [] }: Sample): unknown[] => {
      const kinds = dtypesOf(dtypes[0] as string, inputs.length);
      return [...inputs.map((a, i) => lay(a, kinds[i] as never, 'contiguous')), ...args];
    };
    const asFunction = built[name] as AnyFunction | undefined;
    const isMethod = name in built.Tensor.prototype && !OTHERWISE.includes(name);
    expect(isMethod || asFunction !== undefined, `${name} is neither a function nor a method`).toBe(true);
    for (const sample of samples()) {
      const wanted = written(op(...args(sample)));
      if (asFunction !== undefined) expect(written(asFunction(...args(sample).map(there)))).toBe(wanted);
      if (!isMethod) continue;
      const [x, ...others] = args(sample).map(there);
      expect(written((x as Readonly<Record<string, AnyFunction>>)[name]?.(...others) as Tensor)).toBe(wanted);
    }
  });
});
