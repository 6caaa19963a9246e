import { optimizers } from '#binary';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { decay, decayed } from './decay.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkBetas, checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface RAdamSettings extends Settings {
  /** Learning rate. Default 1e-3. */
  lr: number;
  /** Decay rates of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  eps: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** Weight decay shrinks the weights themselves, as in AdamW. Default false. */
  decoupledWeightDecay: boolean;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type RAdamOptions = Partial<RAdamSettings>;

/** What may come by position, in PyTorch's order. */
const RADAM_ORDER = ['lr', 'betas', 'eps', 'weightDecay'] as const;

type RAdamState = { step: number; exp_avg: Tensor; exp_avg_sq: Tensor };

const DEFAULTS: RAdamSettings = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  decoupledWeightDecay: false,
  maximize: false,
};

/**
 * Rectified Adam: warms up by itself, with plain momentum until the average of squares can be trusted.
 * L. Liu et al., On the variance of the adaptive learning rate and beyond, 2020, algorithm 2.
 *
 * State: `step`, `exp_avg`, `exp_avg_sq`.
 */
export class RAdam extends FusedOptimizer<RAdamSettings, RAdamState> {
  protected readonly kernel = optimizers.kernel('radam_f32');

  constructor(params: Params<RAdamSettings>, ...given: NamedArguments<RAdamOptions, typeof RADAM_ORDER>) {
    super(params, readSettings<RAdamOptions>(new.target.name, given, RADAM_ORDER), DEFAULTS);
  }

  protected override check(settings: RAdamSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'eps', 'weightDecay');
    checkBetas(this.name, settings.betas);
  }

  protected blank(): Blank {
    return { step: 0, exp_avg: { fill: 0 }, exp_avg_sq: { fill: 0 } };
  }

  protected written(param: Tensor, state: RAdamState): (Tensor | null)[] {
    return [param, state.exp_avg, state.exp_avg_sq];
  }

  protected nextStep(state: RAdamState, group: ParamGroup<RAdamSettings>, floats: number[], ints: number[]): void {
    const { lr, betas, eps, weightDecay, decoupledWeightDecay, maximize } = group;
    const beta1 = betas[0];
    const beta2 = betas[1];
    const step = ++state.step;
    decay(betas, step);
    const left = decayed[2] as number;
    // The average of squares is as good as one of so many, and of so many at the most.
    const longest = 2 / (1 - beta2) - 1;
    const length = longest - (2 * step * left) / (1 - left);
    // r_t makes up for the variance of the adaptive rate, which is not used at all while the average is too short.
    const rectified = ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length);
    const factor = length > 5 ? Math.sqrt(rectified) : 0;
    floats[0] = 1 - beta1;
    floats[1] = beta2;
    floats[2] = 1 - beta2;
    floats[3] = eps;
    floats[4] = weightDecay;
    floats[5] = 1 - lr * weightDecay;
    floats[6] = lr / (1 - (decayed[0] as number));
    floats[7] = factor * Math.sqrt(1 - left);
    ints[1] = Number(factor > 0);
    ints[2] = Number(decoupledWeightDecay);
    ints[3] = Number(maximize);
  }
}
