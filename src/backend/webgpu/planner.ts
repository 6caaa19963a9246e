import type { Device } from '../../core/device.js';
import { fail } from '../../core/errors.js';
import { isDeterministic } from '../strict.js';
import { blockOf } from './block.js';
import type { Chip, Copy, Dispatch, Executor, Program } from './executor.js';
import {
  type Argument,
  type Binding,
  BYTES,
  folded,
  GROUP,
  HEAD,
  isSeenAlike,
  moduleOf,
  type Pass,
  type Scratch,
} from './pass.js';
import type { Buffer, BufferPool } from './pool.js';

/** What a pass meets besides tensors. */
export interface Around {
  /** Where its scratch memory comes from, and what the passes of its launch have of it. */
  readonly pool: BufferPool;
  readonly scratches: Map<Scratch, Buffer>;
  /** Where a kernel that refuses sets its word, and which. */
  readonly flags: Buffer;
  readonly refusals: number;
}

const INFINITE = 0x7f800000;

const floatView = new Float32Array(1);
const bitView = new Uint32Array(floatView.buffer);

function bitsOf(value: number): number {
  floatView[0] = value;
  return bitView[0] as number;
}

/** Turns passes into programs, which it keeps by their structure, buffers and numbers. */
export class Planner {
  private readonly programs = new Map<string, Program>();
  private readonly steady: Chip;

  constructor(
    private readonly device: Device,
    private readonly executor: Executor,
  ) {
    this.steady = { ...executor.chip, subgroups: 0, f16: false };
  }

  /**
   * What shaders may use now. With `deterministic(true)` a sum's order depends on its length alone, and products keep their 24 bits:
   * neither subgroups, whose size is the chip's, nor 16-bit floats.
   */
  get chip(): Chip {
    return isDeterministic() ? this.steady : this.executor.chip;
  }

  private bufferOf(memory: Argument['memory'], { scratches, pool, flags }: Around): Buffer {
    if (memory === 'refusal') return flags;
    if ('raw' in memory) return memory.raw;
    if (!('scratch' in memory)) return blockOf(this.device, memory.storage).buffer;
    const known = scratches.get(memory);
    if (known !== undefined) return known;
    const buffer = pool.take(memory.scratch);
    if (buffer === null) return fail('memory', `webgpu: scratch memory of ${memory.scratch} bytes cannot be had.`);
    scratches.set(memory, buffer);
    return buffer;
  }

  /** Where what is bound begins, in elements of the type under which it is. */
  private offsetOf({ memory, element }: Argument, around: Around): number {
    if (memory === 'refusal') return around.refusals;
    if ('raw' in memory) return Math.floor(memory.at / BYTES[element]);
    if ('scratch' in memory) return 0;
    const { base } = blockOf(this.device, memory.storage);
    return Math.floor((base + memory.offset * memory.elementSize()) / BYTES[element]);
  }

  /**
   * A pass whose shader can see what it binds: one that writes a tensor by fours and reads one by one another that lies in the same
   * slab, or the other way round, reads a copy of that. Gives the copies, and the buffers that are free after the pass.
   */
  apart(pass: Pass, pool: BufferPool): { readonly pass: Pass; readonly copies: Copy[]; readonly aside: Buffer[] } {
    const copies: Copy[] = [];
    const aside: Buffer[] = [];
    const inSlabs = Object.entries(pass.bind).flatMap(([name, arg]) => {
      if (typeof arg.memory !== 'object' || !('storage' in arg.memory)) return [];
      const block = blockOf(this.device, arg.memory.storage);
      return block.slab === null ? [] : [{ name, arg, tensor: arg.memory, block }];
    });
    if (inSlabs.length < 2) return { pass, copies, aside };
    const bind: Record<string, Argument> = { ...pass.bind };
    for (const { name, arg, tensor, block } of inSlabs) {
      const meets = inSlabs.some(
        (other) =>
          other.block !== block &&
          other.block.slab === block.slab &&
          other.arg.access === 'write' &&
          !isSeenAlike(other.arg, arg),
      );
      if (arg.access === 'write' || !meets) continue;
      const bytes = Math.ceil(block.bytes / 4) * 4;
      const copy = pool.take(bytes) as Buffer;
      copies.push({
        target: copy.id,
        targetOffset: 0,
        source: block.buffer.id,
        sourceOffset: block.base,
        bytes,
      });
      aside.push(copy);
      bind[name] = { ...arg, memory: { raw: copy, at: tensor.offset * tensor.elementSize() } };
    }
    return { pass: aside.length === 0 ? pass : { ...pass, bind }, copies, aside };
  }

  /** The dispatch of a pass that has something to do. */
  dispatchOf(pass: Pass, around: Around): Dispatch {
    const count = pass.items ?? pass.groups ?? 0;
    const groups = pass.groups ?? Math.ceil(count / (pass.size ?? GROUP));
    // A count that is none would reach the driver as one of its own making, and might keep the chip busy for minutes.
    if (![count, groups].every((n) => Number.isInteger(n) && n >= 0)) {
      fail('state', `${pass.name}: its shader was planned for ${count} workgroups or invocations, which is no count.`);
    }
    const args = Object.values(pass.bind);
    const buffers: number[] = [];
    const places: number[] = [];
    // A buffer is bound once, whatever looks at it; only what is read alone may be seen in two ways.
    let kinds = '';
    for (const arg of args) {
      const { id } = this.bufferOf(arg.memory, around);
      let at = buffers.findIndex((known, i) => known === id && isSeenAlike(args[places.indexOf(i)] as Argument, arg));
      if (at < 0) {
        at = buffers.length;
        buffers.push(id);
      }
      places.push(at);
      kinds += `${at}${arg.access[0]}${arg.element}${arg.wide ? 'w' : ''}${arg.atomic ? 'a' : ''}${arg.held ? 'h' : ''} `;
    }
    const { floats = [], ints = [] } = pass;
    const length = HEAD + args.length + floats.length + ints.length;
    const { chip } = this;
    const used = pass.text.length === 0 ? '' : `${chip.subgroups} ${chip.f16} `;
    const key = `${used}${pass.name} ${pass.structure} ${kinds}${floats.length} ${ints.length}`;
    let program = this.programs.get(key);
    if (program === undefined) {
      program = this.programOf(pass, length, args, places, buffers);
      this.programs.set(key, program);
    }
    const words = new Uint32Array(Math.ceil(length / 4) * 4);
    words[0] = count;
    words[1] = INFINITE;
    let slot = HEAD;
    for (const [i, arg] of args.entries()) words[slot + i] = this.offsetOf(arg, around);
    slot += args.length;
    for (const value of floats) words[slot++] = bitsOf(value);
    for (const value of ints) words[slot++] = value;
    return { program, buffers, words, groups: folded(groups, this.executor.chip) };
  }

  private programOf(
    pass: Pass,
    words: number,
    args: readonly Argument[],
    places: readonly number[],
    buffers: readonly number[],
  ): Program {
    const bindings = buffers.map((_, at): Binding => {
      const here = args.filter((_, i) => places[i] === at);
      const written = here.some(({ access }) => access === 'write');
      const atomic = here.some(({ atomic }) => atomic);
      const [{ wide, element }] = here as [Argument];
      return { access: written ? 'write' : 'read', wide, atomic, half: element === 'half' };
    });
    if (
      bindings.some(
        ({ access }, i) =>
          access === 'write' && buffers.lastIndexOf(buffers[i] as number) !== buffers.indexOf(buffers[i] as number),
      )
    ) {
      fail('state', `${pass.name}: its shader binds a tensor that it writes in two ways, as by fours and one by one.`);
    }
    if (buffers.length > this.executor.chip.buffers) {
      fail(
        'unsupported',
        `${pass.name}: needs ${buffers.length} buffers at once, this GPU gives ${this.executor.chip.buffers} to a shader.`,
      );
    }
    return {
      id: this.programs.size,
      name: pass.name,
      code: moduleOf(pass, words, bindings, places, this.chip),
      words,
      access: bindings.map(({ access }) => access),
    };
  }

  /** Copies bytes wherever they lie. */
  moved(to: Buffer, toOffset: number, from: Buffer, fromOffset: number, bytes: number): Dispatch {
    const code = `
@group(0) @binding(0) var<uniform> numbers: vec4<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) place: vec3<u32>, @builtin(num_workgroups) counts: vec3<u32>) {
  let word = numbers.y / 4u + (place.x + counts.x * place.y) * ${GROUP}u + local;
  let end = numbers.y + numbers.x;
  if (word * 4u >= end) { return; }
  var bits = y[word];
  for (var k = 0u; k < 4u; k++) {
    let to = word * 4u + k;
    if (to < numbers.y || to >= end) { continue; }
    let at = to - numbers.y + numbers.z;
    bits = insertBits(bits, x[at / 4u] >> ((at & 3u) * 8u), k * 8u, 8u);
  }
  y[word] = bits;
}`;
    let program = this.programs.get('move');
    if (program === undefined) {
      program = { id: this.programs.size, name: 'move', code, words: 4, access: ['write', 'read'] };
      this.programs.set('move', program);
    }
    const words = Math.ceil((toOffset + bytes) / 4) - Math.floor(toOffset / 4);
    const groups = folded(Math.ceil(words / GROUP), this.executor.chip);
    return { program, buffers: [to.id, from.id], words: Uint32Array.of(bytes, toOffset, fromOffset, 0), groups };
  }
}
