import { noGrad } from '../../autograd/index.js';
import { openScope } from '../../core/scope.js';
import type { Constraint, Parameter } from '../../nn/index.js';
import { add, copy_, div, gt, mul, reshape, sub, tensor, where } from '../../ops/index.js';
import { gatherOp, scatterOp } from '../../ops/indexing.js';
import type { Tensor } from '../../tensor.js';
import { maskOf } from '../pruning/mask.js';
import { assign } from './kmeans.js';

/**
 * How centroids follow their weights. After a step that moves weight i of a cluster of n by dᵢ, the centroid moves
 *
 *   'mean'   by Σ dᵢ / n: the step of the average weight, whatever the optimizer
 *   'sum'    by Σ dᵢ: with SGD, of which dᵢ = −lr · gᵢ (momentum and weight decay are linear, too), the step along the gradient
 *            of the centroid itself, Σ gᵢ, as in Han, Mao and Dally 2016, equation 3
 *
 * Both go the same way, and 'sum' n times as far: it wants a learning rate that is smaller by the size of clusters, and an
 * optimizer whose step grows with the gradient. The step of Adam does not, so that n of them together go far beyond.
 */
export type CentroidUpdate = (typeof UPDATES)[number];

export const UPDATES = ['mean', 'sum'] as const;

/**
 * Keeps the weights of a parameter at few values. Code 0 is that of weights that are 0, and stays 0. A mask, inside or around,
 * is kept as well: what it removes after the codebook was made takes no part any more.
 */
class Codebook implements Constraint {
  /** Of each weight, flat [N]. */
  private readonly codes: Tensor;
  /** [entries + 1], the first of which is 0. */
  private readonly centroids: Tensor;
  /** By what the sum of steps is divided, [entries + 1]; infinite for code 0. */
  private readonly shares: Tensor;
  /** 0 for code 0 and 1 for others, [entries + 1]. */
  private readonly isFree: Tensor;

  constructor(
    private readonly parameter: Parameter,
    codes: Int32Array<ArrayBuffer>,
    centroids: Float32Array<ArrayBuffer>,
    readonly update: CentroidUpdate,
    public inner: Constraint | null,
  ) {
    const free = centroids.map((_, code) => Number(code > 0));
    const shares = new Float32Array(centroids.length).fill(update === 'sum' ? 1 : 0);
    if (update === 'mean') for (const code of codes) shares[code] = (shares[code] as number) + 1;
    this.codes = tensor(codes).keep();
    this.centroids = tensor(centroids).keep();
    this.shares = tensor(shares.map((share) => share || 1)).keep();
    this.isFree = tensor(free).keep();
  }

  get tensors(): readonly Tensor[] {
    return [this.codes, this.centroids, this.shares, this.isFree];
  }

  apply(): void {
    const scope = openScope();
    noGrad(() => this.settle());
    scope.end();
    this.inner?.apply();
  }

  /** Moves the centroids, and puts the weights on them. */
  private settle(): void {
    const { codes, centroids } = this;
    const size = centroids.shape;
    const weights = reshape(this.parameter, [-1]);
    // Steps rather than weights are summed: they are small, so that their sum is as exact as a step has to be, and a codebook
    // that nothing has moved stays what it is to the bit.
    const steps = sub(weights, gatherOp(centroids, codes, 0));
    const mask = maskOf(this.parameter);
    const lives = mask === null ? null : gt(reshape(mask, [-1]), 0);
    const counted = lives === null ? steps : where(lives, steps, 0);
    const step = div(scatterOp(counted, codes, 0, size), this.shares);
    copy_(centroids, add(centroids, mul(step, this.isFree)));
    const settled = gatherOp(centroids, codes, 0);
    copy_(this.parameter, reshape(lives === null ? settled : where(lives, settled, 0), this.parameter.shape));
  }

  dispose(): void {
    for (const held of this.tensors) held.dispose();
    this.inner?.dispose();
  }
}

/** The codebook among the constraints of a parameter, and how it moves; null if there is none. */
export function codebookOf(parameter: Parameter): { readonly update: CentroidUpdate } | null {
  for (let at = parameter.constraint; at !== null; at = at.inner ?? null) if (at instanceof Codebook) return at;
  return null;
}

/** Gives `parameter` the codebook of `centroids` (ascending, 0 not needed), to the nearest of which its weights go. */
export function setCodebook(parameter: Parameter, centroids: Float32Array, update: CentroidUpdate): void {
  dropCodebook(parameter);
  const values = parameter.dataSync() as Float32Array;
  const codes = assign(values, centroids).map((code, i) => (values[i] === 0 ? 0 : code + 1));
  const codebook = new Codebook(parameter, codes, Float32Array.of(0, ...centroids), update, parameter.constraint);
  parameter.constraint = codebook;
  const scope = openScope();
  const settled = Float32Array.from(codes, (code) => (code === 0 ? 0 : (centroids[code - 1] as number)));
  noGrad(() => copy_(parameter, tensor(settled, parameter.shape)));
  scope.end();
}

/** Forgets the codebook; the weights keep their values, and training moves each of them on its own again. */
export function dropCodebook(parameter: Parameter): void {
  let around: Constraint | null = null;
  for (let at = parameter.constraint; at !== null; at = at.inner ?? null) {
    if (at instanceof Codebook) {
      if (around === null) parameter.constraint = at.inner;
      else around.inner = at.inner;
      at.inner = null;
      at.dispose();
      return;
    }
    around = at;
  }
}
