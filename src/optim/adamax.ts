import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { Optimizer } from './optimizer.js';
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
export class Adamax extends Optimizer<AdamaxSettings, AdamaxState> {
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

  protected update(param: Tensor, grad: Tensor, state: AdamaxState, group: ParamGroup<AdamaxSettings>): void {
    const { lr, betas, eps, weightDecay, maximize } = group;
    const [beta1, beta2] = betas;
    state.step++;
    const stepSize = lr / (1 - beta1 ** state.step);
    const floats = [1 - beta1, beta2, eps, weightDecay, stepSize];
    this.launch('adamax_f32', param, [state.exp_avg, state.exp_inf], grad, floats, [Number(maximize)]);
  }
}
