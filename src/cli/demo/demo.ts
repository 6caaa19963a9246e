import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { LabelledImages } from '../../data/index.js';
import { hasRelaxedSimd } from '../../runtime/variant.js';
import type { Evaluation } from '../../train/index.js';
import type { Progress } from '../progress.js';
import { renderReport } from '../report/html.js';
import { type Report, type ReportDetails, TEACHER, type WrongSample } from '../report/report.js';
import { formatCount } from '../table.js';
import { shortPath, UsageError } from '../usage.js';
import { version } from '../version.js';
import { type Measured, measure, measureLatencies, ROUNDS } from './measure.js';
import { planFor } from './plan.js';
import { recommend } from './recommend.js';
import { findUnfinished, type RunOptions, Session, writeWhole } from './session.js';
import { datasetOf, fitScaler, loadParts, type Parts } from './source.js';
import {
  pruneConnections,
  quantizeTeacher,
  shrinkUnits,
  trainStudent,
  trainTeacher,
  type Variant,
  type Workshop,
} from './variants.js';

export interface DemoOptions extends RunOptions {
  /** Folder of this run, or null for a new one below runs/. */
  readonly out: string | null;
  /** Go on with an unfinished run: the one in this folder, or the latest below runs/. */
  readonly resume: string | boolean;
}

const RUNS = 'runs';

/** A folder name that sorts by time: 2026-11-22T21-05-09. */
function timeName(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(':', '-');
}

function resumeSession({ resume, out }: DemoOptions, progress: Progress, signal: AbortSignal): Session {
  const root = typeof resume === 'string' ? resume : (out ?? RUNS);
  const folder = findUnfinished(root);
  if (folder === null) {
    throw new UsageError(`--resume: there is no unfinished run in ${root}. Start one without --resume.`);
  }
  const session = Session.resume(folder, progress, signal);
  const done = session.done === 1 ? '1 training is done' : `${session.done} trainings are done`;
  progress.line(`going on with ${shortPath(folder)}${session.done === 0 ? '' : `: ${done}`}`);
  return session;
}

function createSession(
  { out, data, seed, epochs, quick }: DemoOptions,
  progress: Progress,
  signal: AbortSignal,
): Session {
  let folder = out ?? join(RUNS, timeName(new Date()));
  // Two runs begun within a second each get a folder.
  for (let n = 2; out === null && existsSync(folder); n++) folder = join(RUNS, `${timeName(new Date())}-${n}`);
  if (findUnfinished(folder) === folder) {
    progress.line(`the unfinished run in ${shortPath(folder)} begins anew; --resume would have gone on with it`);
  }
  if (existsSync(join(folder, 'report.json'))) {
    throw new UsageError(
      `--out: ${shortPath(folder)} holds a finished run. Choose another folder, or delete it first.`,
    );
  }
  return Session.create(folder, { data, seed, epochs, quick }, progress, signal);
}

/** The command that makes the same run again. */
function commandOf({ data, seed, epochs, quick }: RunOptions): string {
  const parts = [
    'npm start --',
    data === 'digits' ? '' : `--data ${data}`,
    `--seed ${seed}`,
    epochs === null ? '' : `--epochs ${epochs}`,
    quick ? '--quick' : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** The images that a network got wrong, as the page shows them. */
function wrongSamples(part: LabelledImages, { predictions }: Evaluation): WrongSample[] {
  const [channels, height, width] = part.shape;
  const size = channels * height * width;
  return predictions.flatMap(({ label, predicted, confidence }, i): WrongSample[] => {
    if (label === predicted) return [];
    const data = Uint8Array.from(part.images.subarray(i * size, (i + 1) * size), (value) =>
      Math.round((value * 255) / part.white),
    );
    return [{ data, shape: [channels, height, width], label, predicted, confidence }];
  });
}

/** Makes all networks of the comparison, one stage after another. */
async function makeVariants(shop: Workshop): Promise<Variant[]> {
  const { plan } = shop;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const teacher = await trainTeacher(shop);
  const pruned = await pruneConnections(shop, teacher, 'magnitude');
  const prunedActivation = await pruneConnections(shop, teacher, 'activation');
  const shrunk = await shrinkUnits(shop, teacher);
  const student = await trainStudent(shop, teacher);
  const alone = await trainStudent(shop, null);
  const int8 = await quantizeTeacher(shop, teacher);
  return [
    { name: TEACHER, method: 'Adam, augmentation, early stopping', net: teacher },
    { name: 'pruned', method: `${percent(plan.sparsity)} of connections removed by weight, retrained`, net: pruned },
    {
      name: 'pruned-activation',
      method: `${percent(plan.sparsity)} removed by activation, retrained`,
      net: prunedActivation,
    },
    { name: 'shrunk', method: `${percent(plan.unitSparsity)} of neurons and channels removed, retrained`, net: shrunk },
    { name: 'student', method: 'small network, distilled from the teacher', net: student },
    { name: 'student-alone', method: 'the same network, trained without a teacher', net: alone },
    { name: 'int8', method: 'teacher with int8 weights and activations', net: int8 },
  ];
}

/** What all stages share, and what a saved model says about itself. */
function openWorkshop(session: Session, progress: Progress, parts: Parts): { shop: Workshop; about: unknown } {
  const { data, seed, epochs, quick } = session.options;
  const [train, validation, test] = [parts.train, parts.validation, parts.test].map(({ labels }) =>
    formatCount(labels.length),
  );
  progress.line(`${data}: ${train} images to train on, ${validation} to validate, ${test} to test; seed ${seed}`);
  const scaler = fitScaler(parts.train);
  const shop: Workshop = {
    session,
    progress,
    parts,
    plan: planFor(parts.train, { quick, ...(epochs === null ? {} : { epochs }) }),
    augmented: datasetOf(parts.train, scaler, true),
    plain: datasetOf(parts.train, scaler),
    validation: datasetOf(parts.validation, scaler),
    test: datasetOf(parts.test, scaler),
    nets: [],
  };
  return { shop, about: { data, seed, classes: parts.classes, shape: parts.shape, preprocessing: scaler.toJSON() } };
}

/** Latency, accuracy and size of every network. */
async function measureAll(shop: Workshop, variants: readonly Variant[], about: unknown, signal: AbortSignal) {
  const { session, progress, parts } = shop;
  const stage = progress.stage('measuring', { total: (ROUNDS + 1) * variants.length });
  let done = 0;
  const tick = async (): Promise<void> => {
    stage.update({ done: ++done });
    // Measuring is synchronous; without a pause no signal would be heard.
    await setImmediate();
    signal.throwIfAborted();
  };
  const share = session.options.quick ? 0.25 : 1;
  const latencies = await measureLatencies(variants, parts.shape, { share, onEach: tick });
  const measured: Measured[] = [];
  for (const variant of variants) {
    const times = latencies.get(variant.name) as { batch1: number; batch64: number };
    measured.push(await measure(variant, session.folder, shop, times, about));
    await tick();
  }
  stage.finish(`${variants.length} networks on ${formatCount(parts.test.labels.length)} test images`);
  return measured;
}

export interface DemoResult {
  readonly folder: string;
  readonly report: Report;
  readonly parts: Parts;
}

/**
 * The whole demonstration: trains, trims, measures, and writes the report into the run's folder. Stopped by `signal`, it throws
 * the signal's reason, and a later call with `resume` goes on to the same figures.
 */
export async function runDemo(options: DemoOptions, progress: Progress, signal: AbortSignal): Promise<DemoResult> {
  const resumed = options.resume === false ? null : resumeSession(options, progress, signal);
  const { data, seed } = resumed?.options ?? options;
  // Read before a folder is made, so that a wrong name leaves nothing behind.
  const parts = await loadParts(data, seed);
  const session = resumed ?? createSession(options, progress, signal);
  const { shop, about } = openWorkshop(session, progress, parts);
  try {
    const variants = await makeVariants(shop);
    const measured = await measureAll(shop, variants, about, signal);
    const report = await writeReport(session, parts, measured);
    session.clean();
    return { folder: session.folder, report, parts };
  } catch (error) {
    session.write();
    throw error;
  } finally {
    for (const net of shop.nets) net.dispose();
  }
}

async function writeReport(session: Session, parts: Parts, measured: readonly Measured[]): Promise<Report> {
  const results = measured.map(({ variant }) => variant);
  const { recommended, reason } = recommend(results, TEACHER);
  const { data, seed } = session.options;
  const report: Report = {
    version,
    data,
    seed,
    device: `wasm (${hasRelaxedSimd() ? 'relaxed' : 'strict'} simd)`,
    runtime: `node ${process.versions.node} ${process.platform} ${process.arch}`,
    variants: results,
    recommended,
    reason,
    seconds: Math.round(session.seconds * 10) / 10,
  };
  const chosen = measured.find(({ variant }) => variant.name === recommended) as Measured;
  const details: ReportDetails = {
    command: commandOf(session.options),
    date: session.started,
    classes: parts.classes,
    split: {
      train: parts.train.labels.length,
      validation: parts.validation.labels.length,
      test: parts.test.labels.length,
    },
    curves: results
      .map(({ name }) => ({ variant: name, stages: session.curve(name) }))
      .filter(({ stages }) => stages.length > 0),
    sparsity: measured.map(({ variant, layers }) => ({ variant: variant.name, layers })),
    confusion: chosen.test.confusion,
    wrong: wrongSamples(parts.test, chosen.test),
  };
  writeWhole(join(session.folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeWhole(join(session.folder, 'report.html'), await renderReport(report, details));
  return report;
}
