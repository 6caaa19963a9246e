import {
  type ActivationStats,
  activationStats,
  Distiller,
  iterative,
  oneShot,
  Pruner,
  quantize,
  shrink,
} from '../../compress/index.js';
import { manualSeed } from '../../core/random.js';
import { DataLoader, type ImageDataset, Subset } from '../../data/index.js';
import { cloneModule } from '../../nn/index.js';
import { crossEntropy, zeros } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { StepResult } from '../../train/index.js';
import type { Progress } from '../progress.js';
import { type Net, studentNet, teacherNet } from './nets.js';
import type { Plan } from './plan.js';
import type { Session } from './session.js';
import type { Parts } from './source.js';

/** A network of the comparison. */
export interface Variant {
  readonly name: string;
  readonly method: string;
  readonly net: Net;
}

/** Everything the stages share. */
export interface Workshop {
  readonly session: Session;
  readonly progress: Progress;
  readonly parts: Parts;
  readonly plan: Plan;
  /** The training part, augmented anew in each epoch, and as it is. */
  readonly augmented: ImageDataset;
  readonly plain: ImageDataset;
  readonly validation: ImageDataset;
  readonly test: ImageDataset;
  /** Every network that was made, to be freed in the end. */
  readonly nets: Net[];
}

function keepNet(shop: Workshop, net: Net): Net {
  shop.nets.push(net);
  return net;
}

const LEARNING_RATE = 2e-3;

function supervised(net: Net, x: Tensor, y: Tensor): StepResult {
  const logits = net.forward(x);
  return { loss: crossEntropy(logits, y), logits, labels: y };
}

/** What all trainings of the run have in common. */
function common({ augmented, validation, plan }: Workshop) {
  return { train: augmented, validation, batchSize: plan.batchSize, learningRate: LEARNING_RATE, step: supervised };
}

export async function trainTeacher(shop: Workshop): Promise<Net> {
  manualSeed(shop.session.stream('init', 'teacher').getState().seed);
  const net = keepNet(shop, teacherNet(shop.parts.shape, shop.parts.classes.length));
  await shop.session.run({
    ...common(shop),
    name: 'teacher',
    net,
    epochs: shop.plan.teacherEpochs,
    patience: shop.plan.patience,
  });
  return net;
}

/** At most this many samples tell how large activations are, or how they are distributed. */
function sampled({ plain, session }: Workshop, count: number): DataLoader<[Tensor<'float32'>, Tensor<'int32'>]> {
  const order = session.stream('sample').permutation(plain.length).slice(0, count);
  return new DataLoader(new Subset(plain, order), { batchSize: 128 }) as DataLoader<
    [Tensor<'float32'>, Tensor<'int32'>]
  >;
}

/** Removes single connections in rounds, with training in between. */
export async function pruneConnections(
  shop: Workshop,
  teacher: Net,
  importance: 'magnitude' | 'activation',
): Promise<Net> {
  const { session, plan } = shop;
  const variant = importance === 'magnitude' ? 'pruned' : 'pruned-activation';
  const net = keepNet(shop, cloneModule(teacher));
  let stats = new Map<string, ActivationStats>();
  const schedule = iterative(plan.pruneRounds);
  const pruner = new Pruner(net, {
    importance,
    activations: () => stats,
    target: { sparsity: plan.sparsity },
    schedule,
  });
  for (let round = 1; round <= plan.pruneRounds; round++) {
    const name = `${variant} ${(schedule.reach(round, plan.sparsity) * 100).toFixed(0)} %`;
    if (session.isDone(name)) {
      pruner.resume(round);
    } else {
      if (importance === 'activation') stats = await activationStats(net, sampled(shop, 1024));
      pruner.step();
    }
    const last = round === plan.pruneRounds;
    // The last round has lost the most and gets the most time to recover.
    await session.run({
      ...common(shop),
      name,
      net,
      epochs: plan.retrainEpochs * (last ? 2 : 1),
      learningRate: LEARNING_RATE / 2,
    });
  }
  return net;
}

/** Removes whole neurons and channels, cuts the tensors down to what is left, and trains that. */
export async function shrinkUnits(shop: Workshop, teacher: Net): Promise<Net> {
  const { plan, session } = shop;
  const net = keepNet(shop, cloneModule(teacher));
  const input = zeros([1, ...shop.parts.shape]);
  new Pruner(net, {
    exampleInputs: input,
    granularity: 'neuron',
    target: { sparsity: plan.unitSparsity },
    schedule: oneShot(),
    keepAtLeast: 0.25,
  }).step();
  shrink(net, input);
  input.dispose();
  await session.run({
    ...common(shop),
    name: 'shrunk',
    net,
    epochs: plan.shrinkEpochs,
    learningRate: LEARNING_RATE / 2,
  });
  return net;
}

/** Trains the small network, on the teacher's predictions or alone; both begin with the same weights. */
export async function trainStudent(shop: Workshop, teacher: Net | null): Promise<Net> {
  const { session, parts, plan } = shop;
  manualSeed(session.stream('init', 'student').getState().seed);
  const net = keepNet(shop, studentNet(parts.shape, parts.classes.length));
  const distiller =
    teacher === null
      ? null
      : new Distiller({ teacher, student: net, temperature: 4, alpha: 0.9, mixtures: plan.mixtures });
  const distilled = (_: Net, x: Tensor, y: Tensor): StepResult => (distiller as Distiller).step(x, y);
  await session.run({
    ...common(shop),
    name: teacher === null ? 'student-alone' : 'student',
    net,
    epochs: plan.studentEpochs,
    ...(teacher === null ? {} : { step: distilled }),
  });
  return net;
}

/** The teacher computed in int8, its activations' ranges observed on training data. */
export async function quantizeTeacher(shop: Workshop, teacher: Net): Promise<Net> {
  const stage = shop.progress.stage('int8', { total: 0 });
  const net = keepNet(shop, await quantize.static(teacher, sampled(shop, 512)));
  stage.finish('calibrated on training images');
  return net;
}
