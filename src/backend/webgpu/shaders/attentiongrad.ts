import type { Launch } from '../../../core/device.js';
import { type Argument, type Pass, reads, scratch, writes } from '../pass.js';
import { named } from './each.js';
import {
  BACKWARD,
  COLUMNS,
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
  type Rows,
  SIZE,
  STRIP,
  STRIPS,
  scores,
  shared,
  spread,
  stridesOf,
  stripsOf,
  zeros,
} from './heads.js';
import { across } from './workgroup.js';

/** The gradient of attention: assembly/attentiongrad.ts. Queries have a pass, and keys with their values another. */

/** Lanes that share a row of dy and y. */
const LANES = 16;

export function backward(launch: Launch): Pass[] {
  const ints = launch.ints ?? [];
  const [length = 0, keys = 0, size = 0, width = 0, causal = 0] = ints;
  const [dq, dk, dv] = launch.writes;
  const [dy, q, k, v, y, logs, mask = null] = launch.reads;
  const items = itemsOf(ints, BACKWARD);
  const { name, floats } = named(launch);
  const own = ints.length;
  const stats = { scratch: 8 * items * length };
  const wide = inFours(
    [dy, q, k, v],
    [size, width],
    [3, 4, 5, 6].flatMap((list) => stridesOf(ints, BACKWARD, list)),
  );
  const operands = {
    dy: reads(dy, { wide }),
    q: reads(q, { wide }),
    k: reads(k, { wide }),
    v: reads(v, { wide }),
    stats: scratch(stats, 'read'),
    ...(mask === null ? {} : { mask: reads(mask) }),
  };
  const declare = [
    shared,
    powers,
    itemText(BACKWARD),
    fours('dy', 3, 'int(3)', wide),
    fours('q', 4, 'int(2)', wide),
    fours('k', 5, 'int(2)', wide),
    fours('v', 6, 'int(3)', wide),
  ].join('\n');
  const begins = ['dq', 'dk', 'dv', 'dy', 'q', 'k', 'v']
    .map((operand, list) => `let begin_${operand} = item_begin(item, ${list});`)
    .concat(mask === null ? [] : ['let begin_mask = item_begin(item, 8);'])
    .join('\n');
  const ofQ: (first: string) => Rows = (first) => (row, e) => `four_q(begin_q, ${first} + ${row}, length, ${e})`;
  const ofK: (first: string) => Rows = (first) => (row, e) => `four_k(begin_k, ${first} + ${row}, keys, ${e})`;
  const ofV: (first: string) => Rows = (first) => (row, e) => `four_v(begin_v, ${first} + ${row}, keys, ${e})`;
  const ofDy: (first: string) => Rows = (first) => (row, e) => `four_dy(begin_dy, ${first} + ${row}, length, ${e})`;
  // Turns scores into weights, and products dy · v into slopes.
  const differentiate = (query: string, key: string): string => `
    ${FOUR.map((i) => `s[${i}] = s${i};\nd[${i}] = d${i};`).join('\n')}
    for (var i = 0; i < 4; i++) {
      var sees = vec4<bool>();
      var shift = vec4<f32>();
      var delta = vec4<f32>();
      for (var j = 0; j < 4; j++) {
        let query = ${query};
        let key = ${key};
        if (query < length && key < keys${causal === 0 ? '' : ' && key <= query'}) {
          let at = 2 * (item * length + query);
          sees[j] = true;
          shift[j] = ${mask === null ? '' : 'load_mask(begin_mask + query * int(13) + key * int(14)) '}- load_stats(at);
          delta[j] = load_stats(at + 1);
        }
      }
      s[i] = select(vec4<f32>(), powers(fma(s[i], vec4<f32>(float(0)), shift)), sees);
      d[i] = select(vec4<f32>(), s[i] * float(0) * (d[i] - delta), sees);
    }`;
  const cleared = `var s: array<vec4<f32>, 4>;\nvar d: array<vec4<f32>, 4>;\n${lines((i) => `var s${i} = vec4<f32>();`)}\n${lines((i) => `var d${i} = vec4<f32>();`)}`;
  const places = (blocks: number, chunks: number, each: number): { ints: readonly number[]; text: string } => ({
    ints: [...ints, blocks, chunks],
    text: `${place}
      let length = int(0);
      let keys = int(1);
      let chunk = i32(group) % int(${own + 1});
      let item = i32(group) / (int(${own}) * int(${own + 1}));
      let row0 = ((i32(group) / int(${own + 1})) % int(${own})) * ${ROWS};
      let strip0 = chunk * ${each * STRIP};
      ${begins}`,
  });

  const ofQueries = (): Pass => {
    const { each, chunks } = stripsOf(size);
    const blocks = Math.ceil(length / ROWS);
    const { ints: numbers, text } = places(blocks, chunks, each);
    return {
      name,
      structure: `dq ${each} ${wide} ${causal} ${mask !== null}`,
      bind: { dq: writes(dq), ...operands },
      floats,
      ints: numbers,
      groups: items * blocks * chunks,
      size: SIZE,
      text: () => ({
        declare,
        body: `${text}
          ${zeros('dq', each)}
          let visible = ${causal === 0 ? 'keys' : `min(keys, row0 + ${ROWS})`};
          for (var column0 = 0; column0 < visible; column0 += ${COLUMNS}) {
            ${cleared}
            ${scores('s', 'int(2)', ofQ('row0'), ofK('column0'))}
            ${scores('d', 'int(3)', ofDy('row0'), ofV('column0'))}
            ${differentiate('row0 + ty + 16 * i', 'column0 + 4 * tx + j')}
            ${keep('d')}
            ${spread('dq', each, 'strip0', ofK('column0'))}
          }
          ${put('dq', each, 'begin_dq', 0, 'int(2)', 'length')}`,
      }),
    };
  };

  /** Gradients of keys and values, or of one of them. */
  const ofKeys = (wantsK: boolean, wantsV: boolean): Pass => {
    const [k0, v0] = [stripsOf(size), stripsOf(width)];
    const chunks = wantsK && wantsV ? 1 : wantsK ? k0.chunks : v0.chunks;
    const [stripsK, stripsV] = [wantsK ? k0.each : 0, wantsV ? v0.each : 0];
    const blocks = Math.ceil(keys / ROWS);
    const { ints: numbers, text } = places(blocks, chunks, Math.max(stripsK, stripsV));
    const outputs: Record<string, Argument> = {};
    if (wantsK) outputs.dk = writes(dk);
    if (wantsV) outputs.dv = writes(dv);
    return {
      name,
      structure: `dkdv ${stripsK} ${stripsV} ${wide} ${causal} ${mask !== null}`,
      bind: { ...outputs, ...operands },
      floats,
      ints: numbers,
      groups: items * blocks * chunks,
      size: SIZE,
      text: () => ({
        declare,
        body: `${text}
          ${zeros('dk', stripsK)}
          ${zeros('dv', stripsV)}
          // A causal block of keys has nothing to do with the queries before its first one.
          for (var column0 = ${causal === 0 ? '0' : 'row0'}; column0 < length; column0 += ${COLUMNS}) {
            ${cleared}
            ${scores('s', 'int(2)', ofK('row0'), ofQ('column0'))}
            ${wantsK ? scores('d', 'int(3)', ofV('row0'), ofDy('column0')) : ''}
            ${differentiate('column0 + 4 * tx + j', 'row0 + ty + 16 * i')}
            ${wantsV ? keep('s') : ''}
            ${wantsV ? spread('dv', stripsV, 'strip0', ofDy('column0')) : ''}
            ${wantsK ? keep('d') : ''}
            ${wantsK ? spread('dk', stripsK, 'strip0', ofQ('column0')) : ''}
          }
          ${wantsK ? put('dk', stripsK, 'begin_dk', 1, 'int(2)', 'keys') : ''}
          ${wantsV ? put('dv', stripsV, 'begin_dv', 2, 'int(3)', 'keys') : ''}`,
      }),
    };
  };

  const together =
    stripsOf(size).chunks === 1 &&
    stripsOf(width).chunks === 1 &&
    Math.ceil(size / STRIP) + Math.ceil(width / STRIP) <= STRIPS;
  return [
    {
      // log Σ e^s and Σ dy · y of each query, side by side.
      name,
      structure: 'stats',
      bind: { stats: scratch(stats, 'write'), dy: reads(dy), y: reads(y), logs: reads(logs) },
      ints: [...ints, items * length],
      groups: Math.ceil((items * length * LANES) / 256),
      text: (chip) => ({
        declare: itemText(BACKWARD) + across(chip, 'f32', 'a + b', LANES, 256),
        body: `
          let at = i32(group) * ${256 / LANES} + i32(local) / ${LANES};
          let item = at / int(0);
          let row = at % int(0);
          var sum = 0.0;
          if (at < int(${own})) {
            let begin_dy = item_begin(item, 3) + row * int(8);
            let begin_y = item_begin(item, 7) + row * int(12);
            for (var e = i32(local) % ${LANES}; e < int(3); e += ${LANES}) { sum += load_dy(begin_dy + e) * load_y(begin_y + e); }
          }
          sum = across(local, sum);
          if (at < int(${own}) && local % ${LANES}u == 0u) {
            store_stats(2 * at, load_logs(at));
            store_stats(2 * at + 1, sum);
          }`,
      }),
    },
    ofQueries(),
    ...(together ? [ofKeys(true, true)] : [ofKeys(true, false), ofKeys(false, true)]),
  ];
}
