import type { Launch } from '../../../core/device.js';
import type { Chip } from '../executor.js';
import { type Pass, reads, scratch, writes } from '../pass.js';
import type { Shaders } from '../shader.js';
import { named } from './each.js';
import { FEWEST, PARTS, present, structureOf, sums, sumsOfRuns, WIDE } from './group.js';

/**
 * Batch norm: assembly/batchnorm.ts. A workgroup has a part of a channel, or of 32 channels where these lie side by side; what the
 * parts have found is joined by a second pass.
 */

/** Elements of a channel that a workgroup takes, about, and parts at most. */
const SHARE = 1 << 13;

/** How the N · L elements of each of C channels are shared out among workgroups, of 256 invocations or of 32 channels by 8. */
interface Parts {
  readonly columns: number;
  readonly per: number;
  readonly count: number;
  readonly blocks: number;
}

function partsOf(n: number, c: number, l: number): Parts {
  const columns = l === 1 ? WIDE : 1;
  const all = n * l;
  const per = Math.max(l === 1 ? FEWEST : SHARE, Math.ceil(all / PARTS));
  return { columns, per, count: Math.max(1, Math.ceil(all / per)), blocks: Math.ceil(c / columns) };
}

/** Statements for each element `at` of a workgroup's part of a channel. `int(0)` …: C, L, N · L, per, blocks. */
const members = ({ columns }: Parts, body: string): string => `
if (c < int(0)) {
  for (var k = begin + i32(local / ${columns}u); k < end; k += ${256 / columns}) {
    let at = (k / int(1) * int(0) + c) * int(1) + k % int(1);
    ${body}
  }
}`;
/** Declares `sums_of_channel(t: vec4<f32>, local: u32) -> vec2<f32>`: the sums over the invocations of a channel. */
const sumsOfChannel = (chip: Chip, { columns }: Parts): string =>
  columns === 1
    ? `${sumsOfRuns(chip, 256)}
fn sums_of_channel(t: vec4<f32>, local: u32) -> vec2<f32> { return sums_of_run(t, local); }`
    : `${sums(256, columns)}
fn sums_of_channel(t: vec4<f32>, local: u32) -> vec2<f32> { return sums_of_group(t, local); }`;

const part = ({ columns }: Parts): string => `
let part = i32(group) / int(4);
let c = (i32(group) % int(4)) * ${columns} + i32(local % ${columns}u);
let begin = part * int(3);
let end = min(begin + int(3), int(2));`;

function batchNormStats(launch: Launch): Pass[] {
  const [n = 0, c = 0, l = 0] = launch.ints ?? [];
  const [mean, variance, rest, runningMean = null, runningVar = null] = launch.writes;
  const count = n * l;
  const parts = partsOf(n, c, l);
  const { name } = named(launch);
  const partial = { scratch: 12 * parts.count * c };
  return [
    {
      name,
      structure: structureOf('parts', parts.columns),
      bind: { partial: scratch(partial, 'write'), x: reads(launch.reads[0]) },
      ints: [c, l, count, parts.per, parts.blocks],
      groups: parts.count * parts.blocks,
      text: (chip) => ({
        declare: sumsOfChannel(chip, parts),
        body: `${part(parts)}
          let n = f32(end - begin);
          var t = vec4<f32>();
          ${members(parts, 't = with_terms(t, load_x(at), 0.0);')}
          let mean = sums_of_channel(t, local).x / n;
          t = vec4<f32>();
          ${members(parts, 'let d = load_x(at) - mean;\nt = with_terms(t, d * d, d);')}
          let all = sums_of_channel(t, local);
          if (local < ${parts.columns}u && c < int(0)) {
            let to = 3 * (part * int(0) + c);
            store_partial(to, mean);
            store_partial(to + 1, all.x);
            store_partial(to + 2, all.y);
          }`,
      }),
    },
    {
      // The parts' means, squared deviations from these and sums of deviations, joined (Chan, Golub and LeVeque 1979).
      name,
      structure: structureOf('all', runningMean !== null, runningVar !== null),
      bind: present({
        mean: writes(mean),
        variance: writes(variance),
        rest: writes(rest),
        runningMean: runningMean && writes(runningMean),
        runningVar: runningVar && writes(runningVar),
        partial: scratch(partial, 'read'),
      }),
      floats: [launch.floats?.[0] ?? 0, count / (count - 1)],
      ints: [c, count, parts.per, parts.count],
      items: c,
      text: () => ({
        declare: `${sums(2)}
          fn part_size(part: i32) -> f32 { return f32(min(int(2), int(1) - part * int(2))); }`,
        body: `
          var t = vec4<f32>();
          for (var part = 0; part < int(3); part++) {
            t = with_terms(t, load_partial(3 * (part * int(0) + id)) * (part_size(part) / f32(int(1))), 0.0);
          }
          let mean = select(compensated(t.x, t.y), load_partial(3 * id), int(3) == 1);
          t = vec4<f32>();
          for (var part = 0; part < int(3); part++) {
            let at = 3 * (part * int(0) + id);
            let d = load_partial(at) - mean;
            let n = part_size(part);
            let sum = load_partial(at + 2);
            t = with_terms(t, load_partial(at + 1) + d * (2.0 * sum + n * d), sum + n * d);
          }
          let rest = compensated(t.z, t.w) / f32(int(1));
          let variance = at_least(compensated(t.x, t.y) / f32(int(1)) - rest * rest, 0.0);
          store_mean(id, mean);
          store_variance(id, variance);
          store_rest(id, rest);
          ${runningMean === null ? '' : 'store_runningMean(id, mean * float(0) + load_runningMean(id) * (1.0 - float(0)));'}
          ${
            runningVar === null
              ? ''
              : 'store_runningVar(id, variance * float(1) * float(0) + load_runningVar(id) * (1.0 - float(0)));'
          }`,
      }),
    },
  ];
}

/** Whether a kernel can take four elements of a channel at once. */
const inFours = (l: number, ...tensors: readonly (Launch['reads'][number] | undefined)[]): boolean =>
  l % 4 === 0 && tensors.every((t) => t == null || t.offset % 4 === 0);

function batchNormApply(launch: Launch): Pass {
  const [n = 0, c = 0, l = 0, relu = 0] = launch.ints ?? [];
  const [x, mean, variance, weight = null, bias = null, rest = null] = launch.reads;
  const wide = inFours(l, launch.writes[0], x);
  const fours = wide ? '4' : '';
  return {
    ...named(launch),
    structure: structureOf(wide, relu, weight !== null, bias !== null, rest !== null),
    bind: present({
      y: writes(launch.writes[0], { wide }),
      x: reads(x, { wide }),
      mean: reads(mean),
      variance: reads(variance),
      weight: weight && reads(weight),
      bias: bias && reads(bias),
      rest: rest && reads(rest),
    }),
    ints: [c, wide ? l / 4 : l],
    items: (n * c * l) / (wide ? 4 : 1),
    text: () => ({
      body: `
        let c = (id / int(1)) % int(0);
        var scale = 1.0 / square_root(load_variance(c) + float(0));
        ${weight === null ? '' : 'scale = scale * load_weight(c);'}
        var shift = ${bias === null ? '0.0' : 'load_bias(c)'};
        ${rest === null ? '' : 'shift = fma(-load_rest(c), scale, shift);'}
        var v = load${fours}_x(id) - load_mean(c);
        ${wide ? 'v = fma(v, vec4<f32>(scale), vec4<f32>(shift));' : 'v = fma(v, scale, shift);'}
        ${
          relu === 0
            ? ''
            : wide
              ? 'v = vec4<f32>(at_least(v.x, 0.0), at_least(v.y, 0.0), at_least(v.z, 0.0), at_least(v.w, 0.0));'
              : 'v = at_least(v, 0.0);'
        }
        store${fours}_y(id, v);`,
    }),
  };
}

function batchNormGrad(launch: Launch): Pass[] {
  const [n = 0, c = 0, l = 0, training = 0] = launch.ints ?? [];
  const [dx = null, dw = null, db = null] = launch.writes;
  const [dy, x, mean, variance, weight = null] = launch.reads;
  const count = n * l;
  const parts = partsOf(n, c, l);
  const { name } = named(launch);
  const partial = { scratch: 8 * parts.count * c };
  const factors = { scratch: 12 * c };
  const wide = inFours(l, dx, dy, x);
  const fours = wide ? '4' : '';
  const passes: Pass[] = [
    {
      name,
      structure: structureOf('parts', parts.columns),
      bind: { partial: scratch(partial, 'write'), dy: reads(dy), x: reads(x), mean: reads(mean) },
      ints: [c, l, count, parts.per, parts.blocks],
      groups: parts.count * parts.blocks,
      text: (chip) => ({
        declare: sumsOfChannel(chip, parts),
        body: `${part(parts)}
          let mean = load_mean(min(c, int(0) - 1));
          var t = vec4<f32>();
          ${members(parts, 'let g = load_dy(at);\nt = with_terms(t, g, g * (load_x(at) - mean));')}
          let all = sums_of_channel(t, local);
          if (local < ${parts.columns}u && c < int(0)) {
            store_partial(2 * (part * int(0) + c), all.x);
            store_partial(2 * (part * int(0) + c) + 1, all.y);
          }`,
      }),
    },
    {
      // dx = scale (dy - (x - mean) slope - mean of dy): the three factors of each channel.
      name,
      structure: structureOf('all', dw !== null, db !== null, weight !== null),
      bind: present({
        factors: scratch(factors, 'write'),
        dw: dw && writes(dw),
        db: db && writes(db),
        partial: scratch(partial, 'read'),
        variance: reads(variance),
        weight: weight && reads(weight),
      }),
      floats: [launch.floats?.[0] ?? 0, training === 0 ? 0 : 1 / count],
      ints: [c, parts.count],
      items: c,
      text: () => ({
        declare: sums(2),
        body: `
          var t = vec4<f32>();
          for (var part = 0; part < int(1); part++) {
            let at = 2 * (part * int(0) + id);
            t = with_terms(t, load_partial(at), load_partial(at + 1));
          }
          let rstd = 1.0 / square_root(load_variance(id) + float(0));
          let sum = compensated(t.x, t.y);
          let product = compensated(t.z, t.w) * rstd;
          ${dw === null ? '' : 'store_dw(id, product);'}
          ${db === null ? '' : 'store_db(id, sum);'}
          store_factors(3 * id, ${weight === null ? 'rstd' : 'rstd * load_weight(id)'});
          store_factors(3 * id + 1, product * rstd * float(1));
          store_factors(3 * id + 2, sum * float(1));`,
      }),
    },
  ];
  if (dx === null) return passes;
  passes.push({
    name,
    structure: structureOf('dx', training, wide),
    bind: present({
      dx: writes(dx, { wide }),
      dy: reads(dy, { wide }),
      x: training === 0 ? null : reads(x, { wide }),
      mean: training === 0 ? null : reads(mean),
      factors: scratch(factors, 'read'),
    }),
    ints: [c, wide ? l / 4 : l],
    items: (n * c * l) / (wide ? 4 : 1),
    text: () => ({
      body: `
        let c = (id / int(1)) % int(0);
        let scale = load_factors(3 * c);
        var g = load${fours}_dy(id);
        ${
          training === 0
            ? ''
            : `g = g - load_factors(3 * c + 2);
               g = ${wide ? 'fma(load4_x(id) - load_mean(c), vec4<f32>(-load_factors(3 * c + 1)), g)' : 'fma(load_x(id) - load_mean(c), -load_factors(3 * c + 1), g)'};`
        }
        store${fours}_dx(id, g * scale);`,
    }),
  });
  return passes;
}

export const batchnorm: Shaders = {
  batchNormStats_f32: batchNormStats,
  batchNormApply_f32: batchNormApply,
  batchNorm_grad_f32: batchNormGrad,
};
