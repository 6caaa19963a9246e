import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import type { Module, Parameter } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';
import { weightsOf } from './fields.js';
import { maskOf, replaceMask } from './mask.js';
import { places, smallest } from './rank.js';

export interface DynamicSparsityOptions {
  /** Where connections grow: 'rigl' where gradients are largest, 'set' at random. Default 'rigl'. */
  readonly method?: 'rigl' | 'set';
  /** Share of its connections that each layer moves at first. Default 0.3. */
  readonly fraction?: number;
  /** Updates after which nothing moves any more; until then the share falls along a cosine. */
  readonly updates: number;
  readonly generator?: Generator;
}

/**
 * Sparse training whose connections move: each update drops the smallest weights of every pruned layer and grows as many new
 * ones, which begin at 0, so that layers stay as sparse as they were pruned. Rigged lottery: U. Evci et al. 2020, "Rigging the
 * lottery: making all tickets winners"; sparse evolutionary training: D. C. Mocanu et al. 2018, "Scalable training of artificial
 * neural networks with adaptive sparse connectivity inspired by network science".
 *
 * Prune the model first, e.g. by importance 'random' with allocation 'erk'. Then call `update()` every so many steps behind
 * `backward()` and in place of the optimizer's step.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 4));
 * new compress.Pruner(model, { importance: 'random', allocation: 'erk', target: { sparsity: 0.8 } }).step();
 * const sparse = new compress.DynamicSparsity(model, { updates: 10 });
 * model.forward(randn([4, 8])).square().mean().backward();
 * sparse.update(); // in place of optimizer.step()
 * compress.sparsity(model).layers.length; // → 2
 */
export class DynamicSparsity {
  /** Updates done. */
  done = 0;
  private readonly weights: readonly Parameter[];
  private readonly method: 'rigl' | 'set';
  private readonly fraction: number;
  private readonly updates: number;
  private readonly generator: Generator;

  constructor(model: Module, options: DynamicSparsityOptions) {
    const { method = 'rigl', fraction = 0.3, updates, generator = defaultGenerator } = options;
    if (method !== 'rigl' && method !== 'set') {
      fail('argument', `DynamicSparsity: method must be 'rigl' or 'set', got '${String(method)}'.`);
    }
    if (!(fraction > 0 && fraction <= 1)) {
      fail('argument', `DynamicSparsity: fraction must be in (0, 1], got ${fraction}.`);
    }
    if (!Number.isInteger(updates) || updates < 1) {
      fail('argument', `DynamicSparsity: updates must be a whole number ≥ 1, got ${updates}.`);
    }
    this.method = method;
    this.fraction = fraction;
    this.updates = updates;
    this.generator = generator;
    this.weights = weightsOf(model).flatMap(({ weight }) => (maskOf(weight) === null ? [] : [weight]));
    if (this.weights.length === 0) {
      fail('argument', "DynamicSparsity: no weight is pruned. Prune first: importance 'random', allocation 'erk'.");
    }
  }

  /** Moves connections, and returns how many. Nothing moves once all updates are done. */
  update(): number {
    if (this.done >= this.updates) return 0;
    const gradients = this.weights.map((weight) => this.gradientOf(weight));
    const share = (this.fraction / 2) * (1 + elementary.cos((Math.PI * this.done) / this.updates));
    const moved = this.weights.map((weight, i) => this.move(weight, gradients[i] ?? null, share));
    this.done++;
    return moved.reduce((a, b) => a + b, 0);
  }

  private gradientOf({ grad }: Parameter): ArrayLike<number> | null {
    if (this.method === 'set') return null;
    if (grad !== null && !grad.disposed) return grad.dataSync();
    return fail('state', 'DynamicSparsity: a weight has no gradient. Call update() after backward().');
  }

  private move(weight: Parameter, gradient: ArrayLike<number> | null, share: number): number {
    const before = (maskOf(weight) as Tensor).dataSync();
    const mask = Float32Array.from(before);
    const values = weight.dataSync();
    const active = places(mask.length, (i) => mask[i] !== 0);
    const count = Math.min(Math.round(active.length * share), mask.length - active.length);
    for (const at of smallest(
      Float64Array.from(active, (i) => Math.abs(values[i] as number)),
      count,
    ))
      mask[active[at] as number] = 0;
    const open = places(mask.length, (i) => mask[i] === 0);
    // What has just gone may come back, with the value it had, if it is still wanted most.
    const chosen =
      gradient === null
        ? this.generator.permutation(open.length).subarray(0, count)
        : smallest(
            Float64Array.from(open, (i) => -Math.abs(gradient[i] as number)),
            count,
          );
    for (const at of chosen) mask[open[at] as number] = 1;
    let moved = 0;
    for (let i = 0; i < mask.length; i++) if (mask[i] === 1 && before[i] === 0) moved++;
    replaceMask(weight, mask);
    return moved;
  }
}
