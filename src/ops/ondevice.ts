import { isGradEnabled } from '../autograd/index.js';
import { deviceNamed } from '../backend/current.js';
import type { Device } from '../core/device.js';
import { fail, show } from '../core/errors.js';
import type { Storage } from '../core/storage.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { dense } from './op.js';

/** Bytes of the elements of `x` in row-major order. Throws where its device does not answer at once. */
function bytesOf(x: Tensor): Uint8Array {
  const whole = dense(x);
  try {
    const size = x.elementSize();
    return whole.storage.device.readSync(whole.storage, whole.offset * size, whole.numel() * size);
  } finally {
    if (whole !== x) whole.dispose();
  }
}

/** Memory on `device` with the elements of `x`. */
function storageOn(device: Device, x: Tensor, bytes: Uint8Array = bytesOf(x)): Storage {
  const storage = device.allocate(bytes.length, 'to');
  device.write(storage, 0, bytes);
  return storage;
}

/**
 * `x` on the device of this name: a leaf there, which requires a gradient where `x` does. Gradients do not flow from one device to
 * another, so that what was computed has to be detached. Throws for a tensor on a GPU, which has to be waited for.
 */
export function onDevice(x: Tensor, name: Device['name']): Tensor {
  x.check('to');
  if (x.device === name) return x;
  if (x.node !== null && isGradEnabled()) {
    fail(
      'autograd',
      `to: gradients do not flow from ${x.device} to ${name}, and this tensor ${show(x.shape)} was computed with recording. ` +
        'Use x.detach().to(device), or compute all of it on one device.',
    );
  }
  const bytes = bytesOf(x);
  const y = allocate(deviceNamed(name), x.shape, x.dtype, 'to');
  y.storage.device.write(y.storage, 0, bytes);
  if (x.wantsGrad) y.requiresGrad = true;
  return y;
}

/** Moves tensors themselves, with their gradients, to the device of this name: all of them or, where that cannot be, none. */
export function moveAll(tensors: Iterable<Tensor>, name: Device['name']): void {
  const device = deviceNamed(name);
  const moves: { readonly tensor: Tensor; readonly storage: Storage }[] = [];
  try {
    for (const tensor of tensors) {
      for (const part of [tensor, tensor.grad]) {
        if (part !== null && part.device !== name) moves.push({ tensor: part, storage: storageOn(device, part) });
      }
    }
  } catch (error) {
    for (const { storage } of moves) storage.release();
    throw error;
  }
  for (const { tensor, storage } of moves) tensor.rehome(storage);
}
