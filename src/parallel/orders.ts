import { isDeterministic } from '../backend/current.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import type { Briefed, Known, Order, Told } from './crew.js';
import { Forms, keyOf } from './forms.js';
import { Brief, type Exchange, type Job } from './messages.js';
import { parcelOf } from './shards.js';
import type { ModelValues } from './values.js';

/** What a job of training is told beside its part of a batch. */
export interface Training {
  readonly seed: number;
  readonly scale: number;
  /** Where its gradients go, asked when a thread is given it. */
  place(): Pick<Job, 'into' | 'spare'>;
  /** Of a batch whose threads tell each other its statistics. */
  readonly exchange: Exchange | null;
  readonly lost: (() => boolean) | undefined;
}

/** Makes the jobs for parts of a batch. */
export class Orders {
  private readonly forms: Forms;

  constructor(
    private readonly name: string,
    private readonly values: ModelValues,
  ) {
    this.forms = new Forms(values);
  }

  /** A random stream of its own for the next batch. */
  randomStream(): Generator {
    return defaultGenerator.fork('parallel', defaultGenerator.reserve(1));
  }

  /** A job without gradients. */
  asking(kind: 'forward' | 'measure', value: unknown, i: number): Order {
    return {
      what: whatOf(i),
      make: ({ version }) => {
        const seed = this.values.trains ? this.randomStream().initialSeed() : 0;
        return this.inFull({ ...NO_TRAINING, kind, seed }, value, version);
      },
    };
  }

  /** A job of training: part `i` of a batch. */
  training(value: unknown, i: number, training: Training): Order {
    const { lost } = training;
    return {
      what: whatOf(i),
      ...(lost === undefined ? {} : { lost }),
      make: (known) => this.tell(value, training, known),
    };
  }

  /** Tells a job by numbers where the thread knows its form, and else in full, with the form for those to come. */
  private tell(value: unknown, { seed, scale, place, exchange }: Training, { version, forms }: Known): Told | Briefed {
    const strict = isDeterministic();
    const mode = this.values.mode();
    const { into, spare } = place();
    const known = forms && exchange === null && into !== null ? this.forms.find(value, mode, strict) : null;
    if (known !== null && into !== null && forms?.has(known.form)) {
      const version = this.values.publish();
      const numbers = new Array<number>(Brief.BATCH);
      numbers[Brief.FORM] = known.form.id;
      numbers[Brief.SEED] = seed;
      numbers[Brief.SCALE] = scale;
      numbers[Brief.VERSION] = version;
      numbers[Brief.INTO] = into.byteOffset;
      return { numbers: [...numbers, ...known.batch], version };
    }
    const form = known?.form ?? null;
    const key = form?.key ?? keyOf(value, mode, strict);
    const job = { kind: 'train', seed, scale, into, spare, exchange, key, form } as const;
    return this.inFull(job, value, version, spare === null ? [] : [spare]);
  }

  private inFull(
    job: Omit<Job, 'batch' | 'values' | 'strict' | 'buffers' | 'mode'>,
    value: unknown,
    version: number,
    send: ArrayBuffer[] = [],
  ): Told {
    const batch = parcelOf(this.name, value, send);
    const values = this.values.forThread(version, send);
    const buffers = this.values.buffers();
    return { job: { ...job, batch, values, buffers, strict: isDeterministic(), mode: this.values.mode() }, send };
  }
}

const whatOf = (i: number): string => `part ${i + 1} of a batch`;

const NO_TRAINING = { scale: 1, into: null, spare: null, exchange: null, key: null, form: null } as const;
