import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { decay, decayed } from './decay.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkBetas, checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface AdamSettings extends Settings {
  /** Learning rate. Default 1e-3. */
  lr: number;
  /** Decay rates of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  eps: number;
  /** Adam: factor of the L2 penalty, default 0. AdamW: the share, times lr, that weights lose in a step, default 1e-2. */
  weightDecay: number;
  /** Divide by the largest average of squares so far. Default false. */
  amsgrad: boolean;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type AdamOptions = Partial<AdamSettings>;

/** What may come by position, in PyTorch's order. */
const ADAM_ORDER = ['lr', 'betas', 'eps', 'weightDecay', 'amsgrad'] as const;

export type AdamState = { step: number; exp_avg: Tensor; exp_avg_sq: Tensor; max_exp_avg_sq?: Tensor };

const DEFAULTS: AdamSettings = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
};

abstract class AdamFamily extends FusedOptimizer<AdamSettings, AdamState> {
  protected readonly kernel = 'adam_f32';
  /** Whether weight decay shrinks the weights themselves rather than joining the gradient. */
  protected abstract readonly decoupled: boolean;

  protected override check(settings: AdamSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'eps', 'weightDecay');
    checkBetas(this.name, settings.betas);
  }

  protected blank(group: ParamGroup<AdamSettings>): Blank {
    const zeros = { fill: 0 };
    return { step: 0, exp_avg: zeros, exp_avg_sq: zeros, ...(group.amsgrad ? { max_exp_avg_sq: zeros } : {}) };
  }

  protected written(param: Tensor, state: AdamState, { amsgrad }: ParamGroup<AdamSettings>): (Tensor | null)[] {
    return [param, state.exp_avg, state.exp_avg_sq, amsgrad ? (state.max_exp_avg_sq ?? null) : null];
  }

  protected nextStep(state: AdamState, group: ParamGroup<AdamSettings>, floats: number[], ints: number[]): void {
    const { lr, betas, eps, weightDecay, maximize } = group;
    const beta1 = betas[0];
    const beta2 = betas[1];
    decay(betas, ++state.step);
    floats[0] = 1 - beta1;
    floats[1] = beta2;
    floats[2] = 1 - beta2;
    floats[3] = eps;
    floats[4] = weightDecay;
    floats[5] = 1 - lr * weightDecay;
    floats[6] = lr / (1 - (decayed[0] as number));
    floats[7] = Math.sqrt(1 - (decayed[2] as number));
    ints[1] = Number(this.decoupled);
    ints[2] = Number(maximize);
  }
}

/**
 * Adam: steps along the average of the gradient, divided by the root of the average of its square.
 * D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, 2015; S. J. Reddi et al., On the convergence of Adam and
 * beyond, 2018 (amsgrad).
 *
 * State: `step`, `exp_avg`, `exp_avg_sq`, and `max_exp_avg_sq` with amsgrad.
 */
export class Adam extends AdamFamily {
  protected get decoupled(): boolean {
    return false;
  }

  constructor(params: Params<AdamSettings>, ...given: NamedArguments<AdamOptions, typeof ADAM_ORDER>) {
    super(params, readSettings<AdamOptions>(new.target.name, given, ADAM_ORDER), DEFAULTS);
  }
}

/**
 * Adam with decoupled weight decay: every step shrinks the weights by lr · weightDecay, whatever the size of their gradient.
 * I. Loshchilov, F. Hutter, Decoupled weight decay regularization, 2019. State as in `Adam`.
 */
export class AdamW extends AdamFamily {
  protected get decoupled(): boolean {
    return true;
  }

  constructor(params: Params<AdamSettings>, ...given: NamedArguments<AdamOptions, typeof ADAM_ORDER>) {
    super(params, readSettings<AdamOptions>(new.target.name, given, ADAM_ORDER), { ...DEFAULTS, weightDecay: 1e-2 });
  }
}
