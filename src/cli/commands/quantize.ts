import type { Step } from '../../compress/index.js';
import {
  COMPUTING,
  dataName,
  decimal,
  type Entry,
  type Options,
  oneFile,
  oneOf,
  type Values,
  wholeNumber,
} from '../options.js';
import { UsageError } from '../usage.js';
import { resultName, runRecipe } from '../work.js';

export interface QuantizeAsked {
  readonly file: string;
  readonly data: string | null;
  readonly out: string;
  readonly seed: number;
  readonly step: Step;
}

const MODES = ['static', 'dynamic', 'qat', 'weights'] as const;
const OBSERVERS = ['minmax', 'movingAverage', 'histogram', 'mse', 'entropy'] as const;
const DTYPES = ['int8', 'int4', 'float16', 'bfloat16'] as const;

/** Options that one mode alone has. */
const OF_MODE: Readonly<Record<string, readonly (typeof MODES)[number][]>> = {
  observer: ['static'],
  dtype: ['weights'],
  epochs: ['qat'],
  lr: ['qat'],
};

const OPTIONS: Options = {
  ...COMPUTING,
  mode: { example: 'qat' },
  observer: { example: 'mse' },
  dtype: { example: 'int4' },
  epochs: { example: '2' },
  lr: { example: '0.0005' },
  seed: { example: '3' },
  out: { short: '-o', example: 'int8.safetensors' },
};

function readStep(values: Values): Step {
  const mode = oneOf('--mode', values.mode, MODES) ?? 'static';
  for (const [key, modes] of Object.entries(OF_MODE)) {
    if (values[key] !== undefined && !modes.includes(mode)) {
      throw new UsageError(
        `--${key} belongs to --mode ${modes.join(' or ')}, not ${mode}. Leave it out, or change --mode.`,
      );
    }
  }
  const observer = oneOf('--observer', values.observer, OBSERVERS);
  const epochs = wholeNumber('--epochs', values.epochs, 0);
  const lr = decimal('--lr', values.lr, { least: 1e-9, example: '0.0005' });
  const dtype = oneOf('--dtype', values.dtype, DTYPES) ?? 'int8';
  if (mode === 'static') return { quantize: { mode, ...(observer === null ? {} : { observer }) } };
  if (mode === 'dynamic') return { quantize: { mode } };
  if (mode === 'weights') return { quantize: { mode: 'weightOnly', dtype } };
  return { quantize: { mode, ...(epochs === null ? {} : { epochs }), ...(lr === null ? {} : { lr }) } };
}

export const quantizeCommand: Entry<QuantizeAsked> = {
  options: OPTIONS,
  read(parsed) {
    const { values } = parsed;
    const file = oneFile('quantize', parsed, 'mlp.safetensors --mode static');
    return {
      file,
      data: dataName(values.data, { every: true }),
      out: values.out ?? resultName(file, 'quantized'),
      seed: wholeNumber('--seed', values.seed, 0) ?? 0,
      step: readStep(values),
    };
  },
  run: ({ step, ...asked }, shell) => runRecipe(asked, () => [step], shell),
};
