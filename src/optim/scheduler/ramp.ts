import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import type { Optimizer } from '../optimizer.js';
import { settle } from './arguments.js';
import { LRScheduler } from './base.js';

/** Schedules that lead to a learning rate within a number of epochs, and leave it there. */

function checkFactor(name: string, key: string, value: number, positive: boolean): void {
  if (value <= 1 && (positive ? value > 0 : value >= 0)) return;
  fail('argument', `${name}: ${key} must be in ${positive ? '(' : '['}0, 1], got ${String(value)}.`);
}

function checkIterations(name: string, totalIters: number): void {
  if (!(totalIters >= 0)) fail('argument', `${name}: totalIters must be a number ≥ 0, got ${String(totalIters)}.`);
}

export interface ConstantLROptions {
  /** Factor of the learning rate until `totalIters`. Default 1/3. */
  readonly factor?: number;
  /** Epochs that the factor lasts. Default 5. */
  readonly totalIters?: number;
  readonly lastEpoch?: number;
}

/** `factor` times the learning rate for `totalIters` epochs, and then all of it. */
export class ConstantLR extends LRScheduler<{ factor: number; totalIters: number }> {
  constructor(optimizer: Optimizer, options?: ConstantLROptions);
  constructor(optimizer: Optimizer, factor: number, options?: ConstantLROptions);
  constructor(optimizer: Optimizer, factor: number, totalIters: number, options?: ConstantLROptions);
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { lastEpoch, ...variables } = settle<Required<ConstantLROptions>>('ConstantLR', args, {
      factor: 1 / 3,
      totalIters: 5,
      lastEpoch: -1,
    });
    checkFactor('ConstantLR', 'factor', variables.factor, true);
    checkIterations('ConstantLR', variables.totalIters);
    super(optimizer, variables, lastEpoch);
  }

  getLr(): number[] {
    const { factor, totalIters } = this.variables;
    const change = this.lastEpoch === 0 ? factor : this.lastEpoch === totalIters ? 1 / factor : 1;
    return this.groups.map((group) => group.lr * change);
  }

  protected override closedFormLr(): number[] {
    const { factor, totalIters } = this.variables;
    return this.baseLrs.map((lr) => lr * (this.lastEpoch >= totalIters ? 1 : factor));
  }
}

export interface LinearLROptions {
  /** Factor of the learning rate in the first epoch. Default 1/3. */
  readonly startFactor?: number;
  /** Factor from `totalIters` on. Default 1. */
  readonly endFactor?: number;
  /** Epochs from one to the other. Default 5. */
  readonly totalIters?: number;
  readonly lastEpoch?: number;
}

/** A factor of the learning rate that goes evenly from `startFactor` to `endFactor`: a warm-up, by default. */
export class LinearLR extends LRScheduler<{ startFactor: number; endFactor: number; totalIters: number }> {
  constructor(optimizer: Optimizer, options?: LinearLROptions);
  constructor(optimizer: Optimizer, startFactor: number, options?: LinearLROptions);
  constructor(optimizer: Optimizer, startFactor: number, endFactor: number, options?: LinearLROptions);
  constructor(
    optimizer: Optimizer,
    startFactor: number,
    endFactor: number,
    totalIters: number,
    options?: LinearLROptions,
  );
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { lastEpoch, ...variables } = settle<Required<LinearLROptions>>('LinearLR', args, {
      startFactor: 1 / 3,
      endFactor: 1,
      totalIters: 5,
      lastEpoch: -1,
    });
    checkFactor('LinearLR', 'startFactor', variables.startFactor, true);
    checkFactor('LinearLR', 'endFactor', variables.endFactor, false);
    checkIterations('LinearLR', variables.totalIters);
    super(optimizer, variables, lastEpoch);
  }

  getLr(): number[] {
    const { startFactor, endFactor, totalIters } = this.variables;
    const epoch = this.lastEpoch;
    if (epoch === 0) return this.groups.map((group) => group.lr * startFactor);
    if (epoch > totalIters) return this.groups.map((group) => group.lr);
    // The ratio of two neighbours on the line, so that the rate may be changed by others meanwhile.
    const rise = endFactor - startFactor;
    // Where the line ends at 0, rounding may take it below.
    const ratio = Math.max(0, 1 + rise / (totalIters * startFactor + (epoch - 1) * rise));
    return this.groups.map((group) => group.lr * ratio);
  }

  protected override closedFormLr(): number[] {
    const { startFactor, endFactor, totalIters } = this.variables;
    const done = Math.min(totalIters, this.lastEpoch);
    return this.baseLrs.map((lr) => lr * (startFactor + ((endFactor - startFactor) * done) / totalIters));
  }
}

export interface PolynomialLROptions {
  /** Epochs until the learning rate is 0. Default 5. */
  readonly totalIters?: number;
  /** Power of the polynomial. Default 1. */
  readonly power?: number;
  readonly lastEpoch?: number;
}

/** The learning rate falls to 0 as (1 − epoch / totalIters)^power. */
export class PolynomialLR extends LRScheduler<{ totalIters: number; power: number }> {
  constructor(optimizer: Optimizer, options?: PolynomialLROptions);
  constructor(optimizer: Optimizer, totalIters: number, options?: PolynomialLROptions);
  constructor(optimizer: Optimizer, totalIters: number, power: number, options?: PolynomialLROptions);
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { lastEpoch, ...variables } = settle<Required<PolynomialLROptions>>('PolynomialLR', args, {
      totalIters: 5,
      power: 1,
      lastEpoch: -1,
    });
    checkIterations('PolynomialLR', variables.totalIters);
    super(optimizer, variables, lastEpoch);
  }

  getLr(): number[] {
    const { totalIters, power } = this.variables;
    const epoch = this.lastEpoch;
    if (epoch === 0 || epoch > totalIters) return this.groups.map((group) => group.lr);
    const ratio = elementary.pow((1 - epoch / totalIters) / (1 - (epoch - 1) / totalIters), power);
    return this.groups.map((group) => group.lr * ratio);
  }

  protected override closedFormLr(): number[] {
    const { totalIters, power } = this.variables;
    return this.baseLrs.map((lr) => lr * elementary.pow(1 - Math.min(totalIters, this.lastEpoch) / totalIters, power));
  }
}
