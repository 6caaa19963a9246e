import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import type { Optimizer } from '../optimizer.js';
import { forEachGroup, settle } from './arguments.js';
import { checkOptimizer, LRScheduler } from './base.js';
import { type AnnealStrategy, anneal, checkStrategy, setMomentum, usesBeta1 } from './momentum.js';

/** Schedules that rise first and step once a batch. Momentum, where they move it, falls as the learning rate rises. */

export interface OneCycleLROptions {
  /** The highest learning rate, for all groups or one for each. */
  readonly maxLr: number | readonly number[];
  /** Steps of the cycle; or give `epochs` and `stepsPerEpoch`. */
  readonly totalSteps?: number | null;
  readonly epochs?: number | null;
  readonly stepsPerEpoch?: number | null;
  /** Share of the cycle in which the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** Default 'cos'. */
  readonly annealStrategy?: AnnealStrategy;
  /** Move momentum (of Adam: beta1) the other way. Default true. */
  readonly cycleMomentum?: boolean;
  /** Default 0.85. */
  readonly baseMomentum?: number | readonly number[];
  /** Default 0.95. */
  readonly maxMomentum?: number | readonly number[];
  /** The initial rate is maxLr / divFactor. Default 25. */
  readonly divFactor?: number;
  /** The last rate is the initial one / finalDivFactor. Default 1e4. */
  readonly finalDivFactor?: number;
  /** Come down to the initial rate as fast as it rose, and then to the last one. Default false. */
  readonly threePhase?: boolean;
  readonly lastEpoch?: number;
}

type LrKey = 'initialLr' | 'maxLr' | 'minLr';
type MomentumKey = 'baseMomentum' | 'maxMomentum';

/** From one value to another, up to step `end`. */
interface Phase {
  readonly end: number;
  readonly lr: readonly [LrKey, LrKey];
  readonly momentum: readonly [MomentumKey, MomentumKey];
}

function phasesOf(totalSteps: number, pctStart: number, threePhase: boolean): Phase[] {
  const rise: Phase = {
    end: pctStart * totalSteps - 1,
    lr: ['initialLr', 'maxLr'],
    momentum: ['maxMomentum', 'baseMomentum'],
  };
  if (!threePhase) {
    return [rise, { end: totalSteps - 1, lr: ['maxLr', 'minLr'], momentum: ['baseMomentum', 'maxMomentum'] }];
  }
  return [
    rise,
    { end: 2 * pctStart * totalSteps - 2, lr: ['maxLr', 'initialLr'], momentum: ['baseMomentum', 'maxMomentum'] },
    { end: totalSteps - 1, lr: ['initialLr', 'minLr'], momentum: ['maxMomentum', 'maxMomentum'] },
  ];
}

function stepsOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleLROptions): number {
  const given = totalSteps ?? (epochs != null && stepsPerEpoch != null ? epochs * stepsPerEpoch : null);
  if (given !== null && Number.isInteger(given) && given > 0) return given;
  return fail(
    'argument',
    'OneCycleLR: expected totalSteps, or epochs and stepsPerEpoch, as whole numbers > 0, ' +
      `got ${String(totalSteps)}, ${String(epochs)} and ${String(stepsPerEpoch)}.`,
  );
}

/**
 * One cycle: the learning rate rises to `maxLr` and falls far below where it began. L. N. Smith, N. Topin, Super-convergence:
 * very fast training of neural networks using large learning rates, 2018. Step once a batch, at most `totalSteps` times.
 */
export class OneCycleLR extends LRScheduler<{
  totalSteps: number;
  pctStart: number;
  threePhase: boolean;
  annealStrategy: AnnealStrategy;
  cycleMomentum: boolean;
  useBeta1: boolean;
}> {
  constructor(optimizer: Optimizer, options: OneCycleLROptions);
  constructor(optimizer: Optimizer, maxLr: number | readonly number[], options?: Partial<OneCycleLROptions>);
  constructor(
    optimizer: Optimizer,
    maxLr: number | readonly number[],
    totalSteps: number,
    options?: Partial<OneCycleLROptions>,
  );
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const name = 'OneCycleLR';
    checkOptimizer(name, optimizer);
    const settled = settle<Required<OneCycleLROptions>>(name, args, {
      maxLr: undefined,
      totalSteps: null,
      epochs: null,
      stepsPerEpoch: null,
      pctStart: 0.3,
      annealStrategy: 'cos',
      cycleMomentum: true,
      baseMomentum: 0.85,
      maxMomentum: 0.95,
      divFactor: 25,
      finalDivFactor: 1e4,
      threePhase: false,
      lastEpoch: -1,
    });
    const { pctStart, annealStrategy, cycleMomentum, divFactor, finalDivFactor, threePhase, lastEpoch } = settled;
    const totalSteps = stepsOf(settled);
    if (!(pctStart >= 0 && pctStart <= 1))
      fail('argument', `${name}: pctStart must be in [0, 1], got ${String(pctStart)}.`);
    checkStrategy(name, annealStrategy);
    const useBeta1 = cycleMomentum && usesBeta1(name, optimizer);
    const groups = optimizer.paramGroups;
    const maxLrs = forEachGroup(name, 'maxLr', settled.maxLr, groups.length);
    const baseMomentums = forEachGroup(name, 'baseMomentum', settled.baseMomentum, groups.length);
    const maxMomentums = forEachGroup(name, 'maxMomentum', settled.maxMomentum, groups.length);
    if (lastEpoch === -1) {
      groups.forEach((group, i) => {
        const maxLr = maxLrs[i] as number;
        group.initialLr = maxLr / divFactor;
        group.maxLr = maxLr;
        group.minLr = group.initialLr / finalDivFactor;
        if (!cycleMomentum) return;
        group.maxMomentum = maxMomentums[i] as number;
        group.baseMomentum = baseMomentums[i] as number;
        setMomentum(group, group.maxMomentum, useBeta1);
      });
    }
    super(optimizer, { totalSteps, pctStart, threePhase, annealStrategy, cycleMomentum, useBeta1 }, lastEpoch);
  }

  getLr(): number[] {
    const { totalSteps, pctStart, threePhase, annealStrategy, cycleMomentum, useBeta1 } = this.variables;
    const step = this.lastEpoch;
    if (step > totalSteps) {
      fail(
        'state',
        `OneCycleLR: step ${step} of a cycle of ${totalSteps}. Pass as many totalSteps as batches will be trained.`,
      );
    }
    const phases = phasesOf(totalSteps, pctStart, threePhase);
    const found = phases.findIndex((phase) => step <= phase.end);
    const at = found < 0 ? phases.length - 1 : found;
    const phase = phases[at] as Phase;
    const begin = phases[at - 1]?.end ?? 0;
    const way = (step - begin) / (phase.end - begin);
    return this.groups.map((group) => {
      if (cycleMomentum) {
        const [from, to] = phase.momentum.map((key) => group[key] as number) as [number, number];
        setMomentum(group, anneal(annealStrategy, from, to, way), useBeta1);
      }
      const [from, to] = phase.lr.map((key) => group[key] as number) as [number, number];
      return anneal(annealStrategy, from, to, way);
    });
  }
}

export interface CyclicLROptions {
  /** The lowest learning rate, where the cycle begins; for all groups or one for each. */
  readonly baseLr: number | readonly number[];
  /** The highest learning rate, before scaling. */
  readonly maxLr: number | readonly number[];
  /** Steps up. Default 2000. */
  readonly stepSizeUp?: number;
  /** Steps down. Default: as many as up. */
  readonly stepSizeDown?: number | null;
  /** 'triangular' keeps the height, 'triangular2' halves it every cycle, 'exp_range' multiplies it by gamma^step. */
  readonly mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** Default 1. */
  readonly gamma?: number;
  /** A scaling of the height of one's own, in place of `mode`. */
  readonly scaleFn?: ((x: number) => number) | null;
  /** What `scaleFn` is a function of: the number of the cycle, from 1, or of the step. Default 'cycle'. */
  readonly scaleMode?: 'cycle' | 'iterations';
  /** Move momentum (of Adam: beta1) the other way. Default true. */
  readonly cycleMomentum?: boolean;
  /** Default 0.8. */
  readonly baseMomentum?: number | readonly number[];
  /** Default 0.9. */
  readonly maxMomentum?: number | readonly number[];
  readonly lastEpoch?: number;
}

/**
 * The learning rate goes up and down between two bounds. L. N. Smith, Cyclical learning rates for training neural networks,
 * 2017. Step once a batch.
 */
export class CyclicLR extends LRScheduler<{
  maxLrs: number[];
  totalSize: number;
  stepRatio: number;
  mode: string;
  gamma: number;
  scaleFn: ((x: number) => number) | null;
  scaleMode: string;
  cycleMomentum: boolean;
  useBeta1: boolean;
  baseMomentums: number[];
  maxMomentums: number[];
}> {
  constructor(optimizer: Optimizer, options: CyclicLROptions);
  constructor(
    optimizer: Optimizer,
    baseLr: number | readonly number[],
    maxLr: number | readonly number[],
    options?: Partial<CyclicLROptions>,
  );
  constructor(optimizer: Optimizer, ...args: unknown[]) {
    const name = 'CyclicLR';
    checkOptimizer(name, optimizer);
    const settled = settle<Required<CyclicLROptions>>(name, args, {
      baseLr: undefined,
      maxLr: undefined,
      stepSizeUp: 2000,
      stepSizeDown: null,
      mode: 'triangular',
      gamma: 1,
      scaleFn: null,
      scaleMode: 'cycle',
      cycleMomentum: true,
      baseMomentum: 0.8,
      maxMomentum: 0.9,
      lastEpoch: -1,
    });
    const { stepSizeUp, mode, gamma, scaleFn, cycleMomentum, lastEpoch } = settled;
    const modes = ['triangular', 'triangular2', 'exp_range'];
    if (scaleFn === null && !modes.includes(mode)) {
      fail('argument', `${name}: mode must be one of ${modes.join(', ')}, got ${String(mode)}.`);
    }
    const useBeta1 = cycleMomentum && usesBeta1(name, optimizer);
    const groups = optimizer.paramGroups;
    const baseLrs = forEachGroup(name, 'baseLr', settled.baseLr, groups.length);
    const maxLrs = forEachGroup(name, 'maxLr', settled.maxLr, groups.length);
    const baseMomentums = forEachGroup(name, 'baseMomentum', settled.baseMomentum, groups.length);
    const maxMomentums = forEachGroup(name, 'maxMomentum', settled.maxMomentum, groups.length);
    if (lastEpoch === -1) {
      groups.forEach((group, i) => {
        group.lr = baseLrs[i] as number;
        if (!cycleMomentum) return;
        group.maxMomentum = maxMomentums[i] as number;
        group.baseMomentum = baseMomentums[i] as number;
      });
    }
    const totalSize = stepSizeUp + (settled.stepSizeDown ?? stepSizeUp);
    const scaleMode = scaleFn !== null ? settled.scaleMode : mode === 'exp_range' ? 'iterations' : 'cycle';
    const shape = { maxLrs, totalSize, stepRatio: stepSizeUp / totalSize, mode, gamma, scaleFn, scaleMode };
    super(optimizer, { ...shape, cycleMomentum, useBeta1, baseMomentums, maxMomentums }, lastEpoch);
    this.baseLrs = baseLrs;
  }

  private scale(x: number): number {
    const { scaleFn, mode, gamma } = this.variables;
    if (scaleFn !== null) return scaleFn(x);
    if (mode === 'triangular2') return 1 / elementary.pow(2, x - 1);
    return mode === 'exp_range' ? elementary.pow(gamma, x) : 1;
  }

  getLr(): number[] {
    const { maxLrs, totalSize, stepRatio, scaleMode, cycleMomentum, useBeta1, baseMomentums, maxMomentums } =
      this.variables;
    const cycle = Math.floor(1 + this.lastEpoch / totalSize);
    const x = 1 + this.lastEpoch / totalSize - cycle;
    const height = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1);
    const scale = this.scale(scaleMode === 'cycle' ? cycle : this.lastEpoch);
    if (cycleMomentum) {
      this.groups.forEach((group, i) => {
        const [low, high] = [baseMomentums[i] as number, maxMomentums[i] as number];
        setMomentum(group, high - (high - low) * height * scale, useBeta1);
      });
    }
    return this.baseLrs.map((lr, i) => lr + ((maxLrs[i] as number) - lr) * height * scale);
  }
}
