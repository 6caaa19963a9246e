import { type DType, type Tensor, tensor } from 'fettle';
import * as ops from 'fettle/ops';
import { traits } from '../../src/core/dtype.js';
import type { Reference, Sheet } from '../../src/ops/sheet.js';

/** An op as the tests call it. */
export type AnyOp = ((...args: unknown[]) => Tensor) & { readonly op: Sheet };

/** Every op with a sheet, by name; second names of an op are left out. */
export const sheets: readonly [string, AnyOp][] = Object.entries(ops)
  .filter((entry): entry is [string, AnyOp] => typeof entry[1] === 'function' && 'op' in entry[1])
  .filter(([name, op]) => name === op.op.name || (ops as Record<string, unknown>)[op.op.name] !== op);

/** Ways for the same elements to lie in memory. */
export const LAYOUTS = ['contiguous', 'transposed', 'sliced', 'offset'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** What float32 and the integers make of a float64 value. */
export function rounded(value: number, dtype: DType): number {
  if (dtype === 'float32') return Math.fround(value);
  if (dtype === 'bool') return Number(value !== 0);
  return dtype === 'uint8' ? Math.trunc(value) & 255 : Math.trunc(value);
}

/** A tensor of the elements of `a`, laid out as asked. */
export function lay(a: Reference, dtype: DType, layout: Layout): Tensor {
  const data = Float64Array.from(a.data, (v) => rounded(v, dtype));
  const plain = tensor(data, a.shape, { dtype });
  if (layout === 'contiguous' || a.shape.length === 0) return plain;
  if (layout === 'transposed') {
    // Written with its dimensions reversed and then seen through a view that reverses them again.
    const order = a.shape.map((_, i) => a.shape.length - 1 - i);
    return plain.permute(order).contiguous().permute(order);
  }
  const last = a.shape.length - 1;
  if (layout === 'sliced') {
    const doubled = tensor(
      Float64Array.from({ length: data.length * 2 }, (_, i) => (i % 2 === 0 ? (data[i / 2] as number) : 77)),
      [...a.shape.slice(0, -1), (a.shape[last] as number) * 2],
      { dtype },
    );
    return doubled.slice(last, 0, null, 2);
  }
  const shifted = tensor(Float64Array.from([77, ...data, 77]), [data.length + 2], { dtype });
  return shifted.narrow(0, 1, data.length).reshape(a.shape);
}

/** Dtypes of the inputs of one case: 'float32', or one for each input, 'bool,float32'. */
export function dtypesOf(text: string, count: number): DType[] {
  const parts = text.split(',') as DType[];
  return Array.from({ length: count }, (_, i) => parts[Math.min(i, parts.length - 1)] as DType);
}

/** Whether a dtype can hold all values of a sample as they are. */
export function canHold(dtype: DType, a: Reference): boolean {
  return traits[dtype].isFloat || a.data.every((v) => Number.isFinite(v) && Math.abs(v) < 1e6);
}
