import { fail, warnOnce } from '../../core/errors.js';
import type { ParamGroup } from '../groups.js';
import { Optimizer } from '../optimizer.js';
import { propertyName, savedName } from '../settings.js';

/** Saved state of a scheduler: its variables by PyTorch's names. Functions are not saved; null stands in their place. */
export type SchedulerStateDict = Record<string, unknown>;

/** What every schedule of learning rates can do; what `SequentialLR` and `ChainedScheduler` put together. */
export interface Scheduler {
  readonly optimizer: Optimizer;
  /** Sets the learning rates of the next step. Call it after the optimizer's step. */
  step(): void;
  /** The learning rates this schedule set last, one for each group. */
  getLastLr(): number[];
  stateDict(): SchedulerStateDict;
  loadStateDict(state: SchedulerStateDict): void;
  /** Forgets the last step: for schedules made of others, which their constructors have begun already. */
  undo(): void;
  /** Sets the learning rates of the beginning. */
  initialStep(): void;
  /** Sets the learning rates of a step that need not be the next. */
  stepTo(epoch: number): void;
}

/** What a schedule is made from and changes as it goes; all of it is saved but functions. */
export type Variables = Record<string, unknown>;

function isFunctions(value: unknown): boolean {
  return typeof value === 'function' || (Array.isArray(value) && value.length > 0 && value.every(isFunctions));
}

/** `value` as it is saved. */
function saved(value: unknown): unknown {
  if (typeof value === 'function') return null;
  if (Array.isArray(value)) return value.map(saved);
  return typeof value === 'object' && value !== null ? { ...value } : value;
}

/** The variables of a scheduler by their saved names. */
export function saveVariables(variables: object): SchedulerStateDict {
  return Object.fromEntries(Object.entries(variables).map(([key, value]) => [savedName(key), saved(value)]));
}

/** Sets those of `variables` that `state` has. Functions stay; what is not a variable here is passed over, as PyTorch's flags. */
export function loadVariables(variables: Variables, state: SchedulerStateDict): void {
  for (const [key, value] of Object.entries(state)) {
    const property = propertyName(key);
    if (property in variables && !isFunctions(variables[property])) variables[property] = saved(value);
  }
}

/** Throws unless `state` can be a scheduler's. */
export function checkState(name: string, state: SchedulerStateDict): void {
  if (typeof state?.last_epoch !== 'number') {
    fail('state', `${name}: expected a state dict with last_epoch, as stateDict() gives it.`);
  }
}

/** Throws unless `optimizer` is one. */
export function checkOptimizer(name: string, optimizer: unknown): asserts optimizer is Optimizer {
  if (!(optimizer instanceof Optimizer)) fail('argument', `${name}: the first argument must be an optimizer.`);
}

/**
 * The base of schedules that follow a formula. A subclass says in `getLr` what the learning rates are at `lastEpoch`, from its
 * variables, from `baseLrs` or from the rates of the step before; most do the latter, so that schedules can be chained and
 * rates be changed by hand meanwhile.
 *
 * The constructor sets the rates of the first step. Call `step()` after each epoch, or after each batch for schedules made for
 * that, and after the optimizer's step.
 */
export abstract class LRScheduler<V extends Variables = Variables> implements Scheduler {
  /** The learning rate of each group that the schedule begins from. */
  baseLrs: number[];
  /** Number of the step whose rates are set; the first is 0. */
  lastEpoch: number;
  protected stepCount = 0;
  private lastLr: number[] = [];
  private readonly optimizerSteps: number;

  /** `lastEpoch` other than −1 goes on from there; the groups must then have an `initialLr`. */
  constructor(
    readonly optimizer: Optimizer,
    protected readonly variables: V,
    lastEpoch = -1,
  ) {
    checkOptimizer(this.name, optimizer);
    this.baseLrs = optimizer.paramGroups.map((group, i) => {
      if (lastEpoch === -1) group.initialLr ??= group.lr;
      return (
        group.initialLr ??
        fail('state', `${this.name}: to go on from epoch ${lastEpoch}, group ${i} needs an initialLr.`)
      );
    });
    this.lastEpoch = lastEpoch;
    this.optimizerSteps = optimizer.stepCount;
    this.initialStep();
  }

  get name(): string {
    return this.constructor.name;
  }

  /** The learning rates at `lastEpoch`, one for each group. */
  abstract getLr(): number[];

  /** The learning rates at `lastEpoch` from `baseLrs` alone, or null where there is no formula for that. */
  protected closedFormLr(): number[] | null {
    return null;
  }

  protected get groups(): ParamGroup[] {
    return this.optimizer.paramGroups;
  }

  step(): void {
    if (this.stepCount === 1 && this.optimizer.stepCount === this.optimizerSteps) {
      warnOnce(
        `${this.name}: step() was called before the optimizer's first step, so the first learning rate of the schedule was ` +
          'skipped. Call optimizer.step() first, then scheduler.step().',
      );
    }
    this.stepCount++;
    this.lastEpoch++;
    this.set(this.getLr());
  }

  stepTo(epoch: number): void {
    this.stepCount++;
    this.lastEpoch = epoch;
    this.set(this.closedFormLr() ?? this.getLr());
  }

  initialStep(): void {
    this.stepCount = 0;
    this.step();
  }

  undo(): void {
    this.lastEpoch--;
  }

  protected set(lrs: readonly number[]): void {
    this.groups.forEach((group, i) => {
      group.lr = lrs[i] ?? group.lr;
    });
    this.lastLr = this.groups.map((group) => group.lr);
  }

  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** The variables by PyTorch's names. Save the optimizer's state with them: it holds the learning rates. */
  stateDict(): SchedulerStateDict {
    return {
      ...saveVariables(this.variables),
      base_lrs: [...this.baseLrs],
      last_epoch: this.lastEpoch,
      _step_count: this.stepCount,
      _last_lr: [...this.lastLr],
    };
  }

  /** Goes on from a state that `stateDict()` gave. */
  loadStateDict(state: SchedulerStateDict): void {
    checkState(this.name, state);
    const { base_lrs, last_epoch, _step_count, _last_lr, ...rest } = state;
    loadVariables(this.variables, rest);
    this.lastEpoch = last_epoch as number;
    if (Array.isArray(base_lrs)) this.baseLrs = [...base_lrs];
    if (typeof _step_count === 'number') this.stepCount = _step_count;
    if (Array.isArray(_last_lr)) this.lastLr = [..._last_lr];
  }
}
