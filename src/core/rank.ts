import type { DType } from './dtype.js';
import type { Shape } from './shape.js';

/**
 * What the compiler knows of shapes: the number of dimensions. `number` stands for a rank that is known at run time only; it is
 * what every type here gives where it cannot tell.
 */

/** Shapes by rank. */
interface Shapes {
  readonly 0: readonly [];
  readonly 1: readonly [number];
  readonly 2: readonly [number, number];
  readonly 3: readonly [number, number, number];
  readonly 4: readonly [number, number, number, number];
  readonly 5: readonly [number, number, number, number, number];
  readonly 6: readonly [number, number, number, number, number, number];
  readonly 7: readonly [number, number, number, number, number, number, number];
  readonly 8: readonly [number, number, number, number, number, number, number, number];
  readonly [rank: number]: Shape;
}

/** The shape of a tensor of rank R: `const [rows, columns] = matrix.shape` gives two numbers. */
export type ShapeOf<R extends number> = Shapes[R];

/** The rank of a tensor with sizes S: a list of literal length, or one number. */
export type RankOf<S> = S extends number ? 1 : S extends { readonly length: infer L extends number } ? L : number;

interface Next {
  readonly 0: 1;
  readonly 1: 2;
  readonly 2: 3;
  readonly 3: 4;
  readonly 4: 5;
  readonly 5: 6;
  readonly 6: 7;
  readonly 7: 8;
  readonly [rank: number]: number;
}

interface Previous {
  readonly 1: 0;
  readonly 2: 1;
  readonly 3: 2;
  readonly 4: 3;
  readonly 5: 4;
  readonly 6: 5;
  readonly 7: 6;
  readonly 8: 7;
  readonly [rank: number]: number;
}

/** One dimension more, as by `unsqueeze` or `stack`. */
export type Plus1<R extends number> = Next[R];
/** One dimension less, as by `select` or `sum(1)`. */
export type Minus1<R extends number> = Previous[R];

/** What R + 1 and further dimensions are. */
interface Beyond {
  readonly 0: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  readonly 1: 2 | 3 | 4 | 5 | 6 | 7 | 8;
  readonly 2: 3 | 4 | 5 | 6 | 7 | 8;
  readonly 3: 4 | 5 | 6 | 7 | 8;
  readonly 4: 5 | 6 | 7 | 8;
  readonly 5: 6 | 7 | 8;
  readonly 6: 7 | 8;
  readonly 7: 8;
  readonly 8: never;
  readonly [rank: number]: number;
}

/** The rank of what ranks A and B broadcast to: the higher one. */
export type Higher<A extends number, B extends number> = number extends A
  ? number
  : number extends B
    ? number
    : B extends Beyond[A]
      ? B
      : A;

/** The rank of a matrix product. */
export type MatmulRank<A extends number, B extends number> = number extends A
  ? number
  : number extends B
    ? number
    : A extends 1
      ? Minus1<B>
      : B extends 1
        ? Minus1<A>
        : Higher<A, B>;

/** The rank of a reduction over `dim`, one or several. */
export type Reduced<R extends number, Dim, Keep> = Keep extends true
  ? R
  : Keep extends false | undefined
    ? Dim extends null | undefined
      ? 0
      : Dim extends number
        ? Minus1<R>
        : number
    : number;

/** The dtype of what is computed in floating point: integers and bool give float32. */
export type FloatOf<D extends DType> = DType extends D ? DType : D extends 'float16' ? 'float16' : 'float32';
