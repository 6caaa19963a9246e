import { enableGrad, isCapturing, noGrad } from '../autograd/index.js';
import { disposal } from '../core/disposal.js';
import { fail, show } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import { sameShape } from '../core/shape.js';
import { freeGrad, type RowGradient, Tensor } from '../core/tensor.js';
import { Parameter } from '../nn/module.js';
import { fill_ } from '../ops/inplace.js';
import { copyInto, dense, empty } from '../ops/op.js';
import { type GroupOptions, makeGroup, type ParamGroup, type Params, parseParams, type Settings } from './groups.js';
import { checkNonNegative, withDefaults } from './settings.js';
import { adopt, type Blank, fitState, type OptimizerStateDict, type ParamState, saveState } from './statedict.js';

/** Sees an optimizer before or after each of its steps. Nothing it does is recorded. */
export type StepHook<O> = (optimizer: O) => void;

export interface HookHandle {
  remove(): void;
}

/** Enters `call`, which no other entry is even where the same hook is registered twice. */
function register(hooks: Set<() => void>, call: () => void): HookHandle {
  hooks.add(call);
  return { remove: () => void hooks.delete(call) };
}

/** Calls those that are there now, whatever they add and remove. Nothing is recorded. */
function callAll(hooks: ReadonlySet<() => void>): void {
  if (hooks.size === 0) return;
  noGrad(() => {
    for (const call of [...hooks]) call();
  });
}

/** The gradient to update `param` with, or null where there is none. */
function gradOf({ grad }: Tensor): Tensor | null {
  return grad === null || grad.disposed ? null : grad;
}

/**
 * The base of optimizers: parameter groups, hooks, and state by parameter. A subclass says what the state of a parameter
 * begins as, and updates one parameter from its gradient.
 *
 * State is made when a parameter first has a gradient, and belongs to no scope; `dispose()` frees it. Parameters without a
 * gradient are left alone. A step leaves nothing else behind.
 */
export abstract class Optimizer<H extends Settings = Settings, S extends ParamState = ParamState> {
  /** Parameters and their hyper-parameters, which may be changed between steps: `optimizer.paramGroups[0].lr = 0.01`. */
  paramGroups: ParamGroup<H>[] = [];
  /** What the optimizer remembers of each parameter, by PyTorch's names. */
  readonly state = new Map<Tensor, S>();
  /** Hyper-parameters of groups that do not set their own. */
  readonly defaults: H;
  /** Steps taken since this object was made. */
  stepCount = 0;
  private readonly preHooks = new Set<() => void>();
  private readonly postHooks = new Set<() => void>();

  /**
   * `params` are tensors, or groups `{ params, lr, … }` with hyper-parameters of their own. Throws for an empty list, for
   * tensors that are not float32 leaves, for a tensor that is listed twice, and for hyper-parameters out of range.
   */
  constructor(params: Params<H>, options: Partial<H>, defaults: H) {
    this.defaults = withDefaults(this.name, options, defaults);
    for (const group of parseParams(this.name, params)) this.addParamGroup(group);
  }

  /** What messages and memory reports call this optimizer. */
  get name(): string {
    return this.constructor.name;
  }

  /** Throws where a hyper-parameter is out of range. */
  protected check(settings: H): void {
    checkNonNegative(this.name, settings, 'lr');
  }

  /** What the state of a parameter begins as. */
  protected abstract blank(group: ParamGroup<H>): Blank;

  /** Changes `param` and `state` by the gradient. `param`, `grad` and the tensors of `state` are contiguous. */
  protected abstract update(param: Tensor, grad: Tensor, state: S, group: ParamGroup<H>): void;

  /** Whether rows of a parameter that have no gradient stay as they are, in the parameter and in its state. */
  protected leavesRows(_group: ParamGroup<H>): boolean {
    return false;
  }

  /** The same as `update` for a gradient of some rows alone, where `leavesRows`. */
  protected updateRows(_param: Tensor, _grad: RowGradient, _state: S, _group: ParamGroup<H>): void {
    fail('unsupported', `${this.name}: has no update by rows.`);
  }

  /** Throws where the optimizer takes no gradient of a whole parameter. */
  protected checkWhole(_param: Tensor): void {}

  /** The gradient of `param` by rows, where there is one and the update can pass over the other rows. */
  private rowsOf(param: Tensor, group: ParamGroup<H>): RowGradient | null {
    return param.rowGrad !== null && !isCapturing() && this.leavesRows(group) ? param.rowGrad : null;
  }

  /** Adds parameters, for instance layers that are thawed during training. */
  addParamGroup(group: GroupOptions<H>): void {
    const made = makeGroup(this.name, group, this.defaults, this.paramGroups);
    this.check(made);
    this.paramGroups.push(made);
  }

  /**
   * Updates all parameters that have a gradient. `closure`, if given, computes the gradients anew and returns the loss,
   * which `step` returns.
   */
  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    callAll(this.preHooks);
    const loss = this.advance(closure);
    this.stepCount++;
    callAll(this.postHooks);
    return loss;
  }

  /** One step. Optimizers that need the closure more than once replace this. */
  protected advance<T>(closure: (() => T) | undefined): T | undefined {
    const loss = closure === undefined ? undefined : enableGrad(closure);
    const { name } = this;
    const work = openScope();
    try {
      this.prepare();
      for (const group of this.paramGroups) {
        for (const param of group.params) {
          const rows = this.rowsOf(param, group);
          const grad = rows === null ? gradOf(param) : null;
          if (rows === null && grad === null) continue;
          const target = dense(param);
          const state = this.state.get(param) as S;
          if (grad === null) this.updateRows(target, rows as RowGradient, state, group);
          else this.update(target, dense(grad), state, group);
          if (target !== param) copyInto(param, target);
          param.storage.touch(name);
          if (param instanceof Parameter) param.constraint?.apply();
        }
      }
    } finally {
      work.end();
    }
    return loss;
  }

  /** Everything about a step that can fail, so that it is taken as a whole or not at all: checks, and state not made yet. */
  private prepare(): void {
    const { name } = this;
    if (isCapturing() && !this.replayable) {
      fail(
        'unsupported',
        `${name}: a captured step cannot follow its settings from one step to the next. Capture forward and backward, and ` +
          'call step() after it.',
      );
    }
    for (const group of this.paramGroups) {
      const blank = Object.entries(this.blank(group));
      for (const param of group.params) {
        param.check(name);
        if (this.rowsOf(param, group) !== null) {
          this.complete(param, blank);
          continue;
        }
        const grad = gradOf(param);
        if (grad === null) continue;
        this.checkWhole(param);
        if (!sameShape(grad.shape, param.shape) || grad.dtype !== 'float32') {
          fail(
            'shape',
            `${name}: the gradient of a parameter ${show(param.shape)} must be float32 of the same shape, ` +
              `got ${grad.dtype} ${show(grad.shape)}.`,
          );
        }
        this.complete(param, blank);
      }
    }
  }

  /** Gives the state of `param` whatever of `blank` it does not have yet: settings may come to need more. */
  private complete(param: Tensor, blank: readonly [key: string, begin: Blank[string]][]): void {
    const known = this.state.get(param);
    const state: ParamState = known ?? {};
    for (const [key, begin] of blank) {
      state[key] ??= typeof begin === 'number' ? begin : this.tensorLike(param, begin.fill);
    }
    if (known === undefined) this.state.set(param, state as S);
  }

  /** A tensor for the state of `param`, owned by no scope. */
  protected tensorLike(param: Tensor, fill: number): Tensor {
    return fill_(empty(param, param.shape, 'float32', `${this.name} state`), fill).keep();
  }

  /** Whether a captured step can set the numbers of update() anew. */
  protected get replayable(): boolean {
    return false;
  }

  /** Frees the gradients of all parameters; with `setToNone: false` they are kept and set to 0. */
  zeroGrad({ setToNone = true }: { setToNone?: boolean } = {}): void {
    for (const group of this.paramGroups) {
      for (const param of group.params) {
        if (setToNone) freeGrad(param);
        const { grad } = param;
        if (grad === null) continue;
        if (grad.disposed) param.grad = null;
        else noGrad(() => fill_(grad, 0));
      }
    }
  }

  /** Calls `hook` before each step. */
  registerStepPreHook(hook: StepHook<this>): HookHandle {
    return register(this.preHooks, () => hook(this));
  }

  /** Calls `hook` after each step, for instance to set pruned weights back to 0. */
  registerStepPostHook(hook: StepHook<this>): HookHandle {
    return register(this.postHooks, () => hook(this));
  }

  /**
   * The state in PyTorch's shape and by PyTorch's names: `state` by the index of the parameter, and `param_groups`. Tensors
   * are copies.
   */
  stateDict(): OptimizerStateDict {
    return noGrad(() => saveState(this.name, this.paramGroups, this.state));
  }

  /**
   * Goes on from a state that `stateDict()` gave: its tensors are copied, its hyper-parameters replace those set here. Throws,
   * with nothing changed, where groups or shapes differ from those of this optimizer.
   */
  loadStateDict(saved: OptimizerStateDict): void {
    noGrad(() => {
      const loaded = fitState(this.name, saved, this.paramGroups, this.defaults, (group) => this.blank(group));
      for (const group of loaded.groups) this.check(group);
      const state = [...loaded.state].map(([param, values]) => [param, adopt(this.name, param, values) as S] as const);
      this.dispose();
      this.paramGroups = loaded.groups;
      for (const [param, values] of state) this.state.set(param, values);
    });
  }

  /** Frees the state. A later step begins anew, as the first one did. */
  dispose(): void {
    for (const state of this.state.values()) {
      for (const value of Object.values(state)) if (value instanceof Tensor) value.dispose();
    }
    this.state.clear();
  }

  [disposal](): void {
    this.dispose();
  }

  /** The groups and their hyper-parameters, a line each. */
  toString(): string {
    const groups = this.paramGroups.map(({ params, ...settings }, i) => {
      const lines = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
      const shown = lines.map(([key, value]) => `    ${key}: ${Array.isArray(value) ? show(value) : String(value)}\n`);
      return `Parameter Group ${i} (${params.length} tensors)\n${shown.join('')}`;
    });
    return `${this.name} (\n${groups.join('\n')})`;
  }
}
