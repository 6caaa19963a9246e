import { gradcheck, gradgradcheck, type Tensor } from 'fettle';
import { describe, expect, test } from 'vitest';
import type { Reference, Sample } from '../src/ops/sheet.js';
import { type AnyOp, dtypesOf, LAYOUTS, lay, sheets } from './support/sheets.js';

/** Every op with a gradient, on the smaller of its samples: first and second derivatives against difference quotients. */

/** Ops whose samples lie on or near kinks or ties, where a difference quotient means nothing, and the smaller step they get. */
const EPS: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ...['amax', 'amin', 'maxPool2d', 'clamp', 'relu', 'floor', 'ceil', 'round', 'trunc', 'abs', 'sign', 'maximum'],
    ...['minimum', 'relu6', 'leakyRelu', 'elu', 'celu', 'selu', 'hardsigmoid', 'hardswish', 'hardtanh', 'threshold'],
    ...['fmod', 'remainder', 'prelu', 'norm', 'fmax', 'fmin', 'copysign', 'frac'],
    ...['maxPool1d', 'maxPool3d'],
    ...['adaptiveMaxPool1d', 'adaptiveMaxPool2d', 'adaptiveMaxPool3d'],
  ].map((name) => [name, 2 ** -8]),
);

function isSmooth(op: AnyOp, { inputs }: Sample): boolean {
  const size = inputs.reduce((n, a) => n + a.data.length, 0);
  const smooth = (v: number): boolean =>
    Number.isFinite(v) && Math.abs(v) < 50 && (EPS[op.op.name] === undefined || Math.abs(v) > 0.01);
  return size > 0 && size <= 500 && inputs.every((a, i) => !op.op.differentiable[i] || a.data.every(smooth));
}

const differentiable = sheets.filter(([, op]) => op.op.differentiable.some(Boolean));

/** The op as a function of those inputs that have gradients. */
function bind(op: AnyOp, sample: Sample) {
  const dtypes = dtypesOf(op.op.dtypes[0] as string, sample.inputs.length);
  const inputs = sample.inputs.map((a: Reference, i) => {
    const wants = op.op.differentiable[i] ?? false;
    const x = lay(a, dtypes[i] as never, 'contiguous');
    return wants ? x.requiresGrad_() : x;
  });
  return { inputs, fn: (...xs: Tensor[]) => op(...xs, ...(sample.args ?? [])) };
}

describe.each(differentiable)('%s', (name, op) => {
  const samples = op.op.samples().filter((sample) => isSmooth(op, sample));
  const eps = EPS[name];
  const options = eps === undefined ? {} : { eps, atol: 1e-2, rtol: 1e-2 };

  test('first derivative', () => {
    expect(samples.length).toBeGreaterThan(0);
    for (const sample of samples) {
      const { inputs, fn } = bind(op, sample);
      gradcheck(fn, inputs, options);
    }
  });

  test('second derivative', () => {
    for (const sample of samples.slice(0, 4)) {
      const { inputs, fn } = bind(op, sample);
      gradgradcheck(fn, inputs, { atol: 1e-2, rtol: 1e-2, ...options });
    }
  });

  test('the same gradient through every layout', () => {
    // A view cannot be taken of every layout; reshape, its sibling, is checked in all of them.
    if (name === 'view') return;
    const sample = samples.find(({ inputs }) => inputs.some((a) => a.shape.length >= 2));
    if (sample === undefined) return;
    const gradients = LAYOUTS.map((layout) => {
      const dtypes = dtypesOf(op.op.dtypes[0] as string, sample.inputs.length);
      const leaves = sample.inputs.map((a, i) => {
        const x = lay(a, dtypes[i] as never, layout).detach();
        return op.op.differentiable[i] ? x.requiresGrad_() : x;
      });
      op(...leaves, ...(sample.args ?? []))
        .sum()
        .backward();
      return leaves.map((x) => (x.grad === null ? null : [...x.grad.dataSync()].map((v) => v.toPrecision(5))));
    });
    for (const other of gradients) expect(other).toEqual(gradients[0]);
  });
});
