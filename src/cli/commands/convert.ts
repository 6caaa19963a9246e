import { basename, dirname, join } from 'node:path';
import { FettleError, fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { type Preprocessor, StandardScaler } from '../../data/index.js';
import { nanToNum, zeros } from '../../ops/index.js';
import { writeFile } from '../../runtime/files.node.js';
import { type Standalone, standalone } from '../../standalone/index.js';
import type { Tensor } from '../../tensor.js';
import { loadModel } from '../../train/index.js';
import { Standardize } from '../demo/source.js';
import { type Entry, isCsvName, type Options, oneFile, oneOf, SHARED, type Shell, wholeNumber } from '../options.js';
import { formatBytes } from '../table.js';
import { type About, isAbout } from '../task.js';
import { shortPath, UsageError } from '../usage.js';
import { spoken } from '../work.js';

export interface ConvertAsked {
  readonly file: string;
  /** The module; what goes with it lies beside. */
  readonly out: string;
  readonly batch: readonly number[];
  /** Of one sample, where the file does not say. */
  readonly shape: readonly number[] | null;
  readonly inline: boolean;
  readonly handler: boolean;
  readonly weights: 'float16' | null;
  readonly arithmetic: 'strict' | 'relaxed' | null;
}

const OPTIONS: Options = {
  ...SHARED,
  to: { example: 'standalone' },
  batch: { example: '1,16' },
  shape: { example: '1,28,28' },
  inline: {},
  handler: {},
  weights: { example: 'float16' },
  arithmetic: { example: 'relaxed' },
  out: { short: '-o', example: 'net.js' },
};

function numbers(flag: string, text: string | undefined): number[] | null {
  if (text === undefined) return null;
  return text.split(',').map((one) => wholeNumber(flag, one.trim(), 1) as number);
}

export const convertCommand: Entry<ConvertAsked> = {
  options: OPTIONS,
  read(parsed) {
    const { values } = parsed;
    const file = oneFile('convert', parsed, 'model.safetensors --to standalone');
    if (oneOf('--to', values.to, ['standalone']) === null) {
      throw new UsageError(`convert needs --to. For example fettle convert ${shortPath(file)} --to standalone.`);
    }
    const out = values.out ?? `${file.replace(/\.safetensors$/, '')}.js`;
    if (!/[\w-]\.js$/.test(out)) throw new UsageError(`--out takes the name of a .js file, got '${out}'.`);
    return {
      file,
      out,
      batch: numbers('--batch', values.batch) ?? [1],
      shape: numbers('--shape', values.shape),
      inline: values.inline !== undefined,
      handler: values.handler !== undefined,
      weights: oneOf('--weights', values.weights, ['float16']),
      arithmetic: oneOf('--arithmetic', values.arithmetic, ['strict', 'relaxed']),
    };
  },
  async run(asked, shell) {
    const { file, out, batch, inline, handler, weights, arithmetic } = asked;
    const { model, about, preprocessing } = await loadModel(file);
    try {
      const known = isAbout(about) ? about : null;
      const shape =
        asked.shape ?? known?.shape ?? fail('format', 'it does not say what its inputs are. Tell --shape 1,28,28.');
      const prepare = preprocessing === null ? null : preparing(preprocessing, shape, known);
      const forward = (x: Tensor): Tensor => (model.forward as (x: Tensor) => Tensor).call(model, x);
      const made = scope(() =>
        standalone(prepare === null ? model : (x: Tensor) => forward(prepare(x)), zeros([1, ...shape]), {
          ...{ name: basename(out, '.js'), batch, inline, handler, classes: known?.classes ?? [] },
          ...(weights === null ? {} : { weights }),
          ...(arithmetic === null ? {} : { arithmetic }),
        }),
      );
      // The module last, so that it is never there without what it names.
      const names = Object.keys(made.files).sort((a, b) => Number(a.endsWith('.js')) - Number(b.endsWith('.js')));
      for (const name of names) await writeFile(join(dirname(out), name), [made.files[name] as Uint8Array]);
      tell(shell, asked, made);
    } catch (error) {
      if (!(error instanceof FettleError)) throw error;
      throw new FettleError(error.code, `${file}: ${error.message}`, { cause: error });
    } finally {
      model.dispose();
    }
  },
};

/** What the inputs of the file's data go through before the network sees them. */
function preparing(preprocessing: Preprocessor, shape: readonly number[], about: About | null): (x: Tensor) => Tensor {
  if (shape.length === 1) {
    // In a table, a missing number stands for the mean.
    const isTable = about !== null && isCsvName(about.data);
    const scaled = (x: Tensor): Tensor => preprocessing.transform(x) as Tensor;
    return isTable ? (x) => nanToNum(scaled(x), 0) : scaled;
  }
  if (shape.length === 3 && preprocessing instanceof StandardScaler) {
    const standardize = new Standardize(preprocessing);
    return (x) => standardize.forward(x);
  }
  return fail(
    'unsupported',
    `its preprocessing, a ${preprocessing.kind}, is not known for inputs of shape [${shape.join(', ')}].`,
  );
}

function tell({ stream, json }: Shell, { file, out }: ConvertAsked, made: Standalone): void {
  const files = Object.entries(made.files).map(([name, { length }]) => ({
    file: join(dirname(out), name),
    bytes: length,
  }));
  const { kernels, bytes, memoryBytes } = made;
  if (json) {
    stream.write(`${JSON.stringify({ event: 'result', file, files, kernels, bytes, memoryBytes })}\n`);
    return;
  }
  const width = Math.max(...files.map(({ file }) => shortPath(file).length));
  const lines = [
    ...files.map((one) => `${shortPath(one.file).padEnd(width)}  ${formatBytes(one.bytes)}`),
    '',
    `Weights  ${formatBytes(bytes.weights)}, and besides them ${formatBytes(bytes.code)} of kernels and ${formatBytes(bytes.script)} of script`,
    `Kernels  ${kernels.join(', ')}`,
    `Memory   ${formatBytes(memoryBytes)}`,
    '',
    `Use it: import { load, predict } from './${basename(out)}'; await load(); predict(numbers)`,
  ];
  stream.write(spoken(stream, `${lines.join('\n')}\n`));
}
