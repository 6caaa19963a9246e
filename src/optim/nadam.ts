import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { Optimizer } from './optimizer.js';
import { checkBetas, checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface NAdamSettings extends Settings {
  /** Learning rate. Default 2e-3. */
  lr: number;
  /** Decay rates of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  eps: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** How fast the momentum grows to beta1. Default 4e-3. */
  momentumDecay: number;
  /** Weight decay shrinks the weights themselves, as in AdamW. Default false. */
  decoupledWeightDecay: boolean;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type NAdamOptions = Partial<NAdamSettings>;

/** What may come by position, in PyTorch's order. */
const NADAM_ORDER = ['lr', 'betas', 'eps', 'weightDecay', 'momentumDecay'] as const;

type NAdamState = { step: number; mu_product: number; exp_avg: Tensor; exp_avg_sq: Tensor };

const DEFAULTS: NAdamSettings = {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  momentumDecay: 4e-3,
  decoupledWeightDecay: false,
  maximize: false,
};

/**
 * Adam with Nesterov's momentum. T. Dozat, Incorporating Nesterov momentum into Adam, 2016, algorithm 2 with the momentum
 * schedule μ_t = beta1 (1 − ½ · 0.96^(t · momentumDecay)).
 *
 * The bias of the average is corrected by Π μ_1 … μ_t+1, as in the paper, in PyTorch's documentation and in PyTorch since
 * 2.0. Up to 1.13 PyTorch's default implementation multiplied by μ_t twice; its `foreach=True` did not.
 *
 * State: `step`, `mu_product`, `exp_avg`, `exp_avg_sq`.
 */
export class NAdam extends Optimizer<NAdamSettings, NAdamState> {
  constructor(params: Params<NAdamSettings>, ...given: NamedArguments<NAdamOptions, typeof NADAM_ORDER>) {
    super(params, readSettings<NAdamOptions>(new.target.name, given, NADAM_ORDER), DEFAULTS);
  }

  protected override check(settings: NAdamSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'eps', 'weightDecay', 'momentumDecay');
    checkBetas(this.name, settings.betas);
  }

  protected blank(): Blank {
    return { step: 0, mu_product: 1, exp_avg: { fill: 0 }, exp_avg_sq: { fill: 0 } };
  }

  protected update(param: Tensor, grad: Tensor, state: NAdamState, group: ParamGroup<NAdamSettings>): void {
    const { lr, betas, eps, weightDecay, momentumDecay, decoupledWeightDecay, maximize } = group;
    const [beta1, beta2] = betas;
    const step = ++state.step;
    const mu = beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
    const muNext = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentumDecay));
    state.mu_product *= mu;
    this.launch(
      'nadam_f32',
      param,
      [state.exp_avg, state.exp_avg_sq],
      grad,
      [
        1 - beta1,
        beta2,
        1 - beta2,
        eps,
        weightDecay,
        1 - lr * weightDecay,
        1 - beta2 ** step,
        (lr * (1 - mu)) / (1 - state.mu_product),
        (lr * muNext) / (1 - state.mu_product * muNext),
      ],
      [Number(decoupledWeightDecay), Number(maximize)],
    );
  }
}
