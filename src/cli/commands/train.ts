import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setDevice } from '../../backend/current.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator, Generator, manualSeed } from '../../core/random.js';
import { crossEntropy, mul, narrow } from '../../ops/index.js';
import { Adam, lrScheduler } from '../../optim/index.js';
import { alone, type Collective, DistributedDataParallel } from '../../parallel/index.js';
import { hasFile, readFile } from '../../runtime/files.node.js';
import { readTraining, type StepResult, saveModel, saveTraining, Trainer } from '../../train/index.js';
import type { Net } from '../demo/nets.js';
import { isFolderName } from '../folder.js';
import { buildModel, modelName, titleOf } from '../models.js';
import {
  COMPUTING,
  DEVICE,
  dataName,
  decimal,
  type Entry,
  noPositionals,
  type Shell,
  type Values,
  wholeNumber,
} from '../options.js';
import { joinRanks, ofRank, type Shard, Shards, scoreOf } from '../ranks.js';
import { formatBytes, formatCount, formatPercent } from '../table.js';
import { batchSizeOf, loadTask } from '../task.js';
import { shortPath, typed, UsageError } from '../usage.js';
import { spoken } from '../work.js';

export interface TrainAsked {
  readonly data: string;
  /** The name of a network, or the file of a program that makes one. */
  readonly model: string;
  readonly epochs: number | null;
  readonly lr: number;
  readonly seed: number;
  readonly out: string;
  /** Edge of images from folders, in pixels. */
  readonly size: number | null;
  /** Samples of a step. */
  readonly batch: number | null;
  readonly resume: boolean;
  readonly distributed: boolean;
  /** Seconds. */
  readonly timeout: number;
  /** What the user types to go on. */
  readonly further: string;
}

/** What must be the same for a training to go on. */
type Plan = Readonly<Record<'data' | 'model' | 'epochs' | 'lr' | 'seed' | 'size' | 'batch', string | number | null>>;

/** Where data are few, passes are cheap and many are needed. */
const usualEpochs = (samples: number): number => (samples < 10_000 ? 30 : 5);

export const trainCommand: Entry<TrainAsked> = {
  options: {
    ...COMPUTING,
    ...DEVICE,
    model: { example: 'lenet5' },
    epochs: { example: '20' },
    lr: { example: '0.002' },
    seed: { example: '3' },
    size: { example: '64' },
    batch: { example: '64' },
    out: { short: '-o', example: 'model.safetensors' },
    resume: {},
    distributed: {},
    timeout: { example: '60' },
  },
  read(parsed) {
    const { values } = parsed;
    noPositionals('train', parsed);
    const model = modelName('--model', values.model) ?? 'mlp';
    const data = dataName(values.data, { every: true }) ?? 'digits';
    const size = wholeNumber('--size', values.size, 8);
    if (size !== null && !isFolderName(data)) {
      throw new UsageError('--size goes with --data folder:DIR: images of other data have the size that they have.');
    }
    const distributed = values.distributed !== undefined;
    if (values.timeout !== undefined && !distributed) {
      throw new UsageError('--timeout goes with --distributed: only ranks wait for one another.');
    }
    if (distributed && (values.device ?? 'wasm') !== 'wasm') {
      throw new UsageError('--device goes without --distributed: ranks add up gradients in the memory of wasm.');
    }
    return {
      data,
      size,
      model,
      epochs: wholeNumber('--epochs', values.epochs, 1),
      lr: decimal('--lr', values.lr, { least: 1e-9, example: '0.002' }) ?? 2e-3,
      seed: wholeNumber('--seed', values.seed, 0) ?? 0,
      batch: wholeNumber('--batch', values.batch, 1),
      out: values.out ?? `${titleOf(model)}.safetensors`,
      resume: values.resume !== undefined,
      distributed,
      timeout: wholeNumber('--timeout', values.timeout, 1) ?? 600,
      further: furtherOf(values),
    };
  },
  async run(asked, shell) {
    const group = asked.distributed ? await joinRanks(asked.timeout * 1000, asked.further) : alone();
    try {
      await run(asked, shell, group);
      await group.close();
    } catch (error) {
      throw ofRank(group, error);
    }
  },
  goOn: ({ further }) => further,
};

/** The same command again, going on. */
function furtherOf(values: Values): string {
  const given = Object.entries(values).filter(([key]) => key !== 'resume' && key !== 'json');
  const words = [...given.map(([key, value]) => `--${key}${value === '' ? '' : ` ${value}`}`), '--resume'];
  const command = typed('train', words.join(' '));
  return values.distributed === undefined ? command : `mpirun … ${command}`;
}

/** Where a training stands after each epoch: beside the model that it will give. */
const checkpointOf = (out: string): string => `${out}.checkpoint`;

async function run(asked: TrainAsked, shell: Shell, group: Collective): Promise<void> {
  const { data, model: name, lr, seed, out, size } = asked;
  const { progress, signal } = shell;
  const isFirst = group.rank === 0;
  const task = await loadTask(data, seed, null, size ?? undefined);
  await setDevice(shell.device);
  manualSeed(seed);
  const model = await buildModel(name, task.about.shape, task.about.classes.length);
  const optimizer = new Adam(model.parameters(), { lr });
  const epochs = asked.epochs ?? usualEpochs(task.train.length);
  const batch = asked.batch ?? batchSizeOf(task.train);
  // Every rank takes the same number of samples, so that a step may take a few more than were asked for.
  const batchSize = Math.ceil(batch / group.size);
  const batches = new Shards(task.train, group, { batchSize, seed });
  const ranks = new DistributedDataParallel(model, { processGroup: group });
  const stage = isFirst ? progress.stage(titleOf(name), { total: epochs * batches.length }) : null;
  if (isFirst && asked.distributed) progress.line(aboutRanks(group, batchSize, checkpointOf(out)));
  const plan: Plan = { data, model: name, epochs, lr, seed, size, batch };
  const trainer = new Trainer<Net, Shard>({
    model,
    optimizer,
    ranks,
    scheduler: new lrScheduler.CosineAnnealingLR(optimizer, epochs),
    step: (shard) => lossOf(ranks, shard),
    validate: () => scoreOf(model, task.validation, group),
    onBatch: ({ accuracy, samplesPerSecond, ...at }) =>
      stage?.update({
        ...at,
        samplesPerSecond: samplesPerSecond * group.size,
        ...(accuracy === null ? {} : { accuracy }),
      }),
    onEpoch: async ({ epoch, trainLoss, trainAccuracy, validationAccuracy }) => {
      // What was shown during the epoch was rank 0's part of it.
      stage?.update({
        done: epoch * batches.length,
        loss: trainLoss,
        ...(trainAccuracy === null ? {} : { accuracy: trainAccuracy }),
        validation: validationAccuracy ?? Number.NaN,
      });
      if (isFirst && epoch < epochs) await saveTraining(checkpointOf(out), trainer.state(), plan);
    },
    signal,
  });
  try {
    await ranks.synchronize();
    if (asked.resume) await goOn(trainer, plan, group, { file: checkpointOf(out), say: (text) => stage?.note(text) });
    // Each rank draws random numbers of its own, and rank 0 those that it would draw alone.
    if (!isFirst) {
      const own = new Generator(seed).fork('rank', group.rank, trainer.epochs);
      defaultGenerator.setState(own.getState());
    }
    const history = await trainer.fit(batches, epochs);
    const best = history.reduce((a, b) => ((b.validationLoss ?? Infinity) < (a.validationLoss ?? Infinity) ? b : a));
    stage?.finish(`kept epoch ${best.epoch}: validation accuracy ${formatPercent(best.validationAccuracy)}`);
    const { accuracy } = await scoreOf(model, task.test, group);
    if (!isFirst) return;
    await saveModel(out, model, task.about);
    await rm(checkpointOf(out), { force: true });
    tell(asked, shell, model, { validation: best.validationAccuracy, test: accuracy });
  } finally {
    optimizer.dispose();
    trainer.dispose();
    ranks.dispose();
  }
}

/** This rank's share of the loss: the mean over ranks is that of all samples that count. */
function lossOf(ranks: DistributedDataParallel<Net>, { x, y, own, all }: Shard): StepResult {
  const rows = x.shape[0] as number;
  const { size } = ranks.processGroup;
  const logits = ranks.forward(x);
  if (rows * size === all) return { loss: crossEntropy(logits, y), logits, labels: y };
  const [seen, labels] = [narrow(logits, 0, 0, own), narrow(y, 0, 0, own)];
  return { loss: mul(crossEntropy(seen, labels, { reduction: 'sum' }), size / all), logits: seen, labels };
}

/** Said at the beginning, since a launcher may end all ranks without a word where one of them dies. */
function aboutRanks(group: Collective, batchSize: number, checkpoint: string): string {
  if (group.size === 1) return 'one rank alone: mpirun -n 4 fettle train --distributed … starts four';
  return (
    `${group.size} ranks, ${batchSize} samples of a step each, ${group.size * batchSize} together; if one dies, --resume goes on ` +
    `from ${shortPath(checkpoint)}, with any number of ranks`
  );
}

/** Goes on from the checkpoint, which rank 0 has and the others get from it: with as many ranks as there are now. */
async function goOn(
  trainer: Trainer<Net, Shard>,
  plan: Plan,
  group: Collective,
  { file, say }: { readonly file: string; readonly say: (text: string) => void },
): Promise<void> {
  const own = group.rank === 0 && (await hasFile(file)) ? await readFile(file) : new Uint8Array(0);
  // Lengths go as float64, which are whole numbers to beyond the size of any file.
  const [length] = (await group.broadcast(Float64Array.of(own.length))) as unknown as [number];
  if (length === 0) {
    say(`there is no ${shortPath(file)} to go on from: from the beginning`);
    return;
  }
  const bytes = await group.broadcast(group.rank === 0 ? own : new Uint8Array(length));
  readTraining(bytes, file, (state, about) => {
    const before = about as Partial<Plan>;
    for (const [key, value] of Object.entries(plan)) {
      const then = before[key as keyof Plan] ?? null;
      if (then === value) continue;
      fail(
        'state',
        `${file}: that training has --${key} ${then}, this one ${value}. Give the same options, or leave out --resume.`,
      );
    }
    trainer.load(state);
  });
  say(`goes on after epoch ${trainer.epochs}`);
}

function tell(
  { out, data, model: name }: TrainAsked,
  { progress, json, stream }: Shell,
  model: Net,
  { validation, test }: { validation: number | null; test: number },
): void {
  const parameters = model.parameters().reduce((n, p) => n + p.numel(), 0);
  const bytes = statSync(out).size;
  progress.close();
  if (json) {
    const result = { event: 'result', out, data, model: name, parameters, bytes, validation, test };
    stream.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const lines = [
    `${titleOf(name)}: ${formatCount(parameters)} parameters, ${formatPercent(test)} of the test part right, ${formatBytes(bytes)}`,
    `Model    ${shortPath(out)}; find what it bears with: ${typed('search', shortPath(out))}`,
  ];
  stream.write(spoken(stream, `${lines.join('\n')}\n`));
}
