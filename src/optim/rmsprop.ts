import { optimizers } from '#binary';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface RMSpropSettings extends Settings {
  /** Learning rate. Default 1e-2. */
  lr: number;
  /** Decay rate of the average of squares. Default 0.99. */
  alpha: number;
  /** Added to the denominator, outside the root. Default 1e-8. */
  eps: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** How much of the last direction is kept. Default 0. */
  momentum: number;
  /** Divide by the standard deviation of the gradient rather than by its root mean square. Default false. */
  centered: boolean;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type RMSpropOptions = Partial<RMSpropSettings>;

/** What may come by position, in PyTorch's order. */
const RMSPROP_ORDER = ['lr', 'alpha', 'eps', 'weightDecay', 'momentum', 'centered'] as const;

type RMSpropState = { step: number; square_avg: Tensor; grad_avg?: Tensor; momentum_buffer?: Tensor };

const DEFAULTS: RMSpropSettings = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
};

/**
 * RMSprop: the gradient divided by the root of the average of its square (T. Tieleman, G. Hinton, Neural networks for machine
 * learning, lecture 6.5, 2012), or, centered, by its standard deviation (A. Graves, Generating sequences with recurrent neural
 * networks, 2013).
 *
 * State: `step`, `square_avg`, `grad_avg` where centered, `momentum_buffer` with momentum.
 */
export class RMSprop extends FusedOptimizer<RMSpropSettings, RMSpropState> {
  protected readonly kernel = optimizers.kernel('rmsprop_f32');

  constructor(params: Params<RMSpropSettings>, ...given: NamedArguments<RMSpropOptions, typeof RMSPROP_ORDER>) {
    super(params, readSettings<RMSpropOptions>(new.target.name, given, RMSPROP_ORDER), DEFAULTS);
  }

  protected override check(settings: RMSpropSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'alpha', 'eps', 'weightDecay', 'momentum');
  }

  protected blank(group: ParamGroup<RMSpropSettings>): Blank {
    const zeros = { fill: 0 };
    return {
      step: 0,
      square_avg: zeros,
      ...(group.momentum > 0 ? { momentum_buffer: zeros } : {}),
      ...(group.centered ? { grad_avg: zeros } : {}),
    };
  }

  protected written(param: Tensor, state: RMSpropState, group: ParamGroup<RMSpropSettings>): (Tensor | null)[] {
    const { square_avg, grad_avg = null, momentum_buffer = null } = state;
    return [param, square_avg, group.centered ? grad_avg : null, group.momentum > 0 ? momentum_buffer : null];
  }

  protected nextStep(state: RMSpropState, group: ParamGroup<RMSpropSettings>, floats: number[], ints: number[]): void {
    const { lr, alpha, eps, weightDecay, momentum, maximize } = group;
    state.step++;
    floats[0] = lr;
    floats[1] = alpha;
    floats[2] = 1 - alpha;
    floats[3] = eps;
    floats[4] = momentum;
    floats[5] = weightDecay;
    ints[1] = Number(maximize);
  }
}
