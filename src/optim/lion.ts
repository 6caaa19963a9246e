import { optimizers } from '#binary';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkBetas, checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface LionSettings extends Settings {
  /** Learning rate; three to ten times smaller than for AdamW. Default 1e-4. */
  lr: number;
  /** Shares of the average in the direction of a step, and in the average itself. Default [0.9, 0.99]. */
  betas: readonly [number, number];
  /** The share, times lr, that weights lose in a step. Default 0. */
  weightDecay: number;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type LionOptions = Partial<LionSettings>;

/** What may come by position, in PyTorch's order. */
const LION_ORDER = ['lr', 'betas', 'weightDecay'] as const;

type LionState = { exp_avg: Tensor };

const DEFAULTS: LionSettings = { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, maximize: false };

/**
 * Lion: steps of size lr in every weight, by the sign of an average of the gradient.
 * X. Chen et al., Symbolic discovery of optimization algorithms, 2023, algorithm 2.
 *
 * State: `exp_avg`.
 */
export class Lion extends FusedOptimizer<LionSettings, LionState> {
  protected readonly kernel = optimizers.kernel('lion_f32');

  constructor(params: Params<LionSettings>, ...given: NamedArguments<LionOptions, typeof LION_ORDER>) {
    super(params, readSettings<LionOptions>(new.target.name, given, LION_ORDER), DEFAULTS);
  }

  protected override check(settings: LionSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'weightDecay');
    checkBetas(this.name, settings.betas);
  }

  protected blank(): Blank {
    return { exp_avg: { fill: 0 } };
  }

  protected written(param: Tensor, state: LionState): (Tensor | null)[] {
    return [param, state.exp_avg];
  }

  protected nextStep(_state: LionState, group: ParamGroup<LionSettings>, floats: number[], ints: number[]): void {
    const { lr, betas, weightDecay, maximize } = group;
    const beta1 = betas[0];
    const beta2 = betas[1];
    floats[0] = lr;
    floats[1] = beta1;
    floats[2] = 1 - beta1;
    floats[3] = beta2;
    floats[4] = 1 - beta2;
    floats[5] = 1 - lr * weightDecay;
    ints[1] = Number(maximize);
  }
}
