import { noGrad } from '../autograd/index.js';
import { checkOptions } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { sizeOf } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { zeros } from '../ops/index.js';
import type { HookHandle } from './hooks.js';
import { typeNameOf } from './layertype.js';
import { layerTypes } from './layertypes.js';
import type { Module } from './module.js';

/** A model as a table: what each layer gives, holds and costs. */

/** One module of the model. */
export interface SummaryRow {
  /** The module's dotted name; '' is the model. */
  readonly name: string;
  /** The name of its class. */
  readonly type: string;
  /** How many modules it stands in. */
  readonly depth: number;
  /** Shapes of what it gave, one for each tensor; none for a module that was not called. */
  readonly outputShapes: readonly (readonly number[])[];
  /** Parameters of its own, without those of the modules below. */
  readonly parameters: number;
  /** How many of them are learned. */
  readonly trainable: number;
  /** Multiplications with additions in all its calls, of its own; 0 where they are not counted. */
  readonly multiplyAdds: number;
  /** Bytes of its own parameters and buffers. */
  readonly bytes: number;
  /** Whether the module has a row before this one, which counts for both. */
  readonly isShared: boolean;
}

export interface Summary {
  /** Every module, the model first, in the order of definition. */
  readonly rows: readonly SummaryRow[];
  readonly parameters: number;
  readonly trainable: number;
  readonly multiplyAdds: number;
  readonly bytes: number;
  /** The table. */
  toString(): string;
}

export interface SummaryOptions {
  /** Modules that stand in more modules than this have no row; their numbers count in the totals. Default all. */
  readonly depth?: number;
}

type Shape = readonly number[];

/** What the model is run on: tensors, or shapes, for which zeros stand in. */
export type SummaryInput = Tensor | Shape | readonly (Tensor | Shape)[];

interface Calls {
  shapes: Shape[];
  multiplyAdds: number;
}

function readInputs(given: SummaryInput): Tensor[] {
  const list = Array.isArray(given) && given.every((size) => typeof size === 'number') ? [given] : [given].flat();
  return (list as (Tensor | Shape)[]).map((one) => {
    if (one instanceof Tensor) return one;
    if (Array.isArray(one) && one.every((size) => typeof size === 'number')) return zeros(one as Shape);
    return fail('argument', 'summary: expected a tensor, a shape, or an array of tensors and shapes.');
  });
}

/** The tensors in a result, however they are nested. */
function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(tensorsIn);
}

/** What the type of a module is called, even where a minifier has renamed its class. */
function typeOf(module: Module): string {
  return typeNameOf(module, layerTypes) ?? module.constructor.name;
}

/**
 * Products of one call: every element that a weight [out, …] makes takes as many as the weight has numbers for it; where
 * convolutions are transposed, every element that is read does; recurrent layers use all matrices at every step.
 */
function countProducts(module: Module, inputs: readonly unknown[], output: Tensor | undefined): number {
  const own = module.namedParameters({ recurse: false }).map(([, parameter]) => parameter);
  const matrices = own.filter(({ ndim }) => ndim >= 2);
  if (output === undefined) return 0;
  const type = typeOf(module);
  if (/^(RNN|LSTM|GRU)(Cell)?$/.test(type)) {
    return sizeOf(output.shape.slice(0, -1)) * matrices.reduce((n, x) => n + x.numel(), 0);
  }
  const [weight] = matrices;
  const each = weight === undefined ? 0 : weight.numel() / (weight.shape[0] as number);
  if (/^ConvTranspose\dd$/.test(type)) return (inputs[0] as Tensor).numel() * each;
  return /^(Conv\dd|Bilinear|.*Linear)$/.test(type) ? output.numel() * each : 0;
}

/** Runs the model and gives what each of its modules did. */
function watch(model: Module, inputs: readonly Tensor[]): Map<Module, Calls> {
  const calls = new Map<Module, Calls>();
  const handles: HookHandle[] = model.modules().map((module) =>
    module.registerForwardHook<unknown>((_, seen, output) => {
      const outputs = tensorsIn(output);
      const before = calls.get(module)?.multiplyAdds ?? 0;
      calls.set(module, {
        shapes: outputs.map(({ shape }) => shape),
        multiplyAdds: before + countProducts(module, seen, outputs[0]),
      });
      return undefined;
    }),
  );
  const modes = model.modules().map((module) => [module, module.training] as const);
  try {
    // Evaluation, so that running statistics stay as they are.
    model.eval();
    noGrad(() => model.forward(...(inputs as never[])));
  } finally {
    for (const [module, training] of modes) module.training = training;
    for (const handle of handles) handle.remove();
  }
  return calls;
}

const bytesOf = (tensors: readonly Tensor[]): number =>
  tensors.reduce((n, t) => n + t.numel() * traits[t.dtype].bytes, 0);

/**
 * What a model is made of: a row for each module, with its output's shape, parameters, multiplications and bytes, found by
 * running it once, in evaluation mode and without gradients. `input` is a tensor, a shape, or an array of these where forward
 * takes several. The result prints as a table.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU());
 * nn.summary(model, [1, 4]).parameters; // → 15
 */
export function summary(model: Module, input: SummaryInput, options: SummaryOptions = {}): Summary {
  checkOptions('summary', options, ['depth']);
  const { depth: deepest = Infinity } = options;
  let calls = new Map<Module, Calls>();
  scope(() => {
    calls = watch(model, readInputs(input));
  });
  const seen = new Set<Module>();
  const counted = new Set<Tensor>();
  const all = model.namedModules({ removeDuplicate: false }).map(([name, module]): SummaryRow => {
    const isShared = seen.has(module);
    seen.add(module);
    const isNew = (t: Tensor): boolean => !counted.has(t) && counted.add(t) !== undefined;
    const parameters = isShared ? [] : module.parameters(false).filter(isNew);
    const buffers = isShared ? [] : module.buffers(false).filter(isNew);
    const sum = (list: readonly Tensor[]): number => list.reduce((n, x) => n + x.numel(), 0);
    return {
      name,
      type: typeOf(module),
      depth: name === '' ? 0 : name.split('.').length,
      outputShapes: calls.get(module)?.shapes ?? [],
      parameters: sum(parameters),
      trainable: sum(parameters.filter(({ requiresGrad }) => requiresGrad)),
      multiplyAdds: isShared ? 0 : (calls.get(module)?.multiplyAdds ?? 0),
      bytes: bytesOf([...parameters, ...buffers]),
      isShared,
    };
  });
  const total = (key: 'parameters' | 'trainable' | 'multiplyAdds' | 'bytes'): number =>
    all.reduce((n, row) => n + row[key], 0);
  const result = {
    rows: all.filter(({ depth }) => depth <= deepest),
    parameters: total('parameters'),
    trainable: total('trainable'),
    multiplyAdds: total('multiplyAdds'),
    bytes: total('bytes'),
  };
  return { ...result, toString: () => table(result) };
}

const HEAD = ['Layer', 'Output', 'Parameters', 'Trainable', 'Multiply-adds', 'Bytes'];

/** 1234567 as 1,234,567, and nothing as a dash. */
function grouped(value: number): string {
  return value === 0 ? '–' : String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function table({ rows, parameters, trainable, multiplyAdds, bytes }: Omit<Summary, 'toString'>): string {
  const line = (row: SummaryRow): string[] => {
    const last = row.name.split('.').at(-1) as string;
    const title = row.depth === 0 ? row.type : `${last}: ${row.type}${row.isShared ? ' (shared)' : ''}`;
    const shapes = row.outputShapes.map(show).join(' ') || '–';
    return [
      '  '.repeat(row.depth) + title,
      shapes,
      ...[row.parameters, row.trainable, row.multiplyAdds, row.bytes].map(grouped),
    ];
  };
  const body = rows.map(line);
  const foot = ['Total', '', ...[parameters, trainable, multiplyAdds, bytes].map(grouped)];
  const widths = HEAD.map((title, i) => Math.max(...[HEAD, ...body, foot].map((cells) => (cells[i] ?? title).length)));
  const inColumns = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd();
  const rule = '─'.repeat(widths.reduce((n, width) => n + width, 2 * (widths.length - 1)));
  return [inColumns(HEAD), rule, ...body.map(inColumns), rule, inColumns(foot)].join('\n');
}
