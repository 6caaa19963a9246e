import { type ErrorCode, fail } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { convert, dense } from './op.js';

/**
 * Throws unless every element of `index` lies in [low, high), or is `except`. A kernel checks, on the device and in replays of a
 * captured step too, before any other kernel sees the indices.
 */
export function checkRange(
  index: Tensor,
  low: number,
  high: number,
  message: (value: number | 'an index') => string,
  except = low,
  code: ErrorCode = 'argument',
): void {
  const x = dense(convert(index, 'int32'));
  try {
    x.storage.device.launch({
      kernel: 'inRange_i32',
      work: x.numel(),
      grain: 65536,
      writes: [],
      reads: [x],
      ints: [low, high, except],
      refusal() {
        // In a replay the tensor of the recording is gone, and with it the number to show; and a GPU does not tell it at once.
        const values = x.disposed || !x.storage.device.answersAtOnce ? [] : x.dataSync();
        return fail(code, message(values.find((v) => v !== except && (v < low || v >= high)) ?? 'an index'));
      },
    });
  } finally {
    if (x !== index) x.dispose();
  }
}

/** Has `refusal` thrown unless `condition` holds everywhere: by a kernel, so that nothing has to be read for it. */
export function checkHolds(condition: Tensor, refusal: () => never): void {
  const x = dense(convert(condition, 'int32'));
  x.storage.device.launch({
    kernel: 'inRange_i32',
    work: x.numel(),
    grain: 65536,
    writes: [],
    reads: [x],
    ints: [1, 2, 1],
    refusal,
  });
  if (x !== condition) x.dispose();
}

/** Throws unless every index lies in [0, size). */
export function checkIndices(name: string, index: Tensor, size: number): void {
  checkRange(index, 0, size, (value) => `${name}: index ${value} is out of range for a dimension of ${size}.`);
}
