import { type ConvArguments, type ConvTransposeArguments, readConv, readConvTranspose } from './convfield.js';
import { at, build, type Reference } from './sheet.js';
import { type Extent, extents, type Rank } from './window.js';

/** Convolutions in float64, as their definitions write them. */

/** Calls `visit` with every index of an array of `sizes`. */
function each(sizes: readonly number[], visit: (index: readonly number[]) => void): void {
  build(sizes, (index) => {
    visit(index);
    return 0;
  });
}

/** The first input channel of the group that an output channel belongs to. */
const groupStart = (channel: number, perGroup: number, share: number): number => Math.floor(channel / perGroup) * share;

/** y[n, o, p] = bias[o] + Σ x[n, c, p · stride − padding + k · dilation] · w[o, c, k]. */
export function referenceConv(rank: Rank, inputs: readonly Reference[], args: readonly unknown[]): Reference {
  const [x, w, bias] = inputs as [Reference, Reference, Reference | undefined];
  const given = bias === undefined ? args : [null, ...args];
  const options = readConv('oracle', given as unknown as ConvArguments<Extent>);
  const [oc, per, ...kernel] = w.shape as [number, number, ...number[]];
  const image = x.shape.slice(-rank);
  const stride = extents('oracle', 'stride', options.stride ?? 1, rank, 1);
  const dilation = extents('oracle', 'dilation', options.dilation ?? 1, rank, 1);
  const reach = kernel.map((k, i) => (dilation[i] as number) * (k - 1));
  const isSame = options.padding === 'same';
  const sides = typeof options.padding === 'string' ? 0 : (options.padding ?? 0);
  const padding = isSame ? reach.map((r) => Math.floor(r / 2)) : extents('oracle', 'padding', sides, rank, 0);
  const out = image.map((s, i) =>
    isSame ? s : Math.floor((s + 2 * (padding[i] as number) - (reach[i] as number) - 1) / (stride[i] as number)) + 1,
  );
  return build([...x.shape.slice(0, -rank - 1), oc, ...out], (index) => {
    const lead = index.slice(0, -rank - 1);
    const [o, ...p] = index.slice(-rank - 1) as [number, ...number[]];
    const first = groupStart(o, oc / (options.groups ?? 1), per);
    let total = bias === undefined ? 0 : at(bias, [o]);
    each([per, ...kernel], ([c, ...k]) => {
      const from = p.map(
        (v, i) => v * (stride[i] as number) - (padding[i] as number) + (k[i] as number) * (dilation[i] as number),
      );
      if (from.every((v, i) => v >= 0 && v < (image[i] as number)))
        total += at(x, [...lead, first + (c as number), ...from]) * at(w, [o, c as number, ...k]);
    });
    return total;
  });
}

/** y[n, o, p · stride − padding + k · dilation] = bias[o] + Σ x[n, c, p] · w[c, o, k]. */
export function referenceConvTranspose(rank: Rank, inputs: readonly Reference[], args: readonly unknown[]): Reference {
  const [x, w, bias] = inputs as [Reference, Reference, Reference | undefined];
  const given = bias === undefined ? args : [null, ...args];
  const options = readConvTranspose('oracle', given as unknown as ConvTransposeArguments<Extent>);
  const [channels, per, ...kernel] = w.shape as [number, number, ...number[]];
  const groups = options.groups ?? 1;
  const image = x.shape.slice(-rank);
  const read = (argument: 'stride' | 'padding' | 'outputPadding' | 'dilation', or: number): readonly number[] =>
    extents('oracle', argument, options[argument] ?? or, rank, 0);
  const [stride, padding, more, dilation] = [
    read('stride', 1),
    read('padding', 0),
    read('outputPadding', 0),
    read('dilation', 1),
  ];
  const out = image.map(
    (s, i) =>
      (s - 1) * (stride[i] as number) -
      2 * (padding[i] as number) +
      (dilation[i] as number) * ((kernel[i] as number) - 1) +
      (more[i] as number) +
      1,
  );
  return build([...x.shape.slice(0, -rank - 1), per * groups, ...out], (index) => {
    const lead = index.slice(0, -rank - 1);
    const [o, ...to] = index.slice(-rank - 1) as [number, ...number[]];
    const first = groupStart(o, per, channels / groups);
    let total = bias === undefined ? 0 : at(bias, [o]);
    each([channels / groups, ...kernel], ([c, ...k]) => {
      const place = to.map(
        (v, i) => (v + (padding[i] as number) - (k[i] as number) * (dilation[i] as number)) / (stride[i] as number),
      );
      if (place.every((v, i) => Number.isInteger(v) && v >= 0 && v < (image[i] as number)))
        total += at(x, [...lead, first + (c as number), ...place]) * at(w, [first + (c as number), o % per, ...k]);
    });
    return total;
  });
}
