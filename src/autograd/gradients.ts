import { type DType, traits } from '../core/dtype.js';
import { contiguousStrides, loopNest, type Shape, sameShape } from '../core/shape.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { record } from './tape.js';

/**
 * What gradients themselves need on their way: to be summed where they meet, copied, cut and put together. Autograd names no
 * op, so these few stand here; each is recorded like any other, and gradients of gradients pass through them.
 */

const GRAIN = 16384;

/** Runs an elementwise kernel; `y` may have any strides where the kernel copies. */
function run(kernel: string, y: Tensor, operands: readonly Tensor[], strides: readonly Shape[]): void {
  y.storage.device.launch({
    kernel,
    work: y.numel(),
    grain: GRAIN,
    writes: [y],
    reads: operands,
    ints: loopNest(y.shape, strides),
  });
}

/** Copies the elements of `x` into `y`: equal shapes and dtypes, any strides. Nothing is recorded. */
export function copyTo(y: Tensor, x: Tensor): void {
  run(`copy_b${traits[y.dtype].bytes}`, y, [x], [y.strides, x.strides]);
}

/** Writes a + b into `y`, which is contiguous or `a` itself; all float32. Nothing is recorded. */
function addTo(y: Tensor, a: Tensor, b: Tensor): void {
  run('add_f32', y, [a, b], [a.strides, b.strides]);
}

/** A floating-point tensor as another floating-point dtype; itself when it is so already. */
export function toDType(a: Tensor, dtype: DType): Tensor {
  if (a.dtype === dtype) return a;
  const y = allocate(a.storage.device, a.shape, dtype, 'gradient');
  run(dtype === 'float16' ? 'cast_f32_f16' : 'cast_f16_f32', y, [a], [a.strides]);
  const from = a.dtype;
  record('cast', [a], [y], [], ([g]) => [toDType(g as Tensor, from)]);
  return y;
}

/** a + b, of one shape and dtype. */
export function sum(a: Tensor, b: Tensor): Tensor {
  // float16 is a storage type: its sums are made in float32.
  if (a.dtype === 'float16') return toDType(sum(toDType(a, 'float32'), toDType(b, 'float32')), 'float16');
  const total = allocate(a.storage.device, a.shape, a.dtype, 'gradient');
  addTo(total, a, b);
  record('accumulate', [a, b], [total], [], ([g]) => [g, g]);
  return total;
}

/** a += b, in place and not recorded. */
export function addInto(a: Tensor, b: Tensor): void {
  if (a.dtype === 'float32' && a.isContiguous()) addTo(a, a, b);
  else copyTo(a, sum(a, b));
  a.storage.touch('backward');
}

/** A contiguous copy in memory of its own. */
export function copy(a: Tensor): Tensor {
  const y = allocate(a.storage.device, a.shape, a.dtype, 'gradient');
  copyTo(y, a);
  record('clone', [a], [y], [], ([g]) => [g]);
  return y;
}

/** A contiguous tensor of one value. */
export function filled(like: Tensor, shape: Shape, dtype: DType, value: 0 | 1): Tensor {
  const y = allocate(like.storage.device, shape, dtype, 'gradient');
  // 1 as a float16 and as a float32; 0 is no bits in every dtype.
  const one = dtype === 'float16' ? 0x3c00 : 0x3f800000;
  y.storage.device.launch({
    kernel: `fill_b${traits[dtype].bytes}`,
    work: y.numel(),
    grain: 65536,
    writes: [y],
    reads: [],
    ints: [value * one],
  });
  return y;
}

export function zerosLike(a: Tensor): Tensor {
  return filled(a, a.shape, a.dtype, 0);
}

export function onesLike(a: Tensor): Tensor {
  return filled(a, a.shape, a.dtype, 1);
}

/** The same tensor as a view, one step further in the graph. */
export function through(a: Tensor): Tensor {
  const y = a.strided(a.shape, a.strides, a.offset);
  record('view', [a], [y], [], ([g]) => [g]);
  return y;
}

/** Where a view lies in its base: both layouts, the view's offset counted from the base's first element. */
export interface Window {
  readonly baseShape: Shape;
  readonly baseStrides: Shape;
  readonly shape: Shape;
  readonly strides: Shape;
  readonly offset: number;
}

export function windowOf(base: Tensor, view: Tensor): Window {
  const { shape, strides } = view;
  return { baseShape: base.shape, baseStrides: base.strides, shape, strides, offset: view.offset - base.offset };
}

/** A copy of `g`, of the base's shape, in the base's layout. */
function laidOut(g: Tensor, { baseShape, baseStrides }: Window): Tensor {
  const last = baseShape.reduce((at, size, d) => at + Math.max(size - 1, 0) * (baseStrides[d] as number), 0);
  const line = allocate(g.storage.device, [last + 1], g.dtype, 'gradient');
  const y = line.strided(baseShape, baseStrides, 0);
  line.dispose();
  copyTo(y, g);
  return y;
}

/** The part of `g`, of the base's shape, that the window shows. */
export function takeWindow(g: Tensor, window: Window): Tensor {
  const laid = sameShape(g.strides, window.baseStrides) ? g.strided(g.shape, g.strides, g.offset) : laidOut(g, window);
  const part = allocate(g.storage.device, window.shape, g.dtype, 'gradient');
  const seen = laid.strided(window.shape, window.strides, laid.offset + window.offset);
  copyTo(part, seen);
  seen.dispose();
  laid.dispose();
  record('takeWindow', [g], [part], [], ([h]) => {
    const whole = filled(h as Tensor, window.baseShape, (h as Tensor).dtype, 0);
    return [putWindow(whole, h as Tensor, window)];
  });
  return part;
}

/** A copy of `g`, of the base's shape, with `part` where the window is. */
export function putWindow(g: Tensor, part: Tensor, window: Window): Tensor {
  const y = laidOut(g, window);
  const seen = y.strided(window.shape, window.strides, window.offset);
  copyTo(seen, part);
  seen.dispose();
  record('putWindow', [g, part], [y], [], ([h], _, needs) => [
    needs[0] ? putWindow(h as Tensor, filled(h as Tensor, window.shape, (h as Tensor).dtype, 0), window) : null,
    needs[1] ? takeWindow(h as Tensor, window) : null,
  ]);
  return y;
}

/** Tensors of one shape laid one after another, as `shape`. */
export function joined(like: Tensor, parts: readonly Tensor[], shape: Shape): Tensor {
  const y = allocate(like.storage.device, shape, like.dtype, 'jacobian');
  const windows = parts.map((part, i) => ({
    baseShape: shape,
    baseStrides: y.strides,
    shape: part.shape,
    strides: contiguousStrides(part.shape),
    offset: i * part.numel(),
  }));
  parts.forEach((part, i) => {
    const { strides, offset } = windows[i] as Window;
    const seen = y.strided(part.shape, strides, offset);
    copyTo(seen, part);
    seen.dispose();
  });
  record('joined', parts, [y], [], ([g], _, needs) =>
    windows.map((window, i) => (needs[i] ? takeWindow(g as Tensor, window) : null)),
  );
  return y;
}
