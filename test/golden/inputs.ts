import { type DType, noGrad, stack, type Tensor, tensor } from 'fettle';

/** The inputs of golden cases, made from the formula that golden.py describes. */

/** A number as JSON holds it. */
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity';

export interface InputSpec {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  readonly low?: number;
  readonly high?: number;
  readonly step?: number;
  readonly data?: readonly JsonNumber[];
  readonly grad?: false;
  /** Calls that make the view that the op sees: a method's name and its arguments. */
  readonly view?: readonly (readonly [name: string, ...args: (number | number[])[]])[];
}

/** How an input lies in memory: as it comes, or with gaps or dimensions in another order. */
export type Layout = 'contiguous' | 'strided';

/** Element i of the formula with this seed, between 0 and 1. */
function uniform(i: number, seed: number): number {
  let h = (Math.imul(i, 0x9e3779b1) + Math.imul(seed, 0x85ebca6b) + 0x165667b1) >>> 0;
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 12;
  h = Math.imul(h, 0x297a2d39);
  h ^= h >>> 15;
  return (h >>> 0) / 2 ** 32;
}

/** The elements of an input with this seed, before they are rounded to a dtype. */
export function elements(seed: number, { shape, low = -2, high = 2, step, data }: InputSpec): Float64Array {
  if (data !== undefined) return Float64Array.from(data, Number);
  const count = shape.reduce((n, size) => n * size, 1);
  return Float64Array.from({ length: count }, (_, i) => {
    const value = low + (high - low) * uniform(i, seed);
    return step === undefined ? value : Math.floor(value / step) * step;
  });
}

/** The weights of output k in the sum whose gradient a case holds. */
export function weights(k: number, shape: readonly number[]): Tensor {
  return tensor(elements(101 + k, { shape, low: -1, high: 1 }), shape, { dtype: 'float32' });
}

/** The same elements with other strides: every second element, or dimensions stored in reverse. */
export function strided(x: Tensor): Tensor {
  if (x.ndim < 2) return stack([x, x], x.ndim).select(-1, 1);
  const reversed = x.shape.map((_, i) => x.ndim - 1 - i);
  return x.permute(reversed).contiguous().permute(reversed);
}

/** Input k of a case: the leaf that gathers its gradient, and what the op sees of it. */
export function makeInput(spec: InputSpec, k: number, layout: Layout): { leaf: Tensor; x: Tensor } {
  const { shape, dtype = 'float32', grad = true, view = [] } = spec;
  const isFloat = dtype === 'float32' || dtype === 'float16';
  const values = elements(k + 1, spec);
  const plain = tensor(isFloat ? values : values.map(Math.floor), shape, { dtype });
  const leaf = layout === 'contiguous' ? plain : noGrad(() => strided(plain).detach());
  if (dtype === 'float32' && grad) leaf.requiresGrad_();
  const x = view.reduce<Tensor>((seen, [name, ...args]) => {
    const method = seen[name as 'view'] as unknown as (...args: unknown[]) => Tensor;
    return method.apply(seen, args);
  }, leaf);
  return { leaf, x };
}

/** An argument of a case with its inputs filled in. */
export function argument(value: unknown, inputs: readonly Tensor[]): unknown {
  if (Array.isArray(value)) return value.map((v) => argument(v, inputs));
  // JSON has no words for these.
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if ('$' in value) return inputs[value.$ as number];
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, argument(v, inputs)]));
}
