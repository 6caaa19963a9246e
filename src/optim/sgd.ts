import { fail } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface SGDSettings extends Settings {
  /** Learning rate. Default 1e-3. */
  lr: number;
  /** How much of the last direction is kept. Default 0. */
  momentum: number;
  /** What is taken off the gradient where it joins the momentum. Default 0. */
  dampening: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** Look ahead along the momentum; needs momentum, and dampening 0. Default false. */
  nesterov: boolean;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type SGDOptions = Partial<SGDSettings>;

/** What may come by position, in PyTorch's order. */
const SGD_ORDER = ['lr', 'momentum', 'dampening', 'weightDecay', 'nesterov'] as const;

type SGDState = { momentum_buffer?: Tensor };

const SGD_DEFAULTS: SGDSettings = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
};

/**
 * Stochastic gradient descent, with momentum (B. T. Polyak 1964; Y. Nesterov 1983) in the form of I. Sutskever et al., On the
 * importance of initialization and momentum in deep learning, 2013, except that the learning rate multiplies the momentum:
 * buffer ← momentum · buffer + (1 − dampening) g, param ← param − lr · buffer.
 *
 * State: `momentum_buffer`, where there is momentum.
 */
export class SGD extends FusedOptimizer<SGDSettings, SGDState> {
  protected readonly kernel = 'sgd_f32';

  constructor(params: Params<SGDSettings>, ...given: NamedArguments<SGDOptions, typeof SGD_ORDER>) {
    super(params, readSettings<SGDOptions>(new.target.name, given, SGD_ORDER), SGD_DEFAULTS);
  }

  protected override check(settings: SGDSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'momentum', 'weightDecay');
    if (settings.nesterov && !(settings.momentum > 0 && settings.dampening === 0)) {
      fail(
        'argument',
        `${this.name}: nesterov needs momentum > 0 and dampening 0, got ${settings.momentum} and ${settings.dampening}.`,
      );
    }
  }

  protected override leavesRows({ momentum, weightDecay }: ParamGroup<SGDSettings>): boolean {
    return momentum === 0 && weightDecay === 0;
  }

  protected blank(): Blank {
    // The buffer begins as the first gradient, not as zeros: with dampening that is not the same.
    return {};
  }

  protected written(param: Tensor, state: SGDState, { momentum }: ParamGroup<SGDSettings>): (Tensor | null)[] {
    if (momentum !== 0) state.momentum_buffer ??= this.tensorLike(param, 0);
    return [param, momentum === 0 ? null : (state.momentum_buffer ?? null)];
  }

  protected nextStep(state: SGDState, group: ParamGroup<SGDSettings>, floats: number[], ints: number[]): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    floats[0] = lr;
    floats[1] = momentum;
    floats[2] = 1 - dampening;
    floats[3] = weightDecay;
    ints[1] = Number(nesterov);
    ints[2] = Number(state.momentum_buffer === undefined);
    ints[3] = Number(maximize);
  }
}

export interface GDSettings extends Settings {
  /** Learning rate. Default 1e-3. */
  lr: number;
  /** Factor of the L2 penalty. Default 0. */
  weightDecay: number;
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type GDOptions = Partial<GDSettings>;

/** What may come by position, in PyTorch's order. */
const GD_ORDER = ['lr'] as const;

/**
 * Gradient descent on the whole data set: param ← param − lr · g, with g the gradient of the loss over all samples. Nothing
 * but the caller can see to that: compute the loss of the whole data set before each step, or, where it does not fit into
 * memory at once, call backward() on the loss of each part, weighted by the part's share of the samples, and step once.
 * Its steps are those of `SGD` without momentum.
 */
export class GD extends FusedOptimizer<GDSettings> {
  protected readonly kernel = 'sgd_f32';

  constructor(params: Params<GDSettings>, ...given: NamedArguments<GDOptions, typeof GD_ORDER>) {
    super(params, readSettings<GDOptions>(new.target.name, given, GD_ORDER), {
      lr: 1e-3,
      weightDecay: 0,
      maximize: false,
    });
  }

  protected override check(settings: GDSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'weightDecay');
  }

  protected override leavesRows({ weightDecay }: ParamGroup<GDSettings>): boolean {
    return weightDecay === 0;
  }

  protected blank(): Blank {
    return {};
  }

  protected written(param: Tensor): (Tensor | null)[] {
    return [param, null];
  }

  protected nextStep(_state: object, group: ParamGroup<GDSettings>, floats: number[], ints: number[]): void {
    const { lr, weightDecay, maximize } = group;
    floats[0] = lr;
    floats[1] = 0;
    floats[2] = 1;
    floats[3] = weightDecay;
    ints[1] = 0;
    ints[2] = 0;
    ints[3] = Number(maximize);
  }
}
