import { recurrent } from '#binary';
import { isGradEnabled, record } from '../autograd/index.js';
import type { KernelName } from '../core/device.js';
import type { Tensor } from '../core/tensor.js';
import { sigmoid, tanh } from './activation.js';
import { add, mul, sub } from './arithmetic.js';
import { zeros } from './create.js';
import { cat } from './join.js';
import { dense, empty } from './op.js';

/**
 * What follows the products in a step of a recurrent network, in one pass, and its gradient in another. Where a gradient is
 * itself to be differentiated, it is composed of ops.
 */

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

/**
 * Pieces of the given sizes along `dim`, views, as one recorded op. Its gradient joins those of the pieces once; that of
 * `split` would make a whole tensor for each piece and add them up.
 */
export function pieces(input: Tensor, sizes: readonly number[], dim: number): Tensor[] {
  const stride = input.strides[dim] as number;
  let first = 0;
  const views = sizes.map((size) => {
    const shape = input.shape.map((s, d) => (d === dim ? size : s));
    const view = input.strided(shape, input.strides, input.offset + first * stride);
    first += size;
    return view;
  });
  const shapes = views.map((view) => view.shape);
  record('pieces', [input], views, [], (grads) => [
    cat(
      grads.map((g, k) => g ?? zeros(shapes[k] as readonly number[])),
      dim,
    ),
  ]);
  return views;
}

const equal = (count: number, size: number): number[] => new Array<number>(count).fill(size);

/** y (1 − y): what the gradient of a sigmoid y is multiplied with. */
const slope = (y: Tensor): Tensor => mul(y, sub(1, y));
/** 1 − y²: what the gradient of a hyperbolic tangent y is multiplied with. */
const steepness = (y: Tensor): Tensor => sub(1, mul(y, y));

/**
 * Gates i, f, g, o of x + s [N, 4 · hidden], and the cell before [N, hidden] → h and c, [N, hidden]:
 * c = σ(f) · before + σ(i) · tanh(g), h = σ(o) · tanh(c).
 */
export function lstmCell(x: Tensor, s: Tensor, before: Tensor): [h: Tensor, c: Tensor] {
  const [h, c] = [
    empty(before, before.shape, 'float32', 'lstmCell'),
    empty(before, before.shape, 'float32', 'lstmCell'),
  ];
  const gates = empty(before, x.shape, 'float32', 'lstmCell');
  launchRows(recurrent.kernel('lstmCell_f32'), [h, c, gates], [dense(x), dense(s), dense(before)], before);
  record('lstmCell', [x, s, before], [h, c], [gates, x, s, before, c], ([gh, gc], held) => {
    const [kept, px, ps, previous, cell] = held as [Tensor, Tensor, Tensor, Tensor, Tensor];
    if (isGradEnabled()) return composedLstm(gh ?? null, gc ?? null, px, ps, previous, cell);
    const dx = empty(kept, kept.shape, 'float32', 'lstmCell');
    const dbefore = empty(kept, previous.shape, 'float32', 'lstmCell');
    const grads = [gh, gc].map((g) => (g ? dense(g) : null));
    launchRows(recurrent.kernel('lstmCell_grad_f32'), [dx, dbefore], [...grads, kept, cell, dense(previous)], previous);
    return [dx, dx, dbefore];
  });
  gates.dispose();
  return [h, c];
}

function composedLstm(
  gh: Tensor | null,
  gc: Tensor | null,
  x: Tensor,
  s: Tensor,
  before: Tensor,
  cell: Tensor,
): [Tensor, Tensor, Tensor] {
  const size = before.shape[1] as number;
  const [i, f, g, o] = pieces(add(x, s), equal(4, size), 1).map((gate, k) =>
    k === 2 ? tanh(gate) : sigmoid(gate),
  ) as [Tensor, Tensor, Tensor, Tensor];
  const t = tanh(cell);
  const dh = gh ?? zeros(before.shape);
  const through = mul(mul(dh, o), steepness(t));
  const dc = gc === null ? through : add(gc, through);
  const gates = [
    mul(mul(dc, g), slope(i)),
    mul(mul(dc, before), slope(f)),
    mul(mul(dc, i), steepness(g)),
    mul(mul(dh, t), slope(o)),
  ];
  const dx = cat(gates, 1);
  return [dx, dx, mul(dc, f)];
}

/**
 * Gates r, z, n of x and s [N, 3 · hidden], and the state before [N, hidden] → the state after it:
 * n = tanh(x + σ(r) · s), h = n + σ(z) · (before − n).
 */
export function gruCell(x: Tensor, s: Tensor, before: Tensor): Tensor {
  const h = empty(before, before.shape, 'float32', 'gruCell');
  const gates = empty(before, x.shape, 'float32', 'gruCell');
  launchRows(recurrent.kernel('gruCell_f32'), [h, gates], [dense(x), dense(s), dense(before)], before);
  record('gruCell', [x, s, before], [h], [gates, x, s, before], ([gradient], held) => {
    const g = gradient as Tensor;
    const [kept, px, ps, previous] = held as [Tensor, Tensor, Tensor, Tensor];
    if (isGradEnabled()) return composedGru(g, px, ps, previous);
    const [dx, ds] = [empty(kept, kept.shape, 'float32', 'gruCell'), empty(kept, kept.shape, 'float32', 'gruCell')];
    const dbefore = empty(kept, previous.shape, 'float32', 'gruCell');
    launchRows(
      recurrent.kernel('gruCell_grad_f32'),
      [dx, ds, dbefore],
      [dense(g), kept, dense(ps), dense(previous)],
      previous,
    );
    return [dx, ds, dbefore];
  });
  gates.dispose();
  return h;
}

function composedGru(dh: Tensor, x: Tensor, s: Tensor, before: Tensor): [Tensor, Tensor, Tensor] {
  const size = before.shape[1] as number;
  const [xr, xz, xn] = pieces(x, equal(3, size), 1) as [Tensor, Tensor, Tensor];
  const [sr, sz, sn] = pieces(s, equal(3, size), 1) as [Tensor, Tensor, Tensor];
  const [r, z] = [sigmoid(add(xr, sr)), sigmoid(add(xz, sz))];
  const n = tanh(add(xn, mul(r, sn)));
  const dn = mul(mul(dh, sub(1, z)), steepness(n));
  const dz = mul(mul(dh, sub(before, n)), slope(z));
  const dr = mul(mul(dn, sn), slope(r));
  return [cat([dr, dz, dn], 1), cat([dr, dz, mul(dn, r)], 1), mul(dh, z)];
}
