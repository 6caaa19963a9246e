import { type Argument, type Pass, reads, type Scratch, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named } from './each.js';

/**
 * Sorting: assembly/sort.ts, and whatever else needs things in order.
 *
 * What is sorted are pairs (key, place), two words which are all different, so that any correct sort is a stable one of the keys. A
 * workgroup sorts blocks in the memory that its invocations share (Batcher's bitonic sort); passes then merge neighbouring runs, where
 * each pair finds its place by a binary search in the other run. The result does not depend on how the work is scheduled.
 */

/** Pairs that a workgroup sorts at once: 8 KiB. */
const TOGETHER = 1024;
const SIZE = 256;

/** Many sequences of one length to be sorted. */
export interface Sorting {
  /** Names the text of `key` and `put` below. */
  readonly name: string;
  readonly sequences: number;
  /** Elements of a sequence. */
  readonly n: number;
  /** How many of them are wanted, from the smallest on. */
  readonly count: number;
  /** What `key` and `put` see; numbers of theirs begin at int(6). */
  readonly source: Readonly<Record<string, Argument>>;
  readonly target: Readonly<Record<string, Argument>>;
  readonly ints: readonly number[];
  /** Statements that return the key, an u32, of element `i: i32` of sequence `s: i32`. */
  readonly key: string;
  /** Statements that take pair `i` of the sorted sequence `s`: `key: u32` and `place: u32`. */
  readonly put: string;
}

/** Passes that sort. */
export function sorting(sort: Sorting): Pass[] {
  const { n, sequences } = sort;
  const block = Math.min(TOGETHER, 2 ** Math.max(1, Math.ceil(Math.log2(n))));
  let merges = 0;
  for (let width = block; width < n; width *= 2) merges++;
  const bytes = 8 * sequences * n;
  // Pairs go back and forth between the two.
  let from: Scratch = { scratch: bytes };
  let to: Scratch = { scratch: bytes };
  const passes = [blocks(sort, block, merges === 0 ? null : from)];
  for (let k = 0; k < merges; k++) {
    passes.push(merging(sort, block * 2 ** k, from, k === merges - 1 ? null : to));
    [from, to] = [to, from];
  }
  return passes;
}

/** `put` of a pass that has more behind it. */
const ASIDE = 'let at = 2 * (s * int(0) + i);\nstore_pairs_out(at, key);\nstore_pairs_out(at + 1, place);';

function text(sort: Sorting, to: Scratch | null): string {
  return `fn put(s: i32, i: i32, key: u32, place: u32) {\n${to === null ? sort.put : ASIDE}\n}`;
}

/** Sorts blocks of a sequence, or several short sequences in one workgroup. */
function blocks(sort: Sorting, block: number, to: Scratch | null): Pass {
  const { name, n, count, sequences } = sort;
  const perSequence = Math.ceil(n / block);
  const perGroup = TOGETHER / block;
  return {
    name: `${name} blocks${to === null ? '' : ' aside'}`,
    structure: String(block),
    bind: { ...sort.source, ...(to === null ? sort.target : { pairs_out: scratch(to, 'write', 'u32') }) },
    ints: [n, count, sequences, perSequence, 0, 0, ...sort.ints],
    groups: Math.ceil((perSequence * sequences) / perGroup),
    size: SIZE,
    text: () => ({
      declare: `
var<workgroup> keys: array<u32, ${TOGETHER}>;
var<workgroup> places: array<u32, ${TOGETHER}>;
fn key_of(s: i32, i: i32) -> u32 {\n${sort.key}\n}
${text(sort, to)}`,
      body: `
        for (var t = local; t < ${TOGETHER}u; t += ${SIZE}u) {
          let block = i32(group * ${perGroup}u + t / ${block}u);
          let s = block / int(3);
          let i = (block % int(3)) * ${block} + i32(t % ${block}u);
          // What is missing to a whole block comes last.
          keys[t] = 0xffffffffu;
          places[t] = 0xffffffffu;
          if (s < int(2) && i < int(0)) {
            keys[t] = key_of(s, i);
            places[t] = u32(i);
          }
        }
        workgroupBarrier();
        for (var k = 2u; k <= ${block}u; k <<= 1u) {
          for (var j = k >> 1u; j > 0u; j >>= 1u) {
            for (var t = local; t < ${TOGETHER / 2}u; t += ${SIZE}u) {
              let a = ((t & ~(j - 1u)) << 1u) | (t & (j - 1u));
              let b = a | j;
              let rises = (a & k & ${block - 1}u) == 0u;
              let ka = keys[a];
              let kb = keys[b];
              let pa = places[a];
              let pb = places[b];
              if ((ka > kb || (ka == kb && pa > pb)) == rises) {
                keys[a] = kb;
                keys[b] = ka;
                places[a] = pb;
                places[b] = pa;
              }
            }
            workgroupBarrier();
          }
        }
        for (var t = local; t < ${TOGETHER}u; t += ${SIZE}u) {
          let block = i32(group * ${perGroup}u + t / ${block}u);
          let s = block / int(3);
          let j = i32(t % ${block}u);
          let i = (block % int(3)) * ${block} + j;
          if (s < int(2) && i < int(0) && j < int(1)) { put(s, i, keys[t], places[t]); }
        }`,
    }),
  };
}

/** Merges runs of `width` pairs, two and two. Of a run nobody reads more than its first `count`. */
function merging(sort: Sorting, width: number, from: Scratch, to: Scratch | null): Pass {
  const { name, n, count, sequences } = sort;
  return {
    name: `${name} merge${to === null ? '' : ' aside'}`,
    structure: '',
    bind: {
      pairs: scratch(from, 'read', 'u32'),
      ...(to === null ? sort.target : { pairs_out: scratch(to, 'write', 'u32') }),
    },
    ints: [n, count, width, 0, 0, 0, ...sort.ints],
    items: sequences * n,
    text: () => ({
      declare: text(sort, to),
      body: `
        let n = int(0);
        let width = int(2);
        let s = id / n;
        let i = id - s * n;
        let run = i / width;
        let own = i - run * width;
        if (own >= int(1)) { return; }
        let first = (run & ~1) * width;
        let other = s * n + (run ^ 1) * width;
        let key = load_pairs(2 * (s * n + i));
        let spot = load_pairs(2 * (s * n + i) + 1);
        var low = 0;
        var high = clamp(n - (run ^ 1) * width, 0, min(width, int(1)));
        while (low < high) {
          let middle = (low + high) >> 1u;
          let theirs = load_pairs(2 * (other + middle));
          if (theirs < key || (theirs == key && load_pairs(2 * (other + middle) + 1) < spot)) { low = middle + 1; } else { high = middle; }
        }
        if (own + low < int(1)) { put(s, first + own + low, key, spot); }`,
    }),
  };
}

/** The rank of a float among all floats, and of an integer, as an u32. */
const RANK = {
  f32: 'select(order(x), 2147483647, is_nan(x))',
  i32: 'x',
};

/** order_f32 and order_i32: y is [outer, count, inner]. */
function order(type: 'f32' | 'i32'): Shader {
  return (launch) => {
    const [outer = 1, n = 0, inner = 1, count = 0, descending = 0] = launch.ints ?? [];
    return sorting({
      name: named(launch).name,
      sequences: outer * inner,
      n,
      count,
      source: { x: reads(launch.reads[0]) },
      target: { y: writes(launch.writes[0]) },
      // The complement of every number turns their order round.
      ints: [inner, descending === 0 ? 0 : -1],
      key: `
        let x = load_x(((s / int(6)) * int(0) + i) * int(6) + s % int(6));
        return bitcast<u32>(${RANK[type]} ^ int(7)) ^ 0x80000000u;`,
      put: 'store_y(((s / int(6)) * int(1) + i) * int(6) + s % int(6), i32(place));',
    });
  };
}

export const orders: Shaders = { order_f32: order('f32'), order_i32: order('i32') };
