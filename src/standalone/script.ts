import { show } from '../core/errors.js';
import type { Narrow } from './layout.js';

/** The text of a standalone network: its module, the types of it, and what answers requests with it. */

/** An input or output. */
export interface Port {
  readonly name: string;
  /** Of one sample, where the network takes samples. */
  readonly shape: readonly number[];
  readonly dtype: string;
  /** The name of its typed array. */
  readonly array: string;
}

export interface Described {
  /** The file, without its extension. */
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Whether the outputs have names; one tensor has none. */
  readonly named: boolean;
  /** Whether inputs and outputs are samples, of which there may be any number. */
  readonly sampled: boolean;
  readonly classes: readonly string[];
  readonly programs: readonly {
    readonly run: string;
    readonly samples: number;
    readonly inputs: readonly number[];
    readonly outputs: readonly number[];
  }[];
  readonly narrow: readonly Narrow[];
  readonly relaxed: boolean;
  /** The binary as base64, or null where it lies beside. */
  readonly carried: string | null;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** `[1, 28, 28] float32`, as it stands in comments. */
const spoken = ({ shape, dtype }: Port): string => `${dtype} ${show(shape)}`;

function portsOf(ports: readonly Port[]): string {
  return ports
    .map(
      ({ name, shape, array }) =>
        `{ name: ${JSON.stringify(name)}, shape: ${show(shape)}, size: ${sizeOf(shape)}, type: ${array} }`,
    )
    .join(', ');
}

/** Code that widens what is stored narrow; nothing where nothing is. */
function widening(narrow: readonly Narrow[]): string {
  const of = (as: Narrow['as']): string =>
    JSON.stringify(narrow.filter((one) => one.as === as).map(({ from, to, count }) => [from, to, count]));
  const bytes = `
  for (const [from, to, count] of ${of('int8')}) new Int16Array(memory.buffer, to, count).set(new Int8Array(memory.buffer, from, count));`;
  const halves = `
  const half = (h) => (h & 32768 ? -1 : 1) * ((h & 31744) === 0 ? (h & 1023) * 2 ** -24 : (h & 31744) === 31744 ? (h & 1023 ? NaN : Infinity) : (1 + (h & 1023) / 1024) * 2 ** (((h >> 10) & 31) - 15));
  for (const [from, to, count] of ${of('float16')}) new Float32Array(memory.buffer, to, count).set(Float32Array.from(new Uint16Array(memory.buffer, from, count), half));`;
  return (of('int8') === '[]' ? '' : bytes) + (of('float16') === '[]' ? '' : halves);
}

/** The module. It is read by people who look into what they ship, so it is not minified. */
export function scriptOf(described: Described): string {
  const { name, inputs, outputs, named, sampled, classes, programs, narrow, relaxed, carried } = described;
  const runs = programs.map(
    ({ run, samples, inputs, outputs }) =>
      `\n  { run: '${run}', samples: ${samples}, inputs: ${show(inputs)}, outputs: ${show(outputs)} },`,
  );
  const lacking = relaxed
    ? 'WebAssembly with relaxed SIMD, which this runtime lacks. Convert it with arithmetic strict'
    : 'WebAssembly with SIMD, which this runtime lacks';
  const bring =
    carried === null
      ? `
/** The binary that lies beside this module: read where that is a file, else fetched. */
async function beside() {
  const url = new URL('./${name}.wasm', import.meta.url);
  if (url.protocol !== 'file:') return fetch(url);
  return (await import(/* @vite-ignore */ /* webpackIgnore: true */ ['node:fs', 'promises'].join('/'))).readFile(url);
}
`
      : `
const CARRIED =
  '${carried}';
const beside = () => Uint8Array.from(atob(CARRIED), (letter) => letter.charCodeAt(0));
`;
  return `// ${name}: ${inputs.map(spoken).join(', ')} → ${outputs.map(spoken).join(', ')}${sampled ? ' a sample' : ''}.
// Made by fettle; it needs nothing else. ${name}.d.ts tells how it is used.
const INPUTS = [${portsOf(inputs)}];
const OUTPUTS = [${portsOf(outputs)}];
// Programs for so many samples at once, the largest first.
const PROGRAMS = [${runs.join('')}
];
export const inputs = INPUTS.map(({ name, shape }) => ({ name, shape }));
export const outputs = OUTPUTS.map(({ name, shape }) => ({ name, shape }));
${classes.length === 0 ? '' : `export const classes = ${JSON.stringify(classes)};\n`}${bring}
let network;

function start(module) {
  const { memory, ...runs } = new WebAssembly.Instance(module).exports;${widening(narrow)}
  network = { memory, runs };
}

const isModule = (value) => value instanceof WebAssembly.Module;
const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);

function explained(cause, what) {
  if (WebAssembly.validate(Uint8Array.of(${(relaxed ? RELAXED : SIMD).join(', ')})))
    return new Error(\`${name}: expected ${name}.wasm, but got \${what} (\${cause.message}).\`, { cause });
  return new Error('${name}: it needs ${lacking}.', { cause });
}

async function compiled(source) {
  const given = await source;
  if (isModule(given)) return given;
  if (isBytes(given)) return WebAssembly.compile(given).catch((cause) => Promise.reject(explained(cause, 'other bytes')));
  const response = typeof given?.arrayBuffer === 'function' ? given : await fetch(given);
  const what = \`status \${response.status}, content type \${response.headers?.get('content-type') ?? 'missing'} from \${response.url}\`;
  if (response.ok === false) throw explained(new Error('no WebAssembly'), what);
  return WebAssembly.compile(await response.arrayBuffer()).catch((cause) => Promise.reject(explained(cause, what)));
}

/** Makes the network ready; once is enough. A module or bytes make it ready at once. */
export function load(source) {
  if (source === undefined && network !== undefined) return Promise.resolve();
  if (isModule(source)) return Promise.resolve(start(source));
  return compiled(source ?? beside()).then(start);
}

const numbersOf = (value) => (Array.isArray(value) ? value.flat(Infinity) : value);

/** What the network gives for these inputs. */
export function predict(...given) {
  if (network === undefined) ${
    carried === null
      ? `throw new Error('${name}: it is not loaded yet. Call await load() before, or load(module) where .wasm files are imported.');`
      : 'start(new WebAssembly.Module(beside()));'
  }
  const { memory, runs } = network;
  if (given.length !== INPUTS.length) throw new Error(\`${name}: expected \${INPUTS.length} inputs, got \${given.length}.\`);
  const values = INPUTS.map(({ name, size, shape, type }, i) => {
    const numbers = numbersOf(given[i]);
    const length = numbers?.length;
    if (!(length > 0) || ${sampled ? 'length % size !== 0' : 'length !== size'})
      throw new Error(\`${name}: \${name} must have ${sampled ? 'a multiple of ' : ''}\${size} numbers ([\${shape}]${sampled ? ' a sample' : ''}), got \${length ?? typeof given[i]}.\`);
    return numbers instanceof type ? numbers : type.from(numbers);
  });
  const count = values[0].length / INPUTS[0].size;
  if (values.some(({ length }, i) => length / INPUTS[i].size !== count)) throw new Error('${name}: its inputs have different numbers of samples.');
  const pieces = [];
  for (let left = count; left > 0; left -= pieces.at(-1).samples) {
    const program = PROGRAMS.find(({ samples }) => samples <= left);
    if (program === undefined)
      throw new Error(\`${name}: it takes \${PROGRAMS.map(({ samples }) => samples).join(' or ')} samples at a time, and of \${count} there are \${left} left. Convert it with a batch of 1 too.\`);
    pieces.push(program);
  }
  const results = OUTPUTS.map(({ size, type }) => new type(count * size));
  let done = 0;
  for (const { run, samples, inputs, outputs } of pieces) {
    INPUTS.forEach(({ size, type }, i) => new type(memory.buffer, inputs[i], samples * size).set(values[i].subarray(done * size, (done + samples) * size)));
    if (runs[run]() !== 0) throw new Error('${name}: an input is out of range: an index that no table has.');
    OUTPUTS.forEach(({ size, type }, i) => results[i].set(new type(memory.buffer, outputs[i], samples * size), done * size));
    done += samples;
  }
  return ${named ? 'Object.fromEntries(OUTPUTS.map(({ name }, i) => [name, results[i]]))' : 'results[0]'};
}
`;
}

// (func (result v128) …) with an instruction of SIMD, and one of relaxed SIMD: they validate where the feature is there.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const SIMD = [...HEAD, 8, 1, 6, 0, 65, 0, 253, 15, 11];
const RELAXED = [...HEAD, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11];

/** The types of the module. */
export function typesOf(described: Described): string {
  const { name, inputs, outputs, named, sampled, classes, carried } = described;
  const parameters = inputs.map((port) => `${port.name}: Numbers`).join(', ');
  const result = named
    ? `{ ${outputs.map(({ name, array }) => `${JSON.stringify(name)}: ${array}`).join('; ')} }`
    : (outputs[0] as Port).array;
  const before =
    carried === null
      ? ` * Makes the network ready; once is enough, and predict needs it. It reads or fetches ${name}.wasm from beside this module, unless the binary
 * is given: bytes, an address, a response, or a module, which edge runtimes import; with a module it is ready at once.`
      : ` * Compiles the network without holding up the thread; predict does it otherwise. Edge runtimes, which compile nothing, give it a module.`;
  return `/** Numbers in the order of the shape, in one list or in lists of lists. */
export type Numbers = ArrayLike<number> | readonly Numbers[];

export interface Port {
  readonly name: string;
  /** ${sampled ? 'Of one sample.' : 'All its sizes.'} */
  readonly shape: readonly number[];
}

/** ${inputs.map((port) => `${port.name}: ${spoken(port)}`).join('; ')} */
export declare const inputs: readonly Port[];
/** ${outputs.map((port) => `${port.name}: ${spoken(port)}`).join('; ')} */
export declare const outputs: readonly Port[];
${classes.length === 0 ? '' : '/** Names of the classes, in the order of the scores. */\nexport declare const classes: readonly string[];\n'}
/**
${before}
 */
export declare function load(
  source?: WebAssembly.Module | BufferSource | string | URL | Response | Promise<WebAssembly.Module | BufferSource | Response>,
): Promise<void>;

/**
 * What the network gives: ${outputs.map((port) => `${port.name} ${spoken(port)}`).join(', ')}${sampled ? ' for each sample. Inputs hold any number of samples, one behind another' : ''}.
 * Throws for another number of values.
 */
export declare function predict(${parameters}): ${result};
`;
}

/** What answers requests over HTTP: \`fetch\` as edge runtimes, Deno and Bun call it, \`handler\` as AWS Lambda does. */
export function handlerOf({ name, inputs, classes }: Described): string {
  const many = inputs.length > 1;
  return `// Answers POST requests of JSON, ${many ? `{ ${inputs.map((port) => `"${port.name}": [numbers]`).join(', ')} }` : '{ "input": [numbers] }'}, with what the network says of them.
import { ${classes.length === 0 ? '' : 'classes, '}inputs, load, outputs, predict } from './${name}.js';

/** Bytes of a request that is read at all. */
const MOST = 4 << 20;

const isNumbers = (value) => Array.isArray(value) && value.every((one) => Number.isFinite(one) || isNumbers(one));

async function answer(text) {
  if (text.length > MOST) return [413, { error: \`expected at most \${MOST} bytes, got \${text.length}.\` }];
  let body;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return [400, { error: \`expected JSON: \${error.message}\` }];
  }
  const given = ${many ? 'inputs.map(({ name }) => body?.[name])' : '[body?.input]'};
  const wrong = given.findIndex((value) => !isNumbers(value));
  if (wrong >= 0) return [400, { error: \`expected numbers as "\${${many ? 'inputs[wrong].name' : "'input'"}}", [\${inputs[wrong].shape}] a sample.\` }];
  await load();
  let scores;
  try {
    scores = predict(...given);
  } catch (error) {
    return [400, { error: error.message }];
  }
  if (ArrayBuffer.isView(scores)) return [200, rows(scores, outputs[0].shape)];
  return [200, Object.fromEntries(outputs.map(({ name, shape }) => [name, rows(scores[name], shape)]))];
}

/** One list of values for each sample${classes.length === 0 ? '' : ', and the class of the largest'}. */
function rows(values, shape) {
  const size = shape.reduce((a, b) => a * b, 1);
  const output = Array.from({ length: values.length / size }, (_, i) => Array.from(values.subarray(i * size, (i + 1) * size)));
  return ${
    classes.length === 0
      ? '{ output }'
      : 'size !== classes.length ? { output } : { output, class: output.map((row) => classes[row.indexOf(Math.max(...row))]) }'
  };
}

export default {
  async fetch(request) {
    if (request.method !== 'POST') return Response.json({ error: 'expected POST.' }, { status: 405, headers: { allow: 'POST' } });
    const [status, body] = await answer(await request.text());
    return Response.json(body, { status });
  },
};

export async function handler({ body = '', isBase64Encoded = false }) {
  const [statusCode, said] = await answer(isBase64Encoded ? atob(body) : body);
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(said) };
}
`;
}

/** The same for runtimes that import binaries: workerd, edge functions. */
export function edgeOf({ name }: Described): string {
  return `// For runtimes that compile no WebAssembly but import it: Cloudflare Workers and others of their kind.
import { load } from './${name}.js';
import wasm from './${name}.wasm';

export { default } from './${name}.handler.js';

load(wasm);
`;
}
