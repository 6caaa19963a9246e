import { traits } from '../../core/dtype.js';
import { fail } from '../../core/errors.js';
import type { Tensor } from '../../core/tensor.js';
import type { Access, Chip } from './executor.js';
import type { Elementwise } from './fuse.js';
import { withLibrary } from './library.js';
import type { Buffer } from './pool.js';
import { LOOK, lookAtSubgroups, SUBGROUP_BUILTINS, usesSubgroups } from './subgroups.js';

/**
 * One dispatch, as a family of shaders describes it: what is bound under which name, how many invocations there are, and the
 * text that each of them runs. Of this the planner makes a program (text, once for each structure) and its uniforms.
 */

/**
 * How an element lies in memory and what it is in the shader: 8-bit integers are `i32` there, and 'f16', which is two bytes of
 * storage, is `f32`. 'u16' are the bits of the latter, for kernels that only move them; 'half' is the same memory, read alone, as
 * `f16`, for shaders that may compute in that.
 */
export type Element = 'f32' | 'i32' | 'u32' | 'u16' | 'f16' | 'half' | 'i8' | 'u8';

/** Memory that lives as long as the passes of one launch. */
export interface Scratch {
  readonly scratch: number;
}

/** Part of a buffer, from a byte on, whatever lies there. */
export interface Raw {
  readonly raw: Buffer;
  readonly at: number;
}

/** What a shader sees under a name, in functions made for it: see `accessors`. */
export interface Argument {
  readonly memory: Tensor | Scratch | Raw | 'refusal';
  readonly access: Access;
  readonly element: Element;
  /** Its elements are read and written four at a time; all of them lie in whole fours. */
  readonly wide: boolean;
  /** Invocations write it by atomic operations. */
  readonly atomic: boolean;
  /** Nothing is written to it while a word of the pass's guards is set: see held.ts. */
  readonly held?: boolean;
}

export interface Text {
  /** Functions, constants and shared variables of the module. */
  readonly declare?: string;
  /** What each invocation does. */
  readonly body: string;
}

export interface Pass {
  /** The kernel, and what else names the text but its structure. */
  readonly name: string;
  /** All that the text depends on besides its name and the arguments' kinds: passes of equal names and structures share it. */
  readonly structure: string;
  readonly bind: Readonly<Record<string, Argument>>;
  readonly floats?: readonly number[] | undefined;
  readonly ints?: readonly number[] | undefined;
  /** Invocations, of which those of one workgroup need nothing from one another … */
  readonly items?: number;
  /** … or workgroups of `size` invocations, which may. */
  readonly groups?: number;
  /** Invocations of a workgroup. Default: 256, which every device allows. */
  readonly size?: number;
  /** The text. One that takes the chip depends on what shaders may use of it, `f16` and `subgroups`, too. */
  readonly text: (chip: Chip) => Text;
  /** Of the last so many arguments and ints each pair is words, and how many there are, that hold back what is written where one is set. */
  readonly guards?: number;
  /** What it computes, where captured steps may join it with its neighbours: see fuse.ts. */
  readonly elementwise?: Elementwise;
}

/** Gives the passes of a launch, one behind another. */
export type { Launch } from '../../core/device.js';

const NATIVE: { readonly [suffix: string]: Element } = { f32: 'f32', i32: 'i32', f16: 'f16', i8: 'i8', u8: 'u8' };

type Options = { readonly as?: Element; readonly wide?: boolean; readonly atomic?: boolean };

function argument(memory: Tensor | null | undefined, access: Access, { as, wide = false, atomic }: Options): Argument {
  if (memory == null) return fail('state', 'webgpu: a shader binds a tensor that its launch does not have.');
  const element = as ?? (NATIVE[traits[memory.dtype].suffix] as Element);
  // Elements narrower than a word are set beside others.
  return { memory, access, element, wide, atomic: atomic ?? (access === 'write' && BYTES[element] < 4) };
}

/** Binds a tensor to be read. `as` names another element type of the same width, `wide` reads fours. */
export function reads(tensor: Tensor | null | undefined, options: Options = {}): Argument {
  return argument(tensor, 'read', options);
}

/** Binds a tensor to be written, and perhaps read. */
export function writes(tensor: Tensor | null | undefined, options: Options = {}): Argument {
  return argument(tensor, 'write', options);
}

/** Binds scratch memory to be read or written. */
export function scratch(memory: Scratch, access: Access, element: Element = 'f32', options: Options = {}): Argument {
  return { memory, access, element, wide: options.wide ?? false, atomic: options.atomic ?? false };
}

/** Binds the word in which a kernel that only checks sets 1: by `store_NAME(0, 1)`. */
export const refusal: Argument = { memory: 'refusal', access: 'write', element: 'i32', wide: false, atomic: false };

export const BYTES: { readonly [E in Element]: 1 | 2 | 4 } = {
  f32: 4,
  i32: 4,
  u32: 4,
  f16: 2,
  half: 2,
  u16: 2,
  i8: 1,
  u8: 1,
};

/** What an element is in the text. */
export const TYPE: { readonly [E in Element]: string } = {
  f32: 'f32',
  i32: 'i32',
  u32: 'u32',
  f16: 'f32',
  half: 'f16',
  u16: 'u32',
  i8: 'i32',
  u8: 'i32',
};

/** Bits of an element, an u32, as the text wants them. */
const FROM: { readonly [E in Element]: (bits: string) => string } = {
  f32: (bits) => `bitcast<f32>(${bits})`,
  i32: (bits) => `bitcast<i32>(${bits})`,
  u32: (bits) => bits,
  f16: (bits) => `from_half(${bits})`,
  half: (bits) => bits,
  u16: (bits) => bits,
  i8: (bits) => `extractBits(bitcast<i32>(${bits}), 0u, 8u)`,
  u8: (bits) => `i32(${bits})`,
};

/** The other way. */
export const BITS: { readonly [E in Element]: (value: string) => string } = {
  f32: (value) => `bitcast<u32>(${value})`,
  i32: (value) => `bitcast<u32>(${value})`,
  u32: (value) => value,
  f16: (value) => `to_half(${value})`,
  half: (value) => value,
  u16: (value) => value,
  i8: (value) => `bitcast<u32>(${value})`,
  u8: (value) => `bitcast<u32>(${value})`,
};

/** Where a buffer stands among those of a pass, and how it is declared there. */
export interface Binding {
  readonly access: Access;
  readonly wide: boolean;
  readonly atomic: boolean;
  /** Whether it is one of 16-bit floats. */
  readonly half: boolean;
}

/** Whether two arguments can look at one buffer through one binding. */
export const isSeenAlike = (a: Argument, b: Argument): boolean =>
  a.wide === b.wide && (a.element === 'half') === (b.element === 'half');

/** What a buffer is an array of. */
const cellOf = ({ wide, atomic, half }: Binding): string => {
  if (half) return wide ? 'vec4<f16>' : 'f16';
  return wide ? 'vec4<u32>' : atomic ? 'atomic<u32>' : 'u32';
};

/** The words before the numbers of the launch: the count of items or groups, the bits of infinity, an offset an argument. */
export const HEAD = 2;

/**
 * The functions through which the text sees an argument called x, by element numbers counted from the tensor's first one:
 *
 *   load_x(i: i32) -> T            the element
 *   store_x(i: i32, value: T)      sets it; narrow elements by atomic operations, so that neighbours may be set at once
 *   load4_x(i: i32) -> vec4<T>     elements 4 i to 4 i + 3 of a wide one; store4_x as well
 *   bits_x, owned words: see each() in shaders/each.ts
 */
function accessors(
  name: string,
  { element, access, wide, held = false }: Argument,
  at: number,
  slot: number,
  binding: Binding,
): string {
  const type = TYPE[element];
  const offset = `bitcast<i32>(word(${slot}u))`;
  const b = `buffer${at}`;
  const unless = (statements: string): string => (held ? `if (!held) { ${statements} }` : statements);
  const load = (place: string): string => (binding.atomic ? `atomicLoad(&${b}[${place}])` : `${b}[${place}]`);
  if (element === 'half') {
    return wide
      ? `fn load4_${name}(i: i32) -> vec4<f16> { return ${b}[u32(i + ${offset} / 4)]; }`
      : `fn load_${name}(i: i32) -> f16 { return ${b}[u32(i + ${offset})]; }`;
  }
  if (wide) {
    const vector = `vec4<${type}>`;
    const lines = [
      `fn load4_${name}(i: i32) -> ${vector} { return bitcast<${vector}>(${b}[u32(i + ${offset} / 4)]); }`,
    ];
    if (access === 'write') {
      lines.push(
        `fn store4_${name}(i: i32, value: ${vector}) { ${unless(`${b}[u32(i + ${offset} / 4)] = bitcast<vec4<u32>>(value);`)} }`,
      );
    }
    return lines.join('\n');
  }
  const bytes = BYTES[element];
  if (bytes === 4) {
    const lines = [`fn load_${name}(i: i32) -> ${type} { return ${FROM[element](load(`u32(i + ${offset})`))}; }`];
    if (access === 'write') {
      const place = `${b}[u32(i + ${offset})]`;
      const bits = BITS[element]('value');
      lines.push(
        `fn store_${name}(i: i32, value: ${type}) { ${unless(binding.atomic ? `atomicStore(&${place}, ${bits});` : `${place} = ${bits};`)} }`,
      );
    }
    return lines.join('\n');
  }
  const [shift, mask, width] = bytes === 1 ? [2, 3, 8] : [1, 1, 16];
  const lines = [
    `fn load_${name}(i: i32) -> ${type} {`,
    `  let at = u32(i + ${offset});`,
    `  return ${FROM[element](`extractBits(${load(`at >> ${shift}u`)}, (at & ${mask}u) * ${width}u, ${width}u)`)};`,
    '}',
  ];
  if (access === 'write' && binding.atomic) {
    lines.push(
      `fn store_${name}(i: i32, value: ${type}) {`,
      `  let at = u32(i + ${offset});`,
      `  let shift = (at & ${mask}u) * ${width}u;`,
      unless(
        `atomicAnd(&${b}[at >> ${shift}u], ~(${bytes === 1 ? '0xffu' : '0xffffu'} << shift)); ` +
          `atomicOr(&${b}[at >> ${shift}u], insertBits(0u, ${BITS[element]('value')}, shift, ${width}u));`,
      ),
      '}',
    );
  }
  return lines.join('\n');
}

/** Where the floats and the ints of a pass begin among its words. */
export function slotsOf({ bind, floats }: Pass): { readonly floats: number; readonly ints: number } {
  const first = HEAD + Object.keys(bind).length;
  return { floats: first, ints: first + (floats?.length ?? 0) };
}

/** The WGSL module of a pass whose arguments see these buffers. */
export function moduleOf(
  pass: Pass,
  words: number,
  bindings: readonly Binding[],
  places: readonly number[],
  chip: Chip,
): string {
  const { declare = '', body } = pass.text(chip);
  const { size = GROUP, guards = 0 } = pass;
  const args = Object.entries(pass.bind);
  const { floats, ints } = slotsOf(pass);
  const joins = usesSubgroups(declare + body);
  const text = [
    `@group(0) @binding(0) var<uniform> numbers: array<vec4<u32>, ${Math.ceil(words / 4)}>;`,
    ...bindings.map(
      (binding, i) =>
        `@group(0) @binding(${i + 1}) var<storage, ${binding.access === 'read' ? 'read' : 'read_write'}> ` +
        `buffer${i}: array<${cellOf(binding)}>;`,
    ),
    'fn word(i: u32) -> u32 { return numbers[i >> 2u][i & 3u]; }',
    `fn float(i: i32) -> f32 { return bitcast<f32>(word(u32(i + ${floats}))); }`,
    `fn int(i: i32) -> i32 { return bitcast<i32>(word(u32(i + ${ints}))); }`,
    ...args.map(([name, arg], k) =>
      accessors(name, arg, places[k] as number, HEAD + k, bindings[places[k] as number] as Binding),
    ),
    ...(guards === 0 ? [] : ['var<private> held: bool;']),
    declare,
    joins ? lookAtSubgroups(size) : '',
    `@compute @workgroup_size(${size})`,
    'fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) place: vec3<u32>,',
    `    @builtin(num_workgroups) counts: vec3<u32>${joins ? SUBGROUP_BUILTINS : ''}) {`,
    '  let group = place.x + counts.x * (place.y + counts.y * place.z);',
    pass.items === undefined
      ? '  if (group >= word(0u)) { return; }'
      : `  let id = i32(group * ${size}u + local);\n  if (u32(id) >= word(0u)) { return; }`,
    ...Array.from({ length: guards }, (_, k) => {
      const count = `int(${(pass.ints?.length ?? 0) - guards + k})`;
      return `  for (var k = 0; k < ${count}; k++) { if (load_refused${k}(k) != 0) { held = true; } }`;
    }),
    joins ? LOOK : '',
    body,
    '}',
  ]
    .filter((line) => line !== '')
    .join('\n');
  const whole = withLibrary(text);
  const halves = /\bf16\b/.test(whole) ? 'enable f16;\n' : '';
  return `${halves}${joins ? 'enable subgroups;\n' : ''}${whole}`;
}

/** Invocations of a workgroup, where a pass does not say. */
export const GROUP = 256;

/** Workgroups in as many dimensions as it takes. */
export function folded(groups: number, chip: Chip): [number, number, number] {
  const most = chip.groups;
  if (groups <= most) return [groups, 1, 1];
  const rows = Math.ceil(groups / most);
  if (rows <= most) return [Math.ceil(groups / rows), rows, 1];
  return [most, most, Math.ceil(groups / (most * most))];
}
