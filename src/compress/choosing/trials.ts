import { FettleError } from '../../core/errors.js';
import type { LayerTypes } from '../../nn/index.js';
import type { Prepared, Runnable } from './data.js';
import { type Figures, figuresOf } from './figure.js';
import type { Method, Objective, Rung } from './methods.js';
import { runStep } from './run.js';
import { copyModel, readSnapshot, writeSnapshot } from './snapshot.js';
import { knownSteps } from './steps.js';
import { loadJson, type Store, saveJson } from './store.js';
import { race } from './timing.js';

/** A method at one strength. */
export interface Link {
  readonly method: Method;
  readonly rung: Rung;
}

/** Methods one after another; none for the model as it was given. */
export type Chain = readonly Link[];

/** What a chain gave. Plain data: it is kept as JSON. */
export interface Trial extends Figures {
  /** The chain as a text: 'prune:0.9>quantize:0'. */
  readonly id: string;
  /** The chain in words. */
  readonly label: string;
  /** How much the metric is below that of the original; negative where it is above. */
  readonly drop: number;
  /** Milliseconds of one pass: those of the original, divided by the speedup. */
  readonly milliseconds: number;
  /** How often it runs while the original runs once, timed in turns. */
  readonly speedup: number;
  /** What making and measuring it took. */
  readonly seconds: number;
  /** Why the chain could not be applied, where it could not; the figures are then the original's. */
  readonly error: string | null;
}

export function idOf(chain: Chain): string {
  return chain.map(({ method, rung }) => `${method.name}:${rung.value}`).join('>');
}

export function labelOf(chain: Chain): string {
  return chain.length === 0 ? 'original' : chain.map(({ rung }) => rung.label).join(' → ');
}

/** What the objective counts. */
export function costOf(objective: Objective): (trial: Trial) => number {
  return objective === 'size'
    ? (trial) => trial.bytes
    : objective === 'latency'
      ? (trial) => trial.milliseconds
      : (trial) => trial.multiplyAdds;
}

const STATE = 'search.json';

interface State {
  readonly search: string;
  readonly seconds: number;
  readonly trials: readonly Trial[];
}

function isState(value: unknown): value is State {
  const { search, seconds, trials } = (value ?? {}) as Partial<State>;
  return typeof search === 'string' && typeof seconds === 'number' && Array.isArray(trials);
}

export interface TrialsOptions {
  readonly original: Runnable;
  readonly data: Prepared;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
  readonly store: Store | undefined;
  readonly types: LayerTypes;
  /** What tells this search from others. */
  readonly fingerprint: string;
  readonly onTraining: (label: string, training: { name: string; done: number; total: number | null }) => void;
}

/**
 * Makes chains of methods and measures them, each once. With a store, every trial is kept as soon as it is done, with its
 * model; a later search of the same kind asks for the same trials in the same order, and is given what is known of them.
 */
export class Trials {
  readonly done = new Map<string, Trial>();
  private known = new Map<string, Trial>();
  private readonly models = new Map<string, Runnable>();
  private secondsBefore = 0;
  private readonly began = performance.now();

  constructor(private readonly options: TrialsOptions) {}

  /** Takes what the store knows of an earlier run. Gives false where that was another search. */
  async resume(): Promise<boolean> {
    const { store, fingerprint } = this.options;
    const state = store === undefined ? null : await loadJson(store, STATE);
    if (state === null) return true;
    if (!isState(state) || state.search !== fingerprint) return false;
    this.secondsBefore = state.seconds;
    this.known = new Map(state.trials.map((trial) => [trial.id, trial]));
    return true;
  }

  /** Seconds since the beginning, those of interrupted runs included. */
  get seconds(): number {
    return this.secondsBefore + (performance.now() - this.began) / 1000;
  }

  /** Trials that were made, without the original. */
  get count(): number {
    return this.done.size - (this.done.has('') ? 1 : 0);
  }

  /** Whether what the chain gives is known already. */
  isKnown(chain: Chain): boolean {
    const id = idOf(chain);
    return this.known.has(id) || this.done.has(id);
  }

  /** What the chain gives. */
  async run(chain: Chain): Promise<Trial> {
    const id = idOf(chain);
    const before = this.done.get(id);
    if (before !== undefined) return before;
    this.options.signal?.throwIfAborted();
    const recorded = this.known.get(id);
    const trial = recorded ?? (await this.make(chain));
    this.done.set(id, trial);
    if (recorded === undefined) await this.save(id, trial.error === null);
    return trial;
  }

  private async make(chain: Chain): Promise<Trial> {
    const { original, data, types } = this.options;
    const began = performance.now();
    const root = this.done.get('');
    const spent = (): number => (performance.now() - began) / 1000;
    try {
      const model = await this.modelOf(chain);
      const figures = await figuresOf(model, data, types);
      const [before, after] = race([original, model], data.inputs) as [number, number];
      const speedup = chain.length === 0 ? 1 : before / after;
      const milliseconds = (root?.milliseconds ?? before) / speedup;
      const drop = (root?.metric ?? figures.metric) - figures.metric;
      return {
        id: idOf(chain),
        label: labelOf(chain),
        ...figures,
        drop,
        milliseconds,
        speedup,
        seconds: spent(),
        error: null,
      };
    } catch (error) {
      // A method that this model does not allow, or whose training diverges, ends its chain and no more.
      if (root === undefined || !(error instanceof FettleError) || error.code === 'memory') throw error;
      return { ...root, id: idOf(chain), label: labelOf(chain), seconds: spent(), error: error.message };
    }
  }

  /** The model that a chain makes, which stays the search's own: made anew from the longest part of the chain that is here. */
  async modelOf(chain: Chain): Promise<Runnable> {
    const { original, data, seed, signal, onTraining } = this.options;
    const id = idOf(chain);
    const here = this.models.get(id) ?? (await this.load(id));
    if (here !== null) {
      this.models.set(id, here);
      return here;
    }
    const last = chain[chain.length - 1];
    let model = copyModel(last === undefined ? original : await this.modelOf(chain.slice(0, -1))).eval();
    try {
      const steps = knownSteps('search', last?.rung.steps ?? []);
      for (let i = 0; i < steps.length; i++) {
        const label = labelOf(chain);
        const step = steps[i] as (typeof steps)[number];
        const made = await runStep(model, step, `${id}#${i}`, {
          by: `search: ${label}`,
          data,
          original,
          seed,
          signal,
          onBatch: (name, done, total) => onTraining(label, { name, done, total }),
        });
        model = made.model;
      }
    } catch (error) {
      model.dispose();
      throw error;
    }
    this.models.set(id, model);
    return model;
  }

  /** Frees all models but these; one that is asked for again comes from the store, or is made again. */
  sweep(keep: ReadonlySet<string>): void {
    for (const [id, model] of this.models) {
      if (keep.has(id)) continue;
      model.dispose();
      this.models.delete(id);
    }
  }

  /** Gives a model away: it is no longer freed here. */
  async take(chain: Chain): Promise<Runnable> {
    const model = await this.modelOf(chain);
    this.models.delete(idOf(chain));
    return model;
  }

  private fileOf(id: string): string {
    return `${id.replaceAll(/[^a-z0-9.]+/gi, '-') || 'original'}.safetensors`;
  }

  private async load(id: string): Promise<Runnable | null> {
    const { store, types } = this.options;
    if (store === undefined || id === '' || !this.known.has(id)) return null;
    const bytes = await store.load(this.fileOf(id));
    return bytes === null ? null : (readSnapshot(bytes, this.fileOf(id), types) as Runnable);
  }

  private async save(id: string, hasModel: boolean): Promise<void> {
    const { store, types, fingerprint } = this.options;
    if (store === undefined) return;
    const model = this.models.get(id);
    if (hasModel && model !== undefined && id !== '') {
      try {
        await store.save(this.fileOf(id), writeSnapshot(model, types));
      } catch (error) {
        // A model of layers that no file can describe is made again where it is needed; that takes longer, no more.
        if (!(error instanceof FettleError) || error.code !== 'unsupported') throw error;
      }
    }
    await saveJson(store, STATE, { search: fingerprint, seconds: this.seconds, trials: [...this.done.values()] });
  }
}
