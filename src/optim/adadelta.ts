import { optimizers } from '#binary';
import { fail } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface AdadeltaSettings extends Settings {
  /** Factor of the step. Default 1. */
  lr: number;
  /** Decay rate of the averages of squares. Default 0.9. */
  rho: number;
  /** Added under both roots. Default 1e-6. */
  eps: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type AdadeltaOptions = Partial<AdadeltaSettings>;

/** What may come by position, in PyTorch's order. */
const ADADELTA_ORDER = ['lr', 'rho', 'eps', 'weightDecay'] as const;

type AdadeltaState = { step: number; square_avg: Tensor; acc_delta: Tensor };

const DEFAULTS: AdadeltaSettings = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false };

/**
 * Adadelta: the gradient times the root of the average of squared steps over that of squared gradients, which has the unit of
 * the parameter and needs no learning rate. M. D. Zeiler, Adadelta: an adaptive learning rate method, 2012.
 *
 * State: `step`, `square_avg`, `acc_delta`.
 */
export class Adadelta extends FusedOptimizer<AdadeltaSettings, AdadeltaState> {
  protected readonly kernel = optimizers.kernel('adadelta_f32');

  constructor(params: Params<AdadeltaSettings>, ...given: NamedArguments<AdadeltaOptions, typeof ADADELTA_ORDER>) {
    super(params, readSettings<AdadeltaOptions>(new.target.name, given, ADADELTA_ORDER), DEFAULTS);
  }

  protected override check(settings: AdadeltaSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'rho', 'eps', 'weightDecay');
    if (settings.rho > 1) fail('argument', `${this.name}: rho must be in [0, 1], got ${settings.rho}.`);
  }

  protected blank(): Blank {
    return { step: 0, square_avg: { fill: 0 }, acc_delta: { fill: 0 } };
  }

  protected written(param: Tensor, state: AdadeltaState): (Tensor | null)[] {
    return [param, state.square_avg, state.acc_delta];
  }

  protected nextStep(
    state: AdadeltaState,
    group: ParamGroup<AdadeltaSettings>,
    floats: number[],
    ints: number[],
  ): void {
    const { lr, rho, eps, weightDecay, maximize } = group;
    state.step++;
    floats[0] = lr;
    floats[1] = rho;
    floats[2] = 1 - rho;
    floats[3] = eps;
    floats[4] = weightDecay;
    ints[1] = Number(maximize);
  }
}
