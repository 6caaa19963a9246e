import { optimizers } from '#binary';
import { noGrad } from '../autograd/index.js';
import { disposal } from '../core/disposal.js';
import { fail, show } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import { sameShape } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { Parameter } from '../nn/module.js';
import { copyInto, dense, empty } from '../ops/op.js';
import { withDefaults } from './settings.js';

/** The state of averaged weights: how many updates went in, and the averages by the index of their parameter. */
export interface AverageStateDict {
  n_averaged: number;
  averages: Record<string, Tensor>;
}

/**
 * An average of weights over training, kept beside them, to be swapped in for evaluation. Averages belong to no scope;
 * `dispose()` frees them. Tensors that are not float32 (counters among a model's buffers) are copied instead of averaged.
 */
abstract class AveragedWeights {
  /** How many times the weights have been taken in. */
  nAveraged = 0;
  private readonly params: readonly Tensor[];
  /** The averages; while they are swapped in, the weights as training left them. */
  private readonly kept: readonly Tensor[];
  private inside = false;

  /** `params` are the tensors to average: `model.parameters()`, and `model.buffers()` where those should be averaged too. */
  constructor(params: Tensor | Iterable<Tensor>) {
    this.params = params instanceof Tensor ? [params] : [...params];
    if (this.params.length === 0)
      fail('argument', `${this.name}: got an empty parameter list. Pass model.parameters().`);
    for (const param of this.params) {
      if (!(param instanceof Tensor)) fail('argument', `${this.name}: expected tensors. Pass model.parameters().`);
      param.check(this.name);
    }
    this.kept = this.params.map((param) => copyOf(param, this.name).keep());
  }

  get name(): string {
    return this.constructor.name;
  }

  /** Whether the averages stand in the parameters now. */
  get swapped(): boolean {
    return this.inside;
  }

  /** The averages, in the order of the parameters. They change with each update. */
  get averages(): readonly Tensor[] {
    return this.inside ? this.params : this.kept;
  }

  /** The share that the weights of the next update have in the average. */
  protected abstract weight(): number;

  /** Takes the parameters, as they are now, into the average. The first update copies them. */
  update(): void {
    this.refuseSwapped('update');
    const work = openScope();
    try {
      this.params.forEach((param, i) => {
        const average = this.kept[i] as Tensor;
        param.check(this.name);
        if (this.nAveraged === 0 || param.dtype !== 'float32') {
          copyInto(average, param);
          return;
        }
        average.storage.device.launch({
          kernel: optimizers.kernel('average_f32'),
          work: param.numel(),
          grain: 32768,
          writes: [average],
          reads: [dense(param)],
          floats: [this.weight()],
          ints: [param.numel()],
        });
      });
    } finally {
      work.end();
    }
    this.nAveraged++;
  }

  /**
   * Exchanges the parameters and their averages; a second call exchanges them back. Constraints hold for both: what has been
   * pruned is 0 in an average that began before.
   */
  swap(): void {
    this.params.forEach((param, i) => {
      const kept = this.kept[i] as Tensor;
      param.check(this.name);
      const before = copyOf(param, this.name);
      copyInto(param, kept);
      copyInto(kept, before);
      before.dispose();
      param.storage.touch(this.name);
      if (param instanceof Parameter) param.constraint?.apply();
    });
    this.inside = !this.inside;
  }

  /** Runs `body`, synchronous or not, with the averages in the parameters, and puts the weights back. Returns its result. */
  apply<T>(body: () => T): T {
    this.refuseSwapped('apply');
    this.swap();
    let result: T;
    try {
      result = body();
    } catch (error) {
      this.swap();
      throw error;
    }
    if (result instanceof Promise) return result.finally(() => this.swap()) as T;
    this.swap();
    return result;
  }

  /** The averages, copied. */
  stateDict(): AverageStateDict {
    const copies = this.averages.map((average, i) => [String(i), copyOf(average, this.name)] as const);
    return { n_averaged: this.nAveraged, averages: Object.fromEntries(copies) };
  }

  /** Goes on from a state that `stateDict()` gave. Throws, with nothing changed, where shapes differ. */
  loadStateDict(saved: AverageStateDict): void {
    this.refuseSwapped('loadStateDict');
    const theirs = this.kept.map((average, i) => {
      const value = saved.averages?.[String(i)];
      if (value instanceof Tensor && value.dtype === average.dtype && sameShape(value.shape, average.shape))
        return value;
      const got = value instanceof Tensor ? `${value.dtype} ${show(value.shape)}` : typeof value;
      return fail('state', `${this.name}: average ${i} must be ${average.dtype} ${show(average.shape)}, got ${got}.`);
    });
    if (typeof saved.n_averaged !== 'number') fail('state', `${this.name}: the state lacks n_averaged.`);
    for (const [i, value] of theirs.entries()) copyInto(this.kept[i] as Tensor, value);
    this.nAveraged = saved.n_averaged;
  }

  /** Frees the averages. Weights that are swapped in stay as they are. */
  dispose(): void {
    for (const average of this.kept) average.dispose();
  }

  [disposal](): void {
    this.dispose();
  }

  private refuseSwapped(what: string): void {
    if (this.inside) fail('state', `${this.name}: ${what} needs the weights of training in place. Call swap() first.`);
  }
}

/** A contiguous copy through which no gradient flows. */
function copyOf(x: Tensor, label: string): Tensor {
  return noGrad(() => {
    const y = empty(x, x.shape, x.dtype, `${label} average`);
    copyInto(y, x);
    return y;
  });
}

export interface EMAOptions {
  /** What is kept of the average at each update. Default 0.999. */
  readonly decay?: number;
  /** Begin with a smaller decay, (1 + n) / (10 + n) at update n, so that the first weights are soon forgotten. Default false. */
  readonly warmup?: boolean;
}

/**
 * Exponential moving average of weights: average ← decay · average + (1 − decay) · weights at each update; B. T. Polyak,
 * A. B. Juditsky, Acceleration of stochastic approximation by averaging, 1992.
 *
 * Call `update()` after each step, or let the optimizer do so: `optimizer.registerStepPostHook(() => ema.update())`. Evaluate
 * with the averages: `ema.apply(() => evaluate(model))`.
 */
export class EMA extends AveragedWeights {
  private readonly decay: number;
  private readonly warmup: boolean;

  constructor(params: Tensor | Iterable<Tensor>, options: EMAOptions = {}) {
    const { decay, warmup } = withDefaults('EMA', options, { decay: 0.999, warmup: false });
    if (!(decay >= 0 && decay <= 1)) fail('argument', `EMA: decay must be in [0, 1], got ${String(decay)}.`);
    super(params);
    this.decay = decay;
    this.warmup = warmup;
  }

  protected weight(): number {
    const n = this.nAveraged;
    return 1 - (this.warmup ? Math.min(this.decay, (1 + n) / (10 + n)) : this.decay);
  }
}

/**
 * Stochastic weight averaging: the plain mean of the weights at all updates, as a rule one at the end of each epoch of a
 * constant or cyclic learning rate. P. Izmailov et al., Averaging weights leads to wider optima and better generalization,
 * 2018. Running statistics of batch norm belong to the weights they were gathered with: after swapping, let the model see
 * the training data once in training mode.
 */
export class SWA extends AveragedWeights {
  protected weight(): number {
    return 1 / (this.nAveraged + 1);
  }
}
