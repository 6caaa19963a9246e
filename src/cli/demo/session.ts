import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { maskOf, setMask } from '../../compress/index.js';
import { fail } from '../../core/errors.js';
import { Generator, manualSeed } from '../../core/random.js';
import { DataLoader, type ImageDataset } from '../../data/index.js';
import { Adam, lrScheduler } from '../../optim/index.js';
import type { Tensor } from '../../tensor.js';
import {
  type EpochResult,
  evaluate,
  loadModel,
  loadTraining,
  type StepResult,
  saveModel,
  saveTraining,
  Trainer,
} from '../../train/index.js';
import type { Progress } from '../progress.js';
import type { TrainingStage } from '../report/report.js';
import { formatPercent } from '../table.js';
import type { Net } from './nets.js';

/** What the run was asked for; a resumed run takes it from here. */
export interface RunOptions {
  readonly data: string;
  readonly seed: number;
  readonly epochs: number | null;
  readonly quick: boolean;
}

/** What is written after every finished job. */
interface RunState {
  readonly options: RunOptions;
  readonly started: string;
  /** Seconds spent before this process. */
  seconds: number;
  /** Histories of finished jobs, by name. */
  readonly jobs: Record<string, readonly EpochResult[]>;
}

/** One training without interruption. */
export interface Job {
  /** Unique in the run: 'teacher', 'pruned 3/5'. */
  readonly name: string;
  readonly net: Net;
  readonly train: ImageDataset;
  readonly validation: ImageDataset;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly patience?: number;
  /** Loss of a batch; by default cross entropy with the labels. */
  readonly step: (net: Net, x: Tensor, y: Tensor) => StepResult;
}

const STATE = 'state.json';
const CHECKPOINT = 'checkpoint.safetensors';

/** Writes a file so that it is never half there. */
export function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/** The latest folder below `root` that holds an unfinished run. */
export function findUnfinished(root: string): string | null {
  if (existsSync(join(root, STATE))) return root;
  if (!existsSync(root)) return null;
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, STATE)))
    .map((entry) => join(root, entry.name))
    .sort();
  return folders[folders.length - 1] ?? null;
}

function isState(value: unknown): value is RunState {
  const { options, started, seconds, jobs } = (value ?? {}) as Partial<RunState>;
  if (typeof options !== 'object' || typeof jobs !== 'object' || options === null || jobs === null) return false;
  return (
    typeof options.data === 'string' &&
    typeof options.seed === 'number' &&
    typeof started === 'string' &&
    typeof seconds === 'number'
  );
}

function readState(path: string): RunState {
  try {
    const state: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isState(state)) return state;
  } catch (error) {
    fail('format', `--resume: ${path} cannot be read. Start anew without --resume.`, error);
  }
  return fail('format', `--resume: ${path} is not the state of a run. Start anew without --resume.`);
}

/**
 * A run and its folder. Every job that ends leaves its model and its history there, and every epoch within a job a
 * checkpoint; a run that is resumed takes finished jobs from their files and goes on within the one that was interrupted.
 */
export class Session {
  private readonly began = performance.now();

  private constructor(
    readonly folder: string,
    private readonly state: RunState,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {}

  static create(folder: string, options: RunOptions, progress: Progress, signal: AbortSignal): Session {
    const state = { options, started: new Date().toISOString(), seconds: 0, jobs: {} };
    const session = new Session(folder, state, progress, signal);
    // What an earlier run left here is not this run's to go on with.
    session.clean();
    mkdirSync(join(folder, 'jobs'), { recursive: true });
    session.write();
    return session;
  }

  static resume(folder: string, progress: Progress, signal: AbortSignal): Session {
    return new Session(folder, readState(join(folder, STATE)), progress, signal);
  }

  get options(): RunOptions {
    return this.state.options;
  }

  get started(): Date {
    return new Date(this.state.started);
  }

  get seconds(): number {
    return this.state.seconds + (performance.now() - this.began) / 1000;
  }

  /** A stream of random numbers for one purpose, the same in every process. */
  stream(...purpose: readonly (string | number)[]): Generator {
    return new Generator(this.options.seed).fork(...purpose);
  }

  /** How many jobs were finished, in this process or an earlier one. */
  get done(): number {
    return Object.keys(this.state.jobs).length;
  }

  /** Whether a job was finished, in this process or an earlier one. */
  isDone(name: string): boolean {
    return this.state.jobs[name] !== undefined;
  }

  /** The finished jobs whose names begin with `variant`, as stages of its learning curve. */
  curve(variant: string): TrainingStage[] {
    return Object.entries(this.state.jobs)
      .filter(([name]) => name === variant || name.startsWith(`${variant} `))
      .map(([name, epochs]) => ({
        name: name === variant ? 'train' : name.slice(variant.length + 1),
        epochs: epochs.map((e) => ({
          epoch: e.epoch,
          trainLoss: e.trainLoss,
          validationLoss: e.validationLoss ?? NaN,
          validationAccuracy: e.validationAccuracy ?? NaN,
        })),
      }));
  }

  /** Runs a job, or takes its result from an earlier process. The weights (and masks) end up in `job.net`. */
  async run(job: Job): Promise<void> {
    if (this.isDone(job.name)) return this.take(job);
    const batches = Math.ceil(job.train.length / job.batchSize);
    const stage = this.progress.stage(job.name, { total: job.epochs * batches });
    // A stream for the job alone, so that it does not matter what ran before it in this process.
    manualSeed(this.stream('job', job.name).getState().seed);
    const optimizer = new Adam(job.net.parameters(), { lr: job.learningRate });
    const trainer = new Trainer<Net, readonly [Tensor, Tensor]>({
      model: job.net,
      optimizer,
      scheduler: new lrScheduler.CosineAnnealingLR(optimizer, job.epochs, { etaMin: job.learningRate / 50 }),
      step: ([x, y]) => job.step(job.net, x, y),
      validate: () => evaluate(job.net, new DataLoader(job.validation, { batchSize: 256 })),
      ...(job.patience === undefined ? {} : { patience: job.patience }),
      signal: this.signal,
      onBatch: ({ done, epoch, epochs, loss, accuracy, samplesPerSecond }) =>
        stage.update({ done, epoch, epochs, loss, samplesPerSecond, ...(accuracy === null ? {} : { accuracy }) }),
      onEpoch: async ({ epoch, validationAccuracy }, at) => {
        stage.update({
          done: epoch * batches,
          ...(validationAccuracy === null ? {} : { validation: validationAccuracy }),
        });
        await saveTraining(join(this.folder, CHECKPOINT), at.state(), { job: job.name });
      },
    });
    let history: readonly EpochResult[];
    try {
      await this.continueFrom(job, trainer);
      const loader = new DataLoader(job.train, {
        batchSize: job.batchSize,
        shuffle: true,
        seed: this.stream('order', job.name).uint32(),
      });
      history = await trainer.fit(loader, job.epochs);
    } finally {
      optimizer.dispose();
      trainer.dispose();
    }
    await this.finish(job, history);
    const best = history.reduce((a, b) => ((b.validationLoss ?? Infinity) < (a.validationLoss ?? Infinity) ? b : a));
    const early = history.length < job.epochs ? `, stopped after ${history.length}` : '';
    stage.finish(
      `kept epoch ${best.epoch}, of lowest loss${early}: validation accuracy ${formatPercent(best.validationAccuracy)}`,
    );
  }

  /** Goes on from the checkpoint, if it belongs to this job. */
  private async continueFrom(job: Job, trainer: Trainer<Net, readonly [Tensor, Tensor]>): Promise<void> {
    const path = join(this.folder, CHECKPOINT);
    if (!existsSync(path)) return;
    await loadTraining(path, (state, about) => {
      if ((about as { job?: string }).job === job.name) trainer.load(state);
    });
  }

  /** Puts the result of a finished job into its net. */
  private async take(job: Job): Promise<void> {
    const { model, about } = await loadModel(this.jobFile(job.name));
    job.net.loadStateDict(model.stateDict());
    model.dispose();
    const pruned = new Set((about as { pruned: string[] }).pruned);
    for (const [name, parameter] of job.net.namedParameters()) {
      // What a mask removed is 0; what is 0 without having been removed cannot come about by training.
      if (pruned.has(name))
        setMask(
          parameter,
          parameter.dataSync().map((v) => (v === 0 ? 0 : 1)),
        );
    }
  }

  private async finish(job: Job, history: readonly EpochResult[]): Promise<void> {
    const pruned = job.net.namedParameters().flatMap(([name, parameter]) => (maskOf(parameter) === null ? [] : [name]));
    await saveModel(this.jobFile(job.name), job.net, { pruned });
    this.state.jobs[job.name] = history;
    this.write();
  }

  private jobFile(name: string): string {
    return join(this.folder, 'jobs', `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.safetensors`);
  }

  /** Saves what is done so far. */
  write(): void {
    const state: RunState = { ...this.state, seconds: this.seconds };
    writeWhole(join(this.folder, STATE), JSON.stringify(state));
  }

  /** Removes what only a resumed run would need. */
  clean(): void {
    rmSync(join(this.folder, 'jobs'), { recursive: true, force: true });
    if (!existsSync(this.folder)) return;
    // A process that was killed while it wrote has left the temporary file behind.
    const isOurs = (name: string): boolean =>
      [STATE, CHECKPOINT].some((file) => name === file || (name.startsWith(`${file}.`) && name.endsWith('.tmp')));
    for (const name of readdirSync(this.folder).filter(isOurs)) rmSync(join(this.folder, name), { force: true });
  }
}
