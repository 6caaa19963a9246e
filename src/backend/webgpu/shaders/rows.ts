import type { Launch } from '../../../core/device.js';
import { type Argument, type Pass, reads, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named } from './each.js';
import { across, lanesOf } from './workgroup.js';

/** Invocations of a workgroup. */
const SIZE = 256;

/** What a kernel over rows is made of. */
interface Rows {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly bind: Readonly<Record<string, Argument>>;
  readonly launch: Launch;
  readonly structure?: string;
  readonly declare?: string;
  /**
   * Statements of the lanes of a row, which call `sum_across(local, x)` and `largest_across(local, x)` together. There are
   * `row: i32`, `first: i32` (its first element), `columns: i32`, `lane: i32`, `LANES` and `here: bool`, which is false in lanes of
   * rows that are not there: for those `columns` is 0. Loops go `for (var j = lane; j < columns; j += LANES)`.
   */
  readonly body: string;
}

/** A pass in which the lanes of a workgroup share a row, or several short ones. Ints behind the launch's own: rows, columns. */
export function rowwise({ rows, columns, bind, launch, structure = '', declare = '', body }: Rows): Pass {
  const lanes = lanesOf(columns);
  const own = launch.ints ?? [];
  return {
    ...named(launch),
    structure: `${lanes} ${structure}`,
    bind,
    ints: [...own, rows, columns],
    groups: Math.ceil(rows / (SIZE / lanes)),
    size: SIZE,
    text: (chip) => ({
      declare: `const LANES = ${lanes};\n${declare}${across(chip, 'f32', 'a + b', lanes, SIZE, 'sum_across')}${across(chip, 'f32', 'max(a, b)', lanes, SIZE, 'largest_across')}`,
      body: `
        let row = i32(group * ${SIZE / lanes}u + local / ${lanes}u);
        let lane = i32(local % ${lanes}u);
        let here = row < int(${own.length});
        let columns = select(0, int(${own.length + 1}), here);
        let first = row * int(${own.length + 1});
        ${body}`,
    }),
  };
}

/** Largest element and sum of exponentials above it; NaN is carried by the sum. */
export const LOG_SUM = `
  var top = -infinity();
  for (var j = lane; j < columns; j += LANES) { top = at_least(top, load_x(first + j)); }
  top = largest_across(local, top);
  var mass = 0.0;
  for (var j = lane; j < columns; j += LANES) { mass += exponential(load_x(first + j) - top); }
  mass = sum_across(local, mass);`;

const softmax =
  (value: string): Shader =>
  (launch) => {
    const [rows = 0, columns = 0] = launch.ints ?? [];
    return rowwise({
      name: 'softmax',
      rows,
      columns,
      launch,
      bind: { y: writes(launch.writes[0]), x: reads(launch.reads[0]) },
      body: `${LOG_SUM}
        let log_mass = logarithm(mass);
        for (var j = lane; j < columns; j += LANES) { let x = load_x(first + j); store_y(first + j, ${value}); }`,
    });
  };

const gradient =
  (term: string, value: string): Shader =>
  (launch) => {
    const [rows = 0, columns = 0] = launch.ints ?? [];
    return rowwise({
      name: 'softmax',
      rows,
      columns,
      launch,
      bind: { dx: writes(launch.writes[0]), dy: reads(launch.reads[0]), y: reads(launch.reads[1]) },
      body: `
        var total = 0.0;
        for (var j = lane; j < columns; j += LANES) { let dy = load_dy(first + j); let y = load_y(first + j); total += ${term}; }
        total = sum_across(local, total);
        for (var j = lane; j < columns; j += LANES) {
          let dy = load_dy(first + j);
          let y = load_y(first + j);
          store_dx(first + j, ${value});
        }`,
    });
  };

/** Softmax and cross entropy: assembly/softmax.ts and assembly/loss.ts. */
export const rows: Shaders = {
  softmax_f32: softmax('exponential(x - top) / mass'),
  logSoftmax_f32: softmax('(x - top) - log_mass'),
  softmax_grad_f32: gradient('dy * y', 'y * (dy - total)'),
  logSoftmax_grad_f32: gradient('dy', 'dy - exponential(y) * total'),

  crossEntropy_f32: (launch) => {
    const [rows = 0, columns = 0] = launch.ints ?? [];
    const [rowLoss, rowWeight, logs] = launch.writes;
    const [x, target, weight] = launch.reads;
    const smooth = (launch.floats?.[0] ?? 0) !== 0;
    return rowwise({
      name: 'crossEntropy',
      rows,
      columns,
      launch,
      structure: `${smooth} ${rowWeight != null} ${weight != null}`,
      bind: {
        loss: writes(rowLoss),
        logs: writes(logs),
        x: reads(x),
        target: reads(target),
        ...(rowWeight == null ? {} : { scale: writes(rowWeight) }),
        ...(weight == null ? {} : { weight: reads(weight) }),
      },
      body: `${LOG_SUM}
        let log_mass = logarithm(mass);
        var all = 0.0;
        let aim = load_target(select(0, row, here));
        let known = aim >= 0 && aim < columns;
        var hit = 0.0;
        for (var j = lane; j < columns; j += LANES) {
          let y = (load_x(first + j) - top) - log_mass;
          store_logs(first + j, y);
          if (j == aim) { hit = y; }
          ${smooth ? `all += y * ${weight == null ? '1.0' : 'load_weight(j)'};` : ''}
        }
        hit = sum_across(local, hit);
        ${smooth ? 'all = sum_across(local, all);' : ''}
        if (here && lane == 0) {
          var loss = 0.0;
          var scale = 0.0;
          if (aim != int(2)) {
            if (known) {
              scale = ${weight == null ? '1.0' : 'load_weight(aim)'};
              loss = -(scale * hit);
              ${smooth ? 'loss = (1.0 - float(0)) * loss - (float(0) / f32(columns)) * all;' : ''}
            } else {
              scale = nan();
              loss = nan();
            }
          }
          store_loss(row, loss);
          ${rowWeight == null ? '' : 'store_scale(row, scale);'}
        }`,
    });
  },

  crossEntropy_grad_f32: (launch) => {
    const [rows = 0, columns = 0] = launch.ints ?? [];
    const [logs, target, rowScale, weight] = launch.reads;
    const smooth = (launch.floats?.[0] ?? 0) !== 0;
    return rowwise({
      name: 'crossEntropy',
      rows,
      columns,
      launch,
      structure: `${smooth} ${weight != null}`,
      bind: {
        dx: writes(launch.writes[0]),
        logs: reads(logs),
        target: reads(target),
        scale: reads(rowScale),
        ...(weight == null ? {} : { weight: reads(weight) }),
      },
      body: `
        let aim = load_target(select(0, row, here));
        let known = aim >= 0 && aim < columns;
        let spread = float(0) / f32(int(1));
        var total = float(0);
        ${
          smooth && weight != null
            ? `total = 0.0;
        for (var j = lane; j < columns; j += LANES) { total += load_weight(j); }
        total = spread * sum_across(local, total);`
            : ''
        }
        var scale = nan();
        var hit = 1.0 - float(0);
        if (known) {
          scale = load_scale(row * int(3));
          ${weight == null ? '' : 'hit *= load_weight(aim);'}
        }
        let ignored = aim == int(2);
        for (var j = lane; j < columns; j += LANES) {
          var g = exponential(load_logs(first + j)) * (scale * (hit + total));
          ${smooth ? `g -= scale * spread * ${weight == null ? '1.0' : 'load_weight(j)'};` : ''}
          if (j == aim) { g -= scale * hit; }
          store_dx(first + j, select(g, 0.0, ignored));
        }`,
    });
  },
};
