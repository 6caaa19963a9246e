import type { Device } from '../core/device.js';
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

/** Numbers that are read together: a device may take long to answer. */
const TOGETHER = 1 << 16;

/** Weighted sums of outputs, in float64, so that only the function itself rounds to float32. */
class Sums {
  private readonly kept: Tensor;
  private used = 0;
  private waiting: { readonly sum: number; readonly first: number; readonly at: number; readonly count: number }[] = [];
  private readonly sums: number[] = [];

  constructor(device: Device) {
    this.kept = allocate(device, [TOGETHER], 'float32', 'gradcheck');
  }

  /** Takes what a call has given. */
  add(outputs: readonly Tensor[]): void {
    const sum = this.sums.push(0) - 1;
    let first = 0;
    for (const y of outputs) {
      const count = y.numel();
      const { storage } = this.kept;
      const copies = y.dtype === 'float32' && y.isContiguous() && y.storage.device === storage.device;
      if (!copies || count > TOGETHER) {
        this.take(sum, first, y.dataSync());
      } else if (count > 0) {
        if (this.used + count > TOGETHER) this.read();
        storage.device.copy(storage, 4 * this.used, y.storage, 4 * y.offset, 4 * count);
        this.waiting.push({ sum, first, at: this.used, count });
        this.used += count;
      }
      first += count;
    }
  }

  /** The sums of all calls, in their order. */
  finish(): readonly number[] {
    this.read();
    return this.sums;
  }

  private read(): void {
    const { waiting, used } = this;
    this.waiting = [];
    this.used = 0;
    if (used === 0) return;
    const { storage } = this.kept;
    const values = new Float32Array(storage.device.readSync(storage, 0, 4 * used).buffer);
    for (const { sum, first, at, count } of waiting) this.take(sum, first, values.subarray(at, at + count));
  }

  private take(sum: number, first: number, values: ArrayLike<number>): void {
    let total = this.sums[sum] as number;
    for (let i = 0; i < values.length; i++) total += weight(first + i) * (values[i] as number);
    this.sums[sum] = total;
  }
}

/** Calls `fn` for one more of the sums. */
function evaluate(fn: Differentiable, inputs: readonly Tensor[], sums: Sums): void {
  const scope = openScope();
  try {
    sums.add(noGrad(() => list(fn(...inputs))));
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

/** The derivatives of the weighted sum with respect to the elements of `x`, by the five-point rule. */
function numeric(fn: Differentiable, inputs: readonly Tensor[], x: Tensor, eps: number): number[] {
  const { device } = x.storage;
  const scope = openScope();
  try {
    const sums = new Sums(device);
    const steps = Array.from(x.dataSync(), (value, i) => {
      const put = (moved: number): number => {
        const one = Float32Array.of(moved);
        device.write(x.storage, (x.offset + i) * 4, new Uint8Array(one.buffer));
        return one[0] as number;
      };
      const [h = 0] = [eps, -eps, 2 * eps, -2 * eps].map((by) => {
        // The step that float32 could represent is the one that is taken.
        const taken = put(value + by) - value;
        evaluate(fn, inputs, sums);
        return taken;
      });
      put(value);
      return h;
    });
    const found = sums.finish();
    return steps.map((h, i) => {
      const [f1, b1, f2, b2] = found.slice(4 * i, 4 * i + 4) as [number, number, number, number];
      return (8 * (f1 - b1) - (f2 - b2)) / (12 * h);
    });
  } finally {
    scope.end();
  }
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
    for (const [i, expected] of numeric(fn, inputs, x, eps).entries()) {
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
