import { noGrad } from '../../autograd/index.js';
import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { normalizeDim } from '../../core/shape.js';
import type { Module } from '../../nn/index.js';
import { gt, ones, tensor, where } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { maskOf, parameterOf, setMask } from './mask.js';
import { places, sliceNorms, smallest } from './rank.js';

/** Pruning methods as objects, as in torch.nn.utils.prune: the same masks, counts and rounding. */

/**
 * How much to prune: from 0 to 1 a fraction of the weights (or slices) that are left, above 1 a whole number of them. PyTorch
 * tells 1 from 1.0 and takes the first for a count; JavaScript cannot, and here 1 means all. To remove one of n, pass 1 / n.
 */
export type Amount = number;

/** How many of `count` weights `amount` means. Halves are rounded to even, as Python rounds. */
export function countOf(amount: Amount, count: number): number {
  if (typeof amount !== 'number' || !(amount >= 0) || (amount > 1 && !Number.isInteger(amount))) {
    fail('argument', `prune: amount must be a fraction in [0, 1] or a whole number, got ${amount}.`);
  }
  if (amount > 1 && amount > count) fail('argument', `prune: amount ${amount} is more than the ${count} there are.`);
  if (amount > 1) return amount;
  const exact = amount * count;
  const near = Math.round(exact);
  return near - exact === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

/** Importance of the weights of a parameter: a tensor of its shape, or the numbers one after another. */
export type Scores = Tensor | ArrayLike<number>;

function scoreTensor(name: string, scores: Scores, shape: readonly number[]): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = scores instanceof Tensor ? scores.dataSync() : scores;
  if (values.length !== count) {
    fail('shape', `prune: importance scores of ${name} must have ${count} elements, got ${values.length}.`);
  }
  return tensor(Float32Array.from(values as ArrayLike<number>), shape);
}

/**
 * A way to choose what goes. A method of one's own says what it looks at, and gives a mask for that:
 *
 * @example
 * class EveryOther extends compress.prune.BasePruningMethod {
 *   readonly pruningType = 'unstructured';
 *   computeMask(t: Tensor, defaultMask: Tensor): Tensor {
 *     return defaultMask.mul(arange(t.numel()).remainder(2));
 *   }
 * }
 * const layer = new nn.Linear(4, 1);
 * new EveryOther().apply(layer, 'weight');
 * compress.maskOf(layer.weight)?.toArray(); // → [[0, 1, 0, 1]]
 */
export abstract class BasePruningMethod {
  /**
   * What `computeMask` is shown: 'unstructured' the weights that are left, as a vector; 'structured' the slices along `dim`
   * of which anything is left; 'global' everything.
   */
  abstract readonly pruningType: 'unstructured' | 'structured' | 'global';
  /** The dimension of the slices of a structured method. */
  readonly dim: number = -1;

  /** A mask for `t`, importance scores or weights: 1 keeps, 0 removes. `defaultMask` is what is left so far. */
  abstract computeMask(t: Tensor, defaultMask: Tensor): Tensor;

  /** Prunes a parameter of `module`, together with what was pruned before. Ranks by `importanceScores`, if given. */
  apply(module: Module, name: string, importanceScores?: Scores): void {
    const parameter = parameterOf(module, name);
    const mask = scope(() =>
      noGrad(() => {
        const t = importanceScores === undefined ? parameter : scoreTensor(name, importanceScores, parameter.shape);
        return this.maskAfter(t, maskOf(parameter) ?? ones(parameter.shape)).dataSync();
      }),
    );
    setMask(parameter, mask);
  }

  /** `t` with 0 where this method removes; of a tensor that is no parameter of a module. */
  prune(t: Tensor, defaultMask?: Tensor, importanceScores: Tensor = t): Tensor {
    return scope(() =>
      where(
        gt(
          noGrad(() => this.maskAfter(importanceScores, defaultMask ?? ones(t.shape))),
          0,
        ),
        t,
        0,
      ),
    );
  }

  /** The mask of all of `t` after `mask` and this method: computeMask is shown its part, which is put back in its place. */
  maskAfter(t: Tensor, mask: Tensor): Tensor {
    if (this.pruningType === 'global') return this.checked(this.computeMask(t, mask), t.shape);
    const [values, before] = [t.dataSync(), mask.dataSync()];
    const shown = this.pruningType === 'unstructured' ? null : this.slicesLeft(t.shape, before);
    const positions = places(before.length, shown === null ? (i) => before[i] !== 0 : (i) => shown.has(i));
    const shape =
      shown === null ? [positions.length] : t.shape.map((size, d) => (d === shown.dim ? shown.count : size));
    const part = (of: ArrayLike<number>): Tensor =>
      tensor(
        Float32Array.from(positions, (i) => of[i] as number),
        shape,
      );
    const found = this.checked(this.computeMask(part(values), part(before)), shape).dataSync();
    const after = Float32Array.from(before);
    positions.forEach((i, at) => {
      after[i] = found[at] as number;
    });
    return tensor(after, t.shape);
  }

  /** Which positions are in slices of which anything is left. */
  private slicesLeft(shape: readonly number[], mask: ArrayLike<number>) {
    const dim = normalizeDim(this.constructor.name, this.dim, shape.length);
    const slice = sliceAt(shape, dim);
    const left = new Set<number>();
    for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) left.add(slice(i));
    return { dim, count: left.size, has: (i: number) => left.has(slice(i)) };
  }

  private checked(mask: Tensor, shape: readonly number[]): Tensor {
    if (show(mask.shape) === show(shape)) return mask;
    return fail('shape', `${this.constructor.name}: computeMask must give ${show(shape)}, got ${show(mask.shape)}.`);
  }
}

/** Which slice along `dim` a flat position is in. */
function sliceAt(shape: readonly number[], dim: number): (position: number) => number {
  const size = shape[dim] as number;
  const inner = shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  return (position) => Math.floor(position / inner) % size;
}

/** `mask` without the positions of which `goes` is true. */
function without(mask: Tensor, goes: (position: number) => boolean): Tensor {
  return tensor(
    Float32Array.from(mask.dataSync(), (keep, i) => (keep !== 0 && !goes(i) ? 1 : 0)),
    mask.shape,
  );
}

/** Removes nothing, and makes the mask that later prunings join. */
export class Identity extends BasePruningMethod {
  readonly pruningType = 'unstructured';

  computeMask(_: Tensor, defaultMask: Tensor): Tensor {
    return defaultMask;
  }
}

/** Removes weights at random. */
export class RandomUnstructured extends BasePruningMethod {
  readonly pruningType = 'unstructured';

  constructor(
    readonly amount: Amount,
    private readonly generator: Generator = defaultGenerator,
  ) {
    super();
  }

  computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    const gone = new Set(this.generator.permutation(t.numel()).subarray(0, countOf(this.amount, t.numel())));
    return without(defaultMask, (i) => gone.has(i));
  }
}

/** Removes the weights of smallest absolute value. */
export class L1Unstructured extends BasePruningMethod {
  readonly pruningType = 'unstructured';

  constructor(readonly amount: Amount) {
    super();
  }

  computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    const gone = smallest(t.dataSync().map(Math.abs), countOf(this.amount, t.numel()));
    const mask = Float32Array.from(defaultMask.dataSync());
    for (const i of gone) mask[i] = 0;
    return tensor(mask, t.shape);
  }
}

/** Removes whole slices along `dim` at random. */
export class RandomStructured extends BasePruningMethod {
  readonly pruningType = 'structured';

  constructor(
    readonly amount: Amount,
    override readonly dim = -1,
    private readonly generator: Generator = defaultGenerator,
  ) {
    super();
  }

  computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    const dim = normalizeDim('randomStructured', this.dim, t.ndim);
    const size = t.shape[dim] as number;
    const gone = new Set(this.generator.permutation(size).subarray(0, countOf(this.amount, size)));
    const slice = sliceAt(t.shape, dim);
    return without(defaultMask, (i) => gone.has(slice(i)));
  }
}

/** Removes the slices along `dim` of smallest n-norm. */
export class LnStructured extends BasePruningMethod {
  readonly pruningType = 'structured';

  constructor(
    readonly amount: Amount,
    readonly n = 2,
    override readonly dim = -1,
    /** Importance of each slice of the whole parameter, in place of its norm. */
    private readonly ranks: ArrayLike<number> | null = null,
  ) {
    super();
    if (!(n >= 0 || n === -Infinity)) fail('argument', `lnStructured: n must be 0 or more, or ±Infinity, got ${n}.`);
  }

  override maskAfter(t: Tensor, mask: Tensor): Tensor {
    const { ranks } = this;
    if (ranks === null) return super.maskAfter(t, mask);
    const slice = sliceAt(t.shape, normalizeDim('lnStructured', this.dim, t.ndim));
    const filled = Float32Array.from({ length: t.numel() }, (_, i) => ranks[slice(i)] as number);
    return super.maskAfter(tensor(filled, t.shape), mask);
  }

  computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    const dim = normalizeDim('lnStructured', this.dim, t.ndim);
    const inner = t.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
    // Scores of slices fill them, and each is read off where its slice begins.
    const scores =
      this.ranks === null
        ? sliceNorms(t, dim, this.n)
        : t.dataSync().filter((_, i) => i < inner * (t.shape[dim] as number) && i % inner === 0);
    return withoutSlices(defaultMask, dim, scores, this.amount);
  }
}

function withoutSlices(mask: Tensor, dim: number, scores: ArrayLike<number>, amount: Amount): Tensor {
  const gone = new Set(smallest(scores, countOf(amount, scores.length)));
  const slice = sliceAt(mask.shape, dim);
  return without(mask, (i) => gone.has(slice(i)));
}

/** Removes what a mask says: 1 keeps, 0 removes. */
export class CustomFromMask extends BasePruningMethod {
  readonly pruningType = 'global';

  constructor(private readonly mask: Scores) {
    super();
  }

  computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    const given = this.mask instanceof Tensor ? this.mask.dataSync() : this.mask;
    if (given.length !== t.numel()) {
      fail('shape', `prune: the mask of ${show(t.shape)} needs ${t.numel()} elements, got ${given.length}.`);
    }
    return without(defaultMask, (i) => given[i] === 0);
  }
}

/**
 * Keeps the `n` weights of largest absolute value of every `m` that follow one another along `dim` (A. Mishra et al. 2021,
 * "Accelerating sparse deep neural networks"). The default dim is 1, that of the inputs; of vectors 0.
 */
export class NM extends BasePruningMethod {
  readonly pruningType = 'global';

  constructor(
    readonly n: number,
    readonly m: number,
    private readonly along: number | null = null,
  ) {
    super();
    if (!Number.isInteger(n) || !Number.isInteger(m) || n < 0 || m < 1 || n > m) {
      fail('argument', `prune.nm: expected whole numbers 0 ≤ n ≤ m and m ≥ 1, got ${n} and ${m}.`);
    }
  }

  computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    const { n, m } = this;
    const dim = normalizeDim('nm', this.along ?? Math.min(1, t.ndim - 1), t.ndim);
    const size = t.shape[dim] as number;
    if (size % m !== 0) {
      const others = t.shape.flatMap((other, d) => (other % m === 0 ? [d] : []));
      const hint = others.length > 0 ? `Try dim ${others.join(' or ')}.` : 'Leave this layer out.';
      fail('shape', `prune.nm: size ${size} of ${show(t.shape)} along dim ${dim} is no multiple of ${m}. ${hint}`);
    }
    const inner = t.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
    const [values, mask] = [t.dataSync(), Float32Array.from(defaultMask.dataSync())];
    const group = new Float64Array(m);
    for (let outer = 0; outer < mask.length; outer += inner * m) {
      for (let first = outer; first < outer + inner; first++) {
        // What is gone already ranks below everything, 0 among it.
        for (let k = 0; k < m; k++) {
          const i = first + k * inner;
          group[k] = mask[i] === 0 ? -1 : Math.abs(values[i] as number);
        }
        for (const k of smallest(group, m - n)) mask[first + k * inner] = 0;
      }
    }
    return tensor(mask, t.shape);
  }
}

/**
 * Removes the blocks of smallest n-norm: rectangles [rows, columns] of the weight as a matrix, all dimensions but the first
 * being columns. Blocks at the edge may be smaller; norms are means over what a block holds, so that all compare. An amount
 * counts blocks of which anything is left (S. Narang et al. 2017, "Block-sparse recurrent neural networks").
 */
export class BlockStructured extends BasePruningMethod {
  readonly pruningType = 'global';

  constructor(
    readonly amount: Amount,
    readonly size: readonly [rows: number, columns: number] = [4, 4],
    readonly n = 2,
  ) {
    super();
    if (size.length !== 2 || size.some((edge) => !Number.isInteger(edge) || edge < 1)) {
      fail('argument', `prune.block: size must be [rows, columns], whole numbers ≥ 1, got ${show(size)}.`);
    }
    if (!(n > 0)) fail('argument', `prune.block: n must be above 0, got ${n}.`);
  }

  computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    const blockAt = blocksOf(t.shape, this.size);
    const mask = defaultMask.dataSync();
    const scores = blockScores(t.dataSync(), blockAt, this.n);
    const left = [...new Set(places(mask.length, (i) => mask[i] !== 0).map(blockAt))].sort((a, b) => a - b);
    const ranked = left.map((block) => scores[block] as number);
    const gone = new Set(Array.from(smallest(ranked, countOf(this.amount, left.length)), (rank) => left[rank]));
    return without(defaultMask, (i) => gone.has(blockAt(i)));
  }
}

/** Which block of a weight a flat position is in, blocks being numbered row by row. */
export function blocksOf(
  shape: readonly number[],
  [height, width]: readonly [number, number],
): (position: number) => number {
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  const across = Math.ceil(columns / width);
  return (position) => {
    const row = Math.floor(position / columns);
    return Math.floor(row / height) * across + Math.floor((position - row * columns) / width);
  };
}

/** Mean |value|ⁿ of each block, or the largest magnitude for n = ∞. */
export function blockScores(values: ArrayLike<number>, blockAt: (position: number) => number, n: number): Float64Array {
  const count = values.length === 0 ? 0 : blockAt(values.length - 1) + 1;
  const [sums, sizes] = [new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < values.length; i++) {
    const block = blockAt(i);
    const magnitude = Math.abs(values[i] as number);
    const before = sums[block] as number;
    sums[block] = n === Infinity ? Math.max(before, magnitude) : before + elementary.pow(magnitude, n);
    sizes[block] = (sizes[block] as number) + 1;
  }
  return n === Infinity ? sums : sums.map((sum, block) => sum / (sizes[block] as number));
}

/** Several prunings, one after another, each on what the one before has left. */
export class PruningContainer extends BasePruningMethod {
  readonly pruningType = 'global';
  private readonly methods: BasePruningMethod[] = [];

  constructor(...methods: readonly BasePruningMethod[]) {
    super();
    for (const method of methods) this.addPruningMethod(method);
  }

  addPruningMethod(method: BasePruningMethod): void {
    if (!(method instanceof BasePruningMethod)) {
      fail('argument', 'PruningContainer: expected a pruning method, e.g. new prune.L1Unstructured(0.3).');
    }
    this.methods.push(method);
  }

  get length(): number {
    return this.methods.length;
  }

  [Symbol.iterator](): Iterator<BasePruningMethod> {
    return this.methods[Symbol.iterator]();
  }

  computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    // A weight that went before counts as 0 in the norm of its slice.
    return this.methods.reduce((mask, method) => method.maskAfter(where(gt(mask, 0), t, 0), mask), defaultMask);
  }
}
