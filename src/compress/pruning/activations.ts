import { noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import {
  Conv1d,
  Conv2d,
  Conv3d,
  Embedding,
  GRU,
  type HookHandle,
  Linear,
  LSTM,
  type Module,
  type Parameter,
  RNN,
} from '../../nn/index.js';
import { abs, mean, ne } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';

/** What flows through a model while real data runs through it, seen through hooks. */

/** A batch: the input, or an array whose first entry is the input. */
export type Batch = Tensor | readonly Tensor[];

/** Batches, as an array, a generator or a DataLoader gives them. */
export type Batches<B extends Batch = Batch> = Iterable<B> | AsyncIterable<B>;

export function inputOf(batch: Batch): Tensor {
  return batch instanceof Tensor ? batch : (batch[0] as Tensor);
}

/** Mean magnitudes seen at one layer. */
export interface ActivationStats {
  /** Mean |input| of each input unit (channel, or feature of a linear layer). */
  readonly inputs: Float64Array;
  /** Mean |output| of each output unit. */
  readonly outputs: Float64Array;
  /** Share of the numbers of each input unit that are not 0: 1 − APoZ of what feeds it (Hu et al. 2016). */
  readonly active: Float64Array;
}

/** A layer of which activations are known: units stand in one dimension of what it takes and of what it gives. */
type Watched = Linear | Conv1d | Conv2d | Conv3d | Embedding | RNN | LSTM | GRU;

function isWatched(module: Module): module is Watched {
  return [Linear, Conv1d, Conv2d, Conv3d, Embedding, RNN, LSTM, GRU].some((type) => module instanceof type);
}

/** The dimension of channels of a convolution, whether or not there is a batch; otherwise features stand last. */
function unitDim(layer: Watched, x: Tensor): number {
  return layer instanceof Conv1d || layer instanceof Conv2d || layer instanceof Conv3d
    ? x.ndim - 1 - layer.kernelSize.length
    : x.ndim - 1;
}

/** The mean of `x` for each unit: each channel of [N, C, H, W], each feature of [.., F]. */
function unitMeans(layer: Watched, x: Tensor): ArrayLike<number> {
  const along = unitDim(layer, x);
  const dims = x.shape.map((_, i) => i).filter((i) => i !== along);
  return (dims.length === 0 ? x : mean(x, dims)).dataSync();
}

/** Sums of means, weighted by the size of the batches. */
class Means {
  private sums = new Float64Array(0);
  private weight = 0;

  add(values: ArrayLike<number>, weight: number): void {
    if (this.sums.length === 0) this.sums = new Float64Array(values.length);
    for (let i = 0; i < this.sums.length; i++) {
      this.sums[i] = (this.sums[i] as number) + weight * (values[i] as number);
    }
    this.weight += weight;
  }

  means(): Float64Array {
    return this.sums.map((sum) => sum / this.weight);
  }
}

/** Watches a model through hooks while it runs on batches in evaluation mode. */
export class ActivationWatch {
  private readonly seen = new Map<string, { inputs: Means; outputs: Means; active: Means }>();
  private readonly handles: HookHandle[];
  private readonly modes: readonly (readonly [Module, boolean])[];

  constructor(private readonly model: Module) {
    this.modes = model.modules().map((module) => [module, module.training] as const);
    this.handles = model
      .namedModules()
      .filter((entry): entry is [string, Watched] => isWatched(entry[1]))
      .map(([name, layer]) =>
        layer.registerForwardHook<unknown>((_, given, output) => {
          const [x] = given;
          const y: unknown = Array.isArray(output) ? output[0] : output;
          if (x instanceof Tensor && y instanceof Tensor) this.note(name, layer, x, y);
          return undefined;
        }),
      );
    model.eval();
  }

  private note(name: string, layer: Watched, x: Tensor, y: Tensor): void {
    const known = this.seen.get(name) ?? { inputs: new Means(), outputs: new Means(), active: new Means() };
    this.seen.set(name, known);
    scope(() =>
      noGrad(() => {
        const weight = x.shape[0] ?? 1;
        known.outputs.add(unitMeans(layer, abs(y)), weight);
        // What an embedding takes are indices.
        if (layer instanceof Embedding) return;
        known.inputs.add(unitMeans(layer, abs(x)), weight);
        known.active.add(unitMeans(layer, ne(x, 0).to('float32')), weight);
      }),
    );
  }

  see(batch: Batch): void {
    scope(() => {
      noGrad(() => this.model.forward(...([inputOf(batch)] as never[])));
    });
  }

  stats(): Map<string, ActivationStats> {
    return new Map(
      [...this.seen].map(([name, { inputs, outputs, active }]) => [
        name,
        { inputs: inputs.means(), outputs: outputs.means(), active: active.means() },
      ]),
    );
  }

  /** Takes the hooks away and puts the model's modes back. */
  close(): void {
    for (const handle of this.handles) handle.remove();
    for (const [module, training] of this.modes) module.training = training;
  }
}

/**
 * Runs batches through `model` in evaluation mode and averages the magnitudes of what goes into and comes out of each linear
 * layer, convolution, embedding and recurrent layer, weighted by the size of the batches. Keys are the layers' names.
 */
export async function activationStats(model: Module, batches: Batches): Promise<Map<string, ActivationStats>> {
  const watch = new ActivationWatch(model);
  try {
    for await (const batch of batches) watch.see(batch);
    return watch.stats();
  } finally {
    watch.close();
  }
}

/** A layer whose weight has its inputs in dimension 1. */
type Reading = Linear | Conv1d | Conv2d | Conv3d;

function isReading(module: Module): module is Reading {
  return [Linear, Conv1d, Conv2d, Conv3d].some((type) => module instanceof type);
}

/** The layer that holds `weight`, and its name. */
function readerOf(model: Module, weight: Parameter): readonly [string, Reading] | undefined {
  return model
    .namedModules()
    .find((entry): entry is [string, Reading] => isReading(entry[1]) && entry[1].weight === weight);
}

/**
 * How much signal each connection carries: |weight| · mean |input| (Sun et al. 2023, "A simple and effective pruning approach
 * for large language models", with the mean magnitude in place of the norm). A large weight on an input that is nearly
 * always 0 carries nothing.
 */
export function carriedSignal(
  model: Module,
  weight: Parameter,
  stats: ReadonlyMap<string, ActivationStats>,
): Float64Array {
  const [name, layer] =
    readerOf(model, weight) ??
    fail(
      'unsupported',
      "importance: 'activation' knows the inputs of linear layers and convolutions alone. Leave other layers out with except.",
    );
  const { inputs: means } =
    stats.get(name) ?? fail('argument', `Pruner: there are no activation statistics for '${name}'.`);
  const [outputs, inputs, ...kernel] = weight.shape as [number, number, ...number[]];
  const field = kernel.reduce((a, b) => a * b, 1);
  // Output channels of a grouped convolution see the input channels of their own group only.
  const perGroup = outputs / (layer instanceof Linear ? 1 : layer.groups);
  return Float64Array.from(weight.dataSync(), (value, i) => {
    const group = Math.floor(i / (field * inputs * perGroup));
    const input = group * inputs + (Math.floor(i / field) % inputs);
    return Math.abs(value) * (means[input] as number);
  });
}
