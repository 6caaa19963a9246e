import { noGrad } from '../autograd/index.js';
import { watch } from '../backend/record.js';
import { type DType, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { Module } from '../nn/index.js';
import { tensor } from '../ops/index.js';
import { nameOf } from '../runtime/part.js';
import { type Planned, writtenBy } from '../runtime/recorder.js';
import { Tensor } from '../tensor.js';
import type { Network, Outputs } from './network.js';

/** A forward pass as it was recorded, and where its inputs and outputs are. */
export interface Trace {
  readonly planned: Planned;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Names of the outputs, where the network gives them by name; null where it gives one tensor. */
  readonly names: readonly string[] | null;
}

/** Dtypes that have arrays in every runtime. */
const ARRAYS: Partial<Record<DType, string>> = {
  float32: 'Float32Array',
  int32: 'Int32Array',
  int8: 'Int8Array',
  uint8: 'Uint8Array',
  bool: 'Uint8Array',
};

/** The name of the array that holds values of this dtype. */
export function arrayOf(dtype: DType): string {
  return (
    ARRAYS[dtype] ??
    fail('dtype', `standalone: an input or output is ${dtype}, which has no array. Cast it with .to('float32').`)
  );
}

function forwardOf(network: Network): (...inputs: Tensor[]) => Outputs {
  if (network instanceof Module) return (network.forward as (...inputs: Tensor[]) => Outputs).bind(network);
  return network;
}

/** The outputs as a list, each contiguous, with their names. */
function listed(outputs: Outputs): { tensors: Tensor[]; names: string[] | null } {
  const isOne = outputs instanceof Tensor;
  const named: Readonly<Record<string, Tensor>> = isOne
    ? { output: outputs }
    : { ...(outputs as Record<string, Tensor>) };
  const entries = Object.entries(named);
  for (const [name, value] of entries) {
    if (value instanceof Tensor) continue;
    fail('argument', `standalone: the network must give tensors; its ${name} is ${typeof value}.`);
  }
  if (entries.length === 0) fail('argument', 'standalone: the network gives no tensor.');
  return {
    tensors: entries.map(([, value]) => value.contiguous()),
    names: isOne ? null : entries.map(([name]) => name),
  };
}

/** A copy of `example`, with memory of its own, that has `batch` samples: its own ones over and over. */
function copyOf(example: Tensor, batch: number | null): Tensor {
  const data = example.dataSync();
  const { dtype, shape } = example;
  if (batch === null) return tensor(data, [...shape], { dtype });
  const samples = shape[0] as number;
  const size = data.length / samples;
  const more = new (data.constructor as Float32ArrayConstructor)(batch * size);
  for (let i = 0; i < batch; i++) more.set(data.subarray((i % samples) * size, ((i % samples) + 1) * size), i * size);
  return tensor(more, [batch, ...shape.slice(1)], { dtype });
}

/** Runs `use` with modules in evaluation mode, and leaves them as they were. */
export function evaluating<T>(network: Network, use: () => T): T {
  const modules = network instanceof Module ? [...network.modules()] : [];
  const before = modules.map(({ training }) => training);
  for (const module of modules) module.training = false;
  try {
    return use();
  } finally {
    modules.forEach((module, i) => {
      module.training = before[i] as boolean;
    });
  }
}

/**
 * Records a forward pass on `batch` samples, or on the examples as they are. What it gives lives in the scope that is open. Throws
 * for what no replay could follow, what changes the network itself, and what draws random numbers.
 */
export function trace(network: Network, examples: readonly Tensor[], batch: number | null): Trace {
  const forward = forwardOf(network);
  const inputs = examples.map((example) => copyOf(example, batch));
  const device = (inputs[0] as Tensor).storage.device;
  let outputs: ReturnType<typeof listed> | null = null;
  const pass = (): Tensor[] => {
    outputs = noGrad(() => listed(forward(...inputs)));
    return outputs.tensors;
  };
  // Once as it is, so that what is made once exists: weights in the order in which kernels read them.
  scope(() => void pass());
  const planned = watch(device, () => void scope(pass), 'standalone').plan();
  const { tensors, names } = outputs as unknown as ReturnType<typeof listed>;
  for (const step of planned.steps) {
    const kernel = nameOf(step.kernel);
    if (step.refresh !== undefined) {
      fail('unsupported', `standalone: ${kernel} draws random numbers. Call model.eval(), or take the layer out.`);
    }
    for (const storage of writtenBy(step)) {
      if (storage === undefined || !planned.outside.has(storage as never)) continue;
      fail(
        'unsupported',
        `standalone: ${kernel} writes into the network, or into its input. Call model.eval(), and use ops that give new tensors.`,
      );
    }
  }
  for (const output of tensors) arrayOf(output.dtype);
  return { planned, inputs, outputs: tensors, names };
}

/** Bytes at which a tensor begins in its storage. */
export function offsetOf({ offset, dtype }: Tensor): number {
  return offset * traits[dtype].bytes;
}

/** Throws unless these can be inputs. */
export function checkInputs(examples: readonly Tensor[], batches: readonly number[] | null): void {
  if (examples.length === 0) fail('argument', 'standalone: expected an example of the input, got none.');
  for (const example of examples) {
    if (!(example instanceof Tensor)) {
      fail(
        'argument',
        `standalone: examples of inputs must be tensors, got ${typeof example}. Try zeros([1, 1, 28, 28]).`,
      );
    }
    example.check('standalone');
    arrayOf(example.dtype);
    if (example.numel() === 0) fail('shape', `standalone: an example of the input is empty: ${show(example.shape)}.`);
    if (batches !== null && example.ndim === 0) {
      fail('shape', 'standalone: { batch } needs inputs whose first dimension counts samples, and one is a scalar.');
    }
  }
}
