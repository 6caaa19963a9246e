import { signal } from '#binary';
import { record } from '../autograd/index.js';
import * as elementary from '../core/elementary.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { dense, empty } from './op.js';

/** The one linear map behind every Fourier transform, and what its kernel needs to know of a length. */

/** y[k] = scale · Σ_j x[j] e^(∓2πi jk / n) for k < count, of x with m ≤ n entries. */
export interface Transform {
  readonly n: number;
  readonly count: number;
  /** Entries are real: [.., m] instead of [.., m, 2]. */
  readonly realIn: boolean;
  /** Only real parts are wanted: [.., count] instead of [.., count, 2]. */
  readonly realOut: boolean;
  /** The exponent is positive. */
  readonly inverse: boolean;
  /** Whether the entries that stand for their mirror images too (0 < j < n / 2) of x, or those of y, count twice. */
  readonly doubled: 'none' | 'in' | 'out';
  readonly scale: number;
}

interface Plan {
  /** Length of the transforms that are computed: n, or a power of two for Bluestein's convolution. */
  readonly size: number;
  readonly factors: readonly number[];
  /** Roots of unity and chirps, as the kernel reads them. */
  readonly table: Uint8Array;
}

/** Factors that a stage takes by the definition; beyond them Bluestein's detour is shorter. */
const PRIMES = [4, 2, 3, 5, 7, 11, 13];

function factorsOf(n: number): number[] | null {
  const factors: number[] = [];
  let rest = n;
  for (const p of PRIMES) {
    for (; rest % p === 0; rest /= p) factors.push(p);
  }
  return rest === 1 ? factors : null;
}

function makePlan(n: number): Plan {
  const direct = factorsOf(n);
  const size = direct === null ? 2 ** Math.ceil(Math.log2(2 * n - 1)) : n;
  const chirps = direct === null ? n : 0;
  const table = new Float64Array(2 * (size + chirps));
  for (let k = 0; k < size; k++) {
    const angle = (2 * Math.PI * k) / size;
    table[2 * k] = elementary.cos(angle);
    table[2 * k + 1] = -elementary.sin(angle);
  }
  for (let k = 0; k < chirps; k++) {
    // A whole turn is 2n steps; what is left of k² keeps the angle small and exact.
    const angle = (Math.PI * ((k * k) % (2 * n))) / n;
    table[2 * (size + k)] = elementary.cos(angle);
    table[2 * (size + k) + 1] = -elementary.sin(angle);
  }
  return { size, factors: direct ?? (factorsOf(size) as number[]), table: new Uint8Array(table.buffer) };
}

/** Plans of the lengths in use: a program has few, and sines cost more than the transform. */
const plans = new Map<number, Plan>();
const MOST_PLANS = 16;
const LONGEST_KEPT = 65536;

function planOf(n: number): Plan {
  const known = plans.get(n);
  if (known !== undefined) return known;
  const plan = makePlan(n);
  if (plan.size > LONGEST_KEPT) return plan;
  if (plans.size >= MOST_PLANS) plans.delete(plans.keys().next().value as number);
  plans.set(n, plan);
  return plan;
}

const OTHER_SIDE = { none: 'none', in: 'out', out: 'in' } as const;

/** `map` along the last dimension of x, float32. The gradient is the adjoint map, which is of the same kind. */
export function fourier(x: Tensor, map: Transform): Tensor {
  const lead = x.shape.slice(0, map.realIn ? -1 : -2);
  const m = x.shape[lead.length] as number;
  const { size, factors, table } = planOf(map.n);
  const y = empty(x, [...lead, map.count, ...(map.realOut ? [] : [2])], 'float32', 'fft');
  const rows = sizeOf(lead);
  const roots = empty(x, [table.length / 4], 'int32', 'fft');
  roots.storage.device.write(roots.storage, 0, table);
  y.storage.device.launch({
    kernel: signal.kernel('fft_f32'),
    work: rows,
    grain: Math.max(1, Math.floor(4096 / size)),
    writes: [y],
    reads: [dense(x), roots],
    floats: [map.scale],
    ints: [
      m,
      map.n,
      map.count,
      Number(map.realIn),
      Number(map.realOut),
      Number(map.inverse),
      ['none', 'in', 'out'].indexOf(map.doubled),
      size,
      factors.length,
      ...factors,
    ],
    scratch: (size === map.n ? 32 : 48) * size,
  });
  roots.dispose();
  record('fft', [x], [y], [], ([g]) => [
    fourier(g as Tensor, {
      ...map,
      count: m,
      realIn: map.realOut,
      realOut: map.realIn,
      inverse: !map.inverse,
      doubled: OTHER_SIDE[map.doubled],
    }),
  ]);
  return y;
}
