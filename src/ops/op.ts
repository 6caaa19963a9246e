import type { KernelName } from '../core/device.js';
import { type ArrayOf, type DType, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { toHalf } from '../core/half.js';
import { broadcastStrides, loopNest, type Shape, sameShape } from '../core/shape.js';
import { allocate, refuseStranger, Tensor } from '../core/tensor.js';
import type { Part } from '../runtime/part.js';
import type { Sheet } from './sheet.js';

/**
 * An op is a function with its data sheet attached. Everything about it stands in one entry: how it computes, its gradient
 * and what is saved for it, its documentation, its float64 oracle and its samples. Tests, methods and documentation read
 * the sheet; the build takes out of what ships the parts that only they need.
 */
export type Op<F extends (...args: never[]) => unknown> = F & { readonly op: Sheet };

/** Joins a function and its sheet. */
// @__NO_SIDE_EFFECTS__
export function op<F extends (...args: never[]) => unknown>(compute: F, sheet: Sheet): Op<F> {
  return Object.assign(compute, { op: sheet });
}

/**
 * `compute` under a signature that says more than its own: which dtype and rank follow from which is known to the author and
 * beyond what the compiler can see.
 */
// @__NO_SIDE_EFFECTS__
export function signed<F>(compute: (...args: never[]) => unknown): F {
  return compute as unknown as F;
}

/** The name kernels of this dtype end in. */
export function suffix(dtype: DType): string {
  return traits[dtype].suffix;
}

/** The kernel of a part, or of the core, for each dtype. Named once: the device finds a name fastest under the same string. */
// @__NO_SIDE_EFFECTS__
export function kernelNames(kernel: string, part?: Part): (dtype: DType) => KernelName {
  const names: { [D in DType]?: KernelName } = {};
  return (dtype) => {
    names[dtype] ??= kernelOf(part, `${kernel}_${suffix(dtype)}`);
    return names[dtype];
  };
}

/** The kernel of this name, of a part or of the core. */
export function kernelOf(part: Part | undefined, name: string): KernelName {
  return part === undefined ? name : part.kernel(name);
}

/** An uninitialized tensor on the device of `like`. */
export function empty<D extends DType>(like: Tensor, shape: readonly number[], dtype: D, label: string): Tensor<D> {
  return allocate(like.storage.device, shape, dtype, label);
}

/**
 * Elements from which a thread is worth waking: below it, handing out a share costs more than computing it.
 */
const ELEMENTWISE_GRAIN = 32768;

/** Bytes in which the sums of assembly/sum.ts keep the partial sums of a strip of columns. */
export const SUM_SCRATCH = 4096;

const NO_FLOATS: readonly number[] = [];

/** Runs an elementwise kernel: `y` contiguous, the operands broadcast to its shape, read through the smallest loop nest. */
export function elementwise(
  kernel: KernelName,
  y: Tensor,
  operands: readonly Tensor[],
  floats: readonly number[] = NO_FLOATS,
): void {
  const sources = operands.map(gathered);
  y.storage.device.launch({
    kernel,
    work: y.numel(),
    grain: ELEMENTWISE_GRAIN,
    writes: [y],
    reads: sources,
    floats,
    ints: loopNest(
      y.shape,
      sources.map((x) => readAs(x, y.shape)),
    ),
  });
  for (let i = 0; i < sources.length; i++) if (sources[i] !== operands[i]) (sources[i] as Tensor).dispose();
}

/** The strides with which `x` reads as `shape`, to which it broadcasts. */
function readAs(x: Tensor, shape: Shape): Shape {
  return sameShape(x.shape, shape) ? x.strides : broadcastStrides(x.shape, x.strides, shape);
}

/** Elements from which a transposed operand is worth a copy. */
const WORTH_GATHERING = 4096;

/**
 * A contiguous copy of `x` where its neighbours along the last dimension stand apart, as in a transposed matrix: the copy
 * goes by tiles, where kernels collect such numbers one by one. What repeats itself stays as it is: a copy would be larger.
 */
function gathered(x: Tensor): Tensor {
  const isApart = (x.strides[x.ndim - 1] ?? 1) > 1;
  return isApart && x.numel() >= WORTH_GATHERING && !x.strides.includes(0) && !x.isContiguous() ? dense(x) : x;
}

const COPY = { 1: 'copy_b1', 2: 'copy_b2', 4: 'copy_b4' } as const;

/** Copies `x` into `y`, element by element of equal shapes, whatever their strides. Same dtype. */
export function copyInto(y: Tensor, x: Tensor): void {
  y.storage.device.launch({
    kernel: COPY[traits[y.dtype].bytes],
    work: y.numel(),
    grain: ELEMENTWISE_GRAIN,
    writes: [y],
    reads: [x],
    ints: loopNest(y.shape, [y.strides, x.strides]),
  });
}

/** `x` itself if its elements stand in row-major order without gaps, else a copy that does. Nothing is recorded. */
export function dense(x: Tensor): Tensor {
  if (x.isContiguous()) return x;
  const y = empty(x, x.shape, x.dtype, 'contiguous');
  copyInto(y, x);
  return y;
}

/**
 * The elements of `x`, without which `name` cannot go on: what it does, or the shape of its result, depends on them. Throws where the
 * device of `x` does not answer at once.
 */
export function knownValues<D extends DType>(name: string, x: Tensor<D>): ArrayOf[D] {
  if (!x.storage.device.answersAtOnce) {
    fail(
      'device',
      `${name}: needs the values of a tensor ${show(x.shape)} before it can go on, and a GPU does not give them at once. ` +
        "Make or keep that tensor on wasm, or bring it there with `await download(x)` of 'fettle/webgpu'.",
    );
  }
  return x.dataSync();
}

/** `x` in another dtype, without recording: `x` itself when it has it already. */
export function convert<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  if (x.dtype === (dtype as DType)) return x as Tensor as Tensor<D>;
  const toHalf = dtype === 'float16';
  const fromHalf = x.dtype === 'float16';
  // float16 converts from and to float32 only; everything else goes by way of it.
  if ((toHalf && x.dtype !== 'float32') || (fromHalf && dtype !== 'float32'))
    return convert(convert(x, 'float32'), dtype);
  const y = empty(x, x.shape, dtype, 'cast');
  const target = dtype === 'bool' ? 'bool' : suffix(dtype);
  if (suffix(x.dtype) === target && dtype !== 'bool')
    copyInto(y, new Tensor(x.storage.retain(), x.offset, x.shape, x.strides, dtype));
  else elementwise(`cast_${suffix(x.dtype)}_${target}`, y, [x]);
  return y;
}

/** A zero-dimensional tensor on the device of `like`. */
export function scalarLike<D extends DType>(like: Tensor, value: number | boolean, dtype: D): Tensor<D> {
  const y = empty(like, [], dtype, 'scalar');
  const number = Number(value);
  const bytes =
    dtype === 'float16'
      ? new Uint8Array(Uint16Array.of(toHalf(number)).buffer)
      : traits[dtype].bytes === 1
        ? Uint8Array.of(number)
        : new Uint8Array((traits[dtype].isFloat ? Float32Array.of(number) : Int32Array.of(number)).buffer);
  y.storage.device.write(y.storage, 0, bytes);
  return y;
}

/** Throws unless `x` is a tensor that is still alive. */
export function checkTensor(name: string, x: unknown, argument = 'input'): asserts x is Tensor {
  if (!(x instanceof Tensor)) {
    refuseStranger(name, x);
    fail('argument', `${name}: ${argument} must be a Tensor, got ${describe(x)}. Use tensor(…) to make one.`);
  }
  x.check(name);
}

/** Throws unless two tensors live on one device. */
export function checkDevice(name: string, a: Tensor, b: Tensor): void {
  if (a.storage.device !== b.storage.device) {
    fail(
      'device',
      `${name}: tensors are on ${a.device} ${show(a.shape)} and ${b.device} ${show(b.shape)}. Use .to(device).`,
    );
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
