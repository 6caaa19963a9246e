import type { Launch } from '../../../core/device.js';
import { type Argument, BITS, BYTES, type Element, type Pass, reads, TYPE, writes } from '../pass.js';
import type { Shader } from '../shader.js';

/** Templates of kernels whose invocations compute an element each. */

/** What `each` needs to know. */
export interface Each {
  readonly name: string;
  readonly structure?: string;
  /** The tensor whose elements, one behind another without gaps, are computed: bound as `y`. */
  readonly y: Argument;
  readonly count: number;
  /** All else that is bound. */
  readonly bind?: Readonly<Record<string, Argument>>;
  readonly floats?: readonly number[] | undefined;
  readonly ints?: readonly number[] | undefined;
  readonly declare?: () => string;
  /** Statements that end in `return` of element `i: i32` of y. They may read `load_y(i)`. */
  readonly element: () => string;
}

/**
 * A pass that computes the elements of a contiguous y. Where these are narrower than a word an invocation owns whole words, so
 * that no two of them write one; what else lies in the first and the last word stays.
 */
export function each({ name, structure = '', y, count, bind = {}, floats, ints, declare, element }: Each): Pass {
  const size = BYTES[y.element];
  const per = 4 / size;
  // Elements of the first word that are not y's.
  const lead = typeof y.memory === 'object' && 'offset' in y.memory ? y.memory.offset % per : 0;
  const type = TYPE[y.element];
  const plain = { ...y, atomic: false };
  return {
    name,
    structure: `${structure} ${y.element}`,
    bind: per === 1 ? { y, ...bind } : { y: plain, ...bind, words: { ...plain, element: 'u32' } },
    floats,
    ints: per === 1 ? ints : [...(ints ?? []), count, lead],
    items: per === 1 ? count : Math.ceil((lead + count) / per),
    text: () => {
      const head = `${declare?.() ?? ''}\nfn element(i: i32) -> ${type} {\n${element()}\n}`;
      if (per === 1) return { declare: head, body: 'store_y(id, element(id));' };
      const at = ints?.length ?? 0;
      return {
        declare: head,
        body: `
          let first = id * ${per} - int(${at + 1});
          let last = int(${at});
          var bits = 0u;
          if (first < 0 || first + ${per} > last) { bits = load_words(id); }
          for (var k = 0; k < ${per}; k++) {
            let i = first + k;
            if (i >= 0 && i < last) {
              bits = insertBits(bits, ${BITS[y.element]('element(i)')}, u32(k) * ${32 / per}u, ${32 / per}u);
            }
          }
          store_words(id, bits);`,
      };
    },
  };
}

/**
 * Statements that set `at_NAME: i32`, for each operand, to the place of element i of a loop nest that stands in the launch's ints
 * from `first` on: the number of sizes (which the text is made for), the sizes, the strides of each operand. See loopNest().
 */
export function nest(dims: number, operands: readonly string[], first = 0): string {
  const size = (d: number): string => `int(${first + 1 + d})`;
  const stride = (k: number, d: number): string => `int(${first + 1 + dims * (k + 1) + d})`;
  if (dims === 1) return operands.map((name, k) => `let at_${name} = i * ${stride(k, 0)};`).join('\n');
  const lines = ['var rest = i;', 'var index = 0;', ...operands.map((name) => `var at_${name} = 0;`)];
  for (let d = dims - 1; d >= 0; d--) {
    if (d > 0) lines.push(`index = rest % ${size(d)};`, `rest = rest / ${size(d)};`);
    else lines.push('index = rest;');
    for (const [k, name] of operands.entries()) lines.push(`at_${name} += index * ${stride(k, d)};`);
  }
  return lines.join('\n');
}

/** Element types where the tensors' own are not meant. */
interface As {
  readonly y?: Element;
  readonly x?: Element;
}

/**
 * A kernel of one operand (assembly/map.ts): the value of `value`, an expression of `x` (and `float(0)` … for its parameters).
 * `y` and `x` are the element types where the tensors' own are not meant.
 */
export function map(value: string, as: As = {}): Shader {
  return elementwise(['x'], value, as);
}

/** A kernel of two operands (assembly/zip.ts): an expression of `a` and `b`. */
export function zip(value: string, as: As = {}): Shader {
  return elementwise(['a', 'b'], value, as);
}

/** Elements from which it pays to read and write four at once. */
const MANY = 1 << 16;

function elementwise(names: readonly string[], value: string, as: As): Shader {
  return (launch) => {
    const [dims = 1] = launch.ints ?? [];
    const y = writes(launch.writes[0], typed(as.y));
    const operands = names.map((name, k) => [name, reads(launch.reads[k], typed(as.x))] as const);
    const elementwise = joinable(launch, y, operands, value);
    if (launch.work >= MANY && dims === 1) {
      const fours = byFours(launch, y, operands, value);
      if (fours !== null) return { ...fours, ...elementwise };
    }
    const pass = each({
      ...named(launch),
      structure: String(dims),
      y,
      count: launch.work,
      bind: Object.fromEntries(operands),
      element: () =>
        [nest(dims, names), ...names.map((name) => `let ${name} = load_${name}(at_${name});`), `return ${value};`].join(
          '\n',
        ),
    });
    return { ...pass, ...elementwise };
  };
}

/** What a captured step has to know to join this pass with its neighbours: nothing where its elements are not one behind another. */
function joinable(
  { ints = [], work }: Launch,
  y: Argument,
  operands: readonly (readonly [string, Argument])[],
  value: string,
): Pick<Pass, 'elementwise'> {
  const steps = operands.map((_, k) => ints[2 + k] ?? 0);
  const inWords = [y, ...operands.map(([, x]) => x)].every(({ element }) => BYTES[element] === 4);
  const isPlain =
    ints[0] === 1 && inWords && steps.every((step) => step === 0 || step === 1) && !value.includes('int(');
  return isPlain ? { elementwise: { value, y, operands, steps, count: work } } : {};
}

/** The same for operands without gaps, or of one number, in words: four elements an invocation. Null where it cannot be. */
function byFours(
  launch: Launch,
  y: Argument,
  operands: readonly (readonly [string, Argument])[],
  value: string,
): Pass | null {
  const steps = operands.map((_, k) => launch.ints?.[2 + k] ?? 0);
  const isWhole = (x: Argument): boolean =>
    BYTES[x.element] === 4 && typeof x.memory === 'object' && 'offset' in x.memory && x.memory.offset % 4 === 0;
  const fits =
    launch.work % 4 === 0 &&
    isWhole(y) &&
    // One buffer cannot be seen in two ways where it is written.
    operands.every(([, x], k) => (steps[k] === 0 ? !sameStorage(x, y) : steps[k] === 1 && isWhole(x)));
  if (!fits) return null;
  const names = operands.map(([name]) => name);
  const list = operands.map(([name, { element }]) => `${name}: ${TYPE[element]}`).join(', ');
  return {
    ...named(launch),
    structure: `fours ${steps}`,
    bind: {
      y: { ...y, wide: true },
      ...Object.fromEntries(operands.map(([name, x], k) => [name, { ...x, wide: steps[k] === 1 }])),
    },
    items: launch.work / 4,
    text: () => ({
      declare: `fn element(${list}) -> ${TYPE[y.element]} { return ${value}; }`,
      body: [
        ...names.map(
          (name, k) => `let ${name} = load${steps[k] === 1 ? '4' : ''}_${name}(${steps[k] === 1 ? 'id' : '0'});`,
        ),
        `store4_y(id, vec4(${[0, 1, 2, 3].map((c) => `element(${names.map((name, k) => (steps[k] === 1 ? `${name}[${c}]` : name)).join(', ')})`).join(', ')}));`,
      ].join('\n'),
    }),
  };
}

function sameStorage({ memory: a }: Argument, { memory: b }: Argument): boolean {
  return typeof a === 'object' && typeof b === 'object' && 'storage' in a && 'storage' in b && a.storage === b.storage;
}

/** Name and numbers of a launch. */
export function named({ kernel, floats, ints }: Launch): Pick<Pass, 'name' | 'floats' | 'ints'> {
  return { name: typeof kernel === 'string' ? kernel : kernel.name, floats, ints };
}

/** Options that name an element type, where there is one to name. */
export function typed(as: Element | undefined): { readonly as?: Element } {
  return as === undefined ? {} : { as };
}
