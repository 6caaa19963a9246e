import { fail, show } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import type { AdamState } from './adam.js';
import { decay, decayed } from './decay.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkBetas, checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface SparseAdamSettings extends Settings {
  /** Learning rate. Default 1e-3. */
  lr: number;
  /** Decay rates of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  eps: number;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type SparseAdamOptions = Partial<SparseAdamSettings>;

/** What may come by position, in PyTorch's order. */
const ORDER = ['lr', 'betas', 'eps', 'maximize'] as const;

/**
 * Adam for tables of which a step reads few rows: the averages of a row, and the row, change only in steps that have a gradient
 * for it, where `Adam` lets all averages fade and moves all rows in every step. Its time goes by the rows read. Takes the
 * gradients of `sparse.matmul` with many more columns than entries, and of `Embedding` and `EmbeddingBag` with
 * `sparse: true`; parameters with other gradients belong to another optimizer.
 *
 * State: `step`, `exp_avg`, `exp_avg_sq`.
 */
export class SparseAdam extends FusedOptimizer<SparseAdamSettings, AdamState> {
  protected readonly kernel = 'adam_f32';

  constructor(params: Params<SparseAdamSettings>, ...given: NamedArguments<SparseAdamOptions, typeof ORDER>) {
    super(params, readSettings<SparseAdamOptions>(new.target.name, given, ORDER), {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      maximize: false,
    });
  }

  protected override check(settings: SparseAdamSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'eps');
    checkBetas(this.name, settings.betas);
  }

  protected override leavesRows(): boolean {
    return true;
  }

  protected override checkWhole(param: Tensor): void {
    fail(
      'argument',
      `${this.name}: the gradient of a parameter ${show(param.shape)} is a whole one, not one of some rows. Use Adam for it, ` +
        'or { sparse: true } in the embedding, and do not read its grad before the step.',
    );
  }

  protected blank(): Blank {
    return { step: 0, exp_avg: { fill: 0 }, exp_avg_sq: { fill: 0 } };
  }

  protected written(param: Tensor, state: AdamState): (Tensor | null)[] {
    return [param, state.exp_avg, state.exp_avg_sq, null];
  }

  protected nextStep(state: AdamState, group: ParamGroup<SparseAdamSettings>, floats: number[], ints: number[]): void {
    const { lr, betas, eps, maximize } = group;
    const [beta1, beta2] = betas;
    decay(betas, ++state.step);
    floats[0] = 1 - beta1;
    floats[1] = beta2;
    floats[2] = 1 - beta2;
    floats[3] = eps;
    floats[4] = 0;
    floats[5] = 1;
    // PyTorch's form of this optimizer: eps is added to the root before its correction, which Adam adds it behind.
    floats[6] = (lr * Math.sqrt(1 - (decayed[2] as number))) / (1 - (decayed[0] as number));
    floats[7] = 1;
    ints[1] = 0;
    ints[2] = Number(maximize);
  }
}
