import { optimizers } from '#binary';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface AdagradSettings extends Settings {
  /** Learning rate. Default 1e-2. */
  lr: number;
  /** The learning rate of step t is lr / (1 + (t − 1) · lrDecay). Default 0. */
  lrDecay: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** What the sum of squares begins with. Default 0. */
  initialAccumulatorValue: number;
  /** Added to the denominator. Default 1e-10. */
  eps: number;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type AdagradOptions = Partial<AdagradSettings>;

/** What may come by position, in PyTorch's order. */
const ADAGRAD_ORDER = ['lr', 'lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps'] as const;

type AdagradState = { step: number; sum: Tensor };

const DEFAULTS: AdagradSettings = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
};

/**
 * Adagrad: the gradient divided by the root of the sum of all its squares, so that rare features keep a large rate.
 * J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods for online learning and stochastic optimization, 2011.
 *
 * State: `step`, `sum`.
 */
export class Adagrad extends FusedOptimizer<AdagradSettings, AdagradState> {
  protected readonly kernel = optimizers.kernel('adagrad_f32');

  constructor(params: Params<AdagradSettings>, ...given: NamedArguments<AdagradOptions, typeof ADAGRAD_ORDER>) {
    super(params, readSettings<AdagradOptions>(new.target.name, given, ADAGRAD_ORDER), DEFAULTS);
  }

  protected override check(settings: AdagradSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps');
  }

  protected override leavesRows({ weightDecay }: ParamGroup<AdagradSettings>): boolean {
    return weightDecay === 0;
  }

  protected blank(group: ParamGroup<AdagradSettings>): Blank {
    return { step: 0, sum: { fill: group.initialAccumulatorValue } };
  }

  protected written(param: Tensor, state: AdagradState): (Tensor | null)[] {
    return [param, state.sum];
  }

  protected nextStep(state: AdagradState, group: ParamGroup<AdagradSettings>, floats: number[], ints: number[]): void {
    const { lr, lrDecay, weightDecay, eps, maximize } = group;
    floats[0] = lr / (1 + state.step * lrDecay);
    floats[1] = eps;
    floats[2] = weightDecay;
    ints[1] = Number(maximize);
    state.step++;
  }
}
