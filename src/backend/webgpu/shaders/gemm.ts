import type { Tensor } from '../../../core/tensor.js';
import { type Argument, type Element, type Pass, reads, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named, typed } from './each.js';

/**
 * Dense products: assembly/gemm.ts, where the slots stand. Of float32; and of two float16 matrices, where the program has asked for
 * 16-bit arithmetic and the chip has it. Tiles of those are f16 in shared memory too, and so are sums of RUN products; these are
 * added in float32. Products are not: a chip that is fast in 16 bits is so in multiply-adds alone, and turning each product into
 * float32 takes longer than to multiply in that. What a sum loses does not grow with its length: each term passes through RUN + 1
 * roundings at most.
 */

/**
 * A workgroup computes a tile of C, `rows` × `columns`, in steps of `depth` along K. The parts of both operands that a step needs
 * are fetched into registers while the step before is computed, and put into shared memory, four neighbours of a column of op(A)
 * and of a row of op(B) to a vector. Each invocation multiplies `down` × `across` numbers from there, held in registers: of each
 * run of fours its own, so that neighbours read and write neighbours.
 */
interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly down: number;
  readonly across: number;
}

const LARGE: Tile = { rows: 128, columns: 128, depth: 16, down: 8, across: 8 };
/** For a GPU that gives a workgroup no more than the 16 KiB that all give. */
const SHALLOW: Tile = { ...LARGE, depth: 8 };
const MIDDLE: Tile = { rows: 64, columns: 64, depth: 16, down: 4, across: 4 };
const SMALL: Tile = { rows: 16, columns: 64, depth: 16, down: 4, across: 4 };

/** Workgroups that keep a GPU busy. */
const BUSY = 128;

/** What is multiplied. */
type Scalar = 'f32' | 'f16';

/** Products that are summed in 16 bits before they are added in 32: a divisor of every tile's depth. */
const RUN = 8;

/** Shared memory that a tile takes. */
const bytesOf = ({ rows, columns, depth }: Tile, scalar: Scalar): number =>
  (scalar === 'f16' ? 8 : 16) * depth * ((rows + columns) / 4 + 2);

function chosen(m: number, n: number, batch: number, sharedBytes: number, scalar: Scalar): Tile {
  const groups = (t: Tile): number => Math.ceil(m / t.rows) * Math.ceil(n / t.columns) * batch;
  if (groups(LARGE) >= BUSY) return bytesOf(LARGE, scalar) <= sharedBytes ? LARGE : SHALLOW;
  return m > 16 ? MIDDLE : SMALL;
}

/** Workgroups that a product is cut into which has fewer than BUSY, and how much of K each of them goes through at least. */
const CUT = 256;
const SHORTEST = 256;

/**
 * The length of the slices of K, a multiple of every tile's depth, where a product has too few tiles to keep a GPU busy and K is
 * long: as for the gradient of a weight, over a large batch. Each slice has its own sums, which a second pass adds up in the order
 * of the slices, so that every run gives the same bits. K itself where nothing is gained.
 */
function sliceOf(groups: number, k: number, bytes: number, largest: number): number {
  if (groups >= BUSY || k < 2 * SHORTEST) return k;
  const slices = Math.min(Math.floor(CUT / groups), Math.floor(k / SHORTEST), Math.floor(largest / bytes));
  return slices < 2 ? k : Math.ceil(k / slices / 16) * 16;
}

/** An operand, as the text sees it. */
interface Operand {
  readonly name: 'a' | 'b';
  readonly scalar: Scalar;
  /** Length of the tile along the operand's own dimension. */
  readonly length: number;
  readonly depth: number;
  /** First of the tile, and how many there are in all. */
  readonly first: string;
  readonly edge: string;
  readonly base: string;
  readonly lead: string;
  /** Whether its neighbours in memory follow one another along K. */
  readonly alongK: boolean;
  /** Whether it can be read by fours. */
  readonly wide: boolean;
}

const list = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i));

/** Place of an element of the operand. */
const place = ({ alongK, base, lead }: Operand, p: string, other: string): string =>
  alongK ? `${base} + (${other}) * ${lead} + (${p})` : `${base} + (${p}) * ${lead} + (${other})`;

/**
 * Vectors of a tile that an invocation brings together. Shared memory is written by whole vectors, since writing one component may
 * write its neighbours too, which another invocation brings: so four rows are read where fours follow one another along K.
 */
const vectors = ({ alongK, wide }: Operand): number => (wide && alongK ? 4 : 1);

/** What there is to bring of a tile, in portions of `vectors`. */
const portions = (operand: Operand): number => (operand.length * operand.depth) / 4 / vectors(operand);

/** Portions that an invocation brings; not all of them bring the last. */
const fetches = (operand: Operand, size: number): number => Math.ceil(portions(operand) / size);

/** Where the t-th portion of an invocation stands in the tile: statements that set p (along K) and q. */
function spot(operand: Operand, t: number | 't', size: number): string {
  const { name, length, depth, alongK } = operand;
  const e = `(${t} * ${size} + i32(local))`;
  const [p, q] = [`${name}p${t}`, `${name}q${t}`];
  if (!alongK) return `let ${q} = (${e} % ${length / 4}) * 4; let ${p} = ${e} / ${length / 4};`;
  const steps = depth / vectors(operand);
  return `let ${p} = (${e} % ${steps}) * ${vectors(operand)}; let ${q} = (${e} / ${steps}) * 4;`;
}

/** Whether the t-th portion is there for every invocation; else the statement goes under a condition. */
function guarded(operand: Operand, t: number | 't', size: number, text: string): string {
  const count = portions(operand);
  const all = t === 't' ? count % size === 0 : (t + 1) * size <= count;
  return all ? text : `if (${t} * ${size} + i32(local) < ${count}) { ${text} }`;
}

/** Registers of portion t. */
const registers = (operand: Operand, t: number | 't'): readonly string[] =>
  list(vectors(operand), (c) => `${operand.name}n${t}_${c}`);

/** Their declarations. */
const declared = (operand: Operand, t: number | 't'): string =>
  registers(operand, t)
    .map((n) => `var ${n} = vec4<${operand.scalar}>();`)
    .join(' ');

/** Statements that set the registers of portion t at step k0: zeros where there is nothing. */
function fetched(operand: Operand, t: number | 't', size: number): string {
  const { name, scalar, alongK, wide, first, edge } = operand;
  const [p, q] = [`k0 + ${name}p${t}`, `${first} + ${name}q${t}`];
  const into = registers(operand, t);
  const zeros = into.map((n) => `${n} = vec4<${scalar}>();`).join(' ');
  const four = (n: string, other: string): string =>
    `if (${p} < depth && ${other} < ${edge}) { ${n} = load4_${name}((${place(operand, p, other)}) / 4); }`;
  if (wide) {
    const rows = into.map((n, c) => four(n, alongK ? `${q} + ${c}` : q));
    return guarded(operand, t, size, `${zeros}\n${rows.join('\n')}`);
  }
  const ones = list(4, (c) => {
    const other = `${q} + ${c}`;
    return `if (${p} < depth && ${other} < ${edge}) { ${into[0]}[${c}] = load_${name}(${place(operand, p, other)}); }`;
  });
  return guarded(operand, t, size, `${zeros}\n${ones.join('\n')}`);
}

/** Statements that put the registers of portion t into shared memory. */
function stored(operand: Operand, t: number | 't', size: number): string {
  const { name, scalar, length } = operand;
  const into = registers(operand, t);
  const at = (c: number): string => `tile_${name}[(${name}p${t} + ${c}) * ${length / 4 + 1} + ${name}q${t} / 4]`;
  const value = (c: number): string =>
    into.length === 1 ? (into[0] as string) : `vec4<${scalar}>(${into.map((n) => `${n}[${c}]`).join(', ')})`;
  return guarded(operand, t, size, list(into.length, (c) => `${at(c)} = ${value(c)};`).join(' '));
}

/** Brings a tile from memory to shared memory, without a detour: for tiles whose text has to be short. */
function bring(operand: Operand, size: number): string {
  return `
    for (var t = 0; t < ${fetches(operand, size)}; t++) {
      ${spot(operand, 't', size)}
      ${declared(operand, 't')}
      ${fetched(operand, 't', size)}
      ${stored(operand, 't', size)}
    }`;
}

/** Whether an operand whose neighbours follow one another over `run` elements can be read by fours. */
function readsFours(x: Tensor | null | undefined, run: number, lead: number, step: number): boolean {
  return x != null && [x.offset, run, lead, step].every((n) => n % 4 === 0);
}

/** What is done with a sum of products. */
interface Finish {
  readonly beta: boolean;
  readonly biasMode: number;
  readonly relu: number;
}

/** Statements that put a sum, that of row i and a column, into C. */
function finished(sum: string, column: string, { beta, biasMode, relu }: Finish): string {
  return `
    var value = ${sum};
    ${beta ? 'value = fma(float(0), load_c(at), value);' : ''}
    ${biasMode === 0 ? '' : `value += load_bias(${biasMode === 1 ? column : 'i'});`}
    ${relu === 0 ? '' : 'value = at_least(value, 0.0);'}
    store_c(at, value);`;
}

const gemm: Shader = (launch, chip) => {
  const [
    m = 0,
    n = 0,
    k = 0,
    lda = 0,
    ldb = 0,
    ,
    ta = 0,
    tb = 0,
    batch = 1,
    stepA = 0,
    stepB = 0,
    ,
    biasMode = 0,
    relu = 0,
  ] = launch.ints ?? [];
  const beta = (launch.floats?.[0] ?? 0) !== 0;
  const [a, b, bias] = launch.reads;
  const scalar: Scalar = chip.f16 && a?.dtype === 'float16' && b?.dtype === 'float16' ? 'f16' : 'f32';
  const as: Element | undefined = scalar === 'f16' ? 'half' : undefined;
  const { rows, columns, depth, down, across } = chosen(m, n, batch, chip.sharedBytes, scalar);
  const size = (rows / down) * (columns / across);
  const groups = Math.ceil(m / rows) * Math.ceil(n / columns) * batch;
  const slice = sliceOf(groups, k, 4 * m * n * batch, chip.bindingBytes);
  const slices = slice < k ? Math.ceil(k / slice) : 1;
  const parts = { scratch: 4 * m * n * batch * slices };
  const cut = slices > 1;
  const wideA = readsFours(a, ta === 0 ? k : m, lda, stepA);
  const wideB = readsFours(b, tb === 0 ? n : k, ldb, stepB);
  const { name, floats, ints = [] } = named(launch);
  const biased: Record<string, Argument> = biasMode === 0 ? {} : { bias: reads(bias) };
  const product: Pass = {
    name,
    structure: `${scalar} ${rows} ${columns} ${depth} ${ta} ${tb} ${cut ? 'cut' : `${beta} ${biasMode} ${relu}`}`,
    bind: {
      ...(cut ? { part: scratch(parts, 'write') } : { c: writes(launch.writes[0]) }),
      a: reads(a, { wide: wideA, ...typed(as) }),
      b: reads(b, { wide: wideB, ...typed(as) }),
      ...(cut ? {} : biased),
    },
    floats,
    ints: cut ? [...ints, slice] : ints,
    groups: groups * slices,
    size,
    text: () => {
      const operands: readonly Operand[] = [
        {
          name: 'a',
          scalar,
          length: rows,
          depth,
          first: 'row0',
          edge: 'm',
          base: 'base_a',
          lead: 'lead_a',
          alongK: ta === 0,
          wide: wideA,
        },
        {
          name: 'b',
          scalar,
          length: columns,
          depth,
          first: 'column0',
          edge: 'n',
          base: 'base_b',
          lead: 'lead_b',
          alongK: tb === 1,
          wide: wideB,
        },
      ];
      const [lanes, fours] = [columns / across, [rows / 4, columns / 4] as const];
      const [downs, acrosses] = [down / 4, across / 4];
      // Only what large products run is worth a long text: some drivers take seconds to compile it.
      const ahead = rows === LARGE.rows;
      const fetchAll = (o: Operand): string => list(fetches(o, size), (t) => fetched(o, t, size)).join('\n');
      const each = (f: (i: number, j: number) => string): string =>
        list(down, (i) => list(acrosses, (j) => f(i, j)).join('\n')).join('\n');
      // Steps along K from one on, into registers of a name.
      const steps = (from: number | 'run', count: number, into: 'c' | 'h'): string => `
            for (var p = ${from}; p < ${from === 0 ? count : `${from} + ${count}`}; p++) {
              ${list(downs, (i) => `let a${i} = tile_a[p * ${fours[0] + 1} + ty + ${(i * fours[0]) / downs}];`).join('\n')}
              ${list(acrosses, (j) => `let b${j} = tile_b[p * ${fours[1] + 1} + tx + ${(j * fours[1]) / acrosses}];`).join('\n')}
              ${each((i, j) => `${into}${i}_${j} = fma(vec4<${scalar}>(a${i >> 2}[${i & 3}]), b${j}, ${into}${i}_${j});`)}
            }`;
      return {
        declare: `
var<workgroup> tile_a: array<vec4<${scalar}>, ${depth * (fours[0] + 1)}>;
var<workgroup> tile_b: array<vec4<${scalar}>, ${depth * (fours[1] + 1)}>;`,
        body: `
          let m = int(0);
          let n = int(1);
          let lead_a = int(3);
          let lead_b = int(4);
          let tiles_n = (n + ${columns - 1}) / ${columns};
          let tiles_m = (m + ${rows - 1}) / ${rows};
          let run = i32(group) / (tiles_n * tiles_m);
          let item = ${cut ? 'run % int(8)' : 'run'};
          let begin = ${cut ? `(run / int(8)) * int(${ints.length})` : '0'};
          let depth = ${cut ? `min(int(2), begin + int(${ints.length}))` : 'int(2)'};
          let tile = i32(group) % (tiles_n * tiles_m);
          let row0 = (tile / tiles_n) * ${rows};
          let column0 = (tile % tiles_n) * ${columns};
          let base_a = item * int(9);
          let base_b = item * int(10);
          let base_c = ${cut ? 'run * m * n' : 'item * int(11)'};
          let ty = i32(local) / ${lanes};
          let tx = i32(local) % ${lanes};
          ${each((i, j) => `var c${i}_${j} = vec4<f32>(0.0);`)}
          ${ahead ? operands.map((o) => list(fetches(o, size), (t) => `${spot(o, t, size)} ${declared(o, t)}`).join('\n')).join('\n') : ''}
          var k0 = begin;
          ${ahead ? operands.map(fetchAll).join('\n') : ''}
          while (k0 < depth) {
            ${operands.map((o) => (ahead ? list(fetches(o, size), (t) => stored(o, t, size)).join('\n') : bring(o, size))).join('\n')}
            workgroupBarrier();
            k0 += ${depth};
            ${ahead ? operands.map(fetchAll).join('\n') : ''}
            ${
              scalar === 'f32'
                ? steps(0, depth, 'c')
                : `for (var run = 0; run < ${depth}; run += ${RUN}) {
              ${each((i, j) => `var h${i}_${j} = vec4<f16>();`)}
              ${steps('run', RUN, 'h')}
              ${each((i, j) => `c${i}_${j} += vec4<f32>(h${i}_${j});`)}
            }`
            }
            workgroupBarrier();
          }
          ${each(
            (i, j) => `
          {
            let i = row0 + ${((i >> 2) * rows) / downs} + ty * 4 + ${i & 3};
            let j = column0 + ${(j * columns) / acrosses} + tx * 4;
            if (i < m) {
              for (var s = 0; s < 4; s++) {
                if (j + s < n) {
                  ${
                    cut
                      ? `store_part(base_c + i * n + j + s, c${i}_${j}[s]);`
                      : `let at = base_c + i * int(5) + j + s;
                  ${finished(`c${i}_${j}[s]`, 'j + s', { beta, biasMode, relu })}`
                  }
                }
              }
            }
          }`,
          )}`,
      };
    },
  };
  if (!cut) return product;
  const sums: Pass = {
    name: `${name} sums`,
    structure: `${beta} ${biasMode} ${relu}`,
    bind: { c: writes(launch.writes[0]), part: scratch(parts, 'read'), ...biased },
    floats,
    ints: [...ints, slices],
    items: m * n * batch,
    text: () => ({
      body: `
        let m = int(0);
        let n = int(1);
        var sum = 0.0;
        for (var s = 0; s < int(${ints.length}); s++) { sum += load_part(s * m * n * int(8) + id); }
        let i = (id / n) % m;
        let at = (id / (m * n)) * int(11) + i * int(5) + id % n;
        ${finished('sum', 'id % n', { beta, biasMode, relu })}`,
    }),
  };
  return [product, sums];
};

export const matmul: Shaders = { gemm_f32: gemm };
