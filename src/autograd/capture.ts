import { record as recordLaunches } from '../backend/record.js';
import type { Recording } from '../core/device.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { Scope, within } from '../core/scope.js';
import { keep, scope } from '../core/scoping.js';
import { sameShape } from '../core/shape.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { watchGrads } from './delivered.js';

/**
 * A step that is recorded once and then replayed: its kernels run one behind another on memory that was planned, without
 * JavaScript, graph or allocation in between.
 */

/** A captured function. */
export interface Captured<A extends readonly Tensor[], R> {
  (...inputs: A): R;
  /** Launches of one replay; 0 until the step has been recorded. */
  readonly launches: number;
  /** Bytes shared by the tensors that live only within a replay. */
  readonly arenaBytes: number;
  /** Frees the recording; the next call begins anew. */
  dispose(): void;
}

interface Recorded<R> {
  readonly recording: Recording;
  readonly inputs: readonly Tensor[];
  readonly grads: readonly RecordedGrad[];
  readonly result: R;
  /** Owns the result, which outlives whatever scope is open while the step is recorded. */
  readonly owner: Scope;
}

/** A gradient that the step leaves behind. */
interface RecordedGrad {
  readonly leaf: Tensor;
  readonly grad: Tensor;
  /**
   * What the step found: no gradient, so that there must be none when it begins again; this one, to which it added; or
   * another, which it cleared itself.
   */
  readonly found: 'none' | 'this' | 'another';
}

/** A step that runs within another is part of it. */
let running = false;
let recording = false;

/** Whether ops are being recorded into a captured step now. */
export function isCapturing(): boolean {
  return recording;
}

/**
 * Gives a function that does what `fn` does to tensors, faster: the first call runs `fn` as it is, so that what is made once
 * (the state of an optimizer) exists; the second records it; all others replay the recording. `fn` takes tensors, may change
 * parameters (backward, optimizer steps) and returns a tensor, several, or nothing. Results are the same tensors at each
 * replay, overwritten: read or clone them before the next call. They are freed with the step.
 *
 * A replay repeats the ops and not the JavaScript. So throws while recording when `fn` reads a value, and while replaying for
 * inputs of another shape or dtype, when a tensor that the step uses has been freed, and when gradients stand where there
 * were none when it was recorded.
 *
 * @example
 * const w = tensor([0.5, -1], { requiresGrad: true });
 * const step = capture((x: Tensor) => {
 *   const loss = x.mul(w).square().mean();
 *   w.grad = null;
 *   loss.backward();
 *   noGrad(() => w.sub_((w.grad as unknown as Tensor).mul(0.1)));
 *   return loss;
 * });
 * for (let i = 0; i < 5; i++) step(tensor([1, 2]));
 * step.dispose();
 */
export function capture<A extends readonly Tensor[], R>(fn: (...inputs: A) => R): Captured<A, R> {
  let warm: readonly Tensor[] | null = null;
  let recorded: Recorded<R> | null = null;

  /** A call that runs `fn`: within another captured step, for the first time, or to record it. */
  const begin = (...inputs: A): R => {
    if (running) return fn(...inputs);
    inputs.forEach(checkInput);
    running = true;
    try {
      if (warm !== null) {
        recorded = record(fn, inputs, warm);
        return recorded.result;
      }
      const watched = watchGrads(() => scope(() => fn(...inputs)));
      warm = watched.leaves;
      return watched.result;
    } finally {
      running = false;
    }
  };
  const call = (...inputs: A): R => {
    // The list of inputs is spread or read by index and never handed on: so no list is made, and a replay leaves no garbage.
    if (recorded === null || running) return begin(...inputs);
    checkCount(recorded, inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      checkInput(inputs[i] as Tensor, i);
      checkLike(recorded, inputs[i] as Tensor, i);
    }
    checkGrads(recorded);
    for (let i = 0; i < inputs.length; i++) feed(recorded.inputs[i] as Tensor, inputs[i] as Tensor);
    return replay(recorded);
  };
  const dispose = (): void => {
    recorded?.recording.dispose();
    for (const input of recorded?.inputs ?? []) input.dispose();
    for (const { grad } of recorded?.grads ?? []) grad.dispose();
    recorded?.owner.end();
    recorded = null;
    warm = null;
  };
  Object.defineProperties(call, {
    launches: { get: () => recorded?.recording.launches ?? 0 },
    arenaBytes: { get: () => recorded?.recording.arenaBytes ?? 0 },
    dispose: { value: dispose },
  });
  return call as Captured<A, R>;
}

function checkInput(input: Tensor, i: number): void {
  input.check('capture');
  if (input.requiresGrad) {
    fail(
      'autograd',
      `capture: input ${i} requires a gradient, which would go to the step's own copy of it. ` +
        'Use the tensor within the function instead of handing it over.',
    );
  }
}

function record<A extends readonly Tensor[], R>(
  fn: (...inputs: A) => R,
  inputs: A,
  leaves: readonly Tensor[],
): Recorded<R> {
  const before = new Map(leaves.map((leaf) => [leaf, leaf.grad?.storage]));
  const device = inputs[0]?.storage.device ?? leaves[0]?.storage.device;
  if (device === undefined) return fail('argument', 'capture: expected a tensor to hand over, got none.');
  const own = inputs.map((input) => {
    const copy = keep(allocate(device, input.shape, input.dtype, 'input of a captured step'));
    feed(copy, input);
    return copy;
  });
  let seen: { readonly result: R; readonly leaves: readonly Tensor[] } | null = null;
  let made: Recording;
  const owner = new Scope(null);
  recording = true;
  try {
    made = recordLaunches(device, () => {
      seen = within(owner, () => watchGrads(() => scope(() => fn(...(own as unknown as A)))));
    });
  } catch (error) {
    for (const input of own) input.dispose();
    owner.end();
    throw error;
  } finally {
    recording = false;
  }
  const { result, leaves: delivered } = seen as unknown as { readonly result: R; readonly leaves: readonly Tensor[] };
  const grads = delivered.flatMap((leaf): RecordedGrad[] => {
    if (leaf.grad === null || leaf.grad.disposed) return [];
    const then = before.get(leaf);
    const found = then === undefined ? 'none' : then === leaf.grad.storage ? 'this' : 'another';
    return [{ leaf, grad: keep(leaf.grad.alias()), found }];
  });
  return { recording: made, inputs: own, grads, result, owner };
}

function checkCount({ inputs }: Recorded<unknown>, given: number): void {
  if (given === inputs.length) return;
  fail('argument', `capture: expected ${inputs.length} tensors, as when the step was recorded, got ${given}.`);
}

function checkLike({ inputs }: Recorded<unknown>, given: Tensor, i: number): void {
  const own = inputs[i] as Tensor;
  if (sameShape(own.shape, given.shape) && own.dtype === given.dtype) return;
  fail(
    'shape',
    `capture: input ${i} was ${own.dtype} ${show(own.shape)} when the step was recorded and is ` +
      `${given.dtype} ${show(given.shape)} now. Capture the function once more for it, or drop the last, smaller batch.`,
  );
}

function checkGrads({ grads }: Recorded<unknown>): void {
  for (let i = 0; i < grads.length; i++) {
    const { leaf, grad, found } = grads[i] as RecordedGrad;
    const now = leaf.grad === null || leaf.grad.disposed ? undefined : leaf.grad.storage;
    if (found === 'another' || (found === 'none' ? now === undefined : now === grad.storage)) continue;
    fail(
      'autograd',
      `capture: a parameter ${show(leaf.shape)} had ${found === 'none' ? 'no gradient' : 'a gradient, to which the step added,'} ` +
        'when the step was recorded, and that is different now. Call zeroGrad() within the step.',
    );
  }
}

/** Runs the recording on inputs that have been fed, and hands out the gradients it leaves. */
function replay<R>({ recording, grads, result }: Recorded<R>): R {
  recording.run();
  for (let i = 0; i < grads.length; i++) {
    const { leaf, grad } = grads[i] as RecordedGrad;
    if (leaf.grad?.storage === grad.storage && !leaf.grad.disposed) continue;
    leaf.grad?.dispose();
    leaf.grad = keep(grad.alias());
  }
  return result;
}

/** Copies `source` into the contiguous `target` of the same shape and dtype. */
function feed(target: Tensor, source: Tensor): void {
  const { bytes } = traits[target.dtype];
  const { device } = target.storage;
  if (source.isContiguous() && source.storage.device === device) {
    device.copy(target.storage, 0, source.storage, source.offset * bytes, target.numel() * bytes);
  } else if (source.storage.device === device) {
    device.launch({
      kernel: `copy_b${bytes}`,
      work: target.numel(),
      writes: [target],
      reads: [source],
      ints: [target.ndim, ...target.shape, ...target.strides, ...source.strides],
    });
  } else {
    fail('device', `capture: input is on ${source.device}, the step was recorded on ${device.name}. Use .to(device).`);
  }
}
