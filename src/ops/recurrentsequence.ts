import { recurrent } from '#binary';
import { enableGrad, grad, isGradEnabled, record } from '../autograd/index.js';
import type { KernelName } from '../core/device.js';
import { openScope } from '../core/scope.js';
import type { Tensor } from '../core/tensor.js';
import { gemm } from './matmul.js';
import { reshape } from './movement.js';
import { copyInto, dense, empty } from './op.js';
import { sum } from './reduce.js';

/**
 * A whole sequence of LSTM or GRU steps as one op. Step by step it is a product and a cell's kernel, and backward a cell's
 * gradient and a product; the gradient of the weights, which all steps share, is one product over all of them at the end.
 *
 * States stand in one block of rows, the initial one before those of all times (behind them where time runs backwards), so
 * that the states after the steps and those before them are two views of it, one step apart.
 */

export type SequenceMode = 'LSTM' | 'GRU';

export interface Sequence {
  readonly mode: SequenceMode;
  /** Sequences, all of one length. */
  readonly batch: number;
  readonly reverse: boolean;
}

/** The same from steps of ops, to be differentiated where gradients are: output, then the last state and cell. */
export type Composition = (inputs: readonly Tensor[]) => readonly Tensor[];

const GATES = { LSTM: 4, GRU: 3 } as const;

/** Rows [first, first + count) of a matrix. */
function rowsOf(x: Tensor, first: number, count: number): Tensor {
  const [step, one] = x.strides as readonly [number, number];
  return x.strided([count, x.shape[1] as number], [step, one], x.offset + first * step);
}

/** The transpose of a matrix, not recorded. */
function turned(x: Tensor): Tensor {
  const [rows, columns] = x.shape as readonly [number, number];
  return x.strided([columns, rows], [x.strides[1] as number, x.strides[0] as number], x.offset);
}

function launchRows(
  kernel: KernelName,
  writes: readonly Tensor[],
  reads: readonly (Tensor | null)[],
  like: Tensor,
): void {
  const [rows, hidden] = like.shape as readonly [number, number];
  like.storage.device.launch({
    kernel,
    work: rows,
    grain: Math.max(1, Math.floor(4096 / Math.max(hidden, 1))),
    writes,
    reads,
    ints: [hidden],
  });
}

function accumulate(y: Tensor, x: Tensor): void {
  y.storage.device.launch({ kernel: 'accumulate_f32', work: y.numel(), grain: 32768, writes: [y], reads: [x] });
}

/**
 * gates [T · N, gates · hidden] are what the steps take of their inputs; `initial` the state and, of an LSTM, the cell before
 * the first step, [N, hidden]; `hidden` the weights of the state, [gates · hidden, hidden], and `bias` what is added to its
 * product. Gives the outputs [T · N, hidden], and the last state and cell.
 */
export function recurrentSequence(
  { mode, batch, reverse }: Sequence,
  gates: Tensor,
  initial: readonly Tensor[],
  hidden: Tensor,
  bias: Tensor | null,
  compose: Composition,
): Tensor[] {
  const size = hidden.shape[1] as number;
  const wide = GATES[mode] * size;
  const rows = gates.shape[0] as number;
  const times = rows / batch;
  const isLstm = mode === 'LSTM';
  const make = (count: number, width: number): Tensor => empty(gates, [count, width], 'float32', mode);
  const order = Array.from({ length: times }, (_, i) => (reverse ? times - 1 - i : i));
  // Where a step's state before it and after it begin.
  const before = (t: number): number => (reverse ? t + 1 : t) * batch;
  const after = (t: number): number => (reverse ? t : t + 1) * batch;

  const states = initial.map(() => make(rows + batch, size)) as [Tensor, Tensor?];
  const last = initial.map(() => make(batch, size));
  const [h, c] = states;
  const kept = make(rows, wide);
  // The gradient of a GRU needs what the state's product was; an LSTM's may be written over.
  const products = make(isLstm ? batch : rows, wide);
  const work = openScope();
  try {
    const x = dense(gates);
    const weight = turned(hidden);
    const shift = bias === null ? null : dense(bias);
    initial.forEach((part, k) => {
      copyInto(rowsOf(states[k] as Tensor, reverse ? rows : 0, batch), part);
    });
    for (const t of order) {
      const s = isLstm ? products : rowsOf(products, t * batch, batch);
      const [past, next] = [before(t), after(t)];
      gemm(s, rowsOf(h, past, batch), weight, { bias: shift });
      const reads = [rowsOf(x, t * batch, batch), s];
      const hold = rowsOf(kept, t * batch, batch);
      const like = rowsOf(h, next, batch);
      if (c !== undefined) {
        launchRows(
          recurrent.kernel('lstmCell_f32'),
          [like, rowsOf(c, next, batch), hold],
          [...reads, rowsOf(c, past, batch)],
          like,
        );
      } else launchRows(recurrent.kernel('gruCell_f32'), [like, hold], [...reads, rowsOf(h, past, batch)], like);
    }
    last.forEach((part, k) => {
      copyInto(part, rowsOf(states[k] as Tensor, reverse ? 0 : rows, batch));
    });
  } finally {
    work.end();
  }

  const output = rowsOf(h, reverse ? 0 : batch, rows);
  const inputs = [gates, ...initial, hidden, ...(bias === null ? [] : [bias])];
  const saved = [...inputs, kept, ...(states as Tensor[]), ...(isLstm ? [] : [products])];
  record(mode, inputs, [output, ...last], saved, (grads, held) => {
    const own = held.slice(0, inputs.length) as Tensor[];
    if (isGradEnabled()) return differentiate(compose, own, grads);
    const [gates2, allH, rest] = held.slice(inputs.length) as [Tensor, Tensor, Tensor];
    const matrix = own[1 + initial.length] as Tensor;
    const [gradY, gradH, gradC] = grads.map((g) => (g ? dense(g) : null));
    const dx = make(rows, wide);
    const ds = isLstm ? dx : make(rows, wide);
    const dh = make(batch, size);
    const pending = make(batch, size);
    let hasState = gradH !== null && gradH !== undefined;
    if (gradH) copyInto(dh, gradH);
    let dc: Tensor | null = gradC ?? null;
    for (const t of [...order].reverse()) {
      const here = gradY ? rowsOf(gradY, t * batch, batch) : null;
      if (hasState && here !== null) accumulate(dh, here);
      const g = hasState ? dh : here;
      const [past, next] = [before(t), after(t)];
      const hold = rowsOf(gates2, t * batch, batch);
      const toX = rowsOf(dx, t * batch, batch);
      if (isLstm) {
        const flows = [g, dc, hold, rowsOf(rest, next, batch), rowsOf(rest, past, batch)];
        launchRows(recurrent.kernel('lstmCell_grad_f32'), [toX, pending], flows, dh);
        dc = pending;
        gemm(dh, toX, matrix);
      } else {
        const toS = rowsOf(ds, t * batch, batch);
        const reads = [g, hold, rowsOf(rest, t * batch, batch), rowsOf(allH, past, batch)];
        launchRows(recurrent.kernel('gruCell_grad_f32'), [toX, toS, pending], reads, dh);
        gemm(dh, toS, matrix);
        accumulate(dh, pending);
      }
      hasState = true;
    }
    const dw = make(wide, size);
    gemm(dw, turned(ds), rowsOf(allH, reverse ? batch : 0, rows));
    return [dx, dh, ...(isLstm ? [pending] : []), dw, ...(bias === null ? [] : [sum(ds, 0)])];
  });
  for (const part of [...states, kept, products]) part?.dispose();
  return [output, ...last];
}

/**
 * The gradients as those of the composition, which can be differentiated again. The inputs stand behind a view each, so that
 * what one of them owes to another is left to the pass that asks.
 */
function differentiate(
  compose: Composition,
  inputs: readonly Tensor[],
  grads: readonly (Tensor | null | undefined)[],
): (Tensor | null)[] {
  return enableGrad(() => {
    const views = inputs.map((x) => (x.requiresGrad ? reshape(x, x.shape) : x));
    const outputs = compose(views);
    const flows = outputs.map((_, i) => i).filter((i) => grads[i]);
    const found = grad(
      flows.map((i) => outputs[i] as Tensor),
      views.filter((x) => x.requiresGrad),
      { gradOutputs: flows.map((i) => grads[i] as Tensor), createGraph: true, materializeGrads: true },
    );
    let taken = 0;
    return views.map((x) => (x.requiresGrad ? (found[taken++] as Tensor) : null));
  });
}
