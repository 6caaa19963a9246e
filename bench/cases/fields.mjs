/** Convolution in its three directions at the shapes of ResNets and LeNet, depthwise convolution, and pools. */
import { avgPool2d, conv2d, grad, maxPool2d, randn, scope } from 'fettle';
import { at, call } from './case.mjs';

/** @typedef {import('./case.mjs').Case} Case */
/** @typedef {{ batch: number, channels: number, size: number, out: number, field: number, stride?: number, pad?: number, groups?: number }} Shape */

/** @type {(shape: Shape) => Case[]} */
function convolution({ batch, channels, size, out, field, stride = 1, pad = field >> 1, groups = 1 }) {
  const own = channels / groups;
  const wide = Math.floor((size + 2 * pad - field) / stride) + 1;
  const options = { stride, padding: pad, groups };
  const x = randn([batch, channels, size, size]).keep();
  const w = randn([out, own, field, field]).keep();
  const g = randn([batch, out, wide, wide]).keep();
  x.requiresGrad = true;
  w.requiresGrad = true;
  const depthwise = own === 1 && groups > 1;
  const flops = 2 * batch * out * wide * wide * own * field * field;
  const bytes = 4 * (batch * channels * size * size + batch * out * wide * wide);
  const shape = `${field}×${field} ${channels}→${out}${groups > 1 ? ' depthwise' : ''}, ${size}², batch ${batch}${stride > 1 ? `, stride ${stride}` : ''}`;
  const work = depthwise ? bytes : flops;
  /** @type {Case['kind']} */
  const kind = depthwise ? 'bytes' : 'flops';
  /** Sum over all pairs of an output and an input that meet at a filter's element.
   *
   * @type {(o: number, c: number, term: (n: number, i: number, j: number, r: number, s: number, p: number, q: number) => number, n: number, ranges: { r?: number, s?: number, i?: number, j?: number, p?: number, q?: number }) => number}
   */
  const meet = (_o, _c, term, n, { r: r0, s: s0, i: i0, j: j0, p: p0, q: q0 }) => {
    let total = 0;
    for (let r = r0 ?? 0; r <= (r0 ?? wide - 1); r++) {
      for (let i = i0 ?? 0; i <= (i0 ?? field - 1); i++) {
        const p = r * stride + i - pad;
        if (p < 0 || p >= size || (p0 !== undefined && p !== p0)) continue;
        for (let s = s0 ?? 0; s <= (s0 ?? wide - 1); s++) {
          for (let j = j0 ?? 0; j <= (j0 ?? field - 1); j++) {
            const q = s * stride + j - pad;
            if (q < 0 || q >= size || (q0 !== undefined && q !== q0)) continue;
            total += term(n, i, j, r, s, p, q);
          }
        }
      }
    }
    return total;
  };
  /** @type {(n: number, c: number, p: number, q: number) => number} */
  const xAt = (n, c, p, q) => ((n * channels + c) * size + p) * size + q;
  /** @type {(o: number, c: number, i: number, j: number) => number} */
  const wAt = (o, c, i, j) => ((o * own + c) * field + i) * field + j;
  /** @type {(n: number, o: number, r: number, s: number) => number} */
  const gAt = (n, o, r, s) => ((n * out + o) * wide + r) * wide + s;
  const each = out / groups;

  const y = conv2d(x, w, null, options).keep();
  /** @type {(name: string, of: import('fettle').Tensor, expected: Case['expected'], terms: number) => Case} */
  const backward = (name, of, expected, terms) => {
    const back = () => grad(y, of, { gradOutputs: g, retainGraph: true })[0];
    return {
      ...{ group: 'convolution', name: `${name} ${shape}`, kind, work, expected },
      run: () => scope(() => void back()),
      result: () => scope(() => back().dataSync()),
      tolerance: 4e-5 * Math.sqrt(terms) + 1e-4,
    };
  };
  return [
    call({
      ...{ group: 'convolution', name: `forward ${shape}`, kind, work },
      f: () => conv2d(x, w, null, options),
      expected(index) {
        const [a, b] = [x.dataSync(), w.dataSync()];
        const [s, r] = [index % wide, Math.floor(index / wide) % wide];
        const [o, n] = [Math.floor(index / wide ** 2) % out, Math.floor(index / wide ** 2 / out)];
        const first = Math.floor(o / each) * own;
        let total = 0;
        for (let c = 0; c < own; c++) {
          total += meet(o, c, (n, i, j, _r, _s, p, q) => at(a, xAt(n, first + c, p, q)) * at(b, wAt(o, c, i, j)), n, {
            r,
            s,
          });
        }
        return total;
      },
      tolerance: 4e-5 * Math.sqrt(own * field * field) + 1e-4,
    }),
    backward(
      'to data',
      x,
      (index) => {
        const [b, d] = [w.dataSync(), g.dataSync()];
        const [q, p] = [index % size, Math.floor(index / size) % size];
        const [c, n] = [Math.floor(index / size ** 2) % channels, Math.floor(index / size ** 2 / channels)];
        let total = 0;
        for (let o = Math.floor(c / own) * each; o < Math.floor(c / own) * each + each; o++) {
          total += meet(o, c, (n, i, j, r, s) => at(d, gAt(n, o, r, s)) * at(b, wAt(o, c % own, i, j)), n, { p, q });
        }
        return total;
      },
      each * field * field,
    ),
    backward(
      'to weights',
      w,
      (index) => {
        const [a, d] = [x.dataSync(), g.dataSync()];
        const [j, i] = [index % field, Math.floor(index / field) % field];
        const [c, o] = [Math.floor(index / field ** 2) % own, Math.floor(index / field ** 2 / own)];
        const channel = Math.floor(o / each) * own + c;
        let total = 0;
        for (let n = 0; n < batch; n++) {
          total += meet(o, c, (n, _i, _j, r, s, p, q) => at(d, gAt(n, o, r, s)) * at(a, xAt(n, channel, p, q)), n, {
            i,
            j,
          });
        }
        return total;
      },
      batch * wide * wide,
    ),
  ];
}

/** @type {(largest: boolean, batch: number, channels: number, size: number) => Case} */
function pool(largest, batch, channels, size) {
  const x = randn([batch, channels, size, size]).keep();
  const half = size >> 1;
  return call({
    group: 'pool',
    name: `${largest ? 'max' : 'average'} 2×2, ${batch} × ${channels} × ${size}²`,
    kind: 'bytes',
    work: 4 * batch * channels * size * size * 1.25,
    elements: batch * channels * size * size,
    f: () => (largest ? maxPool2d(x, 2) : avgPool2d(x, 2)),
    expected(index) {
      const a = x.dataSync();
      const [s, r, plane] = [index % half, Math.floor(index / half) % half, Math.floor(index / half ** 2)];
      const four = [0, 1].flatMap((i) => [0, 1].map((j) => at(a, (plane * size + 2 * r + i) * size + 2 * s + j)));
      return largest ? Math.max(...four) : four.reduce((sum, v) => sum + v, 0) / 4;
    },
    tolerance: 1e-5,
  });
}

/** @type {(full: boolean) => (() => Case | Case[])[]} */
export const fields = () => [
  () => convolution({ batch: 1, channels: 64, size: 56, out: 64, field: 3 }),
  () => convolution({ batch: 1, channels: 128, size: 28, out: 128, field: 3 }),
  () => convolution({ batch: 1, channels: 256, size: 14, out: 256, field: 3 }),
  () => convolution({ batch: 1, channels: 64, size: 56, out: 128, field: 3, stride: 2 }),
  () => convolution({ batch: 1, channels: 64, size: 56, out: 256, field: 1 }),
  () => convolution({ batch: 1, channels: 3, size: 112, out: 64, field: 7, stride: 2 }),
  () => convolution({ batch: 32, channels: 16, size: 32, out: 16, field: 3 }),
  () => convolution({ batch: 32, channels: 64, size: 8, out: 64, field: 3 }),
  () => convolution({ batch: 64, channels: 1, size: 28, out: 6, field: 5 }),
  () => convolution({ batch: 64, channels: 6, size: 14, out: 16, field: 5, pad: 0 }),
  () => convolution({ batch: 1, channels: 128, size: 56, out: 128, field: 3, groups: 128 }),
  () => pool(true, 8, 64, 56),
  () => pool(false, 8, 64, 56),
  () => pool(true, 64, 6, 28),
];
