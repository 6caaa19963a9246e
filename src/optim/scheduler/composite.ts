import { fail } from '../../core/errors.js';
import type { Optimizer } from '../optimizer.js';
import { countUpTo, settle } from './arguments.js';
import { checkState, type Scheduler, type SchedulerStateDict } from './base.js';
import { LinearLR } from './ramp.js';

/** Schedules made of schedules. */

function checkSchedulers(name: string, optimizer: Optimizer, schedulers: readonly Scheduler[]): void {
  if (!Array.isArray(schedulers) || schedulers.length === 0)
    fail('argument', `${name}: expected a list of schedulers.`);
  schedulers.forEach((scheduler, i) => {
    if (typeof scheduler.stepTo !== 'function') {
      fail(
        'argument',
        `${name}: scheduler ${i} cannot be combined with others; ReduceLROnPlateau needs a figure to step.`,
      );
    }
    if (scheduler.optimizer !== optimizer) fail('argument', `${name}: scheduler ${i} belongs to another optimizer.`);
  });
}

function loadEach(name: string, schedulers: readonly Scheduler[], state: SchedulerStateDict): void {
  const states = state._schedulers;
  if (!Array.isArray(states) || states.length !== schedulers.length) {
    fail(
      'state',
      `${name}: expected the states of ${schedulers.length} schedulers, got ${Array.isArray(states) ? states.length : 'none'}.`,
    );
  }
  for (const [i, scheduler] of schedulers.entries()) scheduler.loadStateDict(states[i] as SchedulerStateDict);
}

export interface SequentialLROptions {
  /** Schedulers, one after another. */
  readonly schedulers: readonly Scheduler[];
  /** The epochs at which the next takes over: one fewer than schedulers. */
  readonly milestones: readonly number[];
  readonly lastEpoch?: number;
}

/** One schedule after another: each begins at its own epoch 0 when the one before it ends. */
export class SequentialLR implements Scheduler {
  lastEpoch: number;
  private readonly schedulers: readonly Scheduler[];
  private milestones: readonly number[];
  private lastLr: number[];

  constructor(optimizer: Optimizer, options: SequentialLROptions);
  constructor(
    optimizer: Optimizer,
    schedulers: readonly Scheduler[],
    milestones: readonly number[],
    options?: Partial<SequentialLROptions>,
  );
  constructor(
    readonly optimizer: Optimizer,
    ...args: unknown[]
  ) {
    const { schedulers, milestones, lastEpoch } = settle<Required<SequentialLROptions>>('SequentialLR', args, {
      schedulers: undefined,
      milestones: undefined,
      lastEpoch: -1,
    });
    checkSchedulers('SequentialLR', optimizer, schedulers);
    if (!Array.isArray(milestones) || milestones.length !== schedulers.length - 1) {
      const got = Array.isArray(milestones) ? `${milestones.length} milestones` : 'none';
      fail(
        'argument',
        `SequentialLR: ${schedulers.length} schedulers need ${schedulers.length - 1} milestones, got ${got}.`,
      );
    }
    this.schedulers = [...schedulers];
    this.milestones = [...milestones];
    this.lastEpoch = lastEpoch;
    // Each scheduler has set the rates of its own beginning; the first one's beginning is wanted.
    for (const group of optimizer.paramGroups) group.lr = group.initialLr ?? group.lr;
    for (const scheduler of this.schedulers) scheduler.undo();
    this.lastLr = [];
    this.initialStep();
  }

  step(): void {
    this.lastEpoch++;
    const at = countUpTo(this.milestones, this.lastEpoch);
    const scheduler = this.schedulers[at] as Scheduler;
    if (at > 0 && this.milestones[at - 1] === this.lastEpoch) scheduler.stepTo(0);
    else scheduler.step();
    this.lastLr = scheduler.getLastLr();
  }

  initialStep(): void {
    this.lastEpoch++;
    const first = this.schedulers[0] as Scheduler;
    first.initialStep();
    this.lastLr = first.getLastLr();
  }

  undo(): void {
    this.lastEpoch--;
    for (const scheduler of this.schedulers) scheduler.undo();
  }

  stepTo(epoch: number): void {
    this.lastEpoch = epoch;
    const at = countUpTo(this.milestones, epoch);
    const scheduler = this.schedulers[at] as Scheduler;
    scheduler.stepTo(epoch - (at > 0 ? (this.milestones[at - 1] as number) : 0));
    this.lastLr = scheduler.getLastLr();
  }

  getLastLr(): number[] {
    return [...this.lastLr];
  }

  stateDict(): SchedulerStateDict {
    return {
      _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()),
      _milestones: [...this.milestones],
      last_epoch: this.lastEpoch,
      _last_lr: [...this.lastLr],
    };
  }

  loadStateDict(state: SchedulerStateDict): void {
    checkState('SequentialLR', state);
    loadEach('SequentialLR', this.schedulers, state);
    this.lastEpoch = state.last_epoch as number;
    if (Array.isArray(state._milestones)) this.milestones = [...state._milestones];
    if (Array.isArray(state._last_lr)) this.lastLr = [...state._last_lr];
  }
}

/** Several schedules at once: each changes the rates that the one before it has set. */
export class ChainedScheduler implements Scheduler {
  readonly optimizer: Optimizer;
  private readonly schedulers: readonly Scheduler[];
  private lastLr: number[];

  constructor(schedulers: readonly Scheduler[], optimizer: Optimizer | undefined = schedulers?.[0]?.optimizer) {
    checkSchedulers('ChainedScheduler', optimizer as Optimizer, schedulers);
    this.optimizer = optimizer as Optimizer;
    this.schedulers = [...schedulers];
    this.lastLr = this.currentLr();
  }

  private currentLr(): number[] {
    return this.optimizer.paramGroups.map((group) => group.lr);
  }

  private each(act: (scheduler: Scheduler) => void): void {
    this.schedulers.forEach(act);
    this.lastLr = this.currentLr();
  }

  step(): void {
    this.each((scheduler) => scheduler.step());
  }

  initialStep(): void {
    this.each((scheduler) => scheduler.initialStep());
  }

  undo(): void {
    this.each((scheduler) => scheduler.undo());
  }

  stepTo(epoch: number): void {
    this.each((scheduler) => scheduler.stepTo(epoch));
  }

  getLastLr(): number[] {
    return [...this.lastLr];
  }

  stateDict(): SchedulerStateDict {
    return { _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()), _last_lr: [...this.lastLr] };
  }

  loadStateDict(state: SchedulerStateDict): void {
    loadEach('ChainedScheduler', this.schedulers, state);
    if (Array.isArray(state._last_lr)) this.lastLr = [...state._last_lr];
  }
}

/**
 * A linear warm-up before `scheduler`: from `startFactor` (default 1/3) times the learning rate to all of it in `totalIters`
 * epochs, then `scheduler` from its beginning.
 *
 * @example
 * const w = zeros([2], { requiresGrad: true });
 * const optimizer = new optim.SGD([w], { lr: 0.1 });
 * const cosine = new optim.lrScheduler.CosineAnnealingLR(optimizer, 20);
 * const schedule = optim.lrScheduler.warmup(cosine, 4, { startFactor: 0.2 });
 * schedule.getLastLr(); // → [0.02]
 */
export function warmup(
  scheduler: Scheduler,
  totalIters: number,
  { startFactor = 1 / 3 }: { startFactor?: number } = {},
): SequentialLR {
  const rise = new LinearLR(scheduler.optimizer, { startFactor, totalIters });
  return new SequentialLR(scheduler.optimizer, [rise, scheduler], [totalIters]);
}
