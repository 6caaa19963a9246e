import { noGrad } from '../autograd/index.js';
import { scope } from '../core/scoping.js';
import { Conv2d, type HookHandle, Linear, type Module } from '../nn/index.js';
import { Tensor } from '../tensor.js';
import { isUnitLayer, type UnitLayer } from './couple.js';

/** Mean magnitudes seen at one layer while real data ran through the model. */
export interface ActivationStats {
  /** Mean |input| of each input unit (channel, or feature of a linear layer). */
  readonly inputs: Float64Array;
  /** Mean |output| of each output unit. */
  readonly outputs: Float64Array;
}

/** Mean |x| of each unit: of each channel of [N, C, H, W], of each feature of [.., F]. */
function unitMeans(layer: UnitLayer, x: Tensor): Float32Array {
  const unitDim = layer instanceof Linear ? x.ndim - 1 : 1;
  const dims = x.shape.map((_, i) => i).filter((i) => i !== unitDim);
  return (dims.length === 0 ? x.abs() : x.abs().mean(dims)).dataSync() as Float32Array;
}

/**
 * Runs batches through `model` in evaluation mode and averages the magnitudes of what goes into and comes out of each linear
 * layer and convolution, weighted by the size of the batches. Keys are the layers' names.
 */
export async function activationStats(
  model: Module & { forward(x: Tensor): Tensor },
  batches: AsyncIterable<Tensor | readonly Tensor[]>,
): Promise<Map<string, ActivationStats>> {
  const sums = new Map<string, { inputs: Float64Array; outputs: Float64Array; samples: number }>();
  const handles: HookHandle[] = [];
  const layers = model.namedModules().filter((entry): entry is [string, UnitLayer] => isUnitLayer(entry[1]));
  for (const [name, layer] of layers) {
    handles.push(
      layer.registerForwardHook((_, given, output) => {
        const input = given[0];
        if (!(input instanceof Tensor)) return undefined;
        const [inputs, outputs] = [unitMeans(layer, input), unitMeans(layer, output)];
        const sum = sums.get(name) ?? {
          inputs: new Float64Array(inputs.length),
          outputs: new Float64Array(outputs.length),
          samples: 0,
        };
        const n = input.shape[0] as number;
        inputs.forEach((v, i) => {
          sum.inputs[i] = (sum.inputs[i] as number) + n * v;
        });
        outputs.forEach((v, i) => {
          sum.outputs[i] = (sum.outputs[i] as number) + n * v;
        });
        sum.samples += n;
        sums.set(name, sum);
        return undefined;
      }),
    );
  }
  const wasTraining = model.training;
  model.eval();
  try {
    for await (const batch of batches) {
      const x = batch instanceof Tensor ? batch : (batch[0] as Tensor);
      scope(() => {
        noGrad(() => model.forward(x));
      });
    }
  } finally {
    for (const handle of handles) handle.remove();
    model.train(wasTraining);
  }
  return new Map(
    [...sums].map(([name, { inputs, outputs, samples }]) => [
      name,
      { inputs: inputs.map((v) => v / samples), outputs: outputs.map((v) => v / samples) },
    ]),
  );
}

/** |weight| of every weight of a layer, flat. */
export function weightMagnitudes(layer: UnitLayer): Float32Array {
  return layer.weight.dataSync().map(Math.abs);
}

/**
 * How much signal each connection carries: |weight| · mean |input| (Sun et al. 2023, "A simple and effective pruning approach
 * for large language models", with the mean magnitude in place of the norm). A large weight on an input that is nearly
 * always 0 carries nothing.
 */
export function carriedSignal(layer: UnitLayer, stats: ActivationStats): Float32Array {
  const [outputs, inputs, ...kernel] = layer.weight.shape as [number, number, ...number[]];
  const field = kernel.reduce((a, b) => a * b, 1);
  // Output channels of a grouped convolution see the input channels of their own group only.
  const perGroup = outputs / (layer instanceof Conv2d ? layer.groups : 1);
  return weightMagnitudes(layer).map((magnitude, i) => {
    const group = Math.floor(i / (field * inputs * perGroup));
    const input = group * inputs + (Math.floor(i / field) % inputs);
    return magnitude * (stats.inputs[input] as number);
  });
}
