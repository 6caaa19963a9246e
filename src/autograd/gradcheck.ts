import { fail, show } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { grad } from './backward.js';
import { enableGrad, noGrad } from './mode.js';

export interface GradcheckOptions {
  /** Step of the difference quotient. Default 2⁻⁵: the five-point rule's error is of the order eps⁴. */
  readonly eps?: number;
  /** Absolute and relative tolerance. Defaults 2e-3 and 2e-3, which float32 values and this step allow. */
  readonly atol?: number;
  readonly rtol?: number;
}

export type Differentiable = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** Fixed weights, no two alike, that turn all outputs into one number. */
function weight(i: number): number {
  return Math.sin(1.7 * i + 0.9) + 1.25;
}

function list(result: Tensor | readonly Tensor[]): readonly Tensor[] {
  return Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor];
}

/** The weighted sum of all outputs, in float64, so that only the function itself rounds to float32. */
function evaluate(fn: Differentiable, inputs: readonly Tensor[]): number {
  const scope = openScope();
  try {
    let total = 0;
    let i = 0;
    for (const y of noGrad(() => list(fn(...inputs)))) for (const value of y.dataSync()) total += weight(i++) * value;
    return total;
  } finally {
    scope.end();
  }
}

/** The gradients of the same weighted sum by autograd, with respect to `wanted`. */
function analytic(fn: Differentiable, inputs: readonly Tensor[], wanted: readonly Tensor[]): number[][] {
  const scope = openScope();
  try {
    let i = 0;
    const outputs: Tensor[] = [];
    const gradOutputs: Tensor[] = [];
    for (const y of enableGrad(() => list(fn(...inputs)))) {
      const values = Float32Array.from({ length: y.numel() }, () => weight(i++));
      if (!y.requiresGrad) continue;
      const g = allocate(y.storage.device, y.shape, 'float32', 'gradcheck');
      y.storage.device.write(g.storage, 0, new Uint8Array(values.buffer));
      outputs.push(y);
      gradOutputs.push(g);
    }
    const gradients: readonly (Tensor | null)[] = grad(outputs, wanted, { gradOutputs, allowUnused: true });
    return gradients.map((g, k) =>
      g === null ? new Array<number>((wanted[k] as Tensor).numel()).fill(0) : [...g.dataSync()],
    );
  } finally {
    scope.end();
  }
}

/** The derivative of `evaluate` with respect to element i of `x`, by the five-point rule. */
function numeric(fn: Differentiable, inputs: readonly Tensor[], x: Tensor, i: number, eps: number): number {
  const { device } = x.storage;
  const at = (x.offset + i) * 4;
  const before = device.readSync(x.storage, at, 4);
  const value = new Float32Array(before.buffer)[0] as number;
  const shifted = (by: number): [number, number] => {
    const moved = Float32Array.of(value + by);
    device.write(x.storage, at, new Uint8Array(moved.buffer));
    // The step that float32 could represent is the one that was taken.
    return [evaluate(fn, inputs), (moved[0] as number) - value];
  };
  const [f1, h] = shifted(eps);
  const [b1] = shifted(-eps);
  const [f2] = shifted(2 * eps);
  const [b2] = shifted(-2 * eps);
  device.write(x.storage, at, before);
  return (8 * (f1 - b1) - (f2 - b2)) / (12 * h);
}

/**
 * Compares the gradients of `fn` with difference quotients, for every input that requires a gradient. Returns true, or
 * throws an error that names the first element that differs. Inputs must be contiguous float32, and must stay at least
 * 2 · eps away from kinks.
 */
export function gradcheck(fn: Differentiable, inputs: readonly Tensor[], options: GradcheckOptions = {}): true {
  const { eps = 2 ** -5, atol = 2e-3, rtol = 2e-3 } = options;
  const wanted = inputs.filter((x) => x.requiresGrad);
  if (wanted.length === 0)
    fail('autograd', 'gradcheck: no input requires a gradient. Make one with { requiresGrad: true }.');
  for (const x of wanted) {
    if (!x.isContiguous() || x.dtype !== 'float32') {
      fail(
        'argument',
        `gradcheck: inputs must be contiguous float32, got ${x.dtype} ${show(x.shape)}. Use .contiguous().`,
      );
    }
  }
  const found = analytic(fn, inputs, wanted);
  wanted.forEach((x, k) => {
    for (let i = 0; i < x.numel(); i++) {
      const expected = numeric(fn, inputs, x, i, eps);
      const got = found[k]?.[i] as number;
      if (!(Math.abs(got - expected) <= atol + rtol * Math.abs(expected))) {
        const where = `input ${inputs.indexOf(x)}, element ${i} of ${show(x.shape)}`;
        fail('autograd', `gradcheck: ${where}: the difference quotient is ${expected}, the gradient ${got}.`);
      }
    }
  });
  return true;
}

/** `gradcheck` of the gradients themselves: checks second derivatives. */
export function gradgradcheck(fn: Differentiable, inputs: readonly Tensor[], options: GradcheckOptions = {}): true {
  const first: Differentiable = (...xs) => {
    const outputs = list(fn(...xs)).filter((y) => y.requiresGrad);
    const gradOutputs = outputs.map((y) => {
      const g = allocate(y.storage.device, y.shape, 'float32', 'gradgradcheck');
      y.storage.device.write(
        g.storage,
        0,
        new Uint8Array(Float32Array.from({ length: y.numel() }, (_, i) => weight(i)).buffer),
      );
      return g;
    });
    const wanted = xs.filter((x) => x.requiresGrad);
    const gradients: readonly (Tensor | null)[] = grad(outputs, wanted, {
      gradOutputs,
      createGraph: true,
      allowUnused: true,
    });
    return gradients.filter((g) => g !== null);
  };
  return gradcheck((...xs) => enableGrad(() => first(...xs)), inputs, options);
}
