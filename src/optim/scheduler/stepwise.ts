import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import type { Optimizer } from '../optimizer.js';
import { countUpTo, forEachGroup, settle } from './arguments.js';
import { checkOptimizer, LRScheduler } from './base.js';

/** Schedules that multiply the learning rate now and then. */

export interface StepLROptions {
  /** Epochs between two decays. */
  readonly stepSize: number;
  /** Factor of each decay. Default 0.1. */
  readonly gamma?: number;
  readonly lastEpoch?: number;
}

/** Multiplies the learning rate by `gamma` every `stepSize` epochs. */
export class StepLR extends LRScheduler<{ stepSize: number; gamma: number }> {
  constructor(optimizer: Optimizer, options: StepLROptions);
  constructor(optimizer: Optimizer, stepSize: number, options?: Partial<StepLROptions>);
  constructor(optimizer: Optimizer, stepSize: number, gamma: number, options?: Partial<StepLROptions>);
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { lastEpoch, ...variables } = settle<Required<StepLROptions>>('StepLR', args, {
      stepSize: undefined,
      gamma: 0.1,
      lastEpoch: -1,
    });
    if (!(variables.stepSize > 0))
      fail('argument', `StepLR: stepSize must be a number > 0, got ${variables.stepSize}.`);
    super(optimizer, variables, lastEpoch);
  }

  getLr(): number[] {
    const { stepSize, gamma } = this.variables;
    const decays = this.lastEpoch !== 0 && this.lastEpoch % stepSize === 0;
    return this.groups.map((group) => (decays ? group.lr * gamma : group.lr));
  }

  protected override closedFormLr(): number[] {
    const { stepSize, gamma } = this.variables;
    return this.baseLrs.map((lr) => lr * elementary.pow(gamma, Math.floor(this.lastEpoch / stepSize)));
  }
}

export interface MultiStepLROptions {
  /** Epochs at which the rate decays; one that is listed twice decays twice. */
  readonly milestones: readonly number[];
  /** Factor of each decay. Default 0.1. */
  readonly gamma?: number;
  readonly lastEpoch?: number;
}

/** Multiplies the learning rate by `gamma` at each milestone. */
export class MultiStepLR extends LRScheduler<{ milestones: Record<number, number>; gamma: number }> {
  constructor(optimizer: Optimizer, options: MultiStepLROptions);
  constructor(optimizer: Optimizer, milestones: readonly number[], options?: Partial<MultiStepLROptions>);
  constructor(
    optimizer: Optimizer,
    milestones: readonly number[],
    gamma: number,
    options?: Partial<MultiStepLROptions>,
  );
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { milestones, gamma, lastEpoch } = settle<Required<MultiStepLROptions>>('MultiStepLR', args, {
      milestones: undefined,
      gamma: 0.1,
      lastEpoch: -1,
    });
    if (!Array.isArray(milestones)) fail('argument', 'MultiStepLR: milestones must be a list of epochs.');
    // How often each epoch is listed: the form in which PyTorch saves them.
    const counts: Record<number, number> = {};
    for (const epoch of milestones) counts[epoch] = (counts[epoch] ?? 0) + 1;
    super(optimizer, { milestones: counts, gamma }, lastEpoch);
  }

  getLr(): number[] {
    const { milestones, gamma } = this.variables;
    const times = milestones[this.lastEpoch];
    return this.groups.map((group) => (times === undefined ? group.lr : group.lr * elementary.pow(gamma, times)));
  }

  protected override closedFormLr(): number[] {
    const { milestones, gamma } = this.variables;
    const all = Object.entries(milestones).flatMap(([epoch, times]) => new Array<number>(times).fill(Number(epoch)));
    return this.baseLrs.map((lr) => lr * elementary.pow(gamma, countUpTo(all, this.lastEpoch)));
  }
}

export interface ExponentialLROptions {
  /** Factor of each epoch. */
  readonly gamma: number;
  readonly lastEpoch?: number;
}

/** Multiplies the learning rate by `gamma` every epoch. */
export class ExponentialLR extends LRScheduler<{ gamma: number }> {
  constructor(optimizer: Optimizer, options: ExponentialLROptions);
  constructor(optimizer: Optimizer, gamma: number, options?: Partial<ExponentialLROptions>);
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { gamma, lastEpoch } = settle<Required<ExponentialLROptions>>('ExponentialLR', args, {
      gamma: undefined,
      lastEpoch: -1,
    });
    super(optimizer, { gamma }, lastEpoch);
  }

  getLr(): number[] {
    return this.groups.map((group) => (this.lastEpoch === 0 ? group.lr : group.lr * this.variables.gamma));
  }

  protected override closedFormLr(): number[] {
    return this.baseLrs.map((lr) => lr * elementary.pow(this.variables.gamma, this.lastEpoch));
  }
}

/** A factor for each epoch. */
export type LrLambda = (epoch: number) => number;

export interface LambdaLROptions {
  /** The factor of an epoch; a list has one function for each group. */
  readonly lrLambda: LrLambda | readonly LrLambda[];
  readonly lastEpoch?: number;
}

function lambdasOf(
  name: string,
  optimizer: Optimizer,
  args: readonly unknown[],
): { lrLambdas: LrLambda[]; lastEpoch: number } {
  checkOptimizer(name, optimizer);
  const { lrLambda, lastEpoch } = settle<Required<LambdaLROptions>>(name, args, { lrLambda: undefined, lastEpoch: -1 });
  const lrLambdas = forEachGroup(name, 'lrLambda', lrLambda, optimizer.paramGroups.length);
  if (!lrLambdas.every((f) => typeof f === 'function'))
    fail('argument', `${name}: lrLambda must be a function of the epoch.`);
  return { lrLambdas, lastEpoch };
}

/** The initial learning rate times a function of the epoch. The function is not saved. */
export class LambdaLR extends LRScheduler<{ lrLambdas: LrLambda[] }> {
  constructor(optimizer: Optimizer, options: LambdaLROptions);
  constructor(optimizer: Optimizer, lrLambda: LrLambda | readonly LrLambda[], options?: Partial<LambdaLROptions>);
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { lrLambdas, lastEpoch } = lambdasOf('LambdaLR', optimizer, args);
    super(optimizer, { lrLambdas }, lastEpoch);
  }

  getLr(): number[] {
    return this.baseLrs.map((lr, i) => lr * (this.variables.lrLambdas[i] as LrLambda)(this.lastEpoch));
  }
}

/** Multiplies the learning rate by a function of the epoch, every epoch. The function is not saved. */
export class MultiplicativeLR extends LRScheduler<{ lrLambdas: LrLambda[] }> {
  constructor(optimizer: Optimizer, options: LambdaLROptions);
  constructor(optimizer: Optimizer, lrLambda: LrLambda | readonly LrLambda[], options?: Partial<LambdaLROptions>);
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { lrLambdas, lastEpoch } = lambdasOf('MultiplicativeLR', optimizer, args);
    super(optimizer, { lrLambdas }, lastEpoch);
  }

  getLr(): number[] {
    const { lrLambdas } = this.variables;
    if (this.lastEpoch <= 0) return this.groups.map((group) => group.lr);
    return this.groups.map((group, i) => group.lr * (lrLambdas[i] as LrLambda)(this.lastEpoch));
  }
}
