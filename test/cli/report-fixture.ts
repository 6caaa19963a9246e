/** Reports as a run would make them, from made-up but plausible figures; the same on every call. */
import type { Report, ReportDetails, ReportVariant, TrainingStage } from '../../src/cli/report/report.js';

/** Numbers in [0, 1) from a seed (mulberry32); enough for wiggles in a curve. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface StagePlan {
  name: string;
  epochs: number;
  /** Loss at the first and the last epoch. */
  from: number;
  to: number;
  /** Validation accuracy at the first and the last epoch. */
  accuracyFrom: number;
  accuracyTo: number;
}

export function stage(plan: StagePlan, random: () => number): TrainingStage {
  const epochs = Array.from({ length: plan.epochs }, (_, index) => {
    const progress = plan.epochs === 1 ? 1 : index / (plan.epochs - 1);
    const way = Math.exp(-4 * progress) * (1 - progress * Math.exp(-4));
    const trainLoss = plan.to + (plan.from - plan.to) * way * (0.85 + 0.3 * random());
    return {
      epoch: index + 1,
      trainLoss,
      validationLoss: trainLoss * (0.9 + 0.25 * random()) + 0.02 * progress,
      validationAccuracy: Math.min(
        1,
        plan.accuracyTo - (plan.accuracyTo - plan.accuracyFrom) * way + 0.006 * (random() - 0.5) * (1 - progress / 2),
      ),
    };
  });
  return { name: plan.name, epochs };
}

type Figures = [
  name: string,
  method: string,
  validation: number,
  test: number,
  parameters: number,
  nonzero: number,
  bytes: number,
  batch1: number,
  batch64: number,
];

function variant([
  name,
  method,
  validation,
  test,
  parameters,
  nonzero,
  bytes,
  batch1,
  batch64,
]: Figures): ReportVariant {
  const latencyMs = { batch1, batch64 };
  return {
    name,
    method,
    accuracy: { validation, test },
    parameters,
    nonzero,
    bytes,
    latencyMs,
    file: `${name}.safetensors`,
  };
}

export const digitsReport: Report = {
  version: '0.1.0',
  data: 'digits',
  seed: 0,
  device: 'wasm (relaxed simd, 1 thread)',
  runtime: 'node 20.20.2, linux x64',
  variants: (
    [
      ['teacher', 'Adam on augmented data, early stopping', 0.9926, 0.9861, 50826, 50826, 204512, 0.0412, 1.212],
      [
        'pruned',
        'global weight magnitude, 5 rounds to 90 % with retraining',
        0.9926,
        0.9833,
        50826,
        5253,
        204512,
        0.0408,
        1.207,
      ],
      [
        'pruned-activation',
        'activation magnitude, 5 rounds to 90 % with retraining',
        0.9889,
        0.9806,
        50826,
        5253,
        204512,
        0.0409,
        1.211,
      ],
      ['shrunk', 'neurons and channels removed, retrained', 0.9889, 0.9833, 17866, 17866, 72680, 0.0191, 0.496],
      ['student', 'distilled from the teacher, T = 4', 0.9889, 0.9806, 4938, 4938, 20904, 0.0098, 0.171],
      ['student-alone', 'the same network without a teacher', 0.9815, 0.9694, 4938, 4938, 20904, 0.0097, 0.17],
      ['int8', 'static quantization of shrunk, computed in int8', 0.9889, 0.9833, 17866, 17790, 20132, 0.0142, 0.288],
    ] as Figures[]
  ).map(variant),
  recommended: 'int8',
  reason: 'it is the smallest file within half a point of the teacher',
  seconds: 96.4,
};

export const CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** Smooth blobs in place of handwriting. */
export function blob(size: number, seed: number): number[] {
  const random = numbers(seed);
  const [cx, cy] = [size * (0.35 + 0.3 * random()), size * (0.35 + 0.3 * random())];
  return Array.from({ length: size * size }, (_, index) => {
    const distance = Math.hypot((index % size) - cx, Math.floor(index / size) - cy);
    return Math.round(255 * Math.exp(-(((distance - size * 0.22) / (size * 0.1)) ** 2)));
  });
}

export function confusionMatrix(total: number, errors: [label: number, chosen: number, count: number][]): number[][] {
  const matrix = CLASSES.map((_, label) =>
    CLASSES.map((_, chosen) => (label === chosen ? Math.floor(total / 10) + (label < total % 10 ? 1 : 0) : 0)),
  );
  for (const [label, chosen, count] of errors) {
    const row = matrix[label] as number[];
    row[chosen] = (row[chosen] ?? 0) + count;
    row[label] = (row[label] ?? 0) - count;
  }
  return matrix;
}

export function pruningRounds(random: () => number, accuracyTo: number, epochs: number): TrainingStage[] {
  return [37, 60, 75, 84, 90].map((percent, round) =>
    stage(
      {
        name: `${percent} %`,
        epochs,
        from: 0.09 + 0.05 * round,
        to: 0.04 + 0.008 * round,
        accuracyFrom: 0.985 - 0.012 * round,
        accuracyTo: accuracyTo - 0.001 * round,
      },
      random,
    ),
  );
}

const random = numbers(7);

export const digitsDetails: ReportDetails = {
  command: 'fettle demo --data digits --seed 0',
  date: new Date('2026-03-14T15:09:26Z'),
  classes: CLASSES,
  split: { train: 1168, validation: 269, test: 360 },
  curves: [
    {
      variant: 'teacher',
      stages: [
        stage({ name: 'train', epochs: 34, from: 1.9, to: 0.02, accuracyFrom: 0.62, accuracyTo: 0.9926 }, random),
      ],
    },
    { variant: 'pruned', stages: pruningRounds(random, 0.993, 6) },
    { variant: 'pruned-activation', stages: pruningRounds(random, 0.99, 6) },
    {
      variant: 'shrunk',
      stages: [
        stage({ name: 'half', epochs: 8, from: 0.4, to: 0.06, accuracyFrom: 0.91, accuracyTo: 0.989 }, random),
        stage({ name: 'a third', epochs: 12, from: 0.5, to: 0.05, accuracyFrom: 0.89, accuracyTo: 0.989 }, random),
      ],
    },
    {
      variant: 'student',
      stages: [
        stage({ name: 'distil', epochs: 40, from: 6.2, to: 0.21, accuracyFrom: 0.44, accuracyTo: 0.989 }, random),
      ],
    },
    {
      variant: 'student-alone',
      stages: [stage({ name: 'train', epochs: 40, from: 2.1, to: 0.05, accuracyFrom: 0.4, accuracyTo: 0.981 }, random)],
    },
  ],
  sparsity: [
    {
      variant: 'teacher',
      layers: [
        { layer: 'conv1.weight', weights: 288, zeros: 0 },
        { layer: 'conv2.weight', weights: 9216, zeros: 0 },
        { layer: 'fc1.weight', weights: 40000, zeros: 12 },
        { layer: 'fc2.weight', weights: 1280, zeros: 0 },
      ],
    },
    {
      variant: 'pruned',
      layers: [
        { layer: 'conv1.weight', weights: 288, zeros: 92 },
        { layer: 'conv2.weight', weights: 9216, zeros: 7480 },
        { layer: 'fc1.weight', weights: 40000, zeros: 37480 },
        { layer: 'fc2.weight', weights: 1280, zeros: 521 },
      ],
    },
    {
      variant: 'pruned-activation',
      layers: [
        { layer: 'conv1.weight', weights: 288, zeros: 160 },
        { layer: 'conv2.weight', weights: 9216, zeros: 8002 },
        { layer: 'fc1.weight', weights: 40000, zeros: 36721 },
        { layer: 'fc2.weight', weights: 1280, zeros: 690 },
      ],
    },
    {
      variant: 'shrunk',
      layers: [
        { layer: 'conv1.weight', weights: 180, zeros: 0 },
        { layer: 'conv2.weight', weights: 3420, zeros: 0 },
        { layer: 'fc1.weight', weights: 13490, zeros: 0 },
        { layer: 'fc2.weight', weights: 710, zeros: 0 },
      ],
    },
    {
      variant: 'student',
      layers: [
        { layer: 'fc1.weight', weights: 4096, zeros: 0 },
        { layer: 'fc2.weight', weights: 640, zeros: 0 },
      ],
    },
  ],
  confusion: confusionMatrix(360, [
    [1, 8, 1],
    [3, 5, 1],
    [4, 9, 1],
    [8, 1, 2],
    [9, 3, 1],
  ]),
  wrong: [
    [1, 8, 0.71],
    [3, 5, 0.93],
    [4, 9, 0.55],
    [8, 1, 0.88],
    [8, 1, 0.47],
    [9, 3, 0.62],
  ].map(([label = 0, predicted = 0, confidence = 0], index) => ({
    data: Uint8Array.from(blob(8, index)),
    shape: [1, 8, 8] as const,
    label,
    predicted,
    confidence,
  })),
};
