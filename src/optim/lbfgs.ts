import { optimizers } from '#binary';
import { enableGrad, noGrad } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import { moveTo, openScope, type Scope } from '../core/scope.js';
import { contiguousStrides } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { Parameter } from '../nn/module.js';
import { mul, neg, sub } from '../ops/arithmetic.js';
import { fill_ } from '../ops/inplace.js';
import { dot } from '../ops/matmul.js';
import { copyInto, dense, elementwise, empty } from '../ops/op.js';
import { amax, sum } from '../ops/reduce.js';
import { abs } from '../ops/unary.js';
import type { GroupOptions, ParamGroup, Params, Settings } from './groups.js';
import { type Point, strongWolfe } from './linesearch.js';
import { Optimizer } from './optimizer.js';
import { checkNonNegative, readSettings } from './settings.js';
import { type Blank, fitState, type OptimizerStateDict } from './statedict.js';

export interface LBFGSSettings extends Settings {
  /** Learning rate: the length of a step, or the first that a line search tries. Default 1. */
  lr: number;
  /** Iterations of one `step`. Default 20. */
  maxIter: number;
  /** Evaluations of the closure in one `step`, after which no iteration begins. Default maxIter · 5 / 4. */
  maxEval: number | null;
  /** Stop where no element of the gradient is larger. Default 1e-7. */
  toleranceGrad: number;
  /** Stop where the loss or the parameters change by less. Default 1e-9. */
  toleranceChange: number;
  /** Changes that are remembered. Default 100. */
  historySize: number;
  /** 'strong_wolfe' searches the length of each step; null takes lr. Default null. */
  lineSearchFn: 'strong_wolfe' | 'strongWolfe' | null;
}

export type LBFGSOptions = Partial<LBFGSSettings>;

/** What may come by position, in PyTorch's order. */
const LBFGS_ORDER = [
  'lr',
  'maxIter',
  'maxEval',
  'toleranceGrad',
  'toleranceChange',
  'historySize',
  'lineSearchFn',
] as const;

const DEFAULTS: LBFGSSettings = {
  lr: 1,
  maxIter: 20,
  maxEval: null,
  toleranceGrad: 1e-7,
  toleranceChange: 1e-9,
  historySize: 100,
  lineSearchFn: null,
};

/** What goes from one iteration to the next. Vectors hold all parameters, one after another. */
interface Memory {
  evaluations: number;
  iterations: number;
  /** Direction and length of the last step. */
  direction: Tensor | null;
  length: number;
  /** Changes of the gradient and of the parameters, oldest first, and 1 / (their product). */
  gradientChanges: Tensor[];
  changes: Tensor[];
  curvatures: number[];
  /** The inverse Hessian that the approximation begins from is this times the identity. */
  scale: number;
  lastGradient: Tensor | null;
  lastLoss: number;
}

function freshMemory(): Memory {
  return {
    evaluations: 0,
    iterations: 0,
    direction: null,
    length: 0,
    gradientChanges: [],
    changes: [],
    curvatures: [],
    scale: 1,
    lastGradient: null,
    lastLoss: 0,
  };
}

/** PyTorch's names of what is remembered. */
const VECTORS = { d: 'direction', prev_flat_grad: 'lastGradient' } as const;
const LISTS = { old_dirs: 'gradientChanges', old_stps: 'changes' } as const;
const NUMBERS = {
  func_evals: 'evaluations',
  n_iter: 'iterations',
  t: 'length',
  H_diag: 'scale',
  prev_loss: 'lastLoss',
} as const;

function product(a: Tensor, b: Tensor): number {
  return dot(a, b).item();
}

function largest(x: Tensor): number {
  return x.numel() === 0 ? 0 : amax(abs(x)).item();
}

/** y ← y + alpha · x, for contiguous vectors. */
function addScaled(y: Tensor, x: Tensor, alpha: number): void {
  elementwise(optimizers.kernel('addScaled_f32'), y, [y, x], [alpha]);
}

/** A copy of `x` that no scope owns. */
function kept(x: Tensor): Tensor {
  const y = empty(x, x.shape, x.dtype, 'LBFGS state');
  copyInto(y, x);
  return y.keep();
}

/**
 * Limited-memory BFGS: steps along the gradient times an inverse Hessian that is built up from the changes of the last steps.
 * J. Nocedal, Updating quasi-Newton matrices with limited storage, 1980; D. C. Liu, J. Nocedal, On the limited memory BFGS
 * method for large scale optimization, 1989.
 *
 * `step(closure)` evaluates the closure many times: it sets gradients to zero, computes the loss, calls `backward()` and returns
 * the loss. All parameters are one vector, in one group, and the vectors stay on the device; only their products are read.
 *
 * State, with the first parameter: `func_evals`, `n_iter`, `d`, `t`, `old_dirs`, `old_stps`, `ro`, `H_diag`, `prev_flat_grad`,
 * `prev_loss`.
 */
export class LBFGS extends Optimizer<LBFGSSettings> {
  private memory = freshMemory();

  constructor(params: Params<LBFGSSettings>, ...given: NamedArguments<LBFGSOptions, typeof LBFGS_ORDER>) {
    super(params, readSettings<LBFGSOptions>(new.target.name, given, LBFGS_ORDER), DEFAULTS);
  }

  override addParamGroup(group: GroupOptions<LBFGSSettings>): void {
    if (this.paramGroups.length > 0) {
      fail('argument', 'LBFGS: there is one parameter group, because all parameters are one vector. Pass one list.');
    }
    super.addParamGroup(group);
    const [made] = this.paramGroups as [ParamGroup<LBFGSSettings>];
    made.maxEval ??= Math.floor((made.maxIter * 5) / 4);
  }

  protected override check(settings: LBFGSSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'maxIter', 'toleranceGrad', 'toleranceChange', 'historySize');
    const { lineSearchFn } = settings;
    if (lineSearchFn !== null && lineSearchFn !== 'strong_wolfe' && lineSearchFn !== 'strongWolfe') {
      fail('argument', `LBFGS: lineSearchFn must be 'strong_wolfe' or null, got '${String(lineSearchFn)}'.`);
    }
  }

  protected blank(): Blank {
    return {};
  }

  /** Parameters are never updated one by one. */
  protected update(): never {
    return fail('state', 'LBFGS: parameters are updated together, by step(closure).');
  }

  private get group(): ParamGroup<LBFGSSettings> {
    return this.paramGroups[0] as ParamGroup<LBFGSSettings>;
  }

  protected override advance<T>(closure: (() => T) | undefined): T {
    if (closure === undefined) {
      fail('argument', 'LBFGS: step() needs a closure that computes the loss and its gradients, and returns the loss.');
    }
    for (const param of this.group.params) param.check(this.name);
    const first = enableGrad(closure);
    const work = openScope();
    try {
      noGrad(() => this.minimize(lossOf(first), () => this.evaluate(closure, work.parent)));
    } finally {
      work.end();
    }
    return first;
  }

  /** The loss anew. What the closure makes is freed, but the gradients stay with the caller. */
  private evaluate(closure: () => unknown, outside: Scope | null): number {
    const inside = openScope();
    try {
      const loss = lossOf(enableGrad(closure));
      for (const { grad } of this.group.params) if (grad !== null && !grad.disposed) moveTo(grad, outside);
      return loss;
    } finally {
      inside.end();
    }
  }

  /** The gradients as one vector; 0 where there is none. */
  private gather(): Tensor {
    const { params } = this.group;
    const size = params.reduce((n, x) => n + x.numel(), 0);
    const flat = empty(params[0] as Tensor, [size], 'float32', 'LBFGS gradient');
    this.each(flat, (part, { grad, shape }) => {
      if (grad === null || grad.disposed) fill_(part, 0);
      else if (grad.dtype === 'float32' && show(grad.shape) === show(shape)) copyInto(part, grad);
      else fail('shape', `LBFGS: the gradient of a parameter ${show(shape)} must be float32 of the same shape.`);
    });
    return flat;
  }

  /** Calls `act` with the part of `flat` that belongs to each parameter, in the parameter's shape. */
  private each(flat: Tensor, act: (part: Tensor, param: Tensor) => void): void {
    let offset = 0;
    for (const param of this.group.params) {
      act(flat.strided(param.shape, contiguousStrides(param.shape), offset), param);
      offset += param.numel();
    }
  }

  private write(param: Tensor, source: Tensor): void {
    if (param !== source) copyInto(param, source);
    param.storage.touch(this.name);
    if (param instanceof Parameter) param.constraint?.apply();
  }

  /** Moves all parameters `length` along `direction`. */
  private move(direction: Tensor, length: number): void {
    this.each(direction, (part, param) => {
      const target = dense(param);
      addScaled(target, part, length);
      this.write(param, target);
    });
  }

  /** The direction of the next step: −gradient times the approximate inverse Hessian, by the two-loop recursion. */
  private findDirection(gradient: Tensor): Tensor {
    const { memory } = this;
    const { historySize } = this.group;
    if (memory.iterations === 1) return neg(gradient);
    const y = sub(gradient, memory.lastGradient as Tensor);
    const s = mul(memory.direction as Tensor, memory.length);
    const curvature = product(y, s);
    if (curvature > 1e-10) {
      if (memory.changes.length >= historySize) {
        memory.gradientChanges.shift()?.dispose();
        memory.changes.shift()?.dispose();
        memory.curvatures.shift();
      }
      memory.gradientChanges.push(kept(y));
      memory.changes.push(kept(s));
      memory.curvatures.push(1 / curvature);
      memory.scale = curvature / product(y, y);
    }
    const { changes, gradientChanges, curvatures, scale } = memory;
    const q = neg(gradient);
    const shares: number[] = [];
    for (let i = changes.length - 1; i >= 0; i--) {
      const share = product(changes[i] as Tensor, q) * (curvatures[i] as number);
      shares[i] = share;
      addScaled(q, gradientChanges[i] as Tensor, -share);
    }
    const d = mul(q, scale);
    for (const [i, change] of changes.entries()) {
      const share = product(gradientChanges[i] as Tensor, d) * (curvatures[i] as number);
      addScaled(d, change, (shares[i] as number) - share);
    }
    return d;
  }

  /** Iterations from a point whose loss and gradients are there, until one of the limits is met. */
  private minimize(firstLoss: number, evaluate: () => number): void {
    const { memory } = this;
    const { lr, maxIter, maxEval, toleranceGrad, toleranceChange, lineSearchFn } = this.group;
    const most = maxEval ?? Math.floor((maxIter * 5) / 4);
    let loss = firstLoss;
    let gradient = this.gather();
    let evaluations = 1;
    memory.evaluations++;
    if (largest(gradient) <= toleranceGrad) return;

    for (let iteration = 1; iteration <= maxIter; iteration++) {
      memory.iterations++;
      const direction = this.findDirection(gradient);
      replace(memory, 'direction', direction);
      replace(memory, 'lastGradient', gradient);
      memory.lastLoss = loss;
      memory.length = memory.iterations === 1 ? Math.min(1, 1 / sum(abs(gradient)).item()) * lr : lr;
      const slope = product(gradient, direction);
      if (slope > -toleranceChange) break;

      let count = 0;
      if (lineSearchFn !== null) {
        const origin = this.group.params.map((param) => kept(param));
        const along = (t: number): Point<Tensor> => {
          this.move(direction, t);
          const value = evaluate();
          const there = this.gather();
          this.group.params.forEach((param, i) => this.write(param, origin[i] as Tensor));
          return { t, value, gradient: there, slope: product(there, direction) };
        };
        const start = { t: 0, value: loss, gradient, slope };
        const options = { reach: largest(direction), toleranceChange };
        const found = strongWolfe(along, start, memory.length, options);
        for (const copy of origin) copy.dispose();
        count = found.evaluations;
        memory.length = found.point.t;
        loss = found.point.value;
        gradient = found.point.gradient;
        this.move(direction, memory.length);
      } else {
        this.move(direction, memory.length);
        if (iteration !== maxIter) {
          loss = evaluate();
          gradient = this.gather();
          count = 1;
        }
      }
      evaluations += count;
      memory.evaluations += count;

      if (evaluations >= most || largest(gradient) <= toleranceGrad) break;
      if (largest(direction) * memory.length <= toleranceChange) break;
      if (Math.abs(loss - memory.lastLoss) < toleranceChange) break;
    }
  }

  override stateDict(): OptimizerStateDict {
    const saved = super.stateDict();
    const { memory } = this;
    if (memory.evaluations === 0) return saved;
    const state: Record<string, Tensor | number | Tensor[] | number[]> = { ro: [...memory.curvatures] };
    noGrad(() => {
      for (const [name, key] of Object.entries(NUMBERS)) state[name] = memory[key];
      for (const [name, key] of Object.entries(LISTS)) state[name] = memory[key].map(copyOf);
      for (const [name, key] of Object.entries(VECTORS)) {
        const vector = memory[key];
        if (vector !== null) state[name] = copyOf(vector);
      }
    });
    return { ...saved, state: { 0: state } };
  }

  override loadStateDict(saved: OptimizerStateDict): void {
    const loaded = fitState(this.name, { ...saved, state: {} }, this.paramGroups, this.defaults, () => ({}));
    for (const group of loaded.groups) this.check(group);
    const memory = this.fitMemory(saved.state['0'] ?? {});
    this.dispose();
    this.paramGroups = loaded.groups;
    this.memory = memory;
  }

  /** What is remembered in saved state, with its vectors copied. Throws, with nothing changed, where one has another size. */
  private fitMemory(state: Readonly<Record<string, unknown>>): Memory {
    const size = this.group.params.reduce((n, x) => n + x.numel(), 0);
    const check = (name: string, vector: unknown): Tensor => {
      if (vector instanceof Tensor && vector.ndim === 1 && vector.numel() === size) return vector;
      const got = vector instanceof Tensor ? show(vector.shape) : typeof vector;
      return fail('state', `LBFGS: ${name} must be a vector of all ${size} parameters, got ${got}.`);
    };
    const vectors = Object.entries(VECTORS).flatMap(([name, key]) =>
      state[name] == null ? [] : [[key, check(name, state[name])] as const],
    );
    const lists = Object.entries(LISTS).map(
      ([name, key]) => [key, ((state[name] ?? []) as readonly unknown[]).map((v) => check(name, v))] as const,
    );
    const memory = freshMemory();
    for (const [name, key] of Object.entries(NUMBERS)) memory[key] = numberOf(state[name], memory[key]);
    memory.curvatures = ((state.ro ?? []) as readonly unknown[]).map((value) => numberOf(value, 0));
    for (const [key, vector] of vectors) memory[key] = kept(vector);
    for (const [key, list] of lists) memory[key] = list.map(kept);
    return memory;
  }

  override dispose(): void {
    const { direction, lastGradient, changes, gradientChanges } = this.memory;
    for (const vector of [direction, lastGradient, ...changes, ...gradientChanges]) vector?.dispose();
    this.memory = freshMemory();
    super.dispose();
  }
}

/** The loss that a closure gave, as a number. */
function lossOf(loss: unknown): number {
  if (typeof loss === 'number') return loss;
  if (loss instanceof Tensor && loss.numel() === 1) return loss.item();
  return fail('argument', 'LBFGS: the closure must return the loss, a number or a tensor of one element.');
}

/** PyTorch keeps some numbers in tensors. */
function numberOf(value: unknown, otherwise: number): number {
  return value instanceof Tensor ? value.item() : typeof value === 'number' ? value : otherwise;
}

function copyOf(x: Tensor): Tensor {
  const y = empty(x, x.shape, x.dtype, 'LBFGS state');
  copyInto(y, x);
  return y;
}

/** Puts a copy of `vector` in the place of the last one. */
function replace(memory: Memory, key: 'direction' | 'lastGradient', vector: Tensor): void {
  memory[key]?.dispose();
  memory[key] = kept(vector);
}
