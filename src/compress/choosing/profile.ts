import { checkOptions } from '../../core/arguments.js';
import { traits } from '../../core/dtype.js';
import { fail } from '../../core/errors.js';
import { type HookHandle, type Module, typeNameOf } from '../../nn/index.js';
import { Tensor } from '../../tensor.js';
import { countModel } from '../counting.js';
import { compressedTypes, typeOf } from '../layertypes.js';
import { inColumns } from './columns.js';
import { formatBytes, formatCompact, formatCount, formatMilliseconds, formatPercent } from './figures.js';
import { evaluating, median, pass } from './timing.js';

/** What one layer holds, computes and takes. */
export interface LayerProfile {
  /** The module's dotted name; '' where the model is a single layer. */
  readonly name: string;
  /** The name of its class. */
  readonly type: string;
  /** How often a pass calls it. */
  readonly calls: number;
  /** Weights and biases of its own, those of int8 and sparse layers included. Shared ones count with the first layer. */
  readonly parameters: number;
  /** How many of them are not 0. */
  readonly nonzero: number;
  /** Multiplications with an addition, in all its calls. */
  readonly multiplyAdds: number;
  /** Twice as many: multiplications and additions. */
  readonly flops: number;
  /** Bytes of its own parameters and buffers in memory. */
  readonly bytes: number;
  /** Bytes of what it gives, in all its calls. */
  readonly activationBytes: number;
  /** Median milliseconds of its own in a pass, without the layers inside it. */
  readonly milliseconds: number;
  /** The same with the layers inside it. */
  readonly inclusive: number;
  /** Its own milliseconds as a share of those of all layers and of what is computed between them, in [0, 1]. */
  readonly share: number;
}

export interface Profile {
  /** Every layer, in the order of definition: modules that hold no others, and those with parameters of their own. */
  readonly layers: readonly LayerProfile[];
  readonly parameters: number;
  readonly nonzero: number;
  readonly multiplyAdds: number;
  readonly flops: number;
  readonly bytes: number;
  readonly activationBytes: number;
  /** Median milliseconds of the model as it runs by itself, with nothing watching its layers. */
  readonly milliseconds: number;
  /** Median milliseconds between the layers while they were watched: what modules compute by themselves. */
  readonly between: number;
  /** The table. */
  toString(): string;
}

export interface ProfileOptions {
  /** Most passes that are timed. Default 50. */
  readonly runs?: number;
  /** Milliseconds after which no further pass is begun, once five are done. Default 300. */
  readonly budgetMs?: number;
}

/** What the hooks saw of one module in one pass. */
interface Seen {
  calls: number;
  activationBytes: number;
  own: number;
  inclusive: number;
}

const bytesOf = (tensors: readonly Tensor[]): number =>
  tensors.reduce((n, t) => n + t.numel() * traits[t.dtype].bytes, 0);

function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(tensorsIn);
}

/** What a module itself computes with: its parameters, and the buffers that stand for them in layers that compression made. */
export function ownWeights(module: Module): Tensor[] {
  const isCompressed = typeNameOf(module, compressedTypes) !== undefined;
  return [
    ...module.parameters(false),
    ...(isCompressed ? module.buffers(false).filter((b) => b.persistent && b.ndim > 0) : []),
  ];
}

/** Watches the calls of all modules. Times are those between the hooks, less what was spent in modules inside. */
class Watch {
  private readonly handles: HookHandle[] = [];
  private readonly running: { start: number; inside: number }[] = [];
  private seen = new Map<Module, Seen>();

  constructor(model: Module) {
    for (const module of model.modules()) {
      this.handles.push(
        module.registerForwardPreHook(() => {
          this.running.push({ start: performance.now(), inside: 0 });
          return undefined;
        }),
        module.registerForwardHook<unknown>((_, __, output) => {
          const call = this.running.pop() as { start: number; inside: number };
          const inclusive = performance.now() - call.start;
          const above = this.running[this.running.length - 1];
          if (above !== undefined) above.inside += inclusive;
          const sum = this.seen.get(module) ?? { calls: 0, activationBytes: 0, own: 0, inclusive: 0 };
          sum.calls++;
          sum.activationBytes += bytesOf(tensorsIn(output));
          sum.own += inclusive - call.inside;
          sum.inclusive += inclusive;
          this.seen.set(module, sum);
          return undefined;
        }),
      );
    }
  }

  /** What one pass showed. */
  take(): Map<Module, Seen> {
    const { seen } = this;
    this.seen = new Map();
    this.running.length = 0;
    return seen;
  }

  remove(): void {
    for (const handle of this.handles) handle.remove();
  }
}

/** Passes in turns: the model by itself, and the model with its layers watched. */
function timePasses(
  model: Module,
  inputs: readonly Tensor[],
  { runs, budgetMs }: Required<ProfileOptions>,
): { alone: number[]; watched: Map<Module, Seen>[] } {
  const alone: number[] = [];
  const watched: Map<Module, Seen>[] = [];
  evaluating([model], () => {
    const once = (): Map<Module, Seen> => {
      const watch = new Watch(model);
      try {
        pass(model, inputs);
        return watch.take();
      } finally {
        watch.remove();
      }
    };
    for (let i = 0; i < 3; i++) {
      pass(model, inputs);
      once();
    }
    const end = performance.now() + budgetMs;
    while (alone.length < runs && (alone.length < 5 || performance.now() < end)) {
      const start = performance.now();
      pass(model, inputs);
      alone.push(performance.now() - start);
      watched.push(once());
    }
  });
  return { alone, watched };
}

/**
 * What each layer of a model holds, computes and takes: parameters, multiply-adds, bytes, and measured time, for one pass
 * over `exampleInputs` in evaluation mode. Give a batch as large as those the model will see: times are those of the batch.
 * Layers are watched through hooks, which keeps neighbours from being computed in one pass; the model's own time is taken
 * in turns with that, without hooks. The model is not changed, and the result prints as a table.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(64, 32), new nn.ReLU(), new nn.Linear(32, 10));
 * compress.profile(model, randn([1, 64])).parameters; // → 2410
 */
export function profile(
  model: Module,
  exampleInputs: Tensor | readonly Tensor[],
  options: ProfileOptions = {},
): Profile {
  checkOptions('profile', options, ['runs', 'budgetMs']);
  const { runs = 50, budgetMs = 300 } = options;
  if (!Number.isInteger(runs) || runs < 1) fail('argument', `profile: runs must be a whole number ≥ 1, got ${runs}.`);
  if (!(budgetMs >= 0)) fail('argument', `profile: budgetMs must be milliseconds ≥ 0, got ${budgetMs}.`);
  const inputs = exampleInputs instanceof Tensor ? [exampleInputs] : exampleInputs;
  if (!Array.isArray(inputs) || !inputs.every((x) => x instanceof Tensor)) {
    fail('argument', 'profile: exampleInputs must be a tensor, or an array of tensors as forward takes them.');
  }
  const counts = new Map(countModel(model, inputs).layers.map((layer) => [layer.name, layer]));
  const { alone, watched } = timePasses(model, inputs, { runs, budgetMs });
  const middle = (module: Module, key: keyof Seen): number =>
    median(watched.map((seen) => seen.get(module)?.[key] ?? 0));
  const counted = new Set<Tensor>();
  const isNew = (t: Tensor): boolean => !counted.has(t) && counted.add(t) !== undefined;
  const isLayer = (module: Module): boolean =>
    module.namedChildren().length === 0 || module.parameters(false).length > 0;
  const modules = model.namedModules();
  const between = modules.reduce((n, [, module]) => n + (isLayer(module) ? 0 : middle(module, 'own')), 0);
  const rows = modules
    .filter(([, module]) => isLayer(module))
    .map(([name, module]) => {
      const fresh = ownWeights(module).filter(isNew);
      const buffers = module.buffers(false).filter(isNew);
      return {
        name,
        type: typeOf(module),
        calls: middle(module, 'calls'),
        parameters: fresh.reduce((n, t) => n + t.numel(), 0),
        nonzero: fresh.reduce((n, t) => n + countNonzero(t), 0),
        multiplyAdds: counts.get(name)?.multiplyAdds ?? 0,
        flops: 2 * (counts.get(name)?.multiplyAdds ?? 0),
        bytes: bytesOf([...fresh, ...buffers]),
        activationBytes: middle(module, 'activationBytes'),
        milliseconds: middle(module, 'own'),
        inclusive: middle(module, 'inclusive'),
      };
    });
  type Row = (typeof rows)[number];
  const total = (key: Exclude<keyof Row, 'name' | 'type'>): number => rows.reduce((n, row) => n + row[key], 0);
  const time = total('milliseconds') + between;
  const result = {
    layers: rows.map((row) => ({ ...row, share: time === 0 ? 0 : row.milliseconds / time })),
    parameters: total('parameters'),
    nonzero: total('nonzero'),
    multiplyAdds: total('multiplyAdds'),
    flops: total('flops'),
    bytes: total('bytes'),
    activationBytes: total('activationBytes'),
    milliseconds: median(alone),
    between,
  };
  return { ...result, toString: () => table(result) };
}

/** Numbers of a tensor that are not 0. */
export function countNonzero(tensor: Tensor): number {
  let count = 0;
  for (const value of tensor.dataSync()) if (value !== 0) count++;
  return count;
}

/** Numbers that a model computes with, and how many of them are not 0; what is shared counts once. */
export function countWeights(model: Module): { parameters: number; nonzero: number } {
  const all = [...new Set(model.modules().flatMap(ownWeights))];
  return {
    parameters: all.reduce((n, t) => n + t.numel(), 0),
    nonzero: all.reduce((n, t) => n + countNonzero(t), 0),
  };
}

const HEAD = ['layer', 'type', 'parameters', 'nonzero', 'multiply-adds', 'bytes', 'activations', 'time', 'share'];

function table(profile: Omit<Profile, 'toString'>): string {
  const line = (layer: LayerProfile): string[] => [
    layer.name === '' ? '(model)' : layer.name,
    layer.calls === 1 ? layer.type : `${layer.type} (${layer.calls} calls)`,
    formatCount(layer.parameters),
    formatCount(layer.nonzero),
    formatCompact(layer.multiplyAdds),
    formatBytes(layer.bytes),
    formatBytes(layer.activationBytes),
    formatMilliseconds(layer.milliseconds),
    formatPercent(layer.share, 1),
  ];
  const { parameters, nonzero, multiplyAdds, bytes, activationBytes, milliseconds, between, layers } = profile;
  const time = layers.reduce((n, layer) => n + layer.milliseconds, between);
  const gap = [
    '(between layers)',
    '',
    '',
    '',
    '',
    '',
    '',
    formatMilliseconds(between),
    formatPercent(time === 0 ? 0 : between / time, 1),
  ];
  const foot = [
    'total',
    '',
    formatCount(parameters),
    formatCount(nonzero),
    formatCompact(multiplyAdds),
    formatBytes(bytes),
    formatBytes(activationBytes),
    formatMilliseconds(milliseconds),
    '',
  ];
  return inColumns(HEAD, [...layers.map(line), gap], { foot, left: 2 });
}
