import { reads, writes } from '../pass.js';
import type { Shaders } from '../shader.js';
import { named } from './each.js';

/** Steps of recurrent networks, an invocation a unit of a row: assembly/recurrent.ts. Rows of gates hold all units of the first gate, then of the second. */

/** Statements that set what all cells begin with: the unit, and where its row of gates has it. */
const unit = (gates: number): string => `
let hidden = int(0);
let row = id / hidden;
let at = row * hidden * ${gates} + (id - row * hidden);`;

export const recurrent: Shaders = {
  lstmCell_f32: (launch) => ({
    ...named(launch),
    structure: '',
    bind: {
      h: writes(launch.writes[0]),
      c: writes(launch.writes[1]),
      gates: writes(launch.writes[2]),
      x: reads(launch.reads[0]),
      s: reads(launch.reads[1]),
      before: reads(launch.reads[2]),
    },
    items: launch.work * (launch.ints?.[0] ?? 0),
    text: () => ({
      body: `${unit(4)}
        let i = sigmoid(load_x(at) + load_s(at));
        let f = sigmoid(load_x(at + hidden) + load_s(at + hidden));
        let g = hyperbolic_tangent(load_x(at + 2 * hidden) + load_s(at + 2 * hidden));
        let o = sigmoid(load_x(at + 3 * hidden) + load_s(at + 3 * hidden));
        let c = f * load_before(id) + i * g;
        store_gates(at, i);
        store_gates(at + hidden, f);
        store_gates(at + 2 * hidden, g);
        store_gates(at + 3 * hidden, o);
        store_c(id, c);
        store_h(id, o * hyperbolic_tangent(c));`,
    }),
  }),
  lstmCell_grad_f32: (launch) => {
    const [dh = null, dc = null] = launch.reads;
    return {
      ...named(launch),
      structure: `${dh === null ? '' : 'h'}${dc === null ? '' : 'c'}`,
      bind: {
        dx: writes(launch.writes[0]),
        dbefore: writes(launch.writes[1]),
        ...(dh === null ? {} : { dh: reads(dh) }),
        ...(dc === null ? {} : { dc: reads(dc) }),
        gates: reads(launch.reads[2]),
        c: reads(launch.reads[3]),
        before: reads(launch.reads[4]),
      },
      items: launch.work * (launch.ints?.[0] ?? 0),
      text: () => ({
        body: `${unit(4)}
          let i = load_gates(at);
          let f = load_gates(at + hidden);
          let g = load_gates(at + 2 * hidden);
          let o = load_gates(at + 3 * hidden);
          let dh = ${dh === null ? '0.0' : 'load_dh(id)'};
          let t = hyperbolic_tangent(load_c(id));
          let dc = ${dc === null ? '0.0' : 'load_dc(id)'} + dh * o * (1.0 - t * t);
          let before = load_before(id);
          store_dx(at, dc * g * (i * (1.0 - i)));
          store_dx(at + hidden, dc * before * (f * (1.0 - f)));
          store_dx(at + 2 * hidden, dc * i * (1.0 - g * g));
          store_dx(at + 3 * hidden, dh * t * (o * (1.0 - o)));
          store_dbefore(id, dc * f);`,
      }),
    };
  },
  gruCell_f32: (launch) => ({
    ...named(launch),
    structure: '',
    bind: {
      h: writes(launch.writes[0]),
      gates: writes(launch.writes[1]),
      x: reads(launch.reads[0]),
      s: reads(launch.reads[1]),
      before: reads(launch.reads[2]),
    },
    items: launch.work * (launch.ints?.[0] ?? 0),
    text: () => ({
      body: `${unit(3)}
        let reset = sigmoid(load_x(at) + load_s(at));
        let keep = sigmoid(load_x(at + hidden) + load_s(at + hidden));
        let fresh = hyperbolic_tangent(load_x(at + 2 * hidden) + reset * load_s(at + 2 * hidden));
        store_gates(at, reset);
        store_gates(at + hidden, keep);
        store_gates(at + 2 * hidden, fresh);
        store_h(id, fresh + keep * (load_before(id) - fresh));`,
    }),
  }),
  gruCell_grad_f32: (launch) => ({
    ...named(launch),
    structure: '',
    bind: {
      dx: writes(launch.writes[0]),
      ds: writes(launch.writes[1]),
      dbefore: writes(launch.writes[2]),
      dh: reads(launch.reads[0]),
      gates: reads(launch.reads[1]),
      s: reads(launch.reads[2]),
      before: reads(launch.reads[3]),
    },
    items: launch.work * (launch.ints?.[0] ?? 0),
    text: () => ({
      body: `${unit(3)}
        let reset = load_gates(at);
        let keep = load_gates(at + hidden);
        let fresh = load_gates(at + 2 * hidden);
        let dh = load_dh(id);
        let dfresh = dh * (1.0 - keep) * (1.0 - fresh * fresh);
        let dkeep = dh * (load_before(id) - fresh) * (keep * (1.0 - keep));
        let dreset = dfresh * load_s(at + 2 * hidden) * (reset * (1.0 - reset));
        store_dx(at, dreset);
        store_dx(at + hidden, dkeep);
        store_dx(at + 2 * hidden, dfresh);
        store_ds(at, dreset);
        store_ds(at + hidden, dkeep);
        store_ds(at + 2 * hidden, dfresh * reset);
        store_dbefore(id, dh * keep);`,
    }),
  }),
};
