import { optimizers } from '#binary';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { decay, decayed } from './decay.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkBetas, checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface AdamaxSettings extends Settings {
  /** Learning rate. Default 2e-3. */
  lr: number;
  /** Decay rates of the average of the gradient and of its largest size. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the size of the gradient. Default 1e-8. */
  eps: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type AdamaxOptions = Partial<AdamaxSettings>;

/** What may come by position, in PyTorch's order. */
const ADAMAX_ORDER = ['lr', 'betas', 'eps', 'weightDecay'] as const;

type AdamaxState = { step: number; exp_avg: Tensor; exp_inf: Tensor };

const DEFAULTS: AdamaxSettings = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false };

/**
 * Adamax: Adam with the infinity norm, a decaying maximum of the gradient's size, in place of the average of its square.
 * D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, 2015, section 7.1.
 *
 * State: `step`, `exp_avg`, `exp_inf`.
 */
export class Adamax extends FusedOptimizer<AdamaxSettings, AdamaxState> {
  protected readonly kernel = optimizers.kernel('adamax_f32');

  constructor(params: Params<AdamaxSettings>, ...given: NamedArguments<AdamaxOptions, typeof ADAMAX_ORDER>) {
    super(params, readSettings<AdamaxOptions>(new.target.name, given, ADAMAX_ORDER), DEFAULTS);
  }

  protected override check(settings: AdamaxSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'eps', 'weightDecay');
    checkBetas(this.name, settings.betas);
  }

  protected blank(): Blank {
    return { step: 0, exp_avg: { fill: 0 }, exp_inf: { fill: 0 } };
  }

  protected written(param: Tensor, state: AdamaxState): (Tensor | null)[] {
    return [param, state.exp_avg, state.exp_inf];
  }

  protected nextStep(state: AdamaxState, group: ParamGroup<AdamaxSettings>, floats: number[], ints: number[]): void {
    const { lr, betas, eps, weightDecay, maximize } = group;
    const beta1 = betas[0];
    const beta2 = betas[1];
    decay(betas, ++state.step);
    floats[0] = 1 - beta1;
    floats[1] = beta2;
    floats[2] = eps;
    floats[3] = weightDecay;
    floats[4] = lr / (1 - (decayed[0] as number));
    ints[1] = Number(maximize);
  }
}
