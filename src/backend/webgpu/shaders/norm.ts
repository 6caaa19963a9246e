import type { Launch } from '../../../core/device.js';
import { type Pass, reads, scratch, writes } from '../pass.js';
import type { Shaders } from '../shader.js';
import { named } from './each.js';
import { DEEP, FEWEST, PARTS, present, structureOf, sums, sumsOfRuns, WIDE } from './group.js';
import { lanesOf } from './workgroup.js';

/**
 * Layer norm: assembly/norm.ts. A workgroup has a row; sums are compensated, since other devices sum in float64. A row is read from
 * memory once where caches hold it.
 */

/** Invocations of a workgroup. */
const SIZE = 256;

/**
 * Statements of the lanes that share a row, of which a workgroup may have several: `row`, its `first` element, `cols`, which is 0
 * in rows that are not there, and `own`, the lane. Ints behind the launch's own: cols, rows.
 */
const lanes = (across: number, at: number): string => `
let r = i32(local) / ${across};
let own = i32(local) % ${across};
let row = i32(group) * ${SIZE / across} + r;
let here = row < int(${at + 1});
let cols = select(0, int(${at}), here);
let first = row * int(${at});`;

function layerNorm(launch: Launch): Pass {
  const [rows = 0, cols = 0] = launch.ints ?? [];
  const [x, weight = null, bias = null] = launch.reads;
  const across = lanesOf(cols);
  const own = launch.ints ?? [];
  return {
    ...named(launch),
    structure: structureOf(across, weight !== null, bias !== null),
    bind: present({
      y: writes(launch.writes[0]),
      mean: writes(launch.writes[1]),
      rstd: writes(launch.writes[2]),
      x: reads(x),
      weight: weight && reads(weight),
      bias: bias && reads(bias),
    }),
    ints: [...own, cols, rows],
    groups: Math.ceil(rows / (SIZE / across)),
    size: SIZE,
    text: (chip) => ({
      declare: sumsOfRuns(chip, SIZE, across),
      body: `${lanes(across, own.length)}
        var t = vec4<f32>();
        for (var k = own; k < cols; k += ${across}) { t = with_terms(t, load_x(first + k), 0.0); }
        let mean = sums_of_run(t, local).x / f32(cols);
        t = vec4<f32>();
        for (var k = own; k < cols; k += ${across}) {
          let d = load_x(first + k) - mean;
          t = with_terms(t, d * d, d);
        }
        let moments = sums_of_run(t, local) / f32(cols);
        // What float32 has rounded off the mean counts where the mean is far from 0.
        let variance = at_least(moments.x - moments.y * moments.y, 0.0);
        let rstd = 1.0 / square_root(variance + float(0));
        if (here && own == 0) {
          store_mean(row, mean);
          store_rstd(row, rstd);
        }
        let shift = -moments.y * rstd;
        for (var k = own; k < cols; k += ${across}) {
          var v = fma(load_x(first + k) - mean, rstd, shift);
          ${weight === null ? '' : 'v = v * load_weight(k);'}
          ${bias === null ? '' : 'v = v + load_bias(k);'}
          store_y(first + k, v);
        }`,
    }),
  };
}

function layerNormGrad(launch: Launch): Pass {
  const [rows = 0, cols = 0] = launch.ints ?? [];
  const [dy, x, mean, rstd, weight = null] = launch.reads;
  const across = lanesOf(cols);
  const own = launch.ints ?? [];
  const g = weight === null ? 'load_dy(first + k)' : 'load_dy(first + k) * load_weight(k)';
  return {
    ...named(launch),
    structure: structureOf(across, weight !== null),
    bind: present({
      dx: writes(launch.writes[0]),
      dy: reads(dy),
      x: reads(x),
      mean: reads(mean),
      rstd: reads(rstd),
      weight: weight && reads(weight),
    }),
    ints: [...own, cols, rows],
    groups: Math.ceil(rows / (SIZE / across)),
    size: SIZE,
    text: (chip) => ({
      declare: sumsOfRuns(chip, SIZE, across),
      body: `${lanes(across, own.length)}
        let mean = load_mean(min(row, int(${own.length + 1}) - 1));
        let rstd = load_rstd(min(row, int(${own.length + 1}) - 1));
        var t = vec4<f32>();
        for (var k = own; k < cols; k += ${across}) {
          let g = ${g};
          t = with_terms(t, g, g * (load_x(first + k) - mean));
        }
        let means = sums_of_run(t, local) / f32(cols);
        let slope = means.y * rstd * rstd;
        for (var k = own; k < cols; k += ${across}) {
          let g = ${g};
          store_dx(first + k, fma(load_x(first + k) - mean, -slope, g - means.x) * rstd);
        }`,
    }),
  };
}

function layerNormGradWeight(launch: Launch): Pass[] {
  const [rows = 0, cols = 0] = launch.ints ?? [];
  const [dw = null, db = null] = launch.writes;
  const per = Math.max(FEWEST, Math.ceil(rows / PARTS));
  const parts = Math.ceil(rows / per);
  const blocks = Math.ceil(cols / WIDE);
  const { name } = named(launch);
  const partial = { scratch: 8 * parts * cols };
  return [
    {
      name,
      structure: 'parts',
      bind: {
        partial: scratch(partial, 'write'),
        dy: reads(launch.reads[0]),
        x: reads(launch.reads[1]),
        mean: reads(launch.reads[2]),
        rstd: reads(launch.reads[3]),
      },
      ints: [rows, cols, per, blocks],
      groups: parts * blocks,
      text: () => ({
        declare: sums(WIDE * DEEP, WIDE),
        body: `
          let part = i32(group) / int(3);
          let col = (i32(group) % int(3)) * ${WIDE} + i32(local % ${WIDE}u);
          var t = vec4<f32>();
          if (col < int(1)) {
            for (var row = part * int(2) + i32(local / ${WIDE}u); row < min((part + 1) * int(2), int(0)); row += ${DEEP}) {
              let g = load_dy(row * int(1) + col);
              t = with_terms(t, g, g * ((load_x(row * int(1) + col) - load_mean(row)) * load_rstd(row)));
            }
          }
          let all = sums_of_group(t, local);
          if (local < ${WIDE}u && col < int(1)) {
            store_partial(2 * (part * int(1) + col), all.x);
            store_partial(2 * (part * int(1) + col) + 1, all.y);
          }`,
      }),
    },
    {
      name,
      structure: structureOf('all', dw !== null, db !== null),
      bind: present({ dw: dw && writes(dw), db: db && writes(db), partial: scratch(partial, 'read') }),
      ints: [parts, cols],
      items: cols,
      text: () => ({
        declare: sums(2),
        body: `
          var t = vec4<f32>();
          for (var part = 0; part < int(0); part++) {
            let at = 2 * (part * int(1) + id);
            t = with_terms(t, load_partial(at), load_partial(at + 1));
          }
          ${dw === null ? '' : 'store_dw(id, compensated(t.z, t.w));'}
          ${db === null ? '' : 'store_db(id, compensated(t.x, t.y));'}`,
      }),
    },
  ];
}

export const norm: Shaders = {
  layerNorm_f32: layerNorm,
  layerNorm_grad_f32: layerNormGrad,
  layerNorm_grad_weight_f32: layerNormGradWeight,
};
