import { noGrad } from '../../autograd/index.js';
import { fail, show } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import type { Module } from '../../nn/index.js';
import { clone, copy_ } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';

/** What a model is traced with: its input, or all that its forward takes. */
export type ExampleInputs = Tensor | readonly Tensor[];

/** The tensors that a value holds, in the order in which they stand there: a model may return several, in any form. */
export function tensorsIn(value: unknown, found: Tensor[] = [], seen = new Set<unknown>()): Tensor[] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return found;
  seen.add(value);
  if (value instanceof Tensor) found.push(value);
  else if (value instanceof Map || value instanceof Set)
    for (const item of value.values()) tensorsIn(item, found, seen);
  else for (const item of Object.values(value)) tensorsIn(item, found, seen);
  return found;
}

/** Calls the model's forward with example inputs. */
export function forward(model: Module, inputs: readonly Tensor[]): unknown {
  return (model.forward as (...xs: readonly Tensor[]) => unknown)(...inputs);
}

/** The example as forward takes it. An empty one would agree with anything. */
export function inputsOf(exampleInputs: ExampleInputs): readonly Tensor[] {
  const inputs = exampleInputs instanceof Tensor ? [exampleInputs] : exampleInputs;
  for (const x of inputs) {
    if (!(x instanceof Tensor) || x.numel() > 0) continue;
    fail(
      'argument',
      `exampleInputs: expected inputs with elements, as the model is tried with them, got ${show(x.shape)}. Pass a row or two.`,
    );
  }
  return inputs;
}

/** Runs `body` with the model in evaluation mode; afterwards its modes and the contents of its buffers are what they were. */
export function calmly<T>(model: Module, body: () => T): T {
  const modules = model.modules();
  const modes = modules.map(({ training }) => training);
  const buffers = model.buffers().map((buffer) => ({
    buffer,
    version: buffer.storage.version,
    held: noGrad(() => clone(buffer)).keep(),
  }));
  model.eval();
  try {
    return body();
  } finally {
    modules.forEach((module, i) => {
      module.training = modes[i] as boolean;
    });
    for (const { buffer, version, held } of buffers) {
      if (buffer.storage.version !== version) noGrad(() => copy_(buffer, held));
      held.dispose();
    }
  }
}

/** What the model gives for the example, as numbers: one array for each tensor among its outputs. */
export function outputsOf(model: Module, exampleInputs: ExampleInputs): Float64Array[] {
  return noGrad(() =>
    scope(() => tensorsIn(forward(model, inputsOf(exampleInputs))).map((y) => Float64Array.from(y.dataSync(), Number))),
  );
}

/** Share of the largest output by which two results may differ: sums of other lengths are rounded otherwise. */
const TOLERANCE = 5e-5;

/** Whether two results are the same but for rounding. */
export function agree(a: readonly Float64Array[], b: readonly Float64Array[]): boolean {
  return (
    a.length === b.length &&
    a.every((x, k) => {
      const y = b[k] as Float64Array;
      if (x.length !== y.length) return false;
      const scale = x.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
      return x.every((v, i) => Object.is(v, y[i]) || v === y[i] || Math.abs(v - (y[i] as number)) <= TOLERANCE * scale);
    })
  );
}
