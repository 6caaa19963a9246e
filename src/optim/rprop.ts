import { optimizers } from '#binary';
import { fail, show } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { FusedOptimizer } from './fused.js';
import type { ParamGroup, Params, Settings } from './groups.js';
import { checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface RpropSettings extends Settings {
  /** The first step. Default 1e-2. */
  lr: number;
  /** Factors of the step where the gradient changes its sign, and where it keeps it. Default [0.5, 1.2]. */
  etas: readonly [number, number];
  /** The smallest and the largest step. Default [1e-6, 50]. */
  stepSizes: readonly [number, number];
  /** Climb instead of descend. Default false. */
  maximize: boolean;
}

export type RpropOptions = Partial<RpropSettings>;

const isPair = (given: unknown): given is readonly [number, number] =>
  Array.isArray(given) && given.length === 2 && given.every((value) => typeof value === 'number');

const spoken = (given: unknown): string => (Array.isArray(given) ? show(given) : String(given));

/** What may come by position, in PyTorch's order. */
const RPROP_ORDER = ['lr', 'etas', 'stepSizes'] as const;

type RpropState = { step: number; prev: Tensor; step_size: Tensor };

const DEFAULTS: RpropSettings = { lr: 1e-2, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false };

/**
 * Resilient backpropagation: steps of a size of their own for each weight, by the sign of the gradient alone. For gradients
 * of the whole data set. M. Riedmiller, H. Braun, A direct adaptive method for faster backpropagation learning, 1993.
 *
 * State: `step`, `prev`, `step_size`.
 */
export class Rprop extends FusedOptimizer<RpropSettings, RpropState> {
  protected readonly kernel = optimizers.kernel('rprop_f32');

  constructor(params: Params<RpropSettings>, ...given: NamedArguments<RpropOptions, typeof RPROP_ORDER>) {
    super(params, readSettings<RpropOptions>(new.target.name, given, RPROP_ORDER), DEFAULTS);
  }

  protected override check(settings: RpropSettings): void {
    checkNonNegative(this.name, settings, 'lr');
    const { etas, stepSizes } = settings;
    if (!isPair(etas) || !(etas[0] > 0 && etas[0] < 1 && etas[1] > 1)) {
      fail('argument', `${this.name}: etas must be in (0, 1) and above 1, as in [0.5, 1.2], got ${spoken(etas)}.`);
    }
    if (!isPair(stepSizes)) {
      fail(
        'argument',
        `${this.name}: stepSizes must be the least and the greatest step, as in [1e-6, 50], got ${spoken(stepSizes)}.`,
      );
    }
  }

  protected blank(group: ParamGroup<RpropSettings>): Blank {
    return { step: 0, prev: { fill: 0 }, step_size: { fill: group.lr } };
  }

  protected written(param: Tensor, state: RpropState): (Tensor | null)[] {
    return [param, state.prev, state.step_size];
  }

  protected nextStep(state: RpropState, group: ParamGroup<RpropSettings>, floats: number[], ints: number[]): void {
    const { etas, stepSizes, maximize } = group;
    state.step++;
    floats[0] = etas[0];
    floats[1] = etas[1];
    floats[2] = stepSizes[0];
    floats[3] = stepSizes[1];
    ints[1] = Number(maximize);
  }
}
