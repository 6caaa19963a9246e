import type { Launch } from '../../../core/device.js';
import { type Pass, reads, writes } from '../pass.js';
import type { Shaders } from '../shader.js';
import { backward } from './attentiongrad.js';
import { named } from './each.js';
import {
  COLUMNS,
  FORWARD,
  FOUR,
  fours,
  inFours,
  itemsOf,
  itemText,
  keep,
  lines,
  place,
  powers,
  put,
  ROWS,
  SIZE,
  STRIP,
  scores,
  shared,
  spread,
  stridesOf,
  stripsOf,
  zeros,
} from './heads.js';

/** Attention: assembly/attention.ts, with a running maximum and sum for each query. */
function forward(launch: Launch): Pass {
  const ints = launch.ints ?? [];
  const [length = 0, , size = 0, width = 0, causal = 0] = ints;
  const [q, k, v, mask = null] = launch.reads;
  const items = itemsOf(ints, FORWARD);
  const { each, chunks } = stripsOf(width);
  const wide = inFours(
    [q, k, v],
    [size, width],
    [1, 2, 3].flatMap((list) => stridesOf(ints, FORWARD, list)),
  );
  const blocks = Math.ceil(length / ROWS);
  const own = ints.length;
  return {
    ...named(launch),
    structure: `${each} ${chunks > 1} ${wide} ${causal} ${mask !== null}`,
    bind: {
      y: writes(launch.writes[0]),
      logs: writes(launch.writes[1]),
      q: reads(q, { wide }),
      k: reads(k, { wide }),
      v: reads(v, { wide }),
      ...(mask === null ? {} : { mask: reads(mask) }),
    },
    ints: [...ints, blocks, chunks],
    groups: items * blocks * chunks,
    size: SIZE,
    text: () => ({
      declare: [
        shared,
        itemText(FORWARD),
        fours('q', 1, 'int(2)', wide),
        fours('k', 2, 'int(2)', wide),
        fours('v', 3, 'int(3)', wide),
        'fn top(v: vec4<f32>) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }',
        powers,
      ].join('\n'),
      body: `${place}
        let length = int(0);
        let keys = int(1);
        let chunk = i32(group) % int(${own + 1});
        let item = i32(group) / (int(${own}) * int(${own + 1}));
        let row0 = ((i32(group) / int(${own + 1})) % int(${own})) * ${ROWS};
        let strip0 = chunk * ${each * STRIP};
        let begin_y = item_begin(item, 0);
        let begin_q = item_begin(item, 1);
        let begin_k = item_begin(item, 2);
        let begin_v = item_begin(item, 3);
        ${mask === null ? '' : 'let begin_mask = item_begin(item, 4);'}
        ${zeros('y', each)}
        // The largest score of each row so far, and the sum of the exponentials that this invocation has made.
        var largest = vec4<f32>(-infinity());
        var total = vec4<f32>();
        var s: array<vec4<f32>, 4>;
        let visible = ${causal === 0 ? 'keys' : `min(keys, row0 + ${ROWS})`};
        for (var column0 = 0; column0 < visible; column0 += ${COLUMNS}) {
          ${lines((i) => `var s${i} = vec4<f32>();`)}
          ${scores(
            's',
            'int(2)',
            (row, e) => `four_q(begin_q, row0 + ${row}, length, ${e}) * float(0)`,
            (column, e) => `four_k(begin_k, column0 + ${column}, keys, ${e})`,
          )}
          ${FOUR.map((i) => `s[${i}] = s${i};`).join(' ')}
          for (var i = 0; i < 4; i++) {
            let row = row0 + ty + 16 * i;
            for (var j = 0; j < 4; j++) {
              let column = column0 + 4 * tx + j;
              ${mask === null ? '' : 'if (row < length && column < keys) { s[i][j] += load_mask(begin_mask + row * int(9) + column * int(10)); }'}
              if (column >= keys${causal === 0 ? '' : ' || column > row'}) { s[i][j] = -infinity(); }
            }
          }
          staged[local] = vec4<f32>(top(s[0]), top(s[1]), top(s[2]), top(s[3]));
          workgroupBarrier();
          var raised = largest;
          for (var lane = 0; lane < 8; lane++) { raised = max(raised, staged[8 * ty + lane]); }
          // Where nothing is seen yet, 0 stands in, so that −∞ − −∞ does not arise.
          let shift = vec4<f32>(${FOUR.map((i) => `select(raised[${i}], 0.0, bitcast<u32>(raised[${i}]) == 0xff800000u)`).join(', ')});
          let kept = powers(largest - shift);
          largest = raised;
          for (var i = 0; i < 4; i++) { s[i] = powers(s[i] - shift[i]); }
          total = total * kept + vec4<f32>(${FOUR.map((i) => `dot(s[${i}], vec4<f32>(1.0))`).join(', ')});
          ${lines((i) => Array.from({ length: each }, (_, j) => `y${i}_${j} *= kept[${i}];`).join(' '))}
          ${keep('s')}
          workgroupBarrier();
          ${spread('y', each, 'strip0', (row, e) => `four_v(begin_v, column0 + ${row}, keys, ${e})`)}
        }
        staged[local] = total;
        workgroupBarrier();
        var sum = vec4<f32>();
        for (var lane = 0; lane < 8; lane++) { sum += staged[8 * ty + lane]; }
        let shares = select(1.0 / sum, vec4<f32>(), sum == vec4<f32>());
        if (tx == 0 && chunk == 0) {
          for (var i = 0; i < 4; i++) {
            let row = row0 + ty + 16 * i;
            if (row < length) {
              store_logs(item * length + row, select(largest[i] + logarithm(sum[i]), infinity(), is_zero(sum[i])));
            }
          }
        }
        ${put('y', each, 'begin_y', 0, 'int(3)', 'length', 'shares')}`,
    }),
  };
}

export const attention: Shaders = { attention_f32: forward, attention_grad_f32: backward };
