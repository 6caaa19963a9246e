import { core } from '#binary';
import type { KernelName } from '../core/device.js';
import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { nameOf, type Part, type PartKernel } from '../runtime/part.js';
import { Tensor } from '../tensor.js';
import { type Layout, layOut } from './layout.js';
import type { Network } from './network.js';
import { type Described, edgeOf, handlerOf, type Port, scriptOf, typesOf } from './script.js';
import { arrayOf, checkInputs, evaluating, type Trace, trace } from './trace.js';
import { type Call, link } from './wasm/link.js';
import { parseModule } from './wasm/module.js';

/**
 * A network as a program of its own: the kernels that its forward pass calls, in one small binary with the weights, and a module of
 * JavaScript around it. It needs no fettle, and runs wherever WebAssembly SIMD does.
 */

export interface StandaloneOptions {
  /** Of the files, without extension; messages begin with it. Default 'model'. */
  readonly name?: string;
  /**
   * How many samples are computed at once, one number or several; `predict` takes any number, in pieces of these sizes. Default: as
   * many as the examples have. Each size has a program of its own; the weights are there once.
   */
  readonly batch?: number | readonly number[];
  /** Whether the module carries the binary as text, in one file. Default false: it lies beside. */
  readonly inline?: boolean;
  /** 'float16' stores float32 weights in half the bytes, and rounds them so. Default: as they are. */
  readonly weights?: 'float16';
  /**
   * 'strict' gives the same bits everywhere, those of `deterministic(true)`. 'relaxed' is faster where products are of float32, and
   * needs relaxed SIMD: Chrome 114, Node 22, Firefox 145. Default 'strict'.
   */
  readonly arithmetic?: 'strict' | 'relaxed';
  /** Names of the classes, which the module hands on. */
  readonly classes?: readonly string[];
  /** Whether modules that answer HTTP requests come along. Default false. */
  readonly handler?: boolean;
}

/** A network as files, and what they hold. */
export interface Standalone {
  /** Their contents by name, to be put into one folder. */
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Kernels that were taken along. */
  readonly kernels: readonly string[];
  /** Of the module, of the kernels with the launches, and of weights and tables, as they are stored. */
  readonly bytes: { readonly script: number; readonly code: number; readonly weights: number };
  /** Memory that the network takes when it runs. */
  readonly memoryBytes: number;
}

const NAME = /^[A-Za-z][\w.-]*$/;

/**
 * Makes a program of a network's forward pass: files with nothing but the kernels and weights that it needs, for any runtime.
 * `exampleInputs` say shapes and dtypes; values matter only where they are indices. A module is taken in evaluation mode; a function
 * may prepare the inputs first, so that the program takes them raw: `(x) => model.forward(scaler.transform(x))`.
 *
 * The program computes what the network computes, to the bit, as with `deterministic(true)`. Shapes are fixed but for the number
 * of samples; each piece of a batch is a call of its own, which matters where samples of a batch change one another, as with
 * `quantize.dynamic`. Throws for a network that reads values while it computes, draws random numbers, or changes itself.
 *
 * @example
 * import { zeros } from 'fettle';
 * import { Linear, ReLU, Sequential } from 'fettle/nn';
 * import { standalone } from 'fettle/standalone';
 *
 * const model = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 3));
 * const { files, kernels } = standalone(model, zeros([1, 4]), { name: 'flowers' });
 * Object.keys(files); // → ['flowers.js', 'flowers.d.ts', 'flowers.wasm']
 * kernels; // → ['gemm_f32']
 */
export function standalone(
  network: Network,
  exampleInputs: Tensor | readonly Tensor[],
  options: StandaloneOptions = {},
): Standalone {
  const { name = 'model', inline = false, weights, arithmetic = 'strict', classes = [], handler = false } = options;
  const examples = exampleInputs instanceof Tensor ? [exampleInputs] : exampleInputs;
  if (!NAME.test(name)) {
    fail('argument', `standalone: name must be that of a file, of letters, digits, '-', '_' and '.', got '${name}'.`);
  }
  if (weights !== undefined && weights !== 'float16') {
    fail('argument', `standalone: weights must be 'float16', or absent, got '${String(weights)}'.`);
  }
  const batches = batchesOf(options.batch);
  checkInputs(examples, batches);
  const counted = samplesOf(examples);
  if (batches !== null && counted === null) {
    fail('shape', 'standalone: { batch } needs inputs whose first sizes are one number, that of samples.');
  }
  return scope(() => {
    const sizes = batches ?? [counted];
    const traces = evaluating(network, () => sizes.map((samples) => trace(network, examples, samples)));
    const sampled =
      counted !== null && traces.every(({ outputs }, i) => outputs.every(({ shape }) => shape[0] === sizes[i]));
    if (!sampled && sizes.length > 1) {
      fail(
        'shape',
        'standalone: with several sizes of the batch, the first size of every output must be that of samples.',
      );
    }
    const layout = layOut(traces, weights === 'float16');
    const { wasm, kernels, code } = linked(layout, arithmetic);
    const [first] = traces as [Trace];
    const described: Described = {
      name,
      inputs: first.inputs.map((tensor, i) =>
        portOf(first.inputs.length === 1 ? 'input' : `input${i + 1}`, tensor, sampled),
      ),
      outputs: first.outputs.map((tensor, i) => portOf(first.names?.[i] ?? 'output', tensor, sampled)),
      named: first.names !== null,
      sampled,
      classes,
      programs: layout.programs.map(({ inputs, outputs }, i) => {
        const samples = sampled ? (sizes[i] as number) : 1;
        return { run: `run${i}`, samples, inputs, outputs };
      }),
      narrow: layout.narrow,
      relaxed: arithmetic === 'relaxed',
      carried: inline ? base64(wasm) : null,
    };
    const script = scriptOf(described);
    const texts: Record<string, string> = { [`${name}.js`]: script, [`${name}.d.ts`]: typesOf(described) };
    if (handler) texts[`${name}.handler.js`] = handlerOf(described);
    if (handler && !inline) texts[`${name}.edge.js`] = edgeOf(described);
    const encoder = new TextEncoder();
    const files = Object.fromEntries(Object.entries(texts).map(([file, text]) => [file, encoder.encode(text)]));
    return {
      files: inline ? files : { ...files, [`${name}.wasm`]: wasm },
      kernels,
      bytes: {
        script: script.length - (described.carried?.length ?? 0),
        code,
        weights: wasm.length - code,
      },
      memoryBytes: layout.bytes,
    };
  });
}

/** Sizes of the batch, the largest first; null where none are asked for. */
function batchesOf(batch: number | readonly number[] | undefined): readonly number[] | null {
  if (batch === undefined) return null;
  const sizes = typeof batch === 'number' ? [batch] : [...batch];
  const wrong = sizes.find((size) => !Number.isSafeInteger(size) || size < 1);
  if (wrong !== undefined || sizes.length === 0) {
    fail('argument', `standalone: batch must be a whole number ≥ 1, or several, got ${wrong ?? 'none'}. Try [1, 16].`);
  }
  return [...new Set(sizes)].sort((a, b) => b - a);
}

/** How many samples the examples have; null where their first sizes differ, or there is none. */
function samplesOf(examples: readonly Tensor[]): number | null {
  const first = examples[0]?.shape[0];
  return first !== undefined && examples.every(({ shape }) => shape[0] === first) ? first : null;
}

function portOf(name: string, { shape, dtype }: Tensor, sampled: boolean): Port {
  return { name, shape: sampled ? shape.slice(1) : shape, dtype, array: arrayOf(dtype) };
}

/** The binary: the kernels of all launches, linked with the layout. */
function linked(
  { programs, weights, records, scratch, bytes }: Layout,
  arithmetic: 'strict' | 'relaxed',
): { wasm: Uint8Array<ArrayBuffer>; kernels: string[]; code: number } {
  const parts: Part[] = [];
  const kernels = new Set<string>();
  const callOf = ({ step, record }: Layout['programs'][number]['launches'][number]): Call => {
    const { kernel, work, refusal } = step;
    const part = partOf(kernel);
    if (!parts.includes(part)) parts.push(part);
    kernels.add(nameOf(kernel));
    return { module: parts.indexOf(part), kernel: nameOf(kernel), record, work, checks: refusal !== undefined };
  };
  const calls = Object.fromEntries(programs.map(({ launches }, i) => [`run${i}`, launches.map(callOf)]));
  const modules = parts.map(({ binaries }) => {
    const binary = binaries[arithmetic]();
    if (binary instanceof Uint8Array) return parseModule(binary);
    return fail(
      'unsupported',
      'standalone: this runtime has the kernels compiled, and not their bytes. Convert the model on Node, Deno or Bun, or with fettle/inline.',
    );
  });
  const all = { modules, programs: calls, scratch, bytes };
  const code = link({ ...all, image: records }).length;
  return { wasm: link({ ...all, image: [...weights, ...records] }), kernels: [...kernels].sort(), code };
}

function partOf(kernel: KernelName): Part {
  return typeof kernel === 'string' ? core : (kernel as PartKernel).part;
}

/** Letters that stand for bytes, made in pieces that fit into the arguments of a call. */
function base64(bytes: Uint8Array): string {
  let letters = '';
  for (let at = 0; at < bytes.length; at += 8192) letters += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(letters);
}
