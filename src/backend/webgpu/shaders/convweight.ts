import type { Launch } from '../../../core/device.js';
import { type Pass, reads, scratch, writes } from '../pass.js';
import { FEW, MANY, shapeOf } from './convshape.js';
import { named } from './each.js';
import { sums, sumsOfRuns } from './group.js';
import { BUSY, lanesOfTile, MIDDLE, product, tilesOf } from './tiles.js';

/** The gradient of a convolution's weight: assembly/convweight.ts. */

/** Elements of K that a workgroup takes at least, where K is cut into slices, and slices at most. */
const SLICE = 512;
const SLICES = 128;

/**
 * dweight: for each pair of an output channel and a tap, the product of dy's plane with what the tap saw, over all images. Where
 * that are few pairs of many pixels, the pixels are cut into slices, whose sums a second pass adds up.
 */
export function gradWeight(launch: Launch): Pass[] {
  const s = shapeOf(launch);
  const [m, channels] = [s.oc / s.groups, s.c / s.groups];
  const taps = s.kernel[0] * s.kernel[1];
  const n = channels * taps;
  const pixels = s.n * s.out[0] * s.out[1];
  const isLarge = s.oc * n * pixels >= MANY;
  const [kernel, across] = isLarge ? [taps, s.kernel[1]] : ['taps', 'taps_across'];
  const kinds = isLarge ? s.kernel.join() : 'any';
  const { name } = named(launch);
  const [dy, x] = launch.reads;
  const own = [
    m,
    channels,
    s.n,
    s.c,
    s.oc,
    ...s.image,
    ...s.out,
    ...s.stride,
    ...s.padding,
    ...s.dilation,
    taps,
    s.kernel[1],
  ];
  const head = [
    'm',
    'channels',
    'images',
    'all_channels',
    'all_outs',
    'source_rows',
    'source_columns',
    'rows',
    'columns',
  ]
    .concat([
      'stride_y',
      'stride_x',
      'top',
      'left',
      'step_y',
      'step_x',
      'taps',
      'taps_across',
      'slice',
      'tiles_m',
      'tiles_n',
    ])
    .map((word, i) => `let ${word} = int(${i});`)
    .join('\n');
  if (s.groups > 1 && m <= FEW) {
    const size = pixels < 4096 ? 64 : 256;
    return [
      {
        name,
        structure: `direct ${size} ${kinds}`,
        bind: { dw: writes(launch.writes[0]), dy: reads(dy), x: reads(x) },
        ints: own,
        groups: s.oc * n,
        size,
        text: (chip) => ({
          declare: sumsOfRuns(chip, size),
          body: `${head.split('\n').slice(0, own.length).join('\n')}
            let o = i32(group) / (channels * ${kernel});
            let c = (o / m) * channels + (i32(group) / ${kernel}) % channels;
            let i = ((i32(group) % ${kernel}) / ${across}) * step_y - top;
            let j = (i32(group) % ${across}) * step_x - left;
            let plane = rows * columns;
            var t = vec4<f32>();
            for (var k = i32(local); k < images * plane; k += ${size}) {
              let image = k / plane;
              let p = k % plane;
              let y = (p / columns) * stride_y + i;
              let x = (p % columns) * stride_x + j;
              if (u32(y) < u32(source_rows) && u32(x) < u32(source_columns)) {
                let seen = load_x(((image * all_channels + c) * source_rows + y) * source_columns + x);
                t = with_terms(t, load_dy((image * all_outs + o) * plane + p) * seen, 0.0);
              }
            }
            let all = sums_of_run(t, local);
            if (local == 0u) { store_dw(i32(group), all.x); }`,
        }),
      },
    ];
  }
  const tile = MIDDLE;
  const tiles = tilesOf(tile, m, n) * s.groups;
  const slices = Math.max(1, Math.min(Math.ceil((4 * BUSY) / tiles), Math.ceil(pixels / SLICE), SLICES));
  const slice = Math.ceil(pixels / slices);
  const count = s.oc * n;
  const partial = { scratch: 4 * slices * count };
  const parts = [0, 1, 2, 3];
  const passes: Pass[] = [
    {
      name,
      structure: `tiles ${kinds} ${slices > 1}`,
      bind: {
        ...(slices > 1 ? { dw: scratch(partial, 'write') } : { dw: writes(launch.writes[0]) }),
        dy: reads(dy),
        x: reads(x),
      },
      ints: [...own, slice, Math.ceil(m / tile.rows), Math.ceil(n / tile.columns), s.groups],
      groups: tiles * slices,
      size: lanesOfTile(tile),
      text: () =>
        product(tile, {
          setup: `${head}
            let sets = int(${own.length + 3});
            let tile = (i32(group) / tiles_m) % tiles_n;
            let row0 = (i32(group) % tiles_m) * ${tile.rows};
            let column0 = tile * ${tile.columns};
            let bundle = (i32(group) / (tiles_m * tiles_n)) % sets;
            let part = i32(group) / (tiles_m * tiles_n * sets);
            let plane = rows * columns;
            let begin = part * slice;
            let end = min(begin + slice, images * plane);
            let n = channels * ${kernel};
            let four_columns = column0 + 4 * (i32(local) / ${tile.depth});
            ${parts
              .map(
                (e) => `
                let tap${e} = min(four_columns + ${e}, n - 1);
                let y${e} = ((tap${e} % ${kernel}) / ${across}) * step_y - top;
                let x${e} = (tap${e} % ${across}) * step_x - left;
                let base${e} = (bundle * channels + tap${e} / ${kernel}) * source_rows * source_columns;`,
              )
              .join('')}`,
          left: `
            if (k < end) {
              let at = ((k / plane) * all_outs + bundle * m) * plane + k % plane;
              value = vec4<f32>(${parts.map((e) => `load_dy(at + min(row0 + r + ${e}, m - 1) * plane)`).join(', ')});
            }`,
          right: `
            if (k < end) {
              let image = (k / plane) * all_channels * source_rows * source_columns;
              let p = k % plane;
              let y = (p / columns) * stride_y;
              let x = (p % columns) * stride_x;
              ${parts
                .map(
                  (e) => `
                  if (u32(y + y${e}) < u32(source_rows) && u32(x + x${e}) < u32(source_columns)) {
                    value[${e}] = load_x(image + base${e} + (y + y${e}) * source_columns + x + x${e});
                  }`,
                )
                .join('')}
            }`,
          rightAlongK: true,
          store: `
            let o = row0 + r;
            let tap = column0 + c;
            let at = ((part * sets + bundle) * m + o) * n + tap;
            for (var e = 0; e < min(4, n - tap); e++) {
              if (o < m) { store_dw(at + e, values[e]); }
            }`,
        }),
    },
  ];
  if (slices === 1) return passes;
  passes.push({
    name,
    structure: 'slices',
    bind: { dw: writes(launch.writes[0]), partial: scratch(partial, 'read') },
    ints: [slices, count],
    items: count,
    text: () => ({
      declare: sums(2),
      body: `
        var t = vec4<f32>();
        for (var part = 0; part < int(0); part++) { t = with_terms(t, load_partial(part * int(1) + id), 0.0); }
        store_dw(id, compensated(t.x, t.y));`,
    }),
  });
  return passes;
}
