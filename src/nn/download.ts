import { deviceNamed } from '../backend/current.js';
import type { DType } from '../core/dtype.js';
import { allocate } from '../core/tensor.js';
import { dense } from '../ops/op.js';
import type { Tensor } from '../tensor.js';
import { Module, residentsOf } from './module.js';

/**
 * A tensor on wasm with the elements of one on the GPU (itself, if it is on wasm already), or a model whose parameters and buffers,
 * with masks and codebooks, are moved there themselves. All is asked for before any of it is waited for.
 *
 * @example
 * const x = tensor([1, 2, 3]);
 * (await download(x)).toArray(); // → [1, 2, 3]
 */
export async function download<D extends DType, R extends number>(source: Tensor<D, R>): Promise<Tensor<D, R>>;
export async function download<M extends Module>(source: M): Promise<M>;
export async function download(source: Tensor | Module): Promise<Tensor | Module> {
  const wasm = deviceNamed('wasm');
  const fetched = async (x: Tensor) => {
    const whole = dense(x);
    const size = x.elementSize();
    const bytes = whole.storage.device.read(whole.storage, whole.offset * size, whole.numel() * size);
    if (whole !== x) whole.dispose();
    return bytes;
  };
  if (!(source instanceof Module)) {
    source.check('download');
    if (source.device === 'wasm') return source;
    const bytes = await fetched(source);
    const y = allocate(wasm, source.shape, source.dtype, 'download');
    wasm.write(y.storage, 0, bytes);
    return y as Tensor;
  }
  const parts = residentsOf(source)
    .flatMap((x) => (x.grad === null ? [x] : [x, x.grad]))
    .filter((x) => x.device !== 'wasm');
  const all = await Promise.all(parts.map(fetched));
  for (const [i, x] of parts.entries()) {
    const bytes = all[i] as Uint8Array;
    const storage = wasm.allocate(bytes.length, 'download');
    wasm.write(storage, 0, bytes);
    x.rehome(storage);
  }
  return source;
}
