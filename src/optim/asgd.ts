import { optimizers } from '#binary';
import * as elementary from '../core/elementary.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkNonNegative, checkNumbers, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface ASGDSettings extends Settings {
  /** Learning rate of the first step. Default 1e-2. */
  lr: number;
  /** Decay of weights and of the learning rate. Default 1e-4. */
  lambd: number;
  /** Power of the decay of the learning rate: lr / (1 + lambd · lr · t)^alpha. Default 0.75. */
  alpha: number;
  /** The step from which on weights are averaged. Default 1e6. */
  t0: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type ASGDOptions = Partial<ASGDSettings>;

/** What may come by position, in PyTorch's order. */
const ASGD_ORDER = ['lr', 'lambd', 'alpha', 't0', 'weightDecay'] as const;

type ASGDState = { step: number; eta: number; mu: number; ax: Tensor };

/** What the learning rate is divided by: base and exponent. */
const divisor = /* @__PURE__ */ new Float64Array(2);

const DEFAULTS: ASGDSettings = { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, maximize: false };

/**
 * Averaged stochastic gradient descent: steps of a falling size, and beside the weights their average from step `t0` on, which
 * is `state.get(param).ax`. B. T. Polyak, A. B. Juditsky, Acceleration of stochastic approximation by averaging, 1992.
 *
 * The step size follows from the learning rate after a step, so that a change of lr is seen one step later, as in PyTorch.
 *
 * State: `step`, `eta`, `mu`, `ax`.
 */
export class ASGD extends FusedOptimizer<ASGDSettings, ASGDState> {
  protected readonly kernel = optimizers.kernel('asgd_f32');

  constructor(params: Params<ASGDSettings>, ...given: NamedArguments<ASGDOptions, typeof ASGD_ORDER>) {
    super(params, readSettings<ASGDOptions>(new.target.name, given, ASGD_ORDER), DEFAULTS);
  }

  protected override check(settings: ASGDSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'weightDecay');
    checkNumbers(this.name, settings, 'lambd', 'alpha', 't0');
  }

  protected blank(group: ParamGroup<ASGDSettings>): Blank {
    return { step: 0, eta: group.lr, mu: 1, ax: { fill: 0 } };
  }

  protected written(param: Tensor, state: ASGDState): (Tensor | null)[] {
    return [param, state.ax];
  }

  protected nextStep(state: ASGDState, group: ParamGroup<ASGDSettings>, floats: number[], ints: number[]): void {
    const { lr, lambd, alpha, t0, weightDecay, maximize } = group;
    floats[0] = state.eta;
    floats[1] = 1 - lambd * state.eta;
    floats[2] = state.mu;
    floats[3] = weightDecay;
    ints[1] = Number(maximize);
    state.step++;
    divisor[0] = 1 + lambd * lr * state.step;
    divisor[1] = alpha;
    elementary.raise(divisor, 0);
    state.eta = lr / (divisor[0] as number);
    state.mu = 1 / Math.max(1, state.step - t0);
  }
}
