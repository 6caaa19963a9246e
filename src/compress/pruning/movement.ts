import { noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { type HookHandle, Module, Parameter, ParameterList } from '../../nn/index.js';
import { add, copy_, gt, mul, ones, sigmoid, sub, sum, tensor, zeros } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { GradientSums } from './gradients.js';
import { type Importance, scorer } from './importance.js';
import { setMask } from './mask.js';
import { smallest } from './rank.js';
import { type Held, substitute, weightsHeld } from './substitute.js';

/**
 * Gathers −Σ w · g over training: what moves away from 0 counts, however small it is. Call `update()` between `backward()` and
 * the optimizer's step, and give `importance` to a Pruner: movement pruning with its scores kept beside the weights (V. Sanh,
 * T. Wolf, A. Rush 2020, "Movement pruning: adaptive sparsity by fine-tuning", equation 5).
 *
 * @example
 * const model = new nn.Linear(4, 2);
 * const movement = new compress.MovementScores(model);
 * model.forward(ones([3, 4])).square().mean().backward();
 * movement.update();
 * new compress.Pruner(model, { importance: movement.importance, target: { sparsity: 0.5 } }).step(); // → 0.5
 */
export class MovementScores {
  private readonly sums = new GradientSums('movement', []);
  /** The scores, for a Pruner. */
  readonly importance: Importance;

  constructor(private readonly model: Module) {
    const { sums } = this;
    this.importance = scorer('movement', { model, groups: [], aggregate: 'mean', generator: defaultGenerator, sums });
  }

  /** Takes in the gradients that the parameters have now. */
  update(): void {
    const found = this.model.parameters().flatMap((parameter): [Parameter, Tensor][] => {
      const { grad } = parameter;
      return grad === null || grad.disposed ? [] : [[parameter, grad as Tensor]];
    });
    if (found.length === 0)
      fail('state', 'MovementScores: no parameter has a gradient. Call update() after backward().');
    this.sums.add(new Map(found));
  }
}

export interface MovementOptions {
  /**
   * 'hard' keeps the weights of highest scores, as many as `prune(sparsity)` says; 'soft' those whose scores are above
   * `threshold`, with `penalty()` to push scores down. Default 'hard'.
   */
  readonly mode?: 'hard' | 'soft';
  /** For 'soft': weights stay whose σ(score) is above it. Default 0.5. */
  readonly threshold?: number;
  /** Layers that are left alone, by name. */
  readonly except?: readonly string[];
}

interface Scored {
  readonly parameter: Parameter;
  readonly scores: Parameter;
  /** 1 where a weight is let through; the model's layers compute with it. */
  readonly mask: Tensor;
  readonly held: Held[];
}

/**
 * Movement pruning with learned scores: layers compute with the weights that their scores let through, and the gradient goes
 * straight through the choice to the scores, g · w, so that a weight can come back (V. Sanh, T. Wolf, A. Rush 2020, "Movement
 * pruning: adaptive sparsity by fine-tuning", sections 4 and 5).
 *
 * Train `[...model.parameters(), ...movement.parameters()]`; with 'hard' call `prune(sparsity)` between steps, along a schedule
 * such as `cubic`; with 'soft' add λ · `penalty()` to the loss. In the end `harden()` makes masks of the choice.
 */
export class MovementPruning extends Module {
  /** A score for each weight, for the optimizer. */
  readonly scores: ParameterList;
  private readonly mode: 'hard' | 'soft';
  private readonly threshold: number;
  private readonly scored = new Map<Parameter, Scored>();
  private handles: HookHandle[] = [];

  constructor(model: Module, { mode = 'hard', threshold = 0.5, except = [] }: MovementOptions = {}) {
    super();
    if (mode !== 'hard' && mode !== 'soft') {
      fail('argument', `MovementPruning: mode must be 'hard' or 'soft', got '${String(mode)}'.`);
    }
    if (!(threshold > 0 && threshold < 1)) {
      fail('argument', `MovementPruning: threshold must be in (0, 1), got ${threshold}.`);
    }
    this.mode = mode;
    this.threshold = threshold;
    const all = weightsHeld(model, except);
    if (all.length === 0) fail('argument', 'MovementPruning: the model has no weight of two or more dimensions.');
    for (const held of all) {
      const { parameter } = held;
      const known = this.scored.get(parameter);
      if (known !== undefined) {
        known.held.push(held);
        continue;
      }
      const scores = scope(() => new Parameter(zeros(parameter.shape)));
      this.scored.set(parameter, { parameter, scores, mask: ones(parameter.shape).keep(), held: [held] });
    }
    this.scores = new ParameterList([...this.scored.values()].map(({ scores }) => scores));
    for (const one of this.scored.values()) this.attach(one);
    if (mode === 'soft') this.choose();
  }

  private attach({ scores, mask, held }: Scored): void {
    for (const { module, property } of held) {
      this.handles.push(
        substitute(module, property, (weight) => {
          if (this.mode === 'soft') noGrad(() => copy_(mask, this.above(scores)));
          // The value of the mask, with the gradient of the scores: what they add to it is 0.
          return mul(weight, add(mask, sub(scores, scores.detach())));
        }),
      );
    }
  }

  private above(scores: Tensor): Tensor {
    // A score that has not moved yet lets its weight through.
    return gt(sigmoid(scores), this.threshold - 1e-6).to('float32');
  }

  private choose(): void {
    for (const { scores, mask } of this.scored.values())
      scope(() => noGrad(() => void copy_(mask, this.above(scores))));
  }

  /** Lets through, of each weight, the share 1 − `sparsity` with the highest scores. Others may come back with the next call. */
  prune(sparsity: number): void {
    if (this.mode === 'soft') {
      fail('state', "MovementPruning: with mode 'soft' scores choose by themselves. Add λ · penalty() to the loss.");
    }
    if (!(sparsity >= 0 && sparsity < 1)) {
      fail('argument', `MovementPruning.prune: sparsity must be a share in [0, 1), got ${sparsity}.`);
    }
    for (const { scores, mask } of this.scored.values()) {
      const values = new Float32Array(scores.numel()).fill(1);
      for (const i of smallest(scores.dataSync(), Math.ceil(values.length * sparsity - 1e-9))) values[i] = 0;
      scope(() => noGrad(() => void copy_(mask, tensor(values, mask.shape))));
    }
  }

  /** Σ σ(score): with a factor in the loss it pushes scores down, and so sets the sparsity of 'soft'. */
  penalty(): Tensor {
    return [...this.scored.values()].map(({ scores }) => sum(sigmoid(scores))).reduce((a, b) => add(a, b));
  }

  /** Share of weights that are not let through now. */
  get sparsity(): number {
    let [closed, all] = [0, 0];
    for (const { mask } of this.scored.values()) {
      for (const open of mask.dataSync()) if (open === 0) closed++;
      all += mask.numel();
    }
    return closed / all;
  }

  /** The scores have no input of their own: the model's layers ask them. */
  forward(): never {
    return fail('unsupported', 'MovementPruning: call the model, whose layers compute with what is let through.');
  }

  /** Makes masks of what is let through now, and takes the scores away. */
  harden(): void {
    if (this.mode === 'soft') this.choose();
    for (const { parameter, mask } of this.scored.values()) setMask(parameter, mask.dataSync());
    this.detach();
  }

  /** Takes the scores away and leaves the weights as they are. */
  detach(): void {
    for (const handle of this.handles) handle.remove();
    this.handles = [];
  }

  override dispose(): void {
    this.detach();
    for (const { mask } of this.scored.values()) mask.dispose();
    super.dispose();
  }
}
