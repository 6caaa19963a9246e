/** What happens in a thread that has a replica of a model. */
import { expose, transfer } from 'comlink';
import { noGrad } from '../autograd/index.js';
import { deterministic, isDeterministic, setDevice } from '../backend/current.js';
import type { TypedArray } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { defaultGenerator } from '../core/random.js';
import { openScope, type Scope } from '../core/scope.js';
import { freeGrad } from '../core/tensor.js';
import { build, type Types } from '../data/workers/build.js';
import { exportOf } from '../data/workers/frommodule.js';
import { type Failure, failureOf } from '../data/workers/messages.js';
import { byteLength, type Carrier, type Parcel, pack, unpack } from '../data/workers/parcel.js';
import { turn } from '../data/workers/turn.js';
import * as nn from '../nn/index.js';
import { construct, layerTypes, Module } from '../nn/index.js';
import type { Topology } from '../nn/topology.js';
import { serveParent } from '../runtime/worker.js';
import type { Tensor } from '../tensor.js';
import { bytesIn, copyAll, copyOut, fetchFrom, joined, spread } from './bytes.js';
import { allTypes } from './describe.js';
import { batchAt } from './forms.js';
import { type Answered, LaneFoot, type ReplyPlaces } from './lane.js';
import {
  type Answer,
  Brief,
  type Done,
  type Form,
  type Job,
  type LossPlan,
  type Mode,
  type ModelPlan,
  type Replica,
  type Setup,
  type Values,
} from './messages.js';
import { type Callable, type Computed, PartStep } from './partstep.js';
import { type StatisticsExchange, synchronise } from './syncnorm.js';

/** What a job of training says beside its batch. */
interface Training extends Pick<Job, 'seed' | 'scale' | 'key'> {
  readonly mode: Mode;
  /** Sets the buffers to what they are on the thread that trains. */
  loadBuffers(): void;
}

class ThreadReplica implements Replica {
  private model: Module | null = null;
  private modules: readonly Module[] = [];
  private parameters: readonly Tensor[] = [];
  private buffers: readonly Tensor[] = [];
  private part: PartStep | null = null;
  private call: Callable | null = null;
  private exchange: StatisticsExchange | null = null;
  private lane: LaneFoot | null = null;
  private readonly forms = new Map<number, Form>();
  /** Version of the values that the model has. */
  private version = 0;
  /** One job after another: each has a scope, and scopes of two would be entangled. */
  private last: Promise<unknown> = Promise.resolve();
  /** Of what the job makes that is being done. */
  private scope: Scope | null = null;

  constructor(
    private readonly types: Types,
    private readonly say: (word: Answered) => void,
  ) {}

  async open({ model, loss, work, device, capture, lane }: Setup): Promise<Failure | null> {
    try {
      await setDevice(device);
      if (work !== null) this.call = callable(await exportOf(work.module, work.name), work.name);
      if (model === null) return null;
      const replica = await this.build(model);
      this.adopt(replica);
      if (loss === null) return null;
      const known = await this.find(loss, 'made' in model ? model.made : null);
      this.part = new PartStep(replica, known.loss, loss.isStep, capture ?? (known.isOurs && isOurs(model)));
      if (lane !== null) {
        const room = { flags: this.parameters.length, bytes: bytesIn(this.buffers) };
        const work = (numbers: Float64Array, reply: ReplyPlaces): Failure | null => this.workBriefly(numbers, reply);
        this.lane = new LaneFoot(lane, room, work, this.say, () => this.tidy());
      }
      return null;
    } catch (error) {
      return failureOf(error);
    }
  }

  work(job: Job): Promise<Answer> {
    const answer = this.last.then(() => this.answer(job));
    this.last = answer;
    return answer;
  }

  attend(): void {
    this.last = this.last.then(() => {
      // Messages that have come are heard before the lane is looked into again: the first turn may be what is left of one.
      if (this.lane?.attend() === true)
        void turn()
          .then(turn)
          .then(() => this.attend());
    });
  }

  private async build(plan: ModelPlan): Promise<Module> {
    if ('topology' in plan) return construct(plan.topology, allTypes);
    const made = await build(plan.made, { URL, ...this.types }, 'serveParallel');
    if (isModule(made)) return made;
    return fail(
      'argument',
      'DataParallel: in a worker thread the model is no Module: its module has a fettle of its own.',
    );
  }

  private adopt(model: Module): void {
    this.model = model;
    this.modules = model.modules();
    this.parameters = model.parameters();
    this.buffers = model.buffers();
  }

  /** The function that gives the loss: of the model's module, of serveParallel(), or of fettle. */
  private async find(
    { name, args }: LossPlan,
    made: Parcel | null,
  ): Promise<{ readonly loss: Callable; readonly isOurs: boolean }> {
    if (args !== undefined) {
      const type = callable((nn as Readonly<Record<string, unknown>>)[name], name);
      const loss = Reflect.construct(type, unpack(args, () => undefined) as readonly unknown[]) as nn.MSELoss;
      return { loss: (output, target) => loss.forward(output as Tensor, target as Tensor), isOurs: true };
    }
    // As one object, by the names that messages have: fetched here, since nobody else needs the ops in this form.
    const ops: Types = await import('../ops/index.js');
    const address = made?.kind === 'made' ? made.module : undefined;
    const exported: Readonly<Record<string, unknown>> =
      address === undefined ? {} : await import(/* @vite-ignore */ /* webpackIgnore: true */ address);
    const known: Types = { ...ops, ...this.types, ...exported };
    const loss = callable(known[name], name);
    return { loss, isOurs: loss === ops[name] };
  }

  /** Never rejects, so that the next job follows. */
  private async answer(job: Job): Promise<Answer> {
    this.scope = openScope();
    const send: ArrayBuffer[] = [];
    try {
      if (isDeterministic() !== job.strict) await deterministic(job.strict);
      if (job.form !== null) this.forms.set(job.form.id, job.form);
      if (job.values !== null) this.take(job.values);
      if (job.exchange !== null) {
        this.exchange ??= synchronise(this.modules);
        this.exchange.use(job.exchange);
      }
      return transfer(await this.compute(job, send), send);
    } catch (error) {
      return { failure: failureOf(error) };
    } finally {
      this.exchange?.use(null);
      this.tidy();
    }
  }

  /** A job that came by the lane; its answer is written into `reply`. What it has made stays until `tidy()`. */
  private workBriefly(numbers: Float64Array, reply: ReplyPlaces): Failure | null {
    const number = (at: number): number => numbers[at] as number;
    this.scope = openScope();
    try {
      const { batch, strict, mode, heap, ...at } = this.forms.get(number(Brief.FORM)) as Form;
      // At once: the binaries are there since the job by which the form came.
      if (isDeterministic() !== strict) void deterministic(strict);
      if (number(Brief.VERSION) !== this.version) {
        this.take({ version: number(Brief.VERSION), heap, at: at.parameters, copy: null });
      }
      const computed = this.train(batchAt(batch, heap, numbers, Brief.BATCH), {
        seed: number(Brief.SEED),
        scale: number(Brief.SCALE),
        mode,
        key: at.key,
        loadBuffers: () => fetchFrom(heap, at.buffers, this.buffers),
      });
      this.copyGradients(new Uint8Array(heap, number(Brief.INTO), bytesIn(this.parameters)), reply.flags);
      copyAll(this.buffers, reply.bytes);
      const { loss, chosen, labels } = computed;
      reply.numbers[0] = loss.dataSync()[0] as number;
      reply.numbers[1] = hits(chosen?.dataSync(), labels?.dataSync()) ?? NaN;
      return null;
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Frees what a job has made. */
  private tidy(): void {
    this.zeroGrad();
    this.scope?.end();
    this.scope = null;
  }

  /** Of the parameters as they were found: to find those of a large model anew takes longer than a short job has. */
  private zeroGrad(): void {
    for (const parameter of this.parameters) freeGrad(parameter);
  }

  private take({ version, heap, at, copy }: Values): void {
    if (copy !== null) spread(this.parameters, copy);
    if (heap !== null && at !== null) fetchFrom(heap, at, this.parameters);
    this.version = version;
  }

  private follow({ training, wants }: Mode): void {
    this.modules.forEach((module, i) => {
      module.training = training[i] === 1;
    });
    this.parameters.forEach((parameter, i) => {
      parameter.requiresGrad = wants[i] === 1;
    });
  }

  private async compute(job: Job, send: ArrayBuffer[]): Promise<Done> {
    const { buffers, mode, seed } = job;
    const batch = unpack(job.batch, () => undefined);
    if (job.kind === 'train') {
      const loadBuffers = (): void => spread(this.buffers, buffers);
      return this.finish(this.train(batch, { ...job, mode: mode as Mode, loadBuffers }), job, send);
    }
    defaultGenerator.manualSeed(seed);
    if (buffers.length > 0) spread(this.buffers, buffers);
    if (mode !== null) this.follow(mode);
    if (job.kind === 'measure') return { ...NOTHING, ...(await figuresOf(this.learner().measure(batch))) };
    // A function of one's own may wait, which the body of noGrad() may not.
    const guard = noGrad();
    try {
      const output = await (this.call === null ? this.forward(batch) : this.call(batch));
      return { ...NOTHING, output: await packOutput(output, send) };
    } finally {
      guard.end();
    }
  }

  private forward(inputs: unknown): unknown {
    const model = this.model as Module & { forward(...inputs: readonly unknown[]): unknown };
    return Array.isArray(inputs) ? model.forward(...inputs) : model.forward(inputs);
  }

  private learner(): PartStep {
    return this.part ?? fail('state', 'DataParallel: training needs a loss. Pass { loss }.');
  }

  /** Has a part computed; afterwards the parameters have its gradients. */
  private train(batch: unknown, { seed, scale, mode, key, loadBuffers }: Training): Computed {
    this.follow(mode);
    const prepare = (): void => {
      defaultGenerator.manualSeed(seed);
      loadBuffers();
    };
    prepare();
    // Batch norm that waits for other threads reads what they say.
    const isRecorded = this.exchange?.isOpen !== true;
    return this.learner().train(batch, scale, isRecorded ? key : null, () => {
      this.zeroGrad();
      prepare();
    });
  }

  private async finish(computed: Computed, job: Job, send: ArrayBuffer[]): Promise<Done> {
    const has = new Uint8Array(this.parameters.length);
    const into = job.into ?? this.room(job.spare, send);
    await this.copyGradients(into, has);
    const buffers = await joined(this.buffers);
    send.push(buffers.buffer);
    const gradients = job.into === null ? (into.buffer as ArrayBuffer) : null;
    return { ...(await figuresOf(computed)), has, gradients, buffers, output: null };
  }

  /** Writes the gradients into `into`, one behind another, and which parameters have one into `has`. */
  private copyGradients(into: Uint8Array, has: Uint8Array): Promise<unknown> | undefined {
    const late: Promise<void>[] = [];
    let at = 0;
    this.parameters.forEach((parameter, i) => {
      const place = into.subarray(at, at + byteLength(parameter));
      at += place.length;
      const { grad } = parameter;
      has[i] = grad === null ? 0 : 1;
      const coming = grad === null ? void place.fill(0) : copyOut(grad, place);
      if (coming !== undefined) late.push(coming);
    });
    return late.length > 0 ? Promise.all(late) : undefined;
  }

  /** Memory to send gradients in. */
  private room(spare: ArrayBuffer | null, send: ArrayBuffer[]): Uint8Array {
    const buffer = spare ?? new ArrayBuffer(bytesIn(this.parameters));
    send.push(buffer);
    return new Uint8Array(buffer);
  }
}

const NOTHING: Done = {
  loss: NaN,
  correct: null,
  has: new Uint8Array(0),
  gradients: null,
  buffers: null,
  output: null,
};

/** Whether a model is made of layers of fettle/nn alone, which do the same whenever they are called in one mode. */
function isOurs(plan: ModelPlan): boolean {
  const known = ({ type, children = [] }: Topology): boolean =>
    Object.hasOwn(layerTypes, type) && children.every(([, child]) => known(child));
  return 'topology' in plan && known(plan.topology);
}

/** A model's module may have come by fettle on another way, in a bundle of its own, and then it has another Module. */
function isModule(value: unknown): value is Module {
  return value instanceof Module;
}

function callable(value: unknown, name: string): Callable {
  if (typeof value === 'function') return value as Callable;
  return fail(
    'argument',
    `DataParallel: a worker thread does not know '${name}'. Name a function of fettle, or one that the model's module exports.`,
  );
}

async function figuresOf({ loss, chosen, labels }: Computed): Promise<Pick<Done, 'loss' | 'correct'>> {
  const [value, choices, classes] = await Promise.all([loss.data(), chosen?.data(), labels?.data()]);
  return { loss: value[0] as number, correct: hits(choices, classes) };
}

/** Samples whose largest output is their class. */
function hits(chosen: TypedArray | undefined, labels: TypedArray | undefined): number | null {
  if (chosen === undefined || labels === undefined) return null;
  let count = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === chosen[i]) count++;
  return count;
}

/** What a model gave, with its tensors in memory that goes along. */
async function packOutput(output: unknown, send: ArrayBuffer[]): Promise<Parcel> {
  const bytes = new Map<Tensor, Uint8Array>();
  const found: Tensor[] = [];
  const carrier: Carrier = {
    tensor: (x) => {
      if (!bytes.has(x)) found.push(x);
      return bytes.get(x) ?? new Uint8Array(0);
    },
    array: (array) => array,
    other: (value, path) => {
      const kind = typeof value === 'object' ? value?.constructor?.name : typeof value;
      return fail(
        'data',
        `DataParallel: ${path || 'what the model gave'} is a ${kind}, which cannot be sent between threads.`,
      );
    },
  };
  // Once to see which tensors there are, since reading them may take a device some time, and then with their bytes.
  pack(output, carrier);
  for (const x of found) {
    const copy = await joined([x]);
    send.push(copy.buffer);
    bytes.set(x, copy);
  }
  return pack(output, carrier);
}

/**
 * Makes a worker's module of one's own serve a DataParallel or parallelMap: `serveParallel({ Net, loss })`, with the classes of
 * models that have `portable()` and the losses that are told by their names. Only needed where a bundler has to see what a
 * worker runs.
 */
export async function serveParallel(types: Types = {}): Promise<void> {
  await serveParent((parent) => {
    const replica = new ThreadReplica(types, (word) => parent.postMessage(word));
    expose(replica, parent);
  });
}
