import type { DType } from './dtype.js';
import type { FloatOf, Higher, MatmulRank, Minus1, Plus1, RankOf } from './rank.js';
import type { Listed } from './sizes.js';
import type { Tensor } from './tensor.js';

/**
 * What the compiler knows of the results of ops: their dtype and rank, where those of the operands are known. Functions and
 * methods have the same signatures; scripts/list-methods.mjs makes the ones from the others.
 */

/** A tensor, or a number that stands for one. */
export type Value = Tensor | number | boolean;

type RankIn<A> = A extends Tensor<DType, infer R> ? R : 0;
type DTypeIn<A> = A extends Tensor<infer D> ? D : 'number';

/** Dtypes and numbers beside which a float32 tensor stays one. A float16 tensor of more dimensions would win. */
type Narrower = 'float32' | 'int32' | 'int8' | 'uint8' | 'bool' | 'number';

type Joined<A, B> = [A] extends ['float32']
  ? [B] extends [Narrower]
    ? 'float32'
    : DType
  : [B] extends ['float32']
    ? [A] extends [Narrower]
      ? 'float32'
      : DType
    : DType;

/** The dtype of a function of one tensor. bool becomes int32 where there is no such bool. */
export type UnaryDType<K, D extends DType> = K extends 'bool'
  ? 'bool'
  : K extends 'same' | 'whole'
    ? D extends 'bool'
      ? 'bool' | 'int32'
      : D
    : FloatOf<D>;

/**
 * The result of an op on two operands that broadcast. K says how it relates to them: 'bool' and 'logical' give bool, anything
 * else what both are together.
 */
export type BinaryResult<K, A, B> = Tensor<
  K extends 'bool' | 'logical' ? 'bool' : Joined<DTypeIn<A>, DTypeIn<B>>,
  Higher<RankIn<A>, RankIn<B>>
>;

/** An elementwise op of one tensor, with further parameters P. */
export type Unary<K, P extends readonly unknown[] = []> = <D extends DType, R extends number>(
  input: Tensor<D, R>,
  ...parameters: Partial<P>
) => Tensor<UnaryDType<K, D>, R>;

/** What follows the first operand: the other, by position or by name, and the options O. */
export type Others<O = unknown> = [other: Value, options?: O] | [options: { readonly other: Value } & O];

/** The other operand. */
export type OtherOf<A extends readonly unknown[]> = A extends readonly [infer First, ...unknown[]]
  ? First extends Value
    ? First
    : First extends { readonly other: infer B }
      ? B
      : Value
  : Value;

/** An elementwise op of two operands that broadcast; either may be a number. O is what else it takes by name. */
export type Binary<K = 'same', O = unknown> = <A extends Value, const B extends Others<O>>(
  input: A,
  ...rest: B
) => BinaryResult<K, A, OtherOf<B>>;

/** The rank of a reduction with arguments A: `(dim?, keepdim?)`, by position or by name. */
export type ReducedRank<R extends number, A extends readonly unknown[]> = A extends readonly []
  ? 0
  : A extends readonly [infer First, ...infer Rest]
    ? First extends { readonly dim?: unknown } | { readonly keepdim?: unknown }
      ? First extends Tensor
        ? number
        : Without<R, DimIn<First>, KeepIn<First>>
      : Without<R, First, Rest extends readonly [infer Second, ...unknown[]] ? KeepOf<Second> : false>
    : number;

type DimIn<O> = O extends { readonly dim: infer D } ? D : undefined;
type KeepIn<O> = O extends { readonly keepdim: infer K } ? K : false;
type KeepOf<V> = V extends boolean ? V : V extends undefined ? false : KeepIn<V>;

/** R without the dimensions `Dim`. */
type Without<R extends number, Dim, Keep> = Keep extends true
  ? R
  : Keep extends false
    ? [Dim] extends [null | undefined]
      ? 0
      : [Dim] extends [number]
        ? Minus1<R>
        : number
    : number;

/** The rank of sizes that are given one by one, in a list, or by name. */
export type ListedRank<S extends readonly unknown[]> = S extends readonly [infer First]
  ? First extends readonly unknown[]
    ? RankOf<First>
    : First extends number
      ? 1
      : number
  : RankOf<S>;

/** Sums of integers and bool are int32. */
export type SumDType<D extends DType> = DType extends D ? DType : D extends 'float32' | 'float16' ? D : 'int32';

/** One dtype and rank in, the same out. */
export type Same = <D extends DType, R extends number>(input: Tensor<D, R>) => Tensor<D, R>;

/** The same dimensions in another order. */
export type Permute = <D extends DType, R extends number>(input: Tensor<D, R>, ...dims: Listed<'dims'>) => Tensor<D, R>;

/** Other sizes, of which the number is known where they are written out. */
export type Reshape<K extends string> = <D extends DType, const S extends Readonly<Listed<K>>>(
  input: Tensor<D>,
  ...sizes: S
) => Tensor<D, ListedRank<S>>;

export type Matmul = <A extends number, B extends number>(
  input: Tensor<DType, A>,
  other: Tensor<DType, B>,
) => Tensor<DType, MatmulRank<A, B>>;

export type { Minus1, Plus1 };
