import type { Launch } from '../../../core/device.js';
import type { Tensor } from '../../../core/tensor.js';
import { nameOf } from '../../../runtime/part.js';
import type { GpuBlock } from '../block.js';
import type { Chip } from '../executor.js';
import { type Argument, HEAD, type Pass, type Raw } from '../pass.js';
import type { Buffer } from '../pool.js';
import type { Guard } from '../refusals.js';
import type { Shaders } from '../shader.js';
import { type Update, updates } from './optim.js';

/**
 * Updates of many parameters in one dispatch. Each workgroup looks up whose elements it has in a table among the numbers: where
 * that parameter's tensors begin, and in which of the buffers. So a dispatch takes as many parameters as the buffers hold that
 * a shader may see: all, where those lie in slabs (slabs.ts).
 */

/** A launch of an update kernel, with numbers of its own. */
export type Member = Pick<Launch, 'kernel' | 'work' | 'writes' | 'reads' | 'refresh'> & {
  readonly floats: readonly number[];
  readonly ints: readonly number[];
};

/** A pass, and where the numbers of its members begin among its floats and its ints. */
export interface UpdatePass {
  readonly pass: Pass;
  readonly members: readonly { readonly member: Member; readonly floats: number; readonly ints: number }[];
}

/** Steps that an invocation takes, 256 apart, each of a four or of an element. */
const STEPS = 2;
const SIZE = 256;

/** Words of uniforms that every GPU has at least. */
const WORDS = 16384;

/** Numbers of a pass before those of its members: how many there are, and the counts of guards. */
const FIRST = 3;

interface Role {
  readonly name: string;
  readonly tensor: Tensor;
  readonly written: boolean;
  readonly one: boolean;
}

/** The tensors of a launch that are there, by their names. */
function rolesOf(update: Update, { writes, reads }: Member): Role[] {
  const roles: Role[] = [];
  const add = (name: string, tensor: Tensor | null | undefined, written: boolean, one: boolean): void => {
    if (tensor != null) roles.push({ name: name.replace('?', ''), tensor, written, one });
  };
  update.written.forEach((name, i) => {
    add(name, writes[i], true, false);
  });
  update.read.forEach((name, i) => {
    add(name, reads[i], false, false);
  });
  update.one.forEach((name, i) => {
    add(name, reads[update.read.length + i], false, true);
  });
  return roles;
}

const blockOf = ({ storage }: Tensor): GpuBlock => storage.block as GpuBlock;

/** The element of its buffer with which a tensor begins. */
const placeOf = (tensor: Tensor): number => blockOf(tensor).base / 4 + tensor.offset;

/** Whether fours of a tensor's elements are fours of its buffer, to the last, which may be cut. */
function inFours(tensor: Tensor, count: number): boolean {
  const place = placeOf(tensor);
  return place % 4 === 0 && 4 * (place + Math.ceil(count / 4) * 4) <= blockOf(tensor).buffer.bytes;
}

/** What a dispatch has gathered so far. */
interface Gathered {
  readonly key: string;
  readonly wide: boolean;
  readonly members: { readonly member: Member; readonly roles: readonly Role[] }[];
  /** The buffers of each role. */
  readonly buffers: Map<string, Buffer[]>;
}

/** The passes of updates in their order, of which no two touch the same memory. */
export function updatePasses(members: readonly Member[], chip: Chip, guards: readonly Guard[]): UpdatePass[] {
  const all: Gathered[] = [];
  for (const member of members) {
    const name = nameOf(member.kernel);
    const update = updates.get(name) as Update;
    const roles = rolesOf(update, member);
    const wide = roles.every(({ tensor, one }) => one || inFours(tensor, member.work));
    const key = `${name} ${roles.map(({ name }) => name)} ${member.floats.length} ${member.ints.length} ${wide}`;
    const most = chip.buffers - (update.held ? guards.length : 0);
    let open = all[all.length - 1];
    if (open?.key !== key || !fits(open, roles, member, most)) {
      open = { key, wide, members: [], buffers: new Map() };
      all.push(open);
    }
    open.members.push({ member, roles });
    for (const { name, tensor } of roles) {
      const known = open.buffers.get(name) ?? [];
      const { buffer } = blockOf(tensor);
      if (!known.includes(buffer)) known.push(buffer);
      open.buffers.set(name, known);
    }
  }
  return all.map((gathered) => passOf(gathered, guards));
}

/** Ints of a member: those of its launch, then its first workgroup, its elements, and place and buffer of each role. */
const intsOf = (member: Member, roles: readonly Role[]): number => member.ints.length + 2 + 2 * roles.length;

function fits({ members, buffers }: Gathered, roles: readonly Role[], member: Member, most: number): boolean {
  const seen = new Set([...buffers.values()].flat());
  for (const { tensor } of roles) seen.add(blockOf(tensor).buffer);
  const words = (members.length + 1) * (member.floats.length + intsOf(member, roles));
  // An argument has a word of its own, and there are fewer of them than this.
  return seen.size <= most && words + HEAD + FIRST + 64 <= WORDS;
}

const raw = (buffer: Buffer, written: boolean, wide: boolean): Argument => ({
  memory: { raw: buffer, at: 0 } satisfies Raw,
  access: written ? 'write' : 'read',
  element: 'f32',
  wide,
  atomic: false,
});

function passOf({ members, buffers, wide, key }: Gathered, given: readonly Guard[]): UpdatePass {
  const [first] = members as [Gathered['members'][number]];
  const name = nameOf(first.member.kernel);
  const update = updates.get(name) as Update;
  const guards = update.held ? given : [];
  const { roles } = first;
  const [nf, ni] = [first.member.floats.length, first.member.ints.length];
  const stride = intsOf(first.member, roles);
  const lanes = wide ? 4 : 1;
  const bind: Record<string, Argument> = {};
  for (const { name, written, one } of roles) {
    for (const [k, buffer] of (buffers.get(name) as Buffer[]).entries())
      bind[`${name}${k}`] = raw(buffer, written, wide && !one);
  }
  for (const [k, { flags }] of guards.entries()) bind[`refused${k}`] = { ...raw(flags, false, false), element: 'i32' };
  const floats: number[] = [];
  const ints = [members.length, guards[0]?.count ?? 0, guards[1]?.count ?? 0];
  const placed: UpdatePass['members'][number][] = [];
  let group = 0;
  for (const { member, roles } of members) {
    placed.push({ member, floats: floats.length, ints: ints.length });
    floats.push(...member.floats);
    ints.push(...member.ints, group, member.work);
    for (const { name, tensor } of roles) {
      const place = placeOf(tensor);
      ints.push(place, (buffers.get(name) as Buffer[]).indexOf(blockOf(tensor).buffer));
    }
    group += Math.ceil(member.work / (SIZE * STEPS * lanes));
  }
  const counts = roles.map(({ name }) => (buffers.get(name) as Buffer[]).length);
  return {
    members: placed,
    pass: {
      name,
      structure: `${key} ${counts} ${guards.length}`,
      bind,
      floats,
      ints,
      groups: group,
      size: SIZE,
      text: () => ({
        declare: declared(update, roles, counts, wide),
        body: bodyOf(roles, { nf, ni, stride, lanes, guards: guards.length }),
      }),
    },
  };
}

/** The step of one element, and functions that find a role's element in the buffer where it lies. */
function declared(update: Update, roles: readonly Role[], counts: readonly number[], wide: boolean): string {
  const written = roles.filter((role) => role.written);
  const has = (name: string): boolean => written.some((role) => role.name === name);
  const text = update
    .text(has)
    .replace(/\bfloat\((\d+)\)/g, 'float(floats + $1)')
    .replace(/\bint\((\d+)\)/g, 'int(ints + $1)');
  const access = roles.map(({ name, written, one }, r) => {
    const four = wide && !one;
    const [type, mark] = four ? ['vec4<f32>', '4'] : ['f32', ''];
    const others = Array.from({ length: (counts[r] as number) - 1 }, (_, k) => k + 1);
    const gets = others.map((k) => `if (buffer == ${k}) { return load${mark}_${name}${k}(i); }`);
    const sets = others.map((k) => `if (buffer == ${k}) { store${mark}_${name}${k}(i, value); return; }`);
    const get = `fn get_${name}(buffer: i32, i: i32) -> ${type} { ${gets.join(' ')} return load${mark}_${name}0(i); }`;
    const set = `fn set_${name}(buffer: i32, i: i32, value: ${type}) { ${sets.join(' ')} store${mark}_${name}0(i, value); }`;
    return written ? `${get}\n${set}` : get;
  });
  return `
fn lerp(m: f32, g: f32, weight: f32) -> f32 {
  let way = g - m;
  return select(fma(-(1.0 - weight), way, g), fma(weight, way, m), weight < 0.5);
}
struct Written { ${written.map(({ name }) => `${name}: f32`).join(', ')} }
fn update(floats: i32, ints: i32, old: Written${roles.map(({ name, written }) => (written ? '' : `, ${name}: f32`)).join('')}) -> Written {
  ${written.map(({ name }) => `var ${name} = old.${name};`).join('\n  ')}
  ${update.maximize === null ? '' : `var g = grad;\n  if (int(ints + ${update.maximize}) != 0) { g = -g; }`}
  ${text}
  return Written(${written.map(({ name }) => name).join(', ')});
}
${access.join('\n')}`;
}

interface Layout {
  readonly nf: number;
  readonly ni: number;
  readonly stride: number;
  readonly lanes: number;
  readonly guards: number;
}

function bodyOf(roles: readonly Role[], { nf, ni, stride, lanes, guards }: Layout): string {
  const written = roles.filter((role) => role.written);
  const four = lanes === 4;
  const lane = (k: number): string => {
    const of = ({ name, one }: Role): string => (four && !one ? `v_${name}[${k}]` : `v_${name}`);
    const rest = roles.filter((role) => !role.written).map((role) => `, ${of(role)}`);
    return `let r${k} = update(floats, ints, Written(${written.map(of).join(', ')})${rest.join('')});`;
  };
  const all = Array.from({ length: lanes }, (_, k) => k);
  const result = (name: string): string => {
    if (!four) return `r0.${name}`;
    const fresh = `vec4<f32>(${all.map((k) => `r${k}.${name}`).join(', ')})`;
    // What lies behind the last element is another's.
    return `select(v_${name}, ${fresh}, vec4<i32>(0, 1, 2, 3) < vec4<i32>(count - i * 4))`;
  };
  const at = (r: number): string => `int(table + ${2 + 2 * r}) ${four && !roles[r]?.one ? '/ 4 ' : ''}`;
  return `
    ${Array.from({ length: guards }, (_, k) => `for (var k = 0; k < int(${1 + k}); k++) { if (load_refused${k}(k) != 0) { return; } }`).join('\n')}
    var low = 0;
    var high = int(0) - 1;
    while (low < high) {
      let middle = (low + high + 1) / 2;
      if (int(${FIRST + ni} + middle * ${stride}) <= i32(group)) { low = middle; } else { high = middle - 1; }
    }
    let floats = low * ${nf};
    let ints = ${FIRST} + low * ${stride};
    let table = ints + ${ni};
    let count = int(table + 1);
    let first = (i32(group) - int(table)) * ${SIZE * STEPS} + i32(local);
    ${roles.map(({ name }, r) => `let at_${name} = ${at(r)}; let in_${name} = int(table + ${3 + 2 * r});`).join('\n')}
    for (var t = 0; t < ${STEPS}; t++) {
      let i = first + t * ${SIZE};
      if (i * ${lanes} < count) {
        ${roles.map(({ name, one }) => `let v_${name} = get_${name}(in_${name}, at_${name}${one ? '' : ' + i'});`).join('\n')}
        ${all.map(lane).join('\n')}
        ${written.map(({ name }) => `set_${name}(in_${name}, at_${name} + i, ${result(name)});`).join('\n')}
      }
    }`;
}

/** The kernels, each alone. */
export const optim: Shaders = Object.fromEntries(
  [...updates.keys()].map((name) => [
    name,
    (launch: Launch, chip: Chip) => updatePasses([memberOf(launch)], chip, []).map(({ pass }) => pass),
  ]),
);

/** A launch with numbers of its own: optimizers write those of the next into the same lists. */
export function memberOf({ kernel, work, writes, reads, floats = [], ints = [], refresh }: Launch): Member {
  return { kernel, work, writes: [...writes], reads: [...reads], floats: [...floats], ints: [...ints], refresh };
}
