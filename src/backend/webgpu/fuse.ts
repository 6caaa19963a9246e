import type { Storage } from '../../core/storage.js';
import type { Tensor } from '../../core/tensor.js';
import type { GpuBlock } from './block.js';
import { type Argument, type Pass, TYPE } from './pass.js';

/**
 * Elementwise passes of a captured step that stand one behind another become one, which reads each operand once and computes one
 * element through all of them: what only they see is never written to memory.
 *
 * That is sound because each invocation has an element of its own: of whatever a run of such passes writes, nobody reads another
 * element in that run. `runs` sees to it.
 */

/** What a pass computes, if it is one number of each operand after another. */
export interface Elementwise {
  /** An expression of the operands' names and of `float(0)` …. */
  readonly value: string;
  readonly y: Argument;
  readonly operands: readonly (readonly [name: string, argument: Argument])[];
  /** 1 for an operand that is walked through, 0 for one number. */
  readonly steps: readonly number[];
  readonly count: number;
}

/** Passes that become one: from the `first` command on, `length` of them. */
export interface Run {
  readonly first: number;
  readonly length: number;
}

/** Text grows with each pass, and registers are few. */
const LONGEST = 16;

const tensorOf = ({ memory }: Argument): Tensor => memory as Tensor;
/** The memory that a tensor has: two have the same if it was free for the second when the first was done. */
const bufferOf = ({ storage }: Tensor): string => {
  const { buffer, base } = storage.block as GpuBlock;
  return `${buffer.id} ${base}`;
};

/**
 * The runs among commands; null stands for a command that is no elementwise pass. `buffers` is how many buffers a shader may see.
 */
export function runs(commands: readonly (Elementwise | null)[], buffers: number): Run[] {
  const found: Run[] = [];
  let run: Elementwise[] = [];
  commands.forEach((command, i) => {
    const joins = command !== null && run.length < LONGEST && isSound([...run, command], buffers);
    if (joins) {
      run.push(command);
      return;
    }
    if (run.length > 1) found.push({ first: i - run.length, length: run.length });
    run = command !== null && isSound([command], buffers) ? [command] : [];
  });
  if (run.length > 1) found.push({ first: commands.length - run.length, length: run.length });
  return found;
}

/** Whether passes may be computed element by element through all of them. */
function isSound(run: readonly Elementwise[], buffers: number): boolean {
  const written = new Set(run.map(({ y }) => bufferOf(tensorOf(y))));
  const places = new Map<string, number>();
  for (const { y, operands, steps, count } of run) {
    if (count !== run[0]?.count) return false;
    for (const [k, [, x]] of [...operands.entries(), [-1, ['y', y]] as const]) {
      const tensor = tensorOf(x);
      const buffer = bufferOf(tensor);
      if (!written.has(buffer)) {
        places.set(buffer, places.get(buffer) ?? 0);
        continue;
      }
      // All that look at what is written look at element i of it, and at no other.
      if (k >= 0 && steps[k] !== 1) return false;
      if ((places.get(buffer) ?? tensor.offset) !== tensor.offset) return false;
      places.set(buffer, tensor.offset);
    }
  }
  return places.size <= buffers;
}

/**
 * The pass that does what a run does. `isSeen` tells whether anybody looks at a storage after the run; what nobody does is not
 * written.
 */
export function fused(
  run: readonly (Elementwise & { readonly floats: readonly number[] })[],
  isSeen: (storage: Storage) => boolean,
): Pass {
  const bind: Record<string, Argument> = {};
  const names = new Map<string, string>();
  const floats: number[] = [];
  const parts: string[] = [];
  const body: string[] = ['let i = id;'];
  // What each storage's element is now: the name of the last value given to it.
  const values = new Map<Storage, { readonly name: string; readonly y: Argument }>();
  const one = (name: string, x: Argument): void => {
    bind[name] = x;
  };
  run.forEach(({ value, y, operands, steps, floats: own }, n) => {
    const given = operands.map(([, x], k) => {
      const tensor = tensorOf(x);
      const known = steps[k] === 1 ? values.get(tensor.storage) : undefined;
      if (known !== undefined) {
        return known.y.element === x.element ? known.name : `bitcast<${TYPE[x.element]}>(${known.name})`;
      }
      const key = `${steps[k]} ${x.element} ${tensor.offset} ${idOf(tensor.storage)}`;
      let name = names.get(key);
      if (name === undefined) {
        name = `x${names.size}`;
        names.set(key, name);
        one(name, x);
        body.push(`let v_${name} = load_${name}(${steps[k] === 1 ? 'i' : '0'});`);
      }
      return `v_${name}`;
    });
    const base = floats.length;
    floats.push(...own);
    const text = value.replace(/\bfloat\((\d+)\)/g, (_, k: string) => `float(${base + Number(k)})`);
    const list = operands.map(([name, { element }]) => `${name}: ${TYPE[element]}`).join(', ');
    parts.push(`fn part${n}(${list}) -> ${TYPE[y.element]} { return ${text}; }`);
    body.push(`let r${n} = part${n}(${given.join(', ')});`);
    values.set(tensorOf(y).storage, { name: `r${n}`, y });
  });
  let outputs = 0;
  for (const [storage, { name, y }] of values) {
    if (!isSeen(storage)) continue;
    const place = `y${outputs++}`;
    one(place, y);
    body.push(`store_${place}(i, ${name});`);
  }
  return {
    name: 'fused',
    structure: `${parts.join(' ')} ${body.join(' ')}`,
    bind,
    floats,
    items: run[0]?.count ?? 0,
    text: () => ({ declare: parts.join('\n'), body: body.join('\n') }),
  };
}

/** Numbers storages, for names in a text. */
const numbers = new WeakMap<Storage, number>();
let next = 0;
function idOf(storage: Storage): number {
  const known = numbers.get(storage) ?? next++;
  numbers.set(storage, known);
  return known;
}
