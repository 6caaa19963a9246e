import type { Tensor } from '../../tensor.js';
import { checkIndex, type Dataset } from '../dataset.js';
import { byteLength, type HostTensor, tensorOf } from './parcel.js';

/** What a TensorDataset is in other threads: its rows in memory that all of them share, and not once more on each device. */
export class TensorRows implements Dataset<Tensor[], Tensor[]> {
  readonly length: number;
  private readonly tensors: readonly HostTensor[];

  constructor(...tensors: readonly HostTensor[]) {
    this.tensors = tensors;
    this.length = tensors[0]?.shape[0] ?? 0;
  }

  get(index: number): Tensor[] {
    checkIndex('TensorDataset', index, this.length);
    return this.tensors.map((x) => {
      const one = { dtype: x.dtype, shape: x.shape.slice(1) };
      const size = byteLength(one);
      return tensorOf({ ...one, bytes: x.bytes.subarray(index * size, (index + 1) * size) });
    });
  }

  getBatch(indices: Int32Array): Tensor[] {
    return this.tensors.map((x) => {
      const size = byteLength({ dtype: x.dtype, shape: x.shape.slice(1) });
      const rows = new Uint8Array(indices.length * size);
      indices.forEach((index, n) => {
        checkIndex('TensorDataset', index, this.length);
        rows.set(x.bytes.subarray(index * size, (index + 1) * size), n * size);
      });
      return tensorOf({ dtype: x.dtype, shape: [indices.length, ...x.shape.slice(1)], bytes: rows });
    });
  }
}
