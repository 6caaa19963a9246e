import type { TypedArray } from '../core/dtype.js';
import type { Tensor } from '../tensor.js';

/**
 * How elements of the ranks are joined, with torch.distributed's names: `avg` is the sum divided by the number of ranks, and is
 * for floating-point numbers alone.
 */
export type ReduceOp = 'sum' | 'avg' | 'product' | 'min' | 'max';

/**
 * What ranks exchange: a contiguous tensor on any device, or a typed array of which every element takes part. A tensor of dtype
 * bool counts as its bytes, for which 'min' is "and" and 'max' is "or".
 */
export type Shared = Tensor | TypedArray;

export interface AllReduceOptions {
  /** Default 'sum'. */
  readonly op?: ReduceOp;
}

export interface BroadcastOptions {
  /** The rank whose values everybody gets. Default 0. */
  readonly src?: number;
}

/**
 * Several processes, or several tasks of one process, that compute together: each has a number, its rank, and all call the same
 * methods in the same order with data of the same dtype and the same number of elements. That is a rule of message passing and
 * nothing that a single rank could check; what can be told apart is refused.
 *
 * A method begins its work at once and gives a promise. Until that is kept, the data belong to the operation: they may neither be
 * read nor written, though disposing a tensor does no harm. Several operations may be under way; they end in any order.
 * A promise is broken with a FettleError of code 'state' where another rank is gone or calls something else.
 *
 * `inProcess(n)` makes ranks within one process, `alone()` the only rank of a program that runs by itself, and `fettle/mpi` the
 * ranks that mpirun or srun have started.
 */
export interface Collective {
  /** This rank's number, 0 ≤ rank < size. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;

  /**
   * Joins the data of all ranks element by element, in place: afterwards every rank holds the same result, which is also what the
   * promise gives. Floats of 32 bits are added in 32 bits, in an order that is the same on all ranks and that MPI chooses;
   * integers wrap. What is reduced is a value: nothing is recorded for gradients.
   */
  allReduce<T extends Shared>(data: T, op?: ReduceOp | AllReduceOptions): Promise<T>;

  /** Gives every rank the values of rank `src` (default 0), in place, and gives the data itself. */
  broadcast<T extends Shared>(data: T, src?: number | BroadcastOptions): Promise<T>;

  /**
   * The data of all ranks, by rank; what was passed stays as it is. Tensors come as tensors of the same shape, which share
   * memory of `size` times the data and belong to the scope in which this was called; arrays as arrays of the same kind.
   */
  allGather<T extends Shared>(data: T): Promise<T[]>;

  /** Waits until every rank has come to this point. */
  barrier(): Promise<void>;

  /**
   * Leaves the group, once all ranks have come to this point. Nothing can be exchanged afterwards; closing twice does nothing.
   */
  close(): Promise<void>;

  /**
   * Gives operations under way a moment of this thread, where nothing else moves them on. A program need not call it; one that
   * computes for long without awaiting anything, as a backward pass does, hides more of the exchange behind its work if it does.
   */
  progress?(): void;
}
