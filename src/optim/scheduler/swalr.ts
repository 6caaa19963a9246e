import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import type { Optimizer } from '../optimizer.js';
import { forEachGroup, settle } from './arguments.js';
import { checkOptimizer, LRScheduler } from './base.js';
import { type AnnealStrategy, checkStrategy } from './momentum.js';

export interface SWALROptions {
  /** The learning rate that is reached and kept, for all groups or one for each. */
  readonly swaLr: number | readonly number[];
  /** Epochs until then. Default 10. */
  readonly annealEpochs?: number;
  /** The way there. Default 'cos'. */
  readonly annealStrategy?: AnnealStrategy;
  readonly lastEpoch?: number;
}

/**
 * From whatever the learning rate is to a constant one, at which weights are averaged: see `SWA`. P. Izmailov et al., Averaging
 * weights leads to wider optima and better generalization, 2018.
 */
export class SWALR extends LRScheduler<{ annealEpochs: number; annealStrategy: AnnealStrategy; swaLrs: number[] }> {
  constructor(optimizer: Optimizer, options: SWALROptions);
  constructor(optimizer: Optimizer, swaLr: number | readonly number[], options?: Partial<SWALROptions>);
  constructor(
    optimizer: Optimizer,
    swaLr: number | readonly number[],
    annealEpochs: number,
    options?: Partial<SWALROptions>,
  );
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    checkOptimizer('SWALR', optimizer);
    const { swaLr, annealEpochs, annealStrategy, lastEpoch } = settle<Required<SWALROptions>>('SWALR', args, {
      swaLr: undefined,
      annealEpochs: 10,
      annealStrategy: 'cos',
      lastEpoch: -1,
    });
    checkStrategy('SWALR', annealStrategy);
    if (!(Number.isInteger(annealEpochs) && annealEpochs >= 0)) {
      fail('argument', `SWALR: annealEpochs must be a whole number ≥ 0, got ${String(annealEpochs)}.`);
    }
    const swaLrs = forEachGroup('SWALR', 'swaLr', swaLr, optimizer.paramGroups.length);
    super(optimizer, { annealEpochs, annealStrategy, swaLrs }, lastEpoch);
  }

  /** How far along the way the rate is after `step` steps, from 0 to 1. */
  private share(step: number): number {
    const { annealEpochs, annealStrategy } = this.variables;
    const t = Math.max(0, Math.min(1, step / Math.max(1, annealEpochs)));
    return annealStrategy === 'linear' ? t : (1 - elementary.cos(Math.PI * t)) / 2;
  }

  getLr(): number[] {
    const { annealEpochs, swaLrs } = this.variables;
    const step = annealEpochs === 0 ? Math.max(1, this.stepCount - 1) : this.stepCount - 1;
    const [before, now] = [this.share(step - 1), this.share(step)];
    return this.groups.map(({ lr }, i) => {
      const goal = swaLrs[i] as number;
      // What the rate would have begun from, so that others may change it meanwhile.
      const begin = before === 1 ? goal : (lr - before * goal) / (1 - before);
      return goal * now + begin * (1 - now);
    });
  }
}
