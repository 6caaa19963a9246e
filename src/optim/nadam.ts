import { optimizers } from '#binary';
import * as elementary from '../core/elementary.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { decay, decayed } from './decay.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
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

/** 0.96 and its exponents at this step and the next. */
const powers = /* @__PURE__ */ new Float64Array(4);

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
export class NAdam extends FusedOptimizer<NAdamSettings, NAdamState> {
  protected readonly kernel = optimizers.kernel('nadam_f32');

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

  protected written(param: Tensor, state: NAdamState): (Tensor | null)[] {
    return [param, state.exp_avg, state.exp_avg_sq];
  }

  protected nextStep(state: NAdamState, group: ParamGroup<NAdamSettings>, floats: number[], ints: number[]): void {
    const { lr, betas, eps, weightDecay, momentumDecay, decoupledWeightDecay, maximize } = group;
    const beta1 = betas[0];
    const beta2 = betas[1];
    const step = ++state.step;
    decay(betas, step);
    powers[0] = 0.96;
    powers[1] = step * momentumDecay;
    powers[2] = 0.96;
    powers[3] = (step + 1) * momentumDecay;
    elementary.raise(powers, 0);
    elementary.raise(powers, 2);
    const mu = beta1 * (1 - 0.5 * (powers[0] as number));
    const muNext = beta1 * (1 - 0.5 * (powers[2] as number));
    state.mu_product *= mu;
    floats[0] = 1 - beta1;
    floats[1] = beta2;
    floats[2] = 1 - beta2;
    floats[3] = eps;
    floats[4] = weightDecay;
    floats[5] = 1 - lr * weightDecay;
    floats[6] = 1 - (decayed[2] as number);
    floats[7] = (lr * (1 - mu)) / (1 - state.mu_product);
    floats[8] = (lr * muNext) / (1 - state.mu_product * muNext);
    ints[1] = Number(decoupledWeightDecay);
    ints[2] = Number(maximize);
  }
}
