import { noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { Conv2d, cloneModule, type HookHandle, Linear, type Module, ModuleList, Sequential } from '../nn/index.js';
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
function quantizeWeights(
  weight: Tensor,
  perChannel: boolean,
): { values: Int8Array<ArrayBuffer>; scales: Float32Array<ArrayBuffer> } {
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
  const values = Int8Array.from(source, (value, i) =>
    Math.max(-127, Math.min(127, Math.round(value / (scales[Math.floor(i / inner)] as number)))),
  );
  return { values, scales };
}

/** Zeros above and below, left and right of the image; null where a layer pads unevenly or with something else. */
function evenPadding({ padding, paddingMode, kernelSize, dilation }: Conv2d): readonly [number, number] | null {
  if (padding === 'valid') return [0, 0];
  const total = kernelSize.map((k, i) => (dilation[i] as number) * (k - 1));
  const sides = padding === 'same' ? total.map((t) => t / 2) : padding;
  const [rows, columns] = sides as readonly [number, number];
  const isEven = Number.isInteger(rows) && Number.isInteger(columns);
  return isEven && (paddingMode === 'zeros' || rows + columns === 0) ? [rows, columns] : null;
}

function convertLayer(
  layer: Linear | Conv2d,
  observer: MinMaxObserver,
  perChannel: boolean,
): QuantizedLinear | QuantizedConv2d {
  const bias = layer.bias !== null;
  const made =
    layer instanceof Linear
      ? new QuantizedLinear(layer.inFeatures, layer.outFeatures, { bias })
      : new QuantizedConv2d(layer.inChannels, layer.outChannels, layer.kernelSize, {
          stride: layer.stride,
          padding: evenPadding(layer) ?? [0, 0],
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

/** Puts `made` in the place of the module called `path`, which is not the root itself. */
function replaceModule(root: Module, path: string, made: Module): void {
  const dot = path.lastIndexOf('.');
  const parent = dot < 0 ? root : root.getSubmodule(path.slice(0, dot));
  const name = path.slice(dot + 1);
  if (parent instanceof ModuleList)
    fail('unsupported', `quantize.static: '${path}' is in a ModuleList, where no layer can be replaced.`);
  if (parent instanceof Sequential) parent.replace(name, made as Runnable);
  else Object.assign(parent, { [name]: made });
}

/** Runs the calibration through `model` and watches what comes into `layers`. Layers that nothing came into are left out. */
async function observe(
  model: Runnable,
  layers: readonly [string, Linear | Conv2d][],
  calibration: AsyncIterable<Tensor | readonly Tensor[]>,
): Promise<Map<string, MinMaxObserver>> {
  const observers = new Map<string, MinMaxObserver>();
  const handles: HookHandle[] = layers.map(([name, layer]) =>
    layer.registerForwardHook((_, given) => {
      const observer = observers.get(name) ?? new MinMaxObserver();
      observer.observe(`the input of '${name}'`, (given[0] as Tensor).dataSync());
      observers.set(name, observer);
      return undefined;
    }),
  );
  let batches = 0;
  try {
    for await (const batch of calibration) {
      const x = batch instanceof Tensor ? batch : (batch[0] as Tensor);
      scope(() => {
        noGrad(() => model.forward(x));
      });
      batches++;
    }
  } finally {
    for (const handle of handles) handle.remove();
  }
  if (batches === 0) fail('data', 'quantize.static: calibration gave no batch. Pass a loader over some training data.');
  return observers;
}

/**
 * A copy of `model`, in evaluation mode, whose linear layers and convolutions multiply in int8. The range of each layer's
 * input is observed while `calibration` runs through the model: batches of inputs, or of inputs and labels. Grouped
 * convolutions, those whose padding is uneven or not of zeros, and layers that the calibration does not reach, stay as
 * they are.
 */
async function quantizeStatic<M extends Runnable>(
  model: M,
  calibration: AsyncIterable<Tensor | readonly Tensor[]>,
  { perChannel = true, observer = 'minmax' }: StaticOptions = {},
): Promise<M> {
  if (observer !== 'minmax') fail('argument', `quantize.static: observer must be 'minmax', got '${String(observer)}'.`);
  const copy = cloneModule(model).eval();
  try {
    const layers = copy
      .namedModules()
      .filter(
        (entry): entry is [string, Linear | Conv2d] =>
          entry[1] instanceof Linear ||
          (entry[1] instanceof Conv2d && entry[1].groups === 1 && evenPadding(entry[1]) !== null),
      );
    const observers = await observe(copy, layers, calibration);
    for (const [name, layer] of layers) {
      const seen = observers.get(name);
      if (seen === undefined) continue;
      const made = convertLayer(layer, seen, perChannel).eval();
      layer.dispose();
      // A model that is a single layer has no place in which to put another.
      if (name === '') return made as Module as M;
      replaceModule(copy, name, made);
    }
    return copy;
  } catch (error) {
    copy.dispose();
    throw error;
  }
}

export { quantizeStatic as static };
