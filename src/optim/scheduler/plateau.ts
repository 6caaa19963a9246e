import { fail } from '../../core/errors.js';
import { Tensor } from '../../core/tensor.js';
import type { Optimizer } from '../optimizer.js';
import { forEachGroup, settle } from './arguments.js';
import { checkOptimizer, checkState, loadVariables, type SchedulerStateDict, saveVariables } from './base.js';

export interface ReduceLROnPlateauOptions {
  /** Whether the figure should fall or rise. Default 'min'. */
  readonly mode?: 'min' | 'max';
  /** Factor of a reduction. Default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement that are let pass. Default 10. */
  readonly patience?: number;
  /** What counts as an improvement. Default 1e-4. */
  readonly threshold?: number;
  /** Whether the threshold is a share of the best figure, or a difference from it. Default 'rel'. */
  readonly thresholdMode?: 'rel' | 'abs';
  /** Epochs after a reduction in which nothing is counted. Default 0. */
  readonly cooldown?: number;
  /** The smallest learning rate, for all groups or one for each. Default 0. */
  readonly minLr?: number | readonly number[];
  /** A reduction by less than this is left out. Default 1e-8. */
  readonly eps?: number;
}

/** Reduces the learning rate when a figure stops improving: `step(validationLoss)` once an epoch. */
export class ReduceLROnPlateau {
  private readonly variables: {
    mode: string;
    factor: number;
    patience: number;
    threshold: number;
    thresholdMode: string;
    cooldown: number;
    minLrs: number[];
    eps: number;
    best: number;
    numBadEpochs: number;
    cooldownCounter: number;
    lastEpoch: number;
  };
  private lastLr: number[];

  constructor(optimizer: Optimizer, options?: ReduceLROnPlateauOptions);
  constructor(optimizer: Optimizer, mode: 'min' | 'max', options?: ReduceLROnPlateauOptions);
  constructor(optimizer: Optimizer, mode: 'min' | 'max', factor: number, options?: ReduceLROnPlateauOptions);
  constructor(
    optimizer: Optimizer,
    mode: 'min' | 'max',
    factor: number,
    patience: number,
    options?: ReduceLROnPlateauOptions,
  );
  constructor(
    readonly optimizer: Optimizer,
    ...args: unknown[]
  ) {
    const name = 'ReduceLROnPlateau';
    checkOptimizer(name, optimizer);
    const { minLr, ...settled } = settle<Required<ReduceLROnPlateauOptions>>(name, args, {
      mode: 'min',
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: 'rel',
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
    });
    const { mode, factor, thresholdMode } = settled;
    if (!(factor < 1)) fail('argument', `${name}: factor must be below 1, got ${String(factor)}.`);
    if (mode !== 'min' && mode !== 'max')
      fail('argument', `${name}: mode must be 'min' or 'max', got ${String(mode)}.`);
    if (thresholdMode !== 'rel' && thresholdMode !== 'abs') {
      fail('argument', `${name}: thresholdMode must be 'rel' or 'abs', got ${String(thresholdMode)}.`);
    }
    this.variables = {
      ...settled,
      minLrs: forEachGroup(name, 'minLr', minLr, optimizer.paramGroups.length),
      best: worst(mode),
      numBadEpochs: 0,
      cooldownCounter: 0,
      lastEpoch: 0,
    };
    this.lastLr = optimizer.paramGroups.map((group) => group.lr);
  }

  /** The best figure so far. */
  get best(): number {
    return this.variables.best;
  }

  get lastEpoch(): number {
    return this.variables.lastEpoch;
  }

  /** Takes note of an epoch's figure, a number or a tensor with one element, and reduces the learning rates if it is time. */
  step(metrics: number | Tensor): void {
    const current = metrics instanceof Tensor ? metrics.item() : metrics;
    if (typeof current !== 'number') {
      fail(
        'argument',
        `ReduceLROnPlateau: step needs the figure to watch, as in step(validationLoss), got ${String(metrics)}.`,
      );
    }
    const { variables } = this;
    variables.lastEpoch++;
    if (this.isBetter(current)) {
      variables.best = current;
      variables.numBadEpochs = 0;
    } else {
      variables.numBadEpochs++;
    }
    if (variables.cooldownCounter > 0) {
      variables.cooldownCounter--;
      variables.numBadEpochs = 0;
    }
    if (variables.numBadEpochs > variables.patience) {
      this.reduce();
      variables.cooldownCounter = variables.cooldown;
      variables.numBadEpochs = 0;
    }
    this.lastLr = this.optimizer.paramGroups.map((group) => group.lr);
  }

  private reduce(): void {
    const { factor, minLrs, eps } = this.variables;
    this.optimizer.paramGroups.forEach((group, i) => {
      const lr = Math.max(group.lr * factor, minLrs[i] ?? 0);
      if (group.lr - lr > eps) group.lr = lr;
    });
  }

  private isBetter(figure: number): boolean {
    const { mode, threshold, thresholdMode, best } = this.variables;
    if (mode === 'min') return figure < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold);
    return figure > (thresholdMode === 'rel' ? best * (threshold + 1) : best + threshold);
  }

  /** The learning rates after the last step, one for each group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** The variables by PyTorch's names. Save the optimizer's state with them: it holds the learning rates. */
  stateDict(): SchedulerStateDict {
    return { ...saveVariables(this.variables), mode_worse: worst(this.variables.mode), _last_lr: [...this.lastLr] };
  }

  /** Goes on from a state that `stateDict()` gave. */
  loadStateDict(state: SchedulerStateDict): void {
    checkState('ReduceLROnPlateau', state);
    loadVariables(this.variables, state);
    // Infinity, before the first epoch, does not survive JSON.
    this.variables.best ??= worst(this.variables.mode);
    if (Array.isArray(state._last_lr)) this.lastLr = [...state._last_lr];
  }
}

/** What every figure is better than. */
function worst(mode: string): number {
  return mode === 'min' ? Infinity : -Infinity;
}
