import { noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { cloneModule, Conv2d, type HookHandle, Linear, type Module, Sequential } from '../nn/index.js';
import { copy_, tensor } from '../ops/index.js';
import { Tensor } from '../tensor.js';
import { MinMaxObserver } from './observer.js';
import { QuantizedConv2d, QuantizedLinear } from './quantized.js';

/** A model that takes one tensor. */
type Runnable = Module & { forward(x: Tensor): Tensor };

export interface StaticOptions {
  /** One scale for each output unit instead of one for all of a layer's weights. Default true. */
  readonly perChannel?: boolean;
  /** How the range of activations is found. Default 'minmax'. */
  readonly observer?: 'minmax';
}

/** A layer's weights in int8, symmetric around 0: [units, …] and a scale for each unit. */
function quantizeWeights(weight: Tensor, perChannel: boolean): { values: Int8Array<ArrayBuffer>; scales: Float32Array<ArrayBuffer> } {
  const source = weight.dataSync();
  const units = weight.shape[0] as number;
  const inner = source.length / units;
  const tops = Float32Array.from({ length: units }, (_, unit) => {
    let top = 0;
    for (let i = unit * inner; i < (unit + 1) * inner; i++) top = Math.max(top, Math.abs(source[i] as number));
    return top;
  });
  const largest = tops.reduce((a, b) => Math.max(a, b), 0);
  // A unit of zeros alone may have any scale; 1 keeps it finite.
  const scales = tops.map((top) => ((perChannel ? top : largest) || 127) / 127);
  const values = Int8Array.from(source, (value, i) => Math.max(-127, Math.min(127, Math.round(value / (scales[Math.floor(i / inner)] as number)))));
  return { values, scales };
}

function convertLayer(layer: Linear | Conv2d, observer: MinMaxObserver, perChannel: boolean): QuantizedLinear | QuantizedConv2d {
  const bias = layer.bias !== null;
  const made =
    layer instanceof Linear
      ? new QuantizedLinear(layer.inFeatures, layer.outFeatures, { bias })
      : new QuantizedConv2d(layer.inChannels, layer.outChannels, layer.kernelSize, {
          stride: layer.stride,
          padding: layer.padding,
          dilation: layer.dilation,
          bias,
        });
  const { values, scales } = quantizeWeights(layer.weight, perChannel);
  const { scale, zeroPoint } = observer.affine();
  scope(() =>
    noGrad(() => {
      copy_(made.weight, tensor(values, layer.weight.shape));
      copy_(made.scale, tensor(scales));
      if (made.bias !== null && layer.bias !== null) copy_(made.bias, layer.bias.detach());
      copy_(made.inputScale, tensor(scale));
      copy_(made.inputZeroPoint, tensor(zeroPoint, { dtype: 'int32' }));
    }),
  );
  return made;
}

/** Puts `made` in the place of the module called `path`. */
function replaceModule(root: Module, path: string, made: Module): void {
  const dot = path.lastIndexOf('.');
  const parent = dot < 0 ? root : root.getSubmodule(path.slice(0, dot));
  const name = path.slice(dot + 1);
  if (parent instanceof Sequential) parent.replace(name, made as Runnable);
  else Object.assign(parent, { [name]: made });
}

/**
 * A copy of `model` whose linear layers and convolutions multiply in int8. The range of each layer's input is observed while
 * `calibration` runs through the model: batches of inputs, or of inputs and labels. Grouped convolutions stay as they are.
 */
async function quantizeStatic<M extends Runnable>(
  model: M,
  calibration: AsyncIterable<Tensor | readonly Tensor[]>,
  { perChannel = true, observer = 'minmax' }: StaticOptions = {},
): Promise<M> {
  if (observer !== 'minmax') fail('argument', `quantize.static: observer must be 'minmax', got '${String(observer)}'.`);
  const copy = cloneModule(model).eval();
  const layers = copy
    .namedModules()
    .filter((entry): entry is [string, Linear | Conv2d] => entry[1] instanceof Linear || (entry[1] instanceof Conv2d && entry[1].groups === 1));
  const observers = new Map(layers.map(([name]) => [name, new MinMaxObserver()]));
  const handles: HookHandle[] = layers.map(([name, layer]) =>
    layer.registerForwardHook((_, given) => {
      observers.get(name)?.observe((given[0] as Tensor).dataSync());
      return undefined;
    }),
  );
  let batches = 0;
  try {
    for await (const batch of calibration) {
      const x = batch instanceof Tensor ? batch : (batch[0] as Tensor);
      scope(() => {
        noGrad(() => copy.forward(x));
      });
      batches++;
    }
  } finally {
    for (const handle of handles) handle.remove();
  }
  if (batches === 0) fail('data', 'quantize.static: calibration gave no batch. Pass a loader over some training data.');
  for (const [name, layer] of layers) {
    replaceModule(copy, name, convertLayer(layer, observers.get(name) as MinMaxObserver, perChannel));
    layer.dispose();
  }
  return copy;
}

export { quantizeStatic as static };
