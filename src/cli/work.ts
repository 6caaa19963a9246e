import { statSync } from 'node:fs';
import type { CompressionData, RecipeProgress, RecipeResult, Step, StepReport } from '../compress/index.js';
import { recipe } from '../compress/index.js';
import { zeros } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { evaluate, saveModel } from '../train/index.js';
import type { Net } from './demo/nets.js';
import type { Shell } from './options.js';
import { formatBytes, formatPercent } from './table.js';
import { type About, batchSizeOf, loaderOf, openModel, type Task } from './task.js';
import { terminalStyle, toAscii } from './terminal.js';
import { shortPath, typed } from './usage.js';

/** What commands that change a model have in common. */

/** The batches of a task, as methods of compression take them. */
export function dataOf(task: Task, seed: number, exampleInputs: Tensor): CompressionData {
  return {
    train: loaderOf(task.train, { batchSize: batchSizeOf(task.train), shuffleBy: seed }),
    validation: loaderOf(task.validation, { batchSize: 256 }),
    exampleInputs,
  };
}

/** A batch of zeros, of the shape of the data; its time is that of any other. */
export function exampleOf(about: About, batch: number): Tensor {
  return zeros([batch, ...about.shape]).keep();
}

export async function testAccuracy(model: Net, task: Task): Promise<number> {
  const { accuracy } = await evaluate(model, loaderOf(task.test, { batchSize: 256 }));
  return accuracy;
}

/** The name of a result beside the file it was made of: 'a/model.safetensors' → 'a/model-pruned.safetensors'. */
export function resultName(file: string, word: string): string {
  return `${file.replace(/\.safetensors$/, '')}-${word}.safetensors`;
}

/** Text for a stream: as it is on a terminal that can show it, ASCII elsewhere. */
export function spoken(stream: Shell['stream'], text: string): string {
  return terminalStyle(stream).unicode ? text : toAscii(text);
}

/** Shows the trainings of a recipe as stages. */
export function showRecipe({ progress, signal }: Shell): {
  onProgress: (at: RecipeProgress) => void;
  signal: AbortSignal;
} {
  let current: { key: string; stage: ReturnType<typeof progress.stage> } | null = null;
  const end = (summary?: string): void => {
    current?.stage.finish(summary);
    current = null;
  };
  const onProgress = ({ step, label, training, report }: RecipeProgress): void => {
    if (report !== undefined) {
      end();
      progress.line(`${label}: validation accuracy ${formatPercent(report.metric)}`);
      return;
    }
    if (training === undefined) return;
    const key = `${step} ${training.name}`;
    if (current?.key !== key) {
      end();
      current = { key, stage: progress.stage(training.name, { total: training.total ?? 0 }) };
    }
    current.stage.update({ done: training.done });
  };
  return { onProgress, signal };
}

export interface MadeModel {
  readonly file: string;
  readonly out: string;
  readonly data: string;
  readonly original: StepReport;
  readonly steps: readonly StepReport[];
  /** Accuracy on the test part, which had no part in the making. */
  readonly test: { readonly before: number; readonly after: number };
  /** Bytes on disk, of the file that was given and of the one that was made. */
  readonly bytes: { readonly before: number; readonly after: number };
}

/** Runs a recipe on a saved model, saves what it made, and tells. */
export async function runRecipe(
  { file, data, seed, out }: { file: string; data: string | null; seed: number; out: string },
  steps: (task: Task) => readonly Step[] | Promise<readonly Step[]>,
  shell: Shell,
): Promise<void> {
  const { model, about, task } = await openModel(file, data);
  let made: RecipeResult<Net> | null = null;
  const example = exampleOf(about, 64);
  try {
    shell.signal.throwIfAborted();
    made = await recipe(await steps(task)).run(model, dataOf(task, seed, example), { seed, ...showRecipe(shell) });
    const test = { before: await testAccuracy(model, task), after: await testAccuracy(made.model, task) };
    shell.signal.throwIfAborted();
    await saveModel(out, made.model, about);
    const { original, steps: reports } = made;
    const bytes = { before: statSync(file).size, after: statSync(out).size };
    tell(shell, { file, out, data: task.about.data, original, steps: reports, test, bytes }, String(made));
  } finally {
    example.dispose();
    made?.model.dispose();
    model.dispose();
  }
}

function tell({ stream, json, progress }: Shell, made: MadeModel, table: string): void {
  progress.close();
  if (json) {
    stream.write(`${JSON.stringify({ event: 'result', ...made })}\n`);
    return;
  }
  const { test, bytes, out } = made;
  const lines = [
    '',
    table,
    '',
    `Test     ${formatPercent(test.before)} before, ${formatPercent(test.after)} now`,
    `File     ${formatBytes(bytes.before)} before, ${formatBytes(bytes.after)} now`,
    `Model    ${shortPath(out)}; score it again with: ${typed('eval', shortPath(out))}`,
  ];
  stream.write(spoken(stream, `${lines.join('\n')}\n`));
}
