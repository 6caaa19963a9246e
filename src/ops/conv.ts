import { record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { forwardScratch, type Geometry, gradInputScratch, gradWeightScratch } from './convscratch.js';
import { narrow, squeeze, unsqueeze } from './movement.js';
import { checkTensor, convert, dense, empty, type Op, op } from './op.js';
import { type Pair, pair } from './pool.js';
import { sum } from './reduce.js';
import { at, build, type Reference, spread } from './sheet.js';

/**
 * Convolution, as three bilinear maps of which each is made of the others' gradients: forward (x, w → y), backward to the
 * input (dy, w → dx) and backward to the weight (dy, x → dw). So second derivatives need nothing more.
 */

export interface ConvOptions {
  readonly stride?: Pair;
  /** Zeros around the image. 'valid' is none, 'same' as many as give the result the image's size, with stride 1. */
  readonly padding?: Pair | 'same' | 'valid';
  readonly dilation?: Pair;
  readonly groups?: number;
}

/** What follows the bias, by position or by name. */
export type ConvArguments =
  | readonly [options?: ConvOptions]
  | readonly [
      stride?: Pair,
      padding?: ConvOptions['padding'],
      dilation?: Pair | ConvOptions,
      groups?: number | ConvOptions,
      options?: ConvOptions,
    ];

/** The geometry in the order of the kernels' integer slots. */
function ints(g: Geometry): number[] {
  return [g.n, g.c, ...g.image, g.oc, ...g.out, ...g.kernel, ...g.stride, ...g.padding, ...g.dilation, g.groups];
}

function geometry(input: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions): Geometry {
  checkTensor('conv2d', weight, 'weight');
  if (input.ndim !== 4) fail('shape', `conv2d: expected input [N, C, H, W] or [C, H, W], got ${show(input.shape)}.`);
  if (weight.ndim !== 4)
    fail('shape', `conv2d: expected weight [outC, C / groups, KH, KW], got ${show(weight.shape)}.`);
  const groups = options.groups ?? 1;
  const [n, c, h, w] = input.shape as [number, number, number, number];
  const [oc, perGroup, kh, kw] = weight.shape as [number, number, number, number];
  if (!Number.isInteger(groups) || groups < 1 || oc % groups !== 0 || c !== perGroup * groups) {
    fail(
      'shape',
      `conv2d: ${c} input channels do not fit weight ${show(weight.shape)} with groups ${groups}; weight needs ${c} / groups in dim 1.`,
    );
  }
  if (bias !== null && !sameShape(bias.shape, [oc]))
    fail('shape', `conv2d: bias must be [${oc}], got ${show(bias.shape)}.`);
  const stride = pair('conv2d', 'stride', options.stride ?? 1, 1);
  const given = options.padding ?? 'valid';
  const padding = given === 'valid' ? ([0, 0] as const) : pair('conv2d', 'padding', given as Pair, 0);
  const dilation = pair('conv2d', 'dilation', options.dilation ?? 1, 1);
  const size = (s: number, i: 0 | 1, k: number): number =>
    Math.floor((s + 2 * padding[i] - dilation[i] * (k - 1) - 1) / stride[i]) + 1;
  const out = [size(h, 0, kh), size(w, 1, kw)] as const;
  if (out[0] < 1 || out[1] < 1) {
    fail(
      'shape',
      `conv2d: a kernel of ${show([kh, kw])} does not fit into ${show([h, w])} with padding ${show(padding)}.`,
    );
  }
  return { n, c, image: [h, w], oc, out, kernel: [kh, kw], stride, padding, dilation, groups };
}

/** x ∗ w (+ bias). */
function forward(x: Tensor, w: Tensor, bias: Tensor | null, g: Geometry): Tensor {
  const y = empty(x, [g.n, g.oc, ...g.out], 'float32', 'conv2d');
  y.storage.device.launch({
    kernel: 'conv2d_f32',
    work: g.n,
    writes: [y],
    reads: [dense(convert(x, 'float32')), dense(convert(w, 'float32')), bias === null ? null : dense(bias)],
    ints: [...ints(g), 0],
    scratch: forwardScratch(g),
  });
  const inputs = bias === null ? [x, w] : [x, w, bias];
  record('conv2d', inputs, [y], [x, w], ([dy], [p, q], needs) => [
    needs[0] ? toInput(dy as Tensor, q as Tensor, g) : null,
    needs[1] ? toWeight(dy as Tensor, p as Tensor, g) : null,
    needs[2] ? sum(dy as Tensor, [0, 2, 3]) : null,
  ]);
  return y;
}

/** The gradient of the input; as an op of its own, transposed convolution. */
function toInput(dy: Tensor, w: Tensor, g: Geometry): Tensor {
  const dx = empty(dy, [g.n, g.c, ...g.image], 'float32', 'conv2dInput');
  dx.storage.device.launch({
    kernel: 'conv2d_grad_input_f32',
    work: g.n,
    writes: [dx],
    reads: [dense(dy), dense(w), null],
    ints: [...ints(g), 0],
    scratch: gradInputScratch(g),
  });
  record('conv2dInput', [dy, w], [dx], [dy, w], ([v], [p, q], needs) => [
    needs[0] ? forward(v as Tensor, q as Tensor, null, g) : null,
    needs[1] ? toWeight(p as Tensor, v as Tensor, g) : null,
  ]);
  return dx;
}

/** The gradient of the weight, summed over the batch. */
function toWeight(dy: Tensor, x: Tensor, g: Geometry): Tensor {
  const dw = empty(dy, [g.oc, g.c / g.groups, ...g.kernel], 'float32', 'conv2dWeight');
  dw.storage.device.launch({
    kernel: 'conv2d_grad_weight_f32',
    work: g.oc,
    writes: [dw],
    reads: [dense(dy), dense(x)],
    ints: ints(g),
    scratch: gradWeightScratch(g),
  });
  record('conv2dWeight', [dy, x], [dw], [dy, x], ([v], [p, q], needs) => [
    needs[0] ? forward(q as Tensor, v as Tensor, null, g) : null,
    needs[1] ? toInput(p as Tensor, v as Tensor, g) : null,
  ]);
  return dw;
}

/** Convolution padded so that the result has the image's size; where the padding is odd, the end has one more. */
function same(input: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions): Tensor {
  checkTensor('conv2d', weight, 'weight');
  const stride = pair('conv2d', 'stride', options.stride ?? 1, 1);
  if (stride.some((s) => s !== 1)) fail('argument', `conv2d: padding 'same' needs stride 1, got ${show(stride)}.`);
  const dilation = pair('conv2d', 'dilation', options.dilation ?? 1, 1);
  const total = dilation.map((d, i) => d * ((weight.shape[2 + i] ?? 1) - 1)) as [number, number];
  const padding = total.map((p) => Math.ceil(p / 2)) as [number, number];
  // Padded evenly by the larger half, the result has a row or column too many, at the beginning.
  const y = conv2d(input, weight, bias, { ...options, padding });
  const [h, w] = input.shape.slice(-2) as [number, number];
  return narrow(narrow(y, -2, (total[0] as number) % 2, h), -1, (total[1] as number) % 2, w);
}

/**
 * Cross-correlation: input [N, C, H, W] or [C, H, W], weight [OC, C / groups, KH, KW], bias [OC] → [N, OC, OH, OW] or
 * [OC, OH, OW].
 */
export const conv2d: Op<(input: Tensor, weight: Tensor, bias?: Tensor | null, ...rest: ConvArguments) => Tensor> = op(
  (input: Tensor, weight: Tensor, bias: Tensor | null = null, ...rest: ConvArguments): Tensor => {
    const options = readArguments<ConvOptions>('conv2d', rest, ['stride', 'padding', 'dilation', 'groups']);
    checkTensor('conv2d', input);
    if (input.ndim === 3) return squeeze(conv2d(unsqueeze(input, 0), weight, bias, options), 0);
    if (options.padding === 'same') return same(input, weight, bias, options);
    return forward(input, weight, bias, geometry(input, weight, bias, options));
  },
  {
    name: 'conv2d',
    family: 'conv',
    doc: 'Cross-correlation: input [N, C, H, W], weight [OC, C / groups, KH, KW], bias [OC] → [N, OC, OH, OW].',
    dtypes: ['float32'],
    differentiable: [true, true, true],
    oracle: ([input, weight, bias], args) => {
      const [x, w] = [input, weight] as [Reference, Reference];
      // Without a bias the options follow the weight, or a null in the bias's place.
      const o = (args.find((v) => typeof v === 'object' && v !== null) ?? {}) as ConvOptions;
      const both = (v: Pair): readonly [number, number] => (typeof v === 'number' ? [v, v] : v);
      const [stride, padding, dilation] = [both(o.stride ?? 1), both((o.padding ?? 0) as Pair), both(o.dilation ?? 1)];
      const groups = o.groups ?? 1;
      const [n, , h, v] = x.shape as [number, number, number, number];
      const [oc, per, kh, kw] = w.shape as [number, number, number, number];
      const out = [h, v].map(
        (s, i) =>
          Math.floor(
            (s + 2 * (padding[i] as number) - (dilation[i] as number) * (([kh, kw][i] as number) - 1) - 1) /
              (stride[i] as number),
          ) + 1,
      );
      return build([n, oc, ...out], ([b, m, oy, ox]) => {
        let total = bias === undefined ? 0 : at(bias, [m as number]);
        const first = Math.floor((m as number) / (oc / groups)) * per;
        for (let c = 0; c < per; c++) {
          for (let i = 0; i < kh; i++) {
            for (let j = 0; j < kw; j++) {
              const y = (oy as number) * stride[0] - padding[0] + i * dilation[0];
              const z = (ox as number) * stride[1] - padding[1] + j * dilation[1];
              if (y >= 0 && y < h && z >= 0 && z < v)
                total += at(x, [b as number, first + c, y, z]) * at(w, [m as number, c, i, j]);
            }
          }
        }
        return total;
      });
    },
    samples: () => [
      { inputs: [spread([2, 3, 5, 6]), spread([4, 3, 3, 3], -1, 1, 0.1), spread([4])] },
      { inputs: [spread([1, 1, 8, 8]), spread([2, 1, 3, 3], -1, 1, 0.1), spread([2])], args: [{ padding: 1 }] },
      {
        inputs: [spread([3, 4, 7, 5]), spread([6, 2, 3, 2], -1, 1, 0.1), spread([6])],
        args: [{ stride: 2, padding: [1, 0], groups: 2 }],
      },
      {
        inputs: [spread([2, 4, 6, 6]), spread([4, 1, 3, 3], -1, 1, 0.1), spread([4])],
        args: [{ groups: 4, padding: 1 }],
      },
      { inputs: [spread([1, 2, 9, 9]), spread([3, 2, 3, 3], -1, 1, 0.1), spread([3])], args: [{ dilation: 2 }] },
      { inputs: [spread([2, 5, 4, 4]), spread([7, 5, 1, 1], -1, 1, 0.1), spread([7])] },
    ],
    tolerance: 4e-6,
  },
);
