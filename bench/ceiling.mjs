/**
 * What the machine gives at most, to hold kernels against: arithmetic that never leaves the registers, and plain loops over
 * memory. Compiled by asc when the bench starts, in the two arithmetics of the engine.
 */
import asc from 'assemblyscript/asc';

const ACCUMULATORS = 12;
const UNROLL = 4;
const HEAP = 1 << 16;

/** A loop over independent chains of products and sums, which is all that a product of matrices does. @type {(step: (i: number) => string) => string} */
function arithmetic(step) {
  const all = Array.from({ length: ACCUMULATORS }, (_, i) => i);
  const body = Array.from({ length: UNROLL }, () => all.map((i) => `a${i} = ${step(i)};`).join(' ')).join('\n');
  return `export function arithmetic(n: i32, x: f32, y: f32): f32 {
    const x4 = f32x4.splat(x), y4 = f32x4.splat(y);
    ${all.map((i) => `let a${i} = f32x4.splat(<f32>${i} * 0.125);`).join(' ')}
    for (let i = 0; i < n; i++) { ${body} }
    return f32x4.extract_lane(${all.map((i) => `a${i}`).reduce((sum, a) => `f32x4.add(${sum}, ${a})`)}, 0);
  }`;
}

const MEMORY = `
export function read(from: usize, bytes: i32): f32 {
  const end = from + <usize>bytes;
  let a = f32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  for (; from < end; from += 128) {
    a = f32x4.add(a, v128.load(from)); b = f32x4.add(b, v128.load(from, 16));
    c = f32x4.add(c, v128.load(from, 32)); d = f32x4.add(d, v128.load(from, 48));
    e = f32x4.add(e, v128.load(from, 64)); f = f32x4.add(f, v128.load(from, 80));
    g = f32x4.add(g, v128.load(from, 96)); h = f32x4.add(h, v128.load(from, 112));
  }
  a = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(f32x4.add(e, f), f32x4.add(g, h)));
  return f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3);
}
export function copy(from: usize, to: usize, bytes: i32): void {
  const end = from + <usize>bytes;
  for (; from < end; from += 64, to += 64) {
    v128.store(to, v128.load(from)); v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32); v128.store(to, v128.load(from, 48), 48);
  }
}`;

/** @type {(name: string, source: string, features: string) => Promise<Uint8Array<ArrayBuffer>>} */
async function compile(name, source, features) {
  /** @type {Uint8Array<ArrayBuffer> | undefined} */
  let binary;
  const flags = [
    '--optimizeLevel',
    '3',
    '--noAssert',
    '--runtime',
    'stub',
    '--importMemory',
    '--disableWarning',
    '112',
  ];
  const { error, stderr } = await asc.main(
    [`${name}.ts`, '--outFile', `${name}.wasm`, ...flags, '--enable', features],
    {
      readFile: (file) => (file === `${name}.ts` ? source : null),
      writeFile: (file, data) => {
        if (file.endsWith('.wasm') && typeof data !== 'string') binary = new Uint8Array(data);
      },
      listFiles: () => [],
    },
  );
  if (error || binary === undefined) throw new Error(`${name} does not compile: ${stderr}`);
  return binary;
}

/**
 * @typedef {object} Ceiling
 * @property {string} name
 * @property {number} work floating point operations, or bytes, of one call
 * @property {() => void} run
 */

/** Makes the ceilings. `arithmetic` counts operations; `traffic` is a loop over memory that touches as many bytes as a case
 * does, reading them or copying one half onto the other. */
export async function ceilings() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  /** @type {(name: string, source: string, features: string) => Promise<any>} */
  const load = async (name, source, features) =>
    new WebAssembly.Instance(new WebAssembly.Module(await compile(name, source, features)), { env: { memory } })
      .exports;
  const plain = await load('plain', `${arithmetic((i) => `f32x4.add(f32x4.mul(a${i}, x4), y4)`)}${MEMORY}`, 'simd');
  const fused = await load(
    'fused',
    arithmetic((i) => `f32x4.relaxed_madd(a${i}, x4, y4)`),
    'simd,relaxed-simd',
  );
  const loops = 20000;
  const flops = 2 * 4 * ACCUMULATORS * UNROLL * loops;
  return {
    /** @type {(relaxed: boolean) => Ceiling} */
    arithmetic: (relaxed) => ({
      name: relaxed ? 'madd in registers' : 'mul and add in registers',
      work: flops,
      run: () => void (relaxed ? fused : plain).arithmetic(loops, 0.5, 0.25),
    }),
    /** @type {(bytes: number, reads: boolean) => Ceiling} */
    traffic(bytes, reads) {
      const work = Math.max(4096, Math.ceil(bytes / 128) * 128);
      const missing = HEAP + work + 4096 - memory.buffer.byteLength;
      if (missing > 0) {
        const before = memory.buffer.byteLength;
        memory.grow(Math.ceil(missing / 65536));
        // Pages that nobody has written are all the same page of zeros, which reads as if it were in the cache.
        new Uint8Array(memory.buffer, before).fill(1);
      }
      return {
        name: reads ? 'read' : 'copy',
        work,
        run: () => void (reads ? plain.read(HEAP, work) : plain.copy(HEAP, HEAP + work / 2, work / 2)),
      };
    },
  };
}
