import { noGrad } from '../../autograd/index.js';
import * as elementary from '../../core/elementary.js';
import { scope } from '../../core/scoping.js';
import { Conv2d, Linear, type Parameter, Sequential } from '../../nn/index.js';
import { copy_, tensor } from '../../ops/index.js';
import { cp, cpError } from './cp.js';
import { leadingSvd } from './svd.js';
import { tucker2 } from './tucker.js';

/** The layers that stand in for one, and what they compute together. */

/** How a layer is taken apart. */
export type Method = 'svd' | 'tucker' | 'cp';

/** Ranks of a factorization: one, or for Tucker's two, of outputs and of inputs. */
export type Ranks = readonly [number] | readonly [out: number, into: number];

/**
 * Multiplications of a layer at one place of its output, of which a strided convolution has fewer than places of its input;
 * of the layer as it is without ranks.
 */
export function costOf(layer: Linear | Conv2d, method: Method, ranks?: Ranks): number {
  const [rank, into] = ranks === undefined ? [0, 0] : ranks;
  if (layer instanceof Linear) {
    const { inFeatures: i, outFeatures: o } = layer;
    return ranks === undefined ? i * o : rank * (i + o);
  }
  const { inChannels: i, outChannels: o, kernelSize, stride } = layer;
  const [height, width] = kernelSize;
  const [down, right] = stride;
  if (ranks === undefined) return i * o * height * width;
  const before = down * right;
  if (method === 'tucker') {
    const inRank = into as number;
    return i * inRank * before + rank * inRank * height * width + rank * o;
  }
  // The kernel's columns run at every column of the input, its rows at the output's places alone.
  if (method === 'svd') return i * rank * height * right + rank * o * width;
  return i * rank * before + rank * height * right + rank * width + rank * o;
}

/** The largest ranks that a layer's factors can have, beyond which there is nothing. */
export function fullRanks(layer: Linear | Conv2d, method: Method): Ranks {
  if (layer instanceof Linear) return [Math.min(layer.inFeatures, layer.outFeatures)];
  const { inChannels: i, outChannels: o, kernelSize } = layer;
  const [height, width] = kernelSize;
  if (method === 'tucker') return [Math.min(o, i * height * width), Math.min(i, o * height * width)];
  if (method === 'svd') return [Math.min(i * height, o * width)];
  const all = i * o * height * width;
  return [all / Math.max(i, o, height, width)];
}

/** The matrix whose singular values are those of a layer: [O, I], or of a convolution [(I, height), (O, width)]. */
export function matrixOf(layer: Linear | Conv2d): { readonly a: Float64Array; readonly m: number; readonly n: number } {
  const w = layer.weight.dataSync();
  if (layer instanceof Linear) return { a: Float64Array.from(w), m: layer.outFeatures, n: layer.inFeatures };
  const { inChannels: i, outChannels: o, kernelSize } = layer;
  const [height, width] = kernelSize;
  const a = new Float64Array(w.length);
  let at = 0;
  for (let out = 0; out < o; out++) {
    for (let into = 0; into < i; into++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) a[(into * height + y) * o * width + out * width + x] = w[at++] as number;
      }
    }
  }
  return { a, m: i * height, n: o * width };
}

/** Layers in a row that compute nearly what a layer does, and √(Σ change² / Σ weight²) of its weights. */
export interface Split {
  readonly parts: Sequential;
  readonly error: number;
}

export function split(layer: Linear | Conv2d, method: Method, ranks: Ranks): Split {
  const [rank] = ranks;
  if (layer instanceof Linear) return splitLinear(layer, rank);
  if (method === 'svd') return splitSpatial(layer, rank);
  return method === 'cp' ? splitCp(layer, rank) : splitTucker(layer, ranks as readonly [number, number]);
}

/** Truncated SVD: [O, I] ≈ [O, r] · [r, I], each with the root of the singular values. */
function splitLinear(layer: Linear, rank: number): Split {
  const { inFeatures, outFeatures, bias } = layer;
  const { out, into, size } = halves(layer, rank);
  const first = new Linear(inFeatures, rank, { bias: false });
  const second = new Linear(rank, outFeatures, { bias: bias !== null });
  write(first.weight, into);
  write(second.weight, out);
  return { parts: sequence(layer, [first, second]), error: lost(layer, size) };
}

/**
 * Left vectors as columns [m, r] and right vectors as rows [r, n], each times the root of the singular value; `size` is what
 * their product keeps of Σ weight².
 */
function halves(layer: Linear | Conv2d, rank: number): { out: Float64Array; into: Float64Array; size: number } {
  const { a, m, n } = matrixOf(layer);
  const { sigma, left, right } = leadingSvd(a, m, n, rank);
  const root = (r: number): number => Math.sqrt(sigma[r] as number);
  return {
    out: Float64Array.from({ length: m * rank }, (_, at) => {
      const r = at % rank;
      return root(r) * (left[r * m + Math.floor(at / rank)] as number);
    }),
    into: right.map((v, at) => root(Math.floor(at / n)) * v),
    size: sumOfSquares(sigma.subarray(0, rank)),
  };
}

function sumOfSquares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += elementary.square(values[i] as number);
  return sum;
}

/** What is lost by projections that keep `size` of Σ weight². */
function lost({ weight }: Linear | Conv2d, size: number): number {
  const total = sumOfSquares(weight.dataSync());
  return total === 0 ? 0 : Math.sqrt(Math.max(0, 1 - size / total));
}

/** A kernel of one column and then one of one row. */
function splitSpatial(layer: Conv2d, rank: number): Split {
  const { inChannels: i, outChannels: o, kernelSize } = layer;
  const [height, width] = kernelSize;
  const { out: left, into: right, size } = halves(layer, rank);
  const [first, second] = [columns(layer, i, rank, 1), rows(layer, rank, o, 1, layer.bias !== null)];
  write(
    first.weight,
    arranged([rank, i, height], (r, c, y) => left[(c * height + y) * rank + r] as number),
  );
  write(
    second.weight,
    arranged([o, rank, width], (c, r, x) => right[r * o * width + c * width + x] as number),
  );
  return { parts: sequence(layer, [first, second]), error: lost(layer, size) };
}

function splitTucker(layer: Conv2d, ranks: readonly [number, number]): Split {
  const { inChannels: i, outChannels: o, kernelSize, stride, padding, dilation, paddingMode, bias } = layer;
  const [outRank, inRank] = ranks;
  const w = Float64Array.from(layer.weight.dataSync());
  const { out, core, into } = tucker2(w, [o, i, kernelSize[0] * kernelSize[1]], ranks);
  const first = new Conv2d(i, inRank, 1, { bias: false });
  const middle = new Conv2d(inRank, outRank, kernelSize, { stride, padding, dilation, paddingMode, bias: false });
  const last = new Conv2d(outRank, o, 1, { bias: bias !== null });
  write(first.weight, into);
  write(middle.weight, core);
  write(last.weight, out);
  return { parts: sequence(layer, [first, middle, last]), error: lost(layer, sumOfSquares(core)) };
}

/** Each component has its own mixture of channels, column, row, and share in the outputs. */
function splitCp(layer: Conv2d, rank: number): Split {
  const { inChannels: i, outChannels: o, kernelSize, bias } = layer;
  const [height, width] = kernelSize;
  const w = Float64Array.from(layer.weight.dataSync());
  const shape = [o, i, height, width];
  const factors = cp(w, shape, rank);
  const [out, into, column, row] = factors as [Float64Array, Float64Array, Float64Array, Float64Array];
  const first = new Conv2d(i, rank, 1, { bias: false });
  const [second, third] = [columns(layer, rank, rank, rank), rows(layer, rank, rank, rank, false)];
  const last = new Conv2d(rank, o, 1, { bias: bias !== null });
  write(
    first.weight,
    arranged([rank, i, 1], (r, c) => into[c * rank + r] as number),
  );
  write(
    second.weight,
    arranged([rank, height, 1], (r, y) => column[y * rank + r] as number),
  );
  write(
    third.weight,
    arranged([rank, width, 1], (r, x) => row[x * rank + r] as number),
  );
  write(last.weight, out);
  return { parts: sequence(layer, [first, second, third, last]), error: cpError(w, shape, factors, rank) };
}

/** A convolution along the columns as `layer` does them. */
function columns(layer: Conv2d, from: number, to: number, groups: number): Conv2d {
  const { kernelSize, stride, padding, dilation, paddingMode } = layer;
  return new Conv2d(from, to, [kernelSize[0], 1], {
    stride: [stride[0], 1],
    padding: typeof padding === 'string' ? padding : [padding[0], 0],
    dilation: [dilation[0], 1],
    groups,
    bias: false,
    paddingMode,
  });
}

/** A convolution along the rows as `layer` does them. */
function rows(layer: Conv2d, from: number, to: number, groups: number, bias: boolean): Conv2d {
  const { kernelSize, stride, padding, dilation, paddingMode } = layer;
  return new Conv2d(from, to, [1, kernelSize[1]], {
    stride: [1, stride[1]],
    padding: typeof padding === 'string' ? padding : [0, padding[1]],
    dilation: [1, dilation[1]],
    groups,
    bias,
    paddingMode,
  });
}

/** A row-major array [a, b, c] by its indices. */
function arranged(
  [a, b, c]: readonly [number, number, number],
  at: (i: number, j: number, k: number) => number,
): Float64Array {
  return Float64Array.from({ length: a * b * c }, (_, place) =>
    at(Math.floor(place / (b * c)), Math.floor(place / c) % b, place % c),
  );
}

function write(parameter: Parameter, values: Float64Array): void {
  scope(() => noGrad(() => copy_(parameter, tensor(Float32Array.from(values), parameter.shape))));
}

/** The layers in a row; the last of them takes the bias, and all learn where `layer` does. */
function sequence(layer: Linear | Conv2d, parts: readonly (Linear | Conv2d)[]): Sequential {
  for (const part of parts) part.weight.requiresGrad = layer.weight.requiresGrad;
  const last = parts[parts.length - 1]?.bias ?? null;
  const { bias } = layer;
  if (last !== null && bias !== null) {
    noGrad(() => copy_(last, bias));
    last.requiresGrad = bias.requiresGrad;
  }
  return new Sequential(...parts).train(layer.training);
}
