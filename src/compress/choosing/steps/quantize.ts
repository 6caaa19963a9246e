import { fail } from '../../../core/errors.js';
import type { Tensor } from '../../../tensor.js';
import { inputOf } from '../../pruning/activations.js';
import * as quantize from '../../quantization/index.js';
import type { Prepared, Runnable } from '../data.js';
import {
  checkKeys,
  checkTraining,
  LEARNING_RATE,
  type StepContext,
  type StepKind,
  type TrainingOptions,
} from '../step.js';

/** How weights, and activations, come to be whole numbers; the options of each mode are those of `quantize`. */
export type Quantize =
  /** Computes in int8, with ranges seen on training data. The default. */
  | ({ readonly mode?: 'static' } & quantize.StaticOptions)
  /** Computes in int8, with the range of each input as it comes. */
  | ({ readonly mode: 'dynamic' } & quantize.DynamicOptions)
  /** Trains with rounding in the way, 2 epochs by default, and then computes in int8. */
  | ({ readonly mode: 'qat' } & Omit<quantize.QATOptions, 'exampleInputs'> & TrainingOptions)
  /** Stores weights in int8 or int4, and computes in float32. */
  | ({ readonly mode: 'weightOnly' } & quantize.WeightOnlyOptions)
  /** Stores weights in half of their bits. */
  | { readonly mode: 'halve'; readonly dtype?: 'float16' | 'bfloat16' };

type ModeName = NonNullable<Quantize['mode']>;

interface Mode {
  readonly keys: readonly string[];
  readonly label: (options: Readonly<Record<string, unknown>>) => string;
  /** What of data.train is needed. */
  readonly needs: 'nothing' | 'inputs' | 'labels';
  convert(model: Runnable, options: object, context: StepContext): Promise<Runnable> | Runnable;
}

/** At most this many samples are observed. */
const SAMPLES = 1024;
const QAT_EPOCHS = 2;

async function* calibration({ train }: Prepared): AsyncGenerator<Tensor> {
  let seen = 0;
  for await (const batch of train ?? []) {
    const x = inputOf(batch);
    yield x;
    seen += x.shape[0] ?? 1;
    if (seen >= SAMPLES) return;
  }
}

const MODES: Readonly<Record<ModeName, Mode>> = {
  static: {
    keys: ['perChannel', 'observer', 'symmetric', 'skip'],
    label: () => 'int8',
    needs: 'inputs',
    convert: (model, options, { data }) => quantize.static(model, calibration(data), options),
  },
  dynamic: {
    keys: ['perChannel', 'skip'],
    label: () => 'dynamic int8',
    needs: 'nothing',
    convert: (model, options) => quantize.dynamic(model, options),
  },
  qat: {
    keys: ['perChannel', 'symmetric', 'averagingConstant', 'skip', 'epochs', 'lr'],
    label: () => 'int8, trained',
    needs: 'labels',
    async convert(model, options, { data, retrain }) {
      const { epochs = QAT_EPOCHS, lr = LEARNING_RATE / 4, ...rest } = options as TrainingOptions;
      const prepared = quantize.qat(model, { ...rest, exampleInputs: data.inputs });
      try {
        await retrain(prepared, { name: 'qat', epochs, lr });
        return quantize.convert(prepared);
      } finally {
        prepared.dispose();
      }
    },
  },
  weightOnly: {
    keys: ['dtype', 'groupSize', 'symmetric', 'skip'],
    label: ({ dtype = 'int8' }) => `${String(dtype)} weights`,
    needs: 'nothing',
    convert: (model, options) => quantize.weightOnly(model, options),
  },
  halve: {
    keys: ['dtype'],
    label: ({ dtype = 'float16' }) => `${String(dtype)} weights`,
    needs: 'nothing',
    convert: (model, options) => quantize.halve(model, options),
  },
};

/** The names of the modes. */
export const QUANTIZE_MODES = Object.keys(MODES) as readonly ModeName[];

export const quantizeStep: StepKind<Quantize> = {
  check(where, options, _, data) {
    const { mode = 'static' } = options ?? {};
    if (!Object.hasOwn(MODES, mode)) {
      fail('argument', `${where}: mode must be one of ${QUANTIZE_MODES.join(', ')}, got '${String(mode)}'.`);
    }
    const { keys, needs } = MODES[mode];
    checkKeys(where, options, ['mode', ...keys]);
    if (needs === 'inputs' && data.train === null) {
      fail('argument', `${where}: mode '${mode}' needs data.train to see how large activations are.`);
    }
    if (needs === 'labels') checkTraining(where, { epochs: QAT_EPOCHS, ...(options as TrainingOptions) }, data);
  },
  label: ({ mode = 'static', ...options }) => MODES[mode].label(options),
  async apply(model, { mode = 'static', ...options }, context) {
    return { model: await MODES[mode].convert(model, options, context) };
  },
};
