import { noGrad } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import type { Generator } from '../core/random.js';
import { defaultGenerator } from '../core/random.js';
import { scope } from '../core/scoping.js';
import { cast, mul, mv, oneHot, reshape, softmax, sub, sum, tensor } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { groupByLabel, type Labels } from './labels.js';
import type { Sampler } from './sampler.js';

/** Coresets: few samples that stand for many. Each returns the samples' numbers, the most telling first. */

export interface CoresetOptions {
  /** The class of each sample: every class then gives the same share of its own. Default: all samples are one class. */
  readonly labels?: Labels;
}

/** Rows of `features` as float32 [N, D]; checks that `size` of them can be chosen. */
function table(name: string, features: Tensor, size: number): Tensor {
  const n = features.shape[0] ?? 0;
  if (features.ndim < 2) fail('shape', `${name}: expected features [N, D …], got ${show(features.shape)}.`);
  checkSize(name, size, n);
  return cast(reshape(features, [n, -1]), 'float32').contiguous();
}

function checkSize(name: string, size: number, n: number): void {
  if (!Number.isInteger(size) || size < 0 || size > n) {
    fail('argument', `${name}: expected a whole number of samples from 0 to ${n}, got ${size}.`);
  }
}

/** How many of each class, for `size` in all: in proportion, rounded so that they add up. */
function shares(groups: readonly Int32Array[], size: number): number[] {
  const n = groups.reduce((total, { length }) => total + length, 0);
  const counts = groups.map(({ length }) => Math.floor((size * length) / n));
  const rests = groups.map(({ length }, g) => (size * length) / n - (counts[g] as number));
  const order = rests.map((_, g) => g).sort((a, b) => (rests[b] as number) - (rests[a] as number));
  let missing = size - counts.reduce((a, b) => a + b, 0);
  for (const g of order) {
    if (missing-- <= 0) break;
    counts[g] = (counts[g] as number) + 1;
  }
  return counts;
}

/** Chooses in every class by itself and returns the choices in turns, so that any beginning of them is balanced too. */
function byClass(
  name: string,
  n: number,
  size: number,
  labels: Labels | undefined,
  choose: (members: Int32Array, count: number) => Int32Array,
): Int32Array {
  if (labels === undefined)
    return choose(
      Int32Array.from({ length: n }, (_, i) => i),
      size,
    );
  if (labels.length !== n) fail('shape', `${name}: there are ${n} samples and ${labels.length} labels.`);
  const groups = groupByLabel(name, labels);
  const counts = shares(groups, size);
  const chosen = groups.map((members, g) => choose(members, counts[g] as number));
  const placed = chosen.flatMap((list) => Array.from(list, (sample, i) => ({ sample, at: (i + 0.5) / list.length })));
  return Int32Array.from(
    placed.sort((a, b) => a.at - b.at),
    ({ sample }) => sample,
  );
}

/** The rows of `members`, in a scope of the caller's. */
function rowsOf(x: Tensor, members: Int32Array): Tensor {
  return members.length === x.shape[0] ? x : x.indexSelect(0, tensor(members) as Tensor<'int32'>);
}

function largest(values: ArrayLike<number>, taken: Uint8Array): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) {
    if (taken[i] === 0 && (best < 0 || (values[i] as number) > (values[best] as number))) best = i;
  }
  return best;
}

/**
 * The samples whose mean follows the mean of all most closely, chosen one by one (Welling 2009, "Herding dynamical weights
 * to learn"; for classes as in Rebuffi et al. 2017, "iCaRL"). Features [N, D …] are best those of a trained network; a
 * choice reads all features once, so the time is size · N · D.
 */
export function herding(features: Tensor, size: number, { labels }: CoresetOptions = {}): Int32Array {
  return scope(() =>
    noGrad(() => {
      const all = table('herding', features, size);
      return byClass('herding', all.shape[0] as number, size, labels, (members, count) => {
        const x = rowsOf(all, members);
        const [n, d] = x.shape as [number, number];
        const mean = Float64Array.from(sum(x, 0).dataSync(), (v) => v / n);
        const values = x.dataSync();
        const wish = mean.slice();
        const taken = new Uint8Array(n);
        return Int32Array.from({ length: count }, () => {
          const nearness = scope(() =>
            mv(x, tensor(Float32Array.from(wish)))
              .dataSync()
              .slice(),
          );
          const best = largest(nearness, taken);
          taken[best] = 1;
          for (let f = 0; f < d; f++) {
            wish[f] = (wish[f] as number) + (mean[f] as number) - (values[best * d + f] as number);
          }
          return members[best] as number;
        });
      });
    }),
  );
}

export interface KCenterOptions extends CoresetOptions {
  /** Draws the first sample. Default: the default generator. */
  readonly generator?: Generator;
}

/**
 * Samples of which one is near to every other: each choice is the sample farthest from all chosen before (Sener and Savarese
 * 2018, "Active learning for convolutional neural networks: a core-set approach"; greedy, at most twice the best radius).
 */
export function kCenter(
  features: Tensor,
  size: number,
  { labels, generator = defaultGenerator }: KCenterOptions = {},
): Int32Array {
  return scope(() =>
    noGrad(() => {
      const all = table('kCenter', features, size);
      return byClass('kCenter', all.shape[0] as number, size, labels, (members, count) => {
        if (count === 0) return new Int32Array(0);
        const x = rowsOf(all, members);
        const n = x.shape[0] as number;
        const squares = sum(mul(x, x), 1).dataSync();
        const distances = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
        const taken = new Uint8Array(n);
        let next = generator.below(n);
        return Int32Array.from({ length: count }, (_, i) => {
          if (i > 0) next = largest(distances, taken);
          taken[next] = 1;
          const products = scope(() => mv(x, x.select(0, next)).dataSync().slice());
          const own = squares[next] as number;
          for (let j = 0; j < n; j++) {
            const distance = (squares[j] as number) - 2 * (products[j] as number) + own;
            if (distance < (distances[j] as number)) distances[j] = distance;
          }
          return members[next] as number;
        });
      });
    }),
  );
}

/**
 * How far a network's prediction is from each label: ‖softmax(logits) − one-hot‖₂ (Paul et al. 2021, "Deep learning on a data
 * diet", EL2N; average them over a few networks early in training). Logits [N, C], labels [N] of class numbers.
 */
export function el2nScores(logits: Tensor, labels: ArrayLike<number>): Float32Array {
  if (logits.ndim !== 2 || logits.shape[0] !== labels.length) {
    fail('shape', `el2nScores: expected logits [N, C] and N labels, got ${show(logits.shape)} and ${labels.length}.`);
  }
  return scope(() =>
    noGrad(() => {
      const classes = logits.shape[1] as number;
      const wanted = oneHot(tensor(Int32Array.from(labels)) as Tensor<'int32'>, classes);
      const gap = sub(softmax(logits, 1), cast(wanted, 'float32'));
      return Float32Array.from(sum(mul(gap, gap), 1).sqrt().dataSync());
    }),
  );
}

export interface ScoreOptions extends CoresetOptions {
  /** Which samples are kept: the hardest teach most where data is plenty, the easiest where it is scarce or mislabelled. */
  readonly keep?: 'hardest' | 'easiest';
  /** Share of the very hardest that is left out first, since they are mostly mislabelled. Default 0. */
  readonly skip?: number;
}

/** The samples of the highest scores (EL2N, losses, any measure of difficulty), or of the lowest. */
export function byScore(scores: ArrayLike<number>, size: number, options: ScoreOptions = {}): Int32Array {
  const { labels, keep = 'hardest', skip = 0 } = options;
  checkSize('byScore', size, scores.length);
  if (keep !== 'hardest' && keep !== 'easiest')
    fail('argument', `byScore: keep must be 'hardest' or 'easiest', got '${String(keep)}'.`);
  if (!(skip >= 0 && skip < 1)) fail('argument', `byScore: skip must be a share in [0, 1), got ${skip}.`);
  const odd = Array.from(scores).findIndex((score) => Number.isNaN(score));
  if (odd >= 0) fail('data', `byScore: the score of sample ${odd} is NaN.`);
  return byClass('byScore', scores.length, size, labels, (members, count) => {
    const falling = members.slice().sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
    const skipped = Math.min(Math.floor(skip * falling.length), falling.length - count);
    const left = falling.subarray(skipped);
    return keep === 'hardest' ? left.slice(0, count) : left.slice(left.length - count).reverse();
  });
}

/** Visits the samples of a coreset in random order. */
export class CoresetSampler implements Sampler {
  private readonly chosen: Int32Array;

  /** `method` chooses `size` of the samples whose features are [N, D …]; further options are the method's. */
  constructor(
    features: Tensor,
    size: number,
    { method = 'herding', ...options }: KCenterOptions & { readonly method?: 'herding' | 'kCenter' } = {},
  ) {
    const methods = { herding, kCenter };
    if (!Object.hasOwn(methods, method)) {
      fail('argument', `CoresetSampler: method must be 'herding' or 'kCenter', got '${String(method)}'.`);
    }
    this.chosen = methods[method](features, size, options);
  }

  /** The samples' numbers, the most telling first; `new Subset(dataset, sampler.indices)` is a dataset of them. */
  get indices(): Int32Array {
    return this.chosen.slice();
  }

  get length(): number {
    return this.chosen.length;
  }

  order(generator: Generator = defaultGenerator): Int32Array {
    return generator.permutation(this.length).map((i) => this.chosen[i] as number);
  }
}
