import { fail } from '../../core/errors.js';
import { cast, div, sub, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { callable, imagesOf, type Transform } from './transform.js';

class NormalizeTransform implements Transform {
  constructor(
    readonly mean: readonly number[],
    readonly std: readonly number[],
  ) {
    if (mean.length === 0 || (std.length !== mean.length && std.length !== 1 && mean.length !== 1)) {
      fail('argument', `Normalize: expected a mean and a std for each channel, got ${mean.length} and ${std.length}.`);
    }
    if (std.some((s) => !(s > 0))) fail('argument', `Normalize: std must be > 0, got ${std.join(', ')}.`);
  }

  forward(input: Tensor): Tensor {
    const { channels } = imagesOf('Normalize', input);
    for (const { length } of [this.mean, this.std]) {
      if (length !== channels && length !== 1) {
        fail('shape', `Normalize: images have ${channels} channels, mean and std have ${length} entries.`);
      }
    }
    const perChannel = (values: readonly number[]): Tensor => tensor(Float32Array.from(values), [values.length, 1, 1]);
    return div(sub(input, perChannel(this.mean)), perChannel(this.std));
  }
}

/** (input − mean) / std, with a mean and a std for each channel. */
export const Normalize = /* @__PURE__ */ callable('Normalize', NormalizeTransform);
export type Normalize = NormalizeTransform;

class ToTensorTransform implements Transform {
  forward(input: Tensor): Tensor {
    imagesOf('ToTensor', input);
    return input.dtype === 'uint8' ? div(cast(input, 'float32'), 255) : cast(input, 'float32');
  }
}

/** float32 images of brightness 0 … 1: uint8 images are divided by 255, others keep their values. */
export const ToTensor = /* @__PURE__ */ callable('ToTensor', ToTensorTransform);
export type ToTensor = ToTensorTransform;
