import { record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { reshape } from './movement.js';
import { checkTensor, convert, dense, empty, op } from './op.js';
import { at, build, type Reference, spread } from './sheet.js';

/** Pooling over windows of images [N, C, H, W] or [C, H, W]. */

export type Pair = number | readonly [number, number];

/** `n` for both directions, or [vertical, horizontal]; whole numbers of at least `least`. */
export function pair(name: string, argument: string, value: Pair, least: number): readonly [number, number] {
  const both = typeof value === 'number' ? ([value, value] as const) : value;
  if (both.length !== 2 || !both.every((v) => Number.isInteger(v) && v >= least)) {
    fail('argument', `${name}: ${argument} must be one or two whole numbers ≥ ${least}, got ${String(value)}.`);
  }
  return both;
}

export interface PoolOptions {
  /** Step of the window. Default: its size. */
  readonly stride?: Pair;
  readonly padding?: Pair;
  /** Count windows that begin inside the padded image but end outside. Default false. */
  readonly ceilMode?: boolean;
}

export interface MaxPoolOptions extends PoolOptions {
  readonly dilation?: Pair;
}

export interface AvgPoolOptions extends PoolOptions {
  /** Count padding as zeros in the mean. Default true. */
  readonly countIncludePad?: boolean;
  /** Divide by this instead of the window's size. */
  readonly divisorOverride?: number | null;
}

/** What follows the window's size, by position or by name. */
export type MaxPoolArguments =
  | readonly [options?: MaxPoolOptions]
  | readonly [
      stride?: Pair,
      padding?: Pair | MaxPoolOptions,
      dilation?: Pair | MaxPoolOptions,
      ceilMode?: boolean | MaxPoolOptions,
      options?: MaxPoolOptions,
    ];

export type AvgPoolArguments =
  | readonly [options?: AvgPoolOptions]
  | readonly [
      stride?: Pair,
      padding?: Pair | AvgPoolOptions,
      ceilMode?: boolean | AvgPoolOptions,
      countIncludePad?: boolean | AvgPoolOptions,
      divisorOverride?: number | null | AvgPoolOptions,
    ];

export function readMaxPool(name: string, given: MaxPoolArguments): MaxPoolOptions {
  return readArguments(name, given, ['stride', 'padding', 'dilation', 'ceilMode']);
}

export function readAvgPool(name: string, given: AvgPoolArguments): AvgPoolOptions {
  return readArguments(name, given, ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride']);
}

interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly out: readonly [number, number];
}

function windowOf(name: string, input: Tensor, kernelSize: Pair, options: MaxPoolOptions): Window {
  checkTensor(name, input);
  if (input.ndim !== 3 && input.ndim !== 4)
    fail('shape', `${name}: expected [N, C, H, W] or [C, H, W], got ${show(input.shape)}.`);
  const kernel = pair(name, 'kernelSize', kernelSize, 1);
  const stride = pair(name, 'stride', options.stride ?? kernelSize, 1);
  const padding = pair(name, 'padding', options.padding ?? 0, 0);
  const dilation = pair(name, 'dilation', options.dilation ?? 1, 1);
  if (padding.some((p, i) => p > (kernel[i] as number) / 2)) {
    fail('argument', `${name}: padding must be at most half the window, got ${show(padding)} for ${show(kernel)}.`);
  }
  const size = input.shape.slice(-2);
  const out = size.map((s, i) =>
    poolSize(
      s,
      kernel[i] as number,
      stride[i] as number,
      padding[i] as number,
      dilation[i] as number,
      options.ceilMode ?? false,
    ),
  ) as [number, number];
  if (out.some((s) => s < 1))
    fail('shape', `${name}: a window of ${show(kernel)} does not fit into ${show(input.shape)}.`);
  return { kernel, stride, padding, dilation, out };
}

/** Number of windows along one direction. */
function poolSize(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
  ceilMode: boolean,
): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1;
  const count = (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  // In ceil mode the last window must begin inside the image or its left padding.
  return ceilMode && (count - 1) * stride >= size + padding ? count - 1 : count;
}

/** Planes a thread should at least get. */
function planeGrain(elements: number): number {
  return Math.max(1, Math.floor(32768 / Math.max(elements, 1)));
}

/** dy scattered to the places that won, on planes of `shape`. */
function unpool(dy: Tensor, indices: Tensor, shape: readonly number[]): Tensor {
  const dx = empty(dy, shape, 'float32', 'maxPool2d');
  const inSize = (shape[shape.length - 1] as number) * (shape[shape.length - 2] as number);
  const outSize = (dy.shape[dy.ndim - 1] as number) * (dy.shape[dy.ndim - 2] as number);
  const planes = outSize === 0 ? 0 : dy.numel / outSize;
  dy.storage.device.launch({
    kernel: 'maxPool2d_grad_f32',
    work: planes,
    grain: planeGrain(inSize),
    writes: [dx],
    reads: [dense(dy), indices],
    ints: [planes, inSize, outSize],
  });
  record('maxUnpool2d', [dy], [dx], [indices], ([g], [places]) => [pickPlanes(g as Tensor, places as Tensor)]);
  return dx;
}

/** The elements of each plane of x at `indices`: the gradient of `unpool`. */
function pickPlanes(x: Tensor, indices: Tensor): Tensor {
  const inSize = (x.shape[x.ndim - 1] as number) * (x.shape[x.ndim - 2] as number);
  const outSize = (indices.shape[indices.ndim - 1] as number) * (indices.shape[indices.ndim - 2] as number);
  const planes = outSize === 0 ? 0 : indices.numel / outSize;
  const y = empty(x, indices.shape, 'float32', 'maxPool2d');
  x.storage.device.launch({
    kernel: 'gather_b4',
    work: y.numel,
    grain: 16384,
    writes: [y],
    reads: [dense(x), indices],
    ints: [planes, inSize, outSize, 1],
  });
  const { shape } = x;
  record('pickPlanes', [x], [y], [indices], ([g], [places]) => [unpool(g as Tensor, places as Tensor, shape)]);
  return y;
}

/** The values inside the window that begins at output (oy, ox), with null for padding. */
function windowValues(a: Reference, plane: readonly number[], oy: number, ox: number, w: Window): (number | null)[] {
  const [h, v] = a.shape.slice(-2) as [number, number];
  return Array.from({ length: w.kernel[0] * w.kernel[1] }, (_, k) => {
    const y = oy * w.stride[0] - w.padding[0] + Math.floor(k / w.kernel[1]) * w.dilation[0];
    const x = ox * w.stride[1] - w.padding[1] + (k % w.kernel[1]) * w.dilation[1];
    return y < 0 || y >= h || x < 0 || x >= v ? null : at(a, [...plane, y, x]);
  });
}

function referencePool(
  a: Reference,
  kernelSize: Pair,
  options: MaxPoolOptions,
  of: (values: (number | null)[]) => number,
): Reference {
  const both = (v: Pair): readonly [number, number] => (typeof v === 'number' ? [v, v] : v);
  const w = {
    kernel: both(kernelSize),
    stride: both(options.stride ?? kernelSize),
    padding: both(options.padding ?? 0),
    dilation: both(options.dilation ?? 1),
  };
  const out = a.shape
    .slice(-2)
    .map((s, i) =>
      poolSize(
        s,
        w.kernel[i] as number,
        w.stride[i] as number,
        w.padding[i] as number,
        w.dilation[i] as number,
        options.ceilMode ?? false,
      ),
    ) as [number, number];
  return build([...a.shape.slice(0, -2), ...out], (i) =>
    of(windowValues(a, i.slice(0, -2), i[i.length - 2] as number, i[i.length - 1] as number, { ...w, out })),
  );
}

const poolSamples = () => [
  { inputs: [spread([2, 3, 4, 4])], args: [2] },
  { inputs: [spread([1, 2, 5, 7])], args: [[3, 2], { stride: 2, padding: 1 }] },
  { inputs: [spread([2, 5, 6])], args: [3, { stride: 2, ceilMode: true }] },
];

/** The largest element of each window; the gradient goes to the first of equal ones. */
export const maxPool2d = op(
  (input: Tensor, kernelSize: Pair, ...rest: MaxPoolArguments): Tensor => {
    const options = readMaxPool('maxPool2d', rest);
    const w = windowOf('maxPool2d', input, kernelSize, options);
    const x = dense(convert(input, 'float32'));
    const [h, v] = x.shape.slice(-2) as [number, number];
    const shape = [...x.shape.slice(0, -2), ...w.out];
    const y = empty(x, shape, 'float32', 'maxPool2d');
    const indices = empty(x, shape, 'int32', 'maxPool2d');
    const planes = h * v === 0 ? 0 : x.numel / (h * v);
    x.storage.device.launch({
      kernel: 'maxPool2d_f32',
      work: planes,
      grain: planeGrain(h * v),
      writes: [y, indices],
      reads: [x],
      ints: [planes, h, v, ...w.out, ...w.kernel, ...w.stride, ...w.padding, ...w.dilation],
    });
    const from = input.shape;
    record('maxPool2d', [input], [y], [indices], ([g], [places]) => [unpool(g as Tensor, places as Tensor, from)]);
    return y;
  },
  {
    name: 'maxPool2d',
    family: 'pool',
    doc: 'The largest element of each window: [N, C, H, W] → [N, C, OH, OW].',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size, options]) =>
      referencePool(x as Reference, size as Pair, (options ?? {}) as MaxPoolOptions, (v) =>
        Math.max(...v.filter((e) => e !== null)),
      ),
    samples: () => [...poolSamples(), { inputs: [spread([1, 1, 7, 7])], args: [2, { dilation: 2, stride: 1 }] }],
  },
);

function launchAverage(
  kernel: string,
  out: Tensor,
  input: Tensor,
  image: readonly number[],
  w: Window,
  { countIncludePad = true, divisorOverride = null }: AvgPoolOptions,
): void {
  const [h, v] = image as [number, number];
  const planes = w.out[0] * w.out[1] === 0 || h * v === 0 ? 0 : (kernel.includes('grad') ? out : input).numel / (h * v);
  out.storage.device.launch({
    kernel,
    work: planes,
    grain: planeGrain(h * v),
    writes: [out],
    reads: [dense(input)],
    ints: [
      planes,
      h,
      v,
      ...w.out,
      ...w.kernel,
      ...w.stride,
      ...w.padding,
      countIncludePad ? 1 : 0,
      divisorOverride ?? 0,
    ],
  });
}

function averageBack(dy: Tensor, shape: readonly number[], w: Window, options: AvgPoolOptions): Tensor {
  const dx = empty(dy, shape, 'float32', 'avgPool2d');
  launchAverage('avgPool2d_grad_f32', dx, dy, shape.slice(-2), w, options);
  record('avgPool2dGrad', [dy], [dx], [], ([g]) => [average(g as Tensor, w, options)]);
  return dx;
}

function average(input: Tensor, w: Window, options: AvgPoolOptions): Tensor {
  const x = convert(input, 'float32');
  const y = empty(x, [...x.shape.slice(0, -2), ...w.out], 'float32', 'avgPool2d');
  launchAverage('avgPool2d_f32', y, x, x.shape.slice(-2), w, options);
  const { shape } = input;
  record('avgPool2d', [input], [y], [], ([g]) => [averageBack(g as Tensor, shape, w, options)]);
  return y;
}

/** The mean of each window. */
export const avgPool2d = op(
  (input: Tensor, kernelSize: Pair, ...rest: AvgPoolArguments): Tensor => {
    const options = readAvgPool('avgPool2d', rest);
    const w = windowOf('avgPool2d', input, kernelSize, options);
    if (options.divisorOverride === 0) fail('argument', 'avgPool2d: divisorOverride must not be 0.');
    return average(input, w, options);
  },
  {
    name: 'avgPool2d',
    family: 'pool',
    doc: 'The mean of each window: [N, C, H, W] → [N, C, OH, OW].',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size, options]) =>
      referencePool(
        x as Reference,
        size as Pair,
        (options ?? {}) as AvgPoolOptions,
        (v) => v.reduce((a: number, e) => a + (e ?? 0), 0) / v.length,
      ),
    samples: () => poolSamples().slice(0, 2),
    tolerance: 2e-6,
  },
);

function adaptive(
  name: string,
  kernel: string,
  shape: readonly number[],
  input: Tensor,
  image: readonly number[],
  out: readonly number[],
): Tensor {
  const y = empty(input, shape, 'float32', name);
  const size = (image[0] as number) * (image[1] as number);
  const planes = size === 0 ? 0 : shape.slice(0, -2).reduce((a, b) => a * b, 1);
  y.storage.device.launch({
    kernel,
    work: planes,
    grain: planeGrain(size),
    writes: [y],
    reads: [dense(input)],
    ints: [planes, ...image, ...out],
  });
  return y;
}

function adaptiveBack(dy: Tensor, shape: readonly number[], out: readonly number[]): Tensor {
  const dx = adaptive('adaptiveAvgPool2d', 'adaptiveAvgPool2d_grad_f32', shape, dy, shape.slice(-2), out);
  record('adaptiveAvgPool2dGrad', [dy], [dx], [], ([g]) => [adaptiveAvgPool2d(g as Tensor, out as [number, number])]);
  return dx;
}

/** The mean of windows chosen so that the result has `outputSize`; null keeps a size. */
export const adaptiveAvgPool2d = op(
  (input: Tensor, outputSize: number | readonly [number | null, number | null]): Tensor => {
    checkTensor('adaptiveAvgPool2d', input);
    if (input.ndim !== 3 && input.ndim !== 4)
      fail('shape', `adaptiveAvgPool2d: expected [N, C, H, W] or [C, H, W], got ${show(input.shape)}.`);
    const image = input.shape.slice(-2);
    const out = (typeof outputSize === 'number' ? [outputSize, outputSize] : outputSize).map(
      (s, i) => s ?? (image[i] as number),
    );
    if (!out.every((s) => Number.isInteger(s) && s >= 1))
      fail('argument', `adaptiveAvgPool2d: outputSize must be whole numbers ≥ 1, got ${show(out)}.`);
    const y = adaptive(
      'adaptiveAvgPool2d',
      'adaptiveAvgPool2d_f32',
      [...input.shape.slice(0, -2), ...out],
      convert(input, 'float32'),
      image,
      out,
    );
    const { shape } = input;
    record('adaptiveAvgPool2d', [input], [y], [], ([g]) => [adaptiveBack(g as Tensor, shape, out)]);
    return y;
  },
  {
    name: 'adaptiveAvgPool2d',
    family: 'pool',
    doc: 'The mean of windows chosen so that [N, C, H, W] becomes [N, C, …outputSize].',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size]) => {
      const a = x as Reference;
      const [h, w] = a.shape.slice(-2) as [number, number];
      const [oh, ow] = typeof size === 'number' ? [size, size] : (size as [number, number]);
      return build([...a.shape.slice(0, -2), oh, ow], (i) => {
        const [oy, ox] = i.slice(-2) as [number, number];
        let total = 0;
        let count = 0;
        for (let y = Math.floor((oy * h) / oh); y < Math.ceil(((oy + 1) * h) / oh); y++) {
          for (let v = Math.floor((ox * w) / ow); v < Math.ceil(((ox + 1) * w) / ow); v++) {
            total += at(a, [...i.slice(0, -2), y, v]);
            count++;
          }
        }
        return total / count;
      });
    },
    samples: () => [
      { inputs: [spread([2, 3, 4, 4])], args: [1] },
      { inputs: [spread([1, 2, 5, 7])], args: [[2, 3]] },
      { inputs: [spread([2, 3, 3])], args: [[4, 3]] },
    ],
    tolerance: 2e-6,
  },
);

/** Unused dimensions of one image are added and taken away again. */
export function maxPool1d(
  input: Tensor,
  kernelSize: number,
  {
    stride = kernelSize,
    padding = 0,
    dilation = 1,
    ceilMode = false,
  }: { stride?: number; padding?: number; dilation?: number; ceilMode?: boolean } = {},
): Tensor {
  checkTensor('maxPool1d', input);
  const image = reshape(input, [...input.shape.slice(0, -1), 1, input.shape[input.ndim - 1] as number]);
  const y = maxPool2d(image, [1, kernelSize], {
    stride: [1, stride],
    padding: [0, padding],
    dilation: [1, dilation],
    ceilMode,
  });
  return reshape(y, [...input.shape.slice(0, -1), y.shape[y.ndim - 1] as number]);
}
