import { enableGrad, noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import type { Tensor } from '../core/tensor.js';
import { Parameter } from '../nn/module.js';
import { add, div, mul } from '../ops/arithmetic.js';
import { copyInto, dense, empty } from '../ops/op.js';
import { sum } from '../ops/reduce.js';
import { abs, sqrt, square } from '../ops/unary.js';
import type { GroupOptions, ParamGroup, Params, Settings } from './groups.js';
import { Optimizer } from './optimizer.js';
import { checkNonNegative, given } from './settings.js';
import type { Blank, OptimizerStateDict } from './statedict.js';

export interface SAMSettings extends Settings {
  /** Size of the neighbourhood whose worst point the gradient is taken at. Default 0.05. */
  rho: number;
  /** Measure the neighbourhood in each weight's own size: adaptive SAM. Default false. */
  adaptive: boolean;
}

export interface SAMOptions {
  readonly rho?: number;
  readonly adaptive?: boolean;
}

type SAMState = { old_p?: Tensor };

type OptimizerClass = new (params: Params<never>, options?: never) => Optimizer;

/** The optimizer to wrap: one that is there, or one that is made here for `params` from its class and options. */
function baseOf(args: readonly unknown[]): { base: Optimizer; options: SAMOptions } {
  const [first, second, third] = args;
  if (first instanceof Optimizer) return { base: first, options: (second ?? {}) as SAMOptions };
  if (typeof second !== 'function' || !(second.prototype instanceof Optimizer)) {
    return fail(
      'argument',
      'SAM: expected an optimizer, or parameters and the class of one: new SAM(params, SGD, { lr }).',
    );
  }
  const { rho, adaptive, ...rest } = (third ?? {}) as SAMOptions & object;
  const base = new (second as OptimizerClass)(first as Params<never>, rest as never);
  return { base, options: given({ rho, adaptive }) as SAMOptions };
}

/**
 * Sharpness-aware minimization: climbs to the worst point within `rho` of the weights, takes the gradient there, and lets another
 * optimizer step with it from where the weights were. P. Foret et al., Sharpness-aware minimization for efficiently improving
 * generalization, 2021; J. Kwon et al., ASAM: adaptive sharpness-aware minimization, 2021.
 *
 * `new SAM(new SGD(params, { lr: 0.1 }))` wraps an optimizer, `new SAM(params, SGD, { lr: 0.1, rho: 0.1 })` makes it; both share
 * their parameter groups, so that schedules work on either. A step takes two gradients: give `step` a closure that sets gradients
 * to zero, computes the loss, calls `backward()` and returns the loss; or call `firstStep(true)` after the first `backward()` and
 * `secondStep(true)` after the second.
 */
export class SAM extends Optimizer<SAMSettings, SAMState> {
  /** What steps with the gradient that was found. */
  readonly base: Optimizer;

  constructor(base: Optimizer, options?: SAMOptions);
  // The options are those of the class, which is known only here.
  constructor(params: Params<never>, kind: unknown, options?: SAMOptions & Readonly<Record<string, unknown>>);
  constructor(...args: [unknown, unknown?, unknown?]) {
    const { base, options } = baseOf(args);
    const groups = base.paramGroups as unknown as GroupOptions<SAMSettings>[];
    super(groups, options, { lr: base.defaults.lr, rho: 0.05, adaptive: false });
    this.base = base;
    Object.assign(this.defaults, { ...base.defaults, ...this.defaults });
    base.paramGroups = this.paramGroups;
  }

  protected override check(settings: SAMSettings): void {
    checkNonNegative(this.name, settings, 'rho');
  }

  override addParamGroup(group: GroupOptions<SAMSettings>): void {
    if (this.base === undefined) {
      super.addParamGroup(group);
      return;
    }
    this.base.addParamGroup(group);
    const added = this.paramGroups[this.paramGroups.length - 1] as ParamGroup<SAMSettings>;
    added.rho ??= this.defaults.rho;
    added.adaptive ??= this.defaults.adaptive;
    this.check(added);
  }

  protected blank(): Blank {
    return {};
  }

  /** Parameters move in `firstStep` and by the other optimizer. */
  protected update(): never {
    return fail('state', 'SAM: the wrapped optimizer updates the parameters.');
  }

  /** Calls `act` for each parameter with a gradient. */
  private each(act: (param: Tensor, grad: Tensor, group: ParamGroup<SAMSettings>) => void): void {
    for (const group of this.paramGroups) {
      for (const param of group.params) {
        param.check(this.name);
        if (param.grad !== null && !param.grad.disposed) act(param, dense(param.grad), group);
      }
    }
  }

  /** The norm of all gradients as one vector, each weighted by its parameter's size where the group is adaptive; 0 without any. */
  private gradNorm(): Tensor | null {
    const parts: Tensor[] = [];
    this.each((param, grad, { adaptive }) => parts.push(sum(square(adaptive ? mul(abs(param), grad) : grad))));
    const [first, ...rest] = parts;
    return first === undefined ? null : sqrt(rest.reduce((total, part) => add(total, part), first));
  }

  /** Moves the parameters to the worst point nearby; `secondStep` brings them back. */
  firstStep(zeroGrad = false): void {
    this.within(() => {
      const norm = this.gradNorm();
      this.each((param, grad, { rho, adaptive }) => {
        const old = empty(param, param.shape, 'float32', `${this.name} state`).keep();
        copyInto(old, param);
        this.state.get(param)?.old_p?.dispose();
        this.state.set(param, { old_p: old });
        const way = adaptive ? mul(square(param), grad) : grad;
        // The norm stays on the device: nothing waits for it.
        this.write(param, add(param, mul(way, div(rho, add(norm as Tensor, 1e-12)))));
      });
    });
    if (zeroGrad) this.zeroGrad();
  }

  /** Brings the parameters back to where they were and steps with the gradients that they have now. */
  secondStep(zeroGrad = false): void {
    this.within(() => this.restore());
    this.base.step();
    if (zeroGrad) this.zeroGrad();
  }

  private restore(): void {
    for (const [param, { old_p: old }] of this.state) {
      if (old === undefined) continue;
      this.write(param, old);
      old.dispose();
    }
    this.state.clear();
  }

  private within(body: () => void): void {
    const work = openScope();
    try {
      noGrad(body);
    } finally {
      work.end();
    }
  }

  private write(param: Tensor, source: Tensor): void {
    if (param !== source) copyInto(param, source);
    param.storage.touch(this.name);
    if (param instanceof Parameter) param.constraint?.apply();
  }

  protected override advance<T>(closure: (() => T) | undefined): T {
    if (closure === undefined) {
      fail(
        'argument',
        'SAM: step() needs a closure that computes the loss and its gradients; or call firstStep() and secondStep().',
      );
    }
    const loss = enableGrad(closure);
    this.firstStep(true);
    try {
      enableGrad(closure);
    } catch (error) {
      this.within(() => this.restore());
      throw error;
    }
    this.secondStep();
    return loss;
  }

  override stateDict(): OptimizerStateDict {
    return this.base.stateDict();
  }

  override loadStateDict(saved: OptimizerStateDict): void {
    this.base.loadStateDict(saved);
    this.paramGroups = this.base.paramGroups as unknown as ParamGroup<SAMSettings>[];
  }

  override dispose(): void {
    super.dispose();
    this.base.dispose();
  }
}
