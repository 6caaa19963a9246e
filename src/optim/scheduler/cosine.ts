import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import type { Optimizer } from '../optimizer.js';
import { settle } from './arguments.js';
import { LRScheduler } from './base.js';

/** Schedules along a cosine. I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, 2017. */

export interface CosineAnnealingLROptions {
  /** Epochs from the initial learning rate to the smallest. */
  readonly TMax: number;
  /** The smallest learning rate. Default 0. */
  readonly etaMin?: number;
  readonly lastEpoch?: number;
}

/** The learning rate falls along half a cosine to `etaMin` in `TMax` epochs, and would rise again in as many more. */
export class CosineAnnealingLR extends LRScheduler<{ TMax: number; etaMin: number }> {
  constructor(optimizer: Optimizer, options: CosineAnnealingLROptions);
  constructor(optimizer: Optimizer, TMax: number, options?: Partial<CosineAnnealingLROptions>);
  constructor(optimizer: Optimizer, TMax: number, etaMin: number, options?: Partial<CosineAnnealingLROptions>);
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { lastEpoch, ...variables } = settle<Required<CosineAnnealingLROptions>>('CosineAnnealingLR', args, {
      TMax: undefined,
      etaMin: 0,
      lastEpoch: -1,
    });
    if (!(variables.TMax > 0)) fail('argument', `CosineAnnealingLR: TMax must be a number > 0, got ${variables.TMax}.`);
    super(optimizer, variables, lastEpoch);
  }

  getLr(): number[] {
    const { TMax, etaMin } = this.variables;
    const epoch = this.lastEpoch;
    if (epoch === 0) return this.groups.map((group) => group.lr);
    if (this.stepCount === 1 && epoch > 0) return this.closedFormLr();
    if ((epoch - 1 - TMax) % (2 * TMax) === 0) {
      // Out of the lowest point, where the ratio below would be 0 / 0.
      const rise = (1 - elementary.cos(Math.PI / TMax)) / 2;
      return this.groups.map((group, i) => group.lr + ((this.baseLrs[i] as number) - etaMin) * rise);
    }
    const ratio = (1 + elementary.cos((Math.PI * epoch) / TMax)) / (1 + elementary.cos((Math.PI * (epoch - 1)) / TMax));
    return this.groups.map((group) => ratio * (group.lr - etaMin) + etaMin);
  }

  protected override closedFormLr(): number[] {
    const { TMax, etaMin } = this.variables;
    const height = 1 + elementary.cos((Math.PI * this.lastEpoch) / TMax);
    return this.baseLrs.map((lr) => etaMin + ((lr - etaMin) * height) / 2);
  }
}

export interface CosineAnnealingWarmRestartsOptions {
  /** Epochs until the first restart. */
  readonly T0: number;
  /** Factor of the epochs until the next restart. Default 1. */
  readonly TMult?: number;
  /** The smallest learning rate. Default 0. */
  readonly etaMin?: number;
  readonly lastEpoch?: number;
}

/** Half a cosine down to `etaMin`, over and over, each `TMult` times as long as the one before. */
export class CosineAnnealingWarmRestarts extends LRScheduler<{
  T0: number;
  TI: number;
  TMult: number;
  etaMin: number;
  TCur: number;
}> {
  constructor(optimizer: Optimizer, options: CosineAnnealingWarmRestartsOptions);
  constructor(optimizer: Optimizer, T0: number, options?: Partial<CosineAnnealingWarmRestartsOptions>);
  constructor(optimizer: Optimizer, T0: number, TMult: number, options?: Partial<CosineAnnealingWarmRestartsOptions>);
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const { T0, TMult, etaMin, lastEpoch } = settle<Required<CosineAnnealingWarmRestartsOptions>>(
      'CosineAnnealingWarmRestarts',
      args,
      { T0: undefined, TMult: 1, etaMin: 0, lastEpoch: -1 },
    );
    for (const [key, value] of Object.entries({ T0, TMult })) {
      if (!Number.isInteger(value) || value < 1) {
        fail('argument', `CosineAnnealingWarmRestarts: ${key} must be a whole number ≥ 1, got ${String(value)}.`);
      }
    }
    super(optimizer, { T0, TI: T0, TMult, etaMin, TCur: lastEpoch }, lastEpoch);
  }

  getLr(): number[] {
    const { TI, TCur, etaMin } = this.variables;
    const height = 1 + elementary.cos((Math.PI * TCur) / TI);
    return this.baseLrs.map((lr) => etaMin + ((lr - etaMin) * height) / 2);
  }

  /** `epoch` may be given, and be a fraction, to step once a batch: `step(epoch + batch / batches)`. */
  override step(epoch?: number): void {
    if (epoch !== undefined) {
      this.stepTo(epoch);
      return;
    }
    if (this.lastEpoch < 0) {
      this.stepTo(0);
      return;
    }
    const { variables } = this;
    variables.TCur++;
    if (variables.TCur >= variables.TI) {
      variables.TCur -= variables.TI;
      variables.TI *= variables.TMult;
    }
    this.lastEpoch++;
    this.set(this.getLr());
  }

  override stepTo(epoch: number): void {
    if (!(epoch >= 0))
      fail('argument', `CosineAnnealingWarmRestarts: the epoch must be a number ≥ 0, got ${String(epoch)}.`);
    const { variables } = this;
    const { T0, TMult } = variables;
    variables.TI = T0;
    if (epoch < T0) variables.TCur = epoch;
    else if (TMult === 1) variables.TCur = epoch % T0;
    else {
      // After n restarts T0 (1 + TMult + … + TMult^(n − 1)) epochs have passed. Multiplied out, for a logarithm may round down.
      let passed = 0;
      while (epoch - passed >= variables.TI) {
        passed += variables.TI;
        variables.TI *= TMult;
      }
      variables.TCur = epoch - passed;
    }
    this.lastEpoch = Math.floor(epoch);
    this.set(this.getLr());
  }
}
