import type { Launch } from '../../../core/device.js';
import type { Tensor } from '../../../core/tensor.js';
import { type Argument, type Pass, reads, writes } from '../pass.js';
import type { Shaders } from '../shader.js';
import { FEW, MANY, type Shape, shapeOf } from './convshape.js';
import { gradWeight } from './convweight.js';
import { named } from './each.js';
import { lanesOfTile, product, tileFor } from './tiles.js';

/**
 * Convolution and its gradients: assembly/conv.ts and assembly/convweight.ts. Each is a product of a matrix that is never made: its
 * columns are gathered from the image as tiles of it are brought into shared memory.
 *
 * The forward pass and the gradient of the input are one shader: weights [m, channels · taps] times what the taps see of a grid of
 * pixels. The gradient takes one pass for each remainder of a pixel's place modulo the stride, with the taps that reach it.
 */

/** What taps see along a direction: pixel p of the grid sees place `stride * p + offset + step * t` of the source for tap t. */
interface Axis {
  /** Pixels of the grid; the source's size, the result's. */
  readonly grid: number;
  readonly source: number;
  readonly result: number;
  readonly taps: number;
  readonly stride: number;
  readonly offset: number;
  readonly step: number;
  /** Tap t is the kernel's place `first + apart * t`; pixel p is the result's place `begin + every * p`. */
  readonly first: number;
  readonly apart: number;
  readonly begin: number;
  readonly every: number;
}

/** Whether no tap sees anything beyond the image. */
const isInside = ({ grid, source, taps, stride, offset, step }: Axis): boolean =>
  [
    offset,
    offset + step * (taps - 1),
    offset + stride * (grid - 1),
    offset + stride * (grid - 1) + step * (taps - 1),
  ].every((place) => place >= 0 && place < source);

/** A grid of pixels whose places are those of the result. */
const isWhole = ({ grid, result, every }: Axis): boolean => every === 1 && grid === result;

/** A grid that sees the source as it lies. */
const isPlain = ({ grid, source, taps, stride, offset }: Axis): boolean =>
  taps === 1 && stride === 1 && offset === 0 && grid === source;

interface Sampling {
  readonly rows: Axis;
  readonly columns: Axis;
  readonly images: number;
  readonly groups: number;
  /** Channels of a group in the result, and in the source. */
  readonly m: number;
  readonly channels: number;
  /** From one channel of the result, or of the source, to the next in the weights; elements of a kernel's row. */
  readonly weightM: number;
  readonly weightC: number;
  readonly kernelRow: number;
  readonly relu: number;
}

interface Tensors {
  readonly y: Tensor | null | undefined;
  readonly x: Tensor | null | undefined;
  readonly weight: Tensor | null | undefined;
  readonly bias: Tensor | null;
  readonly scale: Tensor | null;
}

const NUMBERS = [
  ['m', 'channels', 'images', 'weight_m', 'weight_c', 'weight_group', 'weight_first', 'weight_down', 'weight_right'],
  ['grid_rows', 'source_rows', 'result_rows', 'stride_y', 'offset_y', 'step_y', 'begin_y', 'every_y'],
  ['grid_columns', 'source_columns', 'result_columns', 'stride_x', 'offset_x', 'step_x', 'begin_x', 'every_x'],
  ['source_channels', 'result_channels', 'tiles_m', 'tiles_n', 'taps_down', 'taps_across'],
].flat();
const numbers = NUMBERS.map((name, i) => `let ${name} = int(${i});`).join('\n');

function numbersOf(s: Sampling, tilesM: number, tilesN: number): number[] {
  const axis = (a: Axis): number[] => [a.grid, a.source, a.result, a.stride, a.offset, a.step, a.begin, a.every];
  const weights = s.m * s.channels * Math.min(s.weightM, s.weightC);
  const first = s.rows.first * s.kernelRow + s.columns.first;
  return [
    ...[s.m, s.channels, s.images, s.weightM, s.weightC, weights, first, s.rows.apart * s.kernelRow, s.columns.apart],
    ...axis(s.rows),
    ...axis(s.columns),
    ...[s.channels * s.groups, s.m * s.groups, tilesM, tilesN, s.rows.taps, s.columns.taps],
  ];
}

/** The taps as the text has them, numbers or words, and whether it may leave out to look for the image's edge. */
function tapsOf(s: Sampling): {
  down: number | string;
  across: number | string;
  taps: number | string;
  inside: boolean;
} {
  const [down, across] = [s.rows.taps, s.columns.taps];
  const products = s.images * s.groups * s.m * s.channels * down * across * s.rows.grid * s.columns.grid;
  if (products < MANY) {
    return { down: 'taps_down', across: 'taps_across', taps: '(taps_down * taps_across)', inside: false };
  }
  return { down, across, taps: down * across, inside: isInside(s.rows) && isInside(s.columns) };
}

/** An expression of what becomes of a sum, or of four, for channel `o` of the result. */
function finished({ bias, scale }: Tensors, relu: number, wide: boolean): (value: string, o: string) => string {
  return (value, o) => {
    let text = value;
    const all = (x: string): string => (wide ? `vec4<f32>(${x})` : x);
    if (scale !== null) text = `${text} * load_scale(${o})`;
    if (bias !== null) text = `${text} + load_bias(${o})`;
    if (relu === 0) return text;
    return wide ? `at_least_zero(${text})` : `at_least(${text}, ${all('0.0')})`;
  };
}

const atLeastZero = `
fn at_least_zero(v: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(at_least(v.x, 0.0), at_least(v.y, 0.0), at_least(v.z, 0.0), at_least(v.w, 0.0));
}`;

function bindOf({ y, x, weight, bias, scale }: Tensors, wideX: boolean, wideY: boolean): Record<string, Argument> {
  return {
    y: writes(y, { wide: wideY }),
    x: reads(x, { wide: wideX }),
    weight: reads(weight),
    ...(bias === null ? {} : { bias: reads(bias) }),
    ...(scale === null ? {} : { scale: reads(scale) }),
  };
}

/** y = weights times what they see of x, by tiles: rows are channels of the result, columns pixels of all images. */
function tiled(name: string, s: Sampling, tensors: Tensors): Pass {
  const { rows, columns } = s;
  const plane = rows.grid * columns.grid;
  const pixels = s.images * plane;
  const tile = tileFor(s.m, pixels, s.groups);
  const [tilesM, tilesN] = [Math.ceil(s.m / tile.rows), Math.ceil(pixels / tile.columns)];
  const { down, across, taps, inside } = tapsOf(s);
  const fours = plane % 4 === 0;
  const wideX = fours && isPlain(rows) && isPlain(columns) && (tensors.x?.offset ?? 0) % 4 === 0;
  const wideY = fours && isWhole(rows) && isWhole(columns) && (tensors.y?.offset ?? 0) % 4 === 0;
  const finish = finished(tensors, s.relu, wideY);
  const parts = [0, 1, 2, 3];
  return {
    name,
    structure: [tile.rows, tile.columns, down, across, inside, wideX, wideY, s.relu, tensors.bias, tensors.scale]
      .map((part) => (part === null || typeof part === 'object' ? String(part !== null) : String(part)))
      .join(' '),
    bind: bindOf(tensors, wideX, wideY),
    ints: numbersOf(s, tilesM, tilesN),
    groups: tilesM * tilesN * s.groups,
    size: lanesOfTile(tile),
    text: () =>
      product(tile, {
        declare: s.relu !== 0 && wideY ? atLeastZero : '',
        // Neighbouring workgroups have the same pixels.
        setup: `${numbers}
          let tile = i32(group) / tiles_m;
          let row0 = (i32(group) % tiles_m) * ${tile.rows};
          let column0 = (tile % tiles_n) * ${tile.columns};
          let bundle = tile / tiles_n;
          let begin = 0;
          let end = channels * ${taps};
          let weight_base = bundle * weight_group + weight_first;
          let grid = grid_rows * grid_columns;
          let pixels = images * grid;
          let source_plane = source_rows * source_columns;
          ${
            wideX
              ? `let pixel = min(column0 + 4 * (i32(local) % ${tile.columns / 4}), pixels - 4);
                 let base = ((pixel / grid) * source_channels + bundle * channels) * source_plane + pixel % grid;`
              : parts
                  .map(
                    (e) => `
                    let pixel${e} = min(column0 + 4 * (i32(local) % ${tile.columns / 4}) + ${e}, pixels - 1);
                    let y${e} = ((pixel${e} % grid) / grid_columns) * stride_y + offset_y;
                    let x${e} = (pixel${e} % grid_columns) * stride_x + offset_x;
                    let base${e} = ((pixel${e} / grid) * source_channels + bundle * channels) * source_plane;`,
                  )
                  .join('')
          }`,
        left: `
          if (k < end) {
            let tap = k % ${taps};
            let at = weight_base + (k / ${taps}) * weight_c + (tap / ${across}) * weight_down + (tap % ${across}) * weight_right;
            let edge = m - 1;
            value = vec4<f32>(${parts.map((e) => `load_weight(at + min(row0 + r + ${e}, edge) * weight_m)`).join(', ')});
          }`,
        right: wideX
          ? 'if (k < end) { value = load4_x((base + k * source_plane) / 4); }'
          : `
          if (k < end) {
            let tap = k % ${taps};
            let below = (tap / ${across}) * step_y;
            let aside = (tap % ${across}) * step_x;
            let channel = (k / ${taps}) * source_plane;
            ${parts
              .map((e) => {
                const take = `value[${e}] = load_x(base${e} + channel + y * source_columns + x);`;
                return `{
                  let y = y${e} + below;
                  let x = x${e} + aside;
                  ${inside ? take : `if (u32(y) < u32(source_rows) && u32(x) < u32(source_columns)) { ${take} }`}
                }`;
              })
              .join('\n')}
          }`,
        rightAlongK: false,
        store: `
          let o = row0 + r;
          let pixel = column0 + c;
          if (o < m && pixel < pixels) {
            let channel = bundle * m + o;
            let plane = result_rows * result_columns;
            ${
              wideY
                ? `store4_y((((pixel / grid) * result_channels + channel) * plane + pixel % grid) / 4, ${finish('values', 'channel')});`
                : `
                for (var e = 0; e < min(4, pixels - pixel); e++) {
                  let p = pixel + e;
                  let y = ((p % grid) / grid_columns) * every_y + begin_y;
                  let x = (p % grid_columns) * every_x + begin_x;
                  store_y(((p / grid) * result_channels + channel) * plane + y * result_columns + x, ${finish('values[e]', 'channel')});
                }`
            }
          }`,
      }),
  };
}

/** The same, an invocation an element: for groups of few channels, of which depthwise convolution has one each. */
function direct(name: string, s: Sampling, tensors: Tensors): Pass {
  const { rows, columns } = s;
  const { down, across, inside } = tapsOf(s);
  const take = 'sum = fma(load_weight(at + j * weight_right), load_x(line + x), sum);';
  return {
    name,
    structure: ['direct', down, across, inside, s.relu, tensors.bias !== null, tensors.scale !== null].join(' '),
    bind: bindOf(tensors, false, false),
    ints: numbersOf(s, 0, 0),
    items: s.images * s.groups * s.m * rows.grid * columns.grid,
    text: () => ({
      body: `${numbers}
        let column = id % grid_columns;
        let row = (id / grid_columns) % grid_rows;
        let line_of = id / (grid_columns * grid_rows);
        let channel = line_of % result_channels;
        let image = line_of / result_channels;
        let bundle = channel / m;
        let y0 = row * stride_y + offset_y;
        let x0 = column * stride_x + offset_x;
        var sum = 0.0;
        for (var c = 0; c < channels; c++) {
          let plane = (image * source_channels + bundle * channels + c) * source_rows;
          let kernel = bundle * weight_group + weight_first + (channel % m) * weight_m + c * weight_c;
          for (var i = 0; i < ${down}; i++) {
            let y = y0 + i * step_y;
            ${inside ? '' : 'if (u32(y) >= u32(source_rows)) { continue; }'}
            let line = (plane + y) * source_columns;
            let at = kernel + i * weight_down;
            for (var j = 0; j < ${across}; j++) {
              let x = x0 + j * step_x;
              ${inside ? take : `if (u32(x) < u32(source_columns)) { ${take} }`}
            }
          }
        }
        let to = (image * result_channels + channel) * result_rows * result_columns;
        store_y(to + (row * every_y + begin_y) * result_columns + column * every_x + begin_x, ${finished(tensors, s.relu, false)('sum', 'channel')});`,
    }),
  };
}

/** A pass for a sampling whose grid may be empty. */
function sampled(name: string, s: Sampling, tensors: Tensors): Pass {
  return s.groups > 1 && s.m <= FEW ? direct(name, s, tensors) : tiled(name, s, tensors);
}

function forward(launch: Launch, shape: Shape, bias: Tensor | null, scale: Tensor | null): Pass {
  const axis = (d: 0 | 1): Axis => ({
    grid: shape.out[d],
    source: shape.image[d],
    result: shape.out[d],
    taps: shape.kernel[d],
    stride: shape.stride[d],
    offset: -shape.padding[d],
    step: shape.dilation[d],
    first: 0,
    apart: 1,
    begin: 0,
    every: 1,
  });
  const channels = shape.c / shape.groups;
  const kernel = shape.kernel[0] * shape.kernel[1];
  return sampled(
    named(launch).name,
    {
      rows: axis(0),
      columns: axis(1),
      images: shape.n,
      groups: shape.groups,
      m: shape.oc / shape.groups,
      channels,
      weightM: channels * kernel,
      weightC: kernel,
      kernelRow: shape.kernel[1],
      relu: shape.relu,
    },
    { y: launch.writes[0], x: launch.reads[0], weight: launch.reads[1], bias, scale },
  );
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** Pixels of the input whose place leaves the same remainder, and what reaches them. */
function phase(s: Shape, d: 0 | 1, begin: number): Axis {
  const [stride, dilation] = [s.stride[d], s.dilation[d]];
  const apart = stride / divisor(stride, dilation);
  const taps = Array.from({ length: s.kernel[d] }, (_, i) => i).filter(
    (i) => (begin + s.padding[d] - i * dilation) % stride === 0,
  );
  const [first = 0] = taps;
  return {
    grid: Math.ceil((s.image[d] - begin) / stride),
    source: s.out[d],
    result: s.image[d],
    taps: taps.length,
    stride: 1,
    offset: taps.length === 0 ? 0 : (begin + s.padding[d] - first * dilation) / stride,
    step: -(apart * dilation) / stride,
    first,
    apart,
    begin,
    every: stride,
  };
}

function gradInput(launch: Launch): Pass[] {
  const s = shapeOf(launch);
  const [outs, m] = [s.oc / s.groups, s.c / s.groups];
  const kernel = s.kernel[0] * s.kernel[1];
  const { name } = named(launch);
  const [dy, weight, bias = null] = launch.reads;
  const tensors = { y: launch.writes[0], x: dy, weight, bias, scale: null };
  const phases = (d: 0 | 1): Axis[] =>
    Array.from({ length: Math.min(s.stride[d], s.image[d]) }, (_, begin) => phase(s, d, begin));
  return phases(0).flatMap((rows) =>
    phases(1).map((columns) => {
      const none = rows.taps === 0 || columns.taps === 0;
      return sampled(
        name,
        {
          rows: none ? { ...rows, taps: 1 } : rows,
          columns: none ? { ...columns, taps: 1 } : columns,
          images: s.n,
          groups: s.groups,
          m,
          // Pixels that nothing reaches are sums over no channels.
          channels: none ? 0 : outs,
          weightM: kernel,
          weightC: m * kernel,
          kernelRow: s.kernel[1],
          relu: s.relu,
        },
        tensors,
      );
    }),
  );
}

export const convolution: Shaders = {
  conv2d_f32: (launch) => forward(launch, shapeOf(launch), launch.reads[2] ?? null, null),
  conv2d_fused_f32: (launch) => forward(launch, shapeOf(launch), launch.reads[2] ?? null, launch.reads[3] ?? null),
  conv2d_grad_input_f32: gradInput,
  conv2d_grad_weight_f32: gradWeight,
};
