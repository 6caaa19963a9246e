import type { Launch } from '../../../core/device.js';
import { reads, refusal, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { each, named } from './each.js';
import { scattered, scatteredRows } from './scatter.js';

/** Gathering and scattering: assembly/indexing.ts, assembly/scatterreduce.ts and assembly/check.ts. */

/** The tensors of a launch as bits of elements. */
const bits = (
  launch: Launch,
): { y: ReturnType<typeof writes>; x: ReturnType<typeof reads>; index: ReturnType<typeof reads> } => ({
  y: writes(launch.writes[0], { as: 'u32' }),
  x: reads(launch.reads[0], { as: 'u32' }),
  index: reads(launch.reads[1]),
});

const triangle =
  (sign: string): Shader =>
  (launch) =>
    each({
      ...named(launch),
      y: writes(launch.writes[0], { as: 'u32' }),
      // Work is rows.
      count: launch.work * (launch.ints?.[1] ?? 0),
      bind: { x: reads(launch.reads[0], { as: 'u32' }) },
      element: () => `
        let j = i % int(1);
        let row = (i / int(1)) % int(0);
        return select(0u, load_x(i), j ${sign} row + int(2));`,
    });

export const indexing: Shaders = {
  gatherRows_b4: (launch) => {
    const { y, x, index } = bits(launch);
    return each({
      ...named(launch),
      y,
      count: launch.work * (launch.ints?.[1] ?? 0),
      bind: { x, index },
      element: () => 'let row = i / int(1);\nreturn load_x(load_index(row) * int(1) + (i - row * int(1)));',
    });
  },
  putRows_b4: (launch) => ({
    ...named(launch),
    structure: '',
    bind: bits(launch),
    items: launch.work * (launch.ints?.[1] ?? 0),
    text: () => ({
      body: 'let row = id / int(1);\nstore_y(load_index(row) * int(1) + (id - row * int(1)), load_x(id));',
    }),
  }),
  scatterAddRows_f32: scatteredRows('f32', 'y + x'),
  gather_b4: (launch) => {
    const { y, x, index } = bits(launch);
    return each({
      ...named(launch),
      y,
      count: launch.work,
      bind: { x, index },
      element: () => `
        let inner = int(3);
        let line = i / inner;
        let outer = line / int(2);
        return load_x((outer * int(1) + load_index(i)) * inner + (i - line * inner));`,
    });
  },
  scatterAdd_f32: scattered('f32', 'y + x'),
  scatterAdd_i32: scattered('i32', 'y + x'),
  scatter_b4: scattered('u32', 'x'),
  scatterProd_f32: scattered('f32', 'y * x'),
  scatterProd_i32: scattered('i32', 'y * x'),
  scatterMax_f32: scattered('f32', 'maximum(y, x)'),
  scatterMax_i32: scattered('i32', 'max(y, x)'),
  scatterMin_f32: scattered('f32', 'minimum(y, x)'),
  scatterMin_i32: scattered('i32', 'min(y, x)'),
  tril_f32: triangle('<='),
  triu_f32: triangle('>='),
  inRange_i32: (launch) => ({
    ...named(launch),
    structure: '',
    bind: { refused: refusal, x: reads(launch.reads[0]) },
    items: launch.work,
    text: () => ({
      body: 'let x = load_x(id);\nif ((x < int(0) || x >= int(1)) && x != int(2)) { store_refused(0, 1); }',
    }),
  }),
};
