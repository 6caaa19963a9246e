/**
 * What is known about an op besides how to compute it. Tests and documentation are made from it; none of it runs in a
 * computation.
 */

/** A plain array of float64 values: what oracles compute on. */
export interface Reference {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** One call to check: inputs as arrays, and the remaining arguments. */
export interface Sample {
  readonly inputs: readonly Reference[];
  readonly args?: readonly unknown[];
}

export type Oracle = (inputs: readonly Reference[], args: readonly unknown[]) => Reference | readonly Reference[];

export interface Sheet {
  readonly name: string;
  readonly family: string;
  /** One sentence, with shapes. */
  readonly doc: string;
  /** The op in float64. */
  readonly oracle: Oracle;
  readonly samples: () => readonly Sample[];
  /** Input dtypes it takes. */
  readonly dtypes: readonly string[];
  /** Which inputs have a gradient. */
  readonly differentiable: readonly boolean[];
  /** Kernel's distance from the oracle that rounding allows, relative. Default 1e-6. */
  readonly tolerance?: number;
}

/** An array with the value `f(index)` at each index. */
export function build(shape: readonly number[], f: (index: readonly number[]) => number): Reference {
  const data = new Float64Array(shape.reduce((n, s) => n * s, 1));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    data[i] = f(index);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      index[d] = 0;
    }
  }
  return { shape, data };
}

/** The element at `index`; missing leading dimensions and dimensions of size 1 broadcast. */
export function at(a: Reference, index: readonly number[]): number {
  let flat = 0;
  const lead = index.length - a.shape.length;
  for (let d = 0; d < a.shape.length; d++) {
    const size = a.shape[d] as number;
    flat = flat * size + (size === 1 ? 0 : (index[lead + d] as number));
  }
  return a.data[flat] as number;
}

/** Values between low and high that are the same every time: a low-discrepancy sequence, no two alike. */
export function spread(shape: readonly number[], low = -2, high = 2, phase = 0.37): Reference {
  let i = 0;
  return build(shape, () => {
    const u = (phase + ++i * 0.6180339887498949) % 1;
    return Math.fround(low + (high - low) * u);
  });
}

/** Whole numbers in [low, high). */
export function integers(shape: readonly number[], low: number, high: number, phase = 0.21): Reference {
  const a = spread(shape, low, high, phase);
  return { shape, data: a.data.map(Math.floor) };
}
