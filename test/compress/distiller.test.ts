import { capture, crossEntropy, manualSeed, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import {
  biasShift,
  bornAgain,
  correctBias,
  Distiller,
  type DistillerOptions,
  kdLoss,
  type LossName,
  type LossOptions,
  MeanTeacher,
  MutualLearning,
  rkdLoss,
  teacherLogits,
} from 'fettle/compress';
import { DataLoader, TensorDataset } from 'fettle/data';
import * as nn from 'fettle/nn';
import * as optim from 'fettle/optim';
import { Trainer } from 'fettle/train';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

const made: { dispose(): void }[] = [];
function own<T extends { dispose(): void }>(thing: T): T {
  made.push(thing);
  return thing;
}

beforeEach(() => {
  manualSeed(4);
});
afterEach(() => {
  for (const thing of made.splice(0)) thing.dispose();
  release();
});

/** A convolutional teacher [N, 1, 8, 8] → 4. */
function convNet(): nn.Sequential {
  return tracked(
    new nn.Sequential({
      conv1: new nn.Conv2d(1, 6, 3, { padding: 1 }),
      bn1: new nn.BatchNorm2d(6),
      relu1: new nn.ReLU(),
      conv2: new nn.Conv2d(6, 8, 3, { stride: 2, padding: 1 }),
      relu2: new nn.ReLU(),
      flatten: new nn.Flatten(),
      drop: new nn.Dropout(0.5),
      fc: new nn.Linear(128, 4),
    }),
  );
}

/** A student that shares nothing with it but its inputs and its classes. */
function linearNet(): nn.Sequential {
  return tracked(
    new nn.Sequential({
      flat: new nn.Flatten(),
      hidden: new nn.Linear(64, 12),
      tanh: new nn.Tanh(),
      out: new nn.Linear(12, 4),
    }),
  );
}

/** A convolutional student, thinner and with larger maps where the teacher has halved them. */
function thinNet(): nn.Sequential {
  return tracked(
    new nn.Sequential({
      conv: new nn.Conv2d(1, 3, 3, { padding: 1 }),
      act: new nn.ReLU(),
      flat: new nn.Flatten(),
      fc: new nn.Linear(192, 4),
    }),
  );
}

const batch = (n = 6): [Tensor, Tensor] => [
  randn([n, 1, 8, 8]),
  tensor(
    Int32Array.from({ length: n }, (_, i) => i % 4),
    [n],
  ),
];

function distill(student: nn.Sequential, options: Partial<DistillerOptions>): Distiller {
  return own(new Distiller({ teacher: convNet(), student, exampleInputs: randn([2, 1, 8, 8]), ...options }));
}

/** Steps of Adam on one batch; the first and the last loss. */
function descend(distiller: Distiller, x: Tensor, labels: Tensor | null, steps = 40): [number, number] {
  const optimizer = own(new optim.Adam(distiller.parameters(), { lr: 0.01 }));
  const losses = Array.from({ length: steps }, () =>
    scope(() => {
      optimizer.zeroGrad();
      const loss = distiller.loss(x, labels);
      loss.backward();
      optimizer.step();
      return loss.item();
    }),
  );
  optimizer.zeroGrad();
  return [losses[0] as number, losses.at(-1) as number];
}

describe('losses by name', () => {
  const pairs: readonly (readonly [LossName | LossOptions, 'linear' | 'thin', readonly [string, string]])[] = [
    ['hint', 'linear', ['hidden', 'conv2']],
    ['hint', 'thin', ['conv', 'conv2']],
    ['hint', 'thin', ['conv', 'bn1']],
    ['attention', 'thin', ['act', 'relu1']],
    ['attention', 'thin', ['act', 'relu2']],
    ['rkd', 'linear', ['tanh', 'flatten']],
    ['rkd', 'linear', ['', '']],
    ['crd', 'linear', ['tanh', 'flatten']],
    ['crd', 'thin', ['act', 'relu2']],
    [{ loss: 'crd', width: 8, temperature: 0.2, weight: 2 }, 'thin', ['fc', 'fc']],
    [{ loss: (s, t) => s.mean(1).sub(t.mean(1)).square().mean() }, 'linear', ['tanh', 'flatten']],
  ];
  test.each(pairs)(
    '%o on a %s student brings %o closer, in an eager step and in a captured one',
    (loss, kind, pair) => {
      const student = kind === 'linear' ? linearNet() : thinNet();
      const named = typeof loss === 'object' && typeof loss.loss === 'function' ? { ...loss, features: [pair] } : loss;
      const distiller = distill(student, { losses: [named], features: [pair], alpha: 1 });
      const [x] = batch();
      const [first, last] = descend(distiller, x, null);
      expect(last).toBeLessThan(first * 0.8);

      const optimizer = own(new optim.SGD(distiller.parameters(), { lr: 1e-4 }));
      const step = own(
        capture((given: Tensor) => {
          optimizer.zeroGrad();
          const captured = distiller.loss(given, null);
          captured.backward();
          optimizer.step();
          return captured;
        }),
      );
      for (let i = 0; i < 4; i++) scope(() => expect(step(x).item()).toBeLessThan(first));
      expect(step.launches).toBeGreaterThan(5);
      optimizer.zeroGrad();
    },
  );

  test('several losses on several pairs add up, weighted', () => {
    const student = linearNet();
    const [x, labels] = batch();
    const features = [
      ['tanh', 'flatten'],
      ['', ''],
    ] as const;
    const teacher = convNet();
    const both = own(
      new Distiller({
        ...{ teacher, student, alpha: 0.7, temperature: 3, features, exampleInputs: x },
        losses: ['kd', { loss: 'rkd', weight: 0.5, distance: 1, angle: 2 }],
      }),
    );
    const hidden = student.get('tanh').forward(student.get('hidden').forward(x.flatten(1)));
    const flat = ['conv1', 'bn1', 'relu1', 'conv2', 'relu2', 'flatten'].reduce(
      (y, name) => teacher.get(name).forward(y),
      x,
    );
    const [s, t] = [student.forward(x), teacher.forward(x)];
    const expected =
      0.7 * kdLoss(s, t, { temperature: 3 }).item() +
      0.3 * crossEntropy(s, labels).item() +
      0.5 * rkdLoss(hidden, flat, { distance: 1, angle: 2 }).item() +
      0.5 * rkdLoss(s, t, { distance: 1, angle: 2 }).item();
    expect(both.loss(x, labels).item()).toBeCloseTo(expected, 4);
  });

  test('dkd takes the place of kd', () => {
    const student = linearNet();
    const [x, labels] = batch();
    const distiller = distill(student, { losses: ['dkd'] });
    const [first, last] = descend(distiller, x, labels);
    expect(last).toBeLessThan(first * 0.3);
    expect(distiller.parameters().every((p, i) => p === student.parameters()[i])).toBe(true);
  });

  test('with features alone the labels have full weight', () => {
    const student = linearNet();
    const [x, labels] = batch();
    const features = [['tanh', 'flatten']] as const;
    const distiller = distill(student, { losses: [{ loss: 'rkd', weight: 0 }], features });
    expect(distiller.loss(x, labels).item()).toBeCloseTo(crossEntropy(student.forward(x), labels).item(), 6);
  });

  test('what makes features comparable is trained and freed with the distiller', () => {
    const student = linearNet();
    const distiller = distill(student, { losses: ['hint', 'crd'], features: [['hidden', 'conv2']] });
    // The hint's regressor, and for each side of the contrast a map: a weight and a bias each.
    expect(distiller.parameters().length).toBe(student.parameters().length + 6);
  });

  test('memory of all samples by their numbers', () => {
    const student = linearNet();
    const distiller = distill(student, {
      losses: [{ loss: 'crd', samples: 50, negatives: 32 }],
      features: [['tanh', 'flatten']],
      alpha: 1,
    });
    const [x] = batch();
    expect(() => distiller.loss(x, null)).toThrow(/step\(x, labels, \{ indices \}\)/);
    const indices = tensor([4, 8, 1, 9, 30, 49], { dtype: 'int32' });
    const step = own(capture((given: Tensor, numbers: Tensor) => distiller.loss(given, null, { indices: numbers })));
    const seen = Array.from({ length: 5 }, () => scope(() => step(x, indices).item()));
    // Each replay draws its own negatives.
    expect(new Set(seen).size).toBe(5);
  });
});

describe('teachers', () => {
  test('stay as they are, in evaluation mode, and keep no hooks', () => {
    const [teacher, student] = [convNet(), thinNet()];
    const before = teacher.parameters().map((p) => [...p.dataSync()]);
    const statistics = teacher.buffers().map((b) => [...b.dataSync()]);
    const features = [['conv', 'conv2']] as const;
    const distiller = own(
      new Distiller({ teacher, student, losses: ['kd', 'hint'], features, exampleInputs: batch(2)[0] }),
    );
    expect(student.training).toBe(true);
    teacher.train();
    const [x, labels] = batch();
    descend(distiller, x, labels, 5);
    expect(teacher.modules().every((module) => !module.training)).toBe(true);
    expect(teacher.parameters().map((p) => [...p.dataSync()])).toEqual(before);
    expect(teacher.buffers().map((b) => [...b.dataSync()])).toEqual(statistics);
    expect(teacher.parameters().every((p) => p.grad === null)).toBe(true);
    for (const model of [teacher, student]) {
      for (const module of model.modules()) expect(Object.hasOwn(module, 'forward')).toBe(false);
    }
  });

  test('several are averaged by their predictions', () => {
    const [a, b, student] = [linearNet(), convNet(), linearNet()];
    const [x] = batch();
    const distiller = new Distiller({ teacher: [a, b], teacherWeights: [3, 1], student, alpha: 1, temperature: 2 });
    const said = [a, b].map((model) => model.forward(x).div(2).softmax(1));
    const mean = (said[0] as Tensor).mul(0.75).add((said[1] as Tensor).mul(0.25));
    const own = student.forward(x).div(2).logSoftmax(1);
    const expected = 4 * mean.mul(mean.log().sub(own)).sum(1).mean().item();
    expect(distiller.loss(x, null).item()).toBeCloseTo(expected, 5);
  });

  test('several that are certain of the same leave a finite loss', () => {
    const [a, b, student] = [linearNet(), linearNet(), linearNet()];
    for (const model of [a, b]) noGrad(() => model.getParameter('out.bias').add_(tensor([0, 2000, 0, 0])));
    const [x, labels] = batch();
    for (const loss of ['kd', 'dkd'] as const) {
      const distiller = new Distiller({ teacher: [a, b], teacherWeights: [1, 0.5], student, losses: [loss] });
      expect(Number.isFinite(distiller.loss(x, labels).item())).toBe(true);
    }
  });

  test('several are followed by their features, each with a regressor of its own', () => {
    const student = linearNet();
    const options = { losses: ['hint'], features: [['hidden', 'relu2']], alpha: 1 } as const;
    const distiller = distill(student, { ...options, teacher: [convNet(), convNet()] });
    expect(distiller.parameters().length).toBe(student.parameters().length + 4);
    const [x] = batch();
    const [first, last] = descend(distiller, x, null, 120);
    expect(last).toBeLessThan(first * 0.9);
  });

  test('what they say can be remembered', async () => {
    const [teacher, student] = [convNet(), linearNet()];
    const [x, labels] = batch(10);
    const loader = new DataLoader(new TensorDataset(x, labels), { batchSize: 4 });
    teacher.train();
    const said = own(await teacherLogits(teacher, loader));
    expect(teacher.training).toBe(true);
    const asked = new Distiller({ teacher, student }).loss(x, labels).item();
    const remembered = new Distiller({ student });
    expect(remembered.loss(x, labels, { teacherLogits: said }).item()).toBeCloseTo(asked, 5);
    expect(() => remembered.loss(x, labels)).toThrow(/no teacher to ask/);
    const both = own(await teacherLogits([teacher, teacher], [x], { temperature: 3 }));
    const single = said.sub(both).softmax(1);
    for (const share of single.flatten().toArray() as number[]) expect(share).toBeCloseTo(0.25, 4);
  });

  test('a mean teacher follows its student', () => {
    const student = linearNet();
    const teacher = tracked(new MeanTeacher(student, { decay: 0.5 }));
    const distiller = new Distiller({ teacher, student });
    const weight = student.getParameter('out.weight');
    const [before, x, labels] = [weight.clone().detach(), ...batch()];
    noGrad(() => weight.add_(1));
    distiller.loss(x, labels);
    const average = teacher.average.getParameter('out.weight');
    expect(average.sub(before).sub(0.5).abs().max().item()).toBeLessThan(1e-6);
    distiller.loss(x, labels);
    expect(average.sub(before).sub(0.75).abs().max().item()).toBeLessThan(1e-6);
    expect(teacher.parameters()).not.toContain(weight);
  });

  test('born again, each by the one before', async () => {
    const first = linearNet();
    const taught: unknown[] = [];
    const students = await bornAgain({
      teacher: first,
      make: () => linearNet(),
      generations: 2,
      alpha: 1,
      train: (distiller) => {
        taught.push(distiller.teacher);
        const [x] = batch();
        const [from, to] = descend(distiller, x, null, 60);
        expect(to).toBeLessThan(from * 0.2);
      },
    });
    expect(students.length).toBe(2);
    expect(taught).toEqual([first, students[0]]);
  });

  test('students without a teacher come to agree', () => {
    const mutual = new MutualLearning({ students: [linearNet(), convNet()], weight: 2 });
    const [x, labels] = batch();
    const optimizer = own(new optim.Adam(mutual.parameters(), { lr: 0.005 }));
    const sums = Array.from({ length: 30 }, () =>
      scope(() => {
        optimizer.zeroGrad();
        const { loss, losses } = mutual.step(x, labels);
        expect(losses.reduce((a, b) => a + b.item(), 0)).toBeCloseTo(loss.item(), 4);
        loss.backward();
        optimizer.step();
        return loss.item();
      }),
    );
    expect(sums.at(-1)).toBeLessThan((sums[0] as number) / 3);
    optimizer.zeroGrad();
  });
});

describe('a loop', () => {
  test('of the Trainer', async () => {
    const student = linearNet();
    const distiller = distill(student, { losses: ['kd', 'rkd'], features: [['tanh', 'flatten']] });
    const [x, labels] = batch(32);
    const loader = new DataLoader(new TensorDataset(x, labels), { batchSize: 8, shuffle: true, seed: 1 });
    const optimizer = own(new optim.Adam(distiller.parameters(), { lr: 0.01 }));
    const trainer = new Trainer<nn.Sequential, readonly Tensor[]>({
      model: student,
      optimizer,
      step: ([given, said]) => distiller.step(given as Tensor, said as Tensor),
    });
    const history = await trainer.fit(loader, 4);
    expect(history[3]?.trainLoss).toBeLessThan(history[0]?.trainLoss as number);
    expect(history[3]?.trainAccuracy).toBeGreaterThan(0.2);
    optimizer.zeroGrad();
  });
});

describe('what cannot be is refused', () => {
  const options = { losses: ['hint'], features: [['hidden', 'conv2']] } as const;
  test.each([
    [
      'a name that is nearly right',
      { ...options, features: [['hiden', 'conv2']] },
      /student has no module 'hiden'. Did you mean 'hidden'\?/,
    ],
    ['a name of the other model', { ...options, features: [['hidden', 'tanh']] }, /teacher has no module 'tanh'/],
    [
      'names that are no pairs',
      { losses: ['hint'], features: ['hidden', 'conv2'] },
      /features: \[\['layer1', 'block2'\]\]/,
    ],
    ['no names', { losses: ['hint'] }, /loss hint compares features.*features: \[\['layer1', 'block2'\]\]/],
    ['no example', { ...options, exampleInputs: undefined }, /need exampleInputs/],
    ['an unknown loss', { losses: ['kdd'] }, /no loss 'kdd'. There are: kd, dkd, hint/],
    ['no loss', { losses: [] }, /losses are empty/],
    ['a negative weight', { losses: [{ loss: 'kd', weight: -1 }] }, /weight of a loss must not be negative/],
    [
      'attention to vectors',
      { losses: ['attention'], features: [['hidden', 'conv2']] },
      /attention of 'hidden' and 'conv2'.*places/,
    ],
    ['features without a teacher', { ...options, teacher: undefined }, /need a teacher to ask/],
    ['weights for other teachers', { teacherWeights: [1, 2] }, /a weight ≥ 0 for each of 1 teachers/],
  ] as const)('%s', (_, given, message) => {
    expect(() => distill(linearNet(), given as unknown as Partial<DistillerOptions>)).toThrow(message);
  });

  test('and the teacher is left as it was', () => {
    const teacher = convNet();
    expect(() => distill(linearNet(), { teacher, losses: ['hint'], features: [['hidden', 'conv9']] })).toThrow('conv9');
    expect(teacher.modules().every((module) => module.training && !Object.hasOwn(module, 'forward'))).toBe(true);
  });

  test('a student that teaches itself, and labels that are missing', () => {
    const [model, x] = [linearNet(), batch()[0]];
    expect(() => new Distiller({ teacher: model, student: model })).toThrow(/MeanTeacher/);
    const distiller = distill(model, {});
    expect(() => distiller.loss(x, null)).toThrow(/without labels alpha must be 1, got 0.9/);
    expect(() => distill(model, { alpha: 1, losses: ['dkd'] }).loss(x, null)).toThrow(/needs labels/);
  });

  test('models that give other classes, or no logits', () => {
    const wide = tracked(new nn.Sequential(new nn.Flatten(), new nn.Linear(64, 7)));
    const [x, labels] = batch();
    expect(() => new Distiller({ teacher: wide, student: linearNet() }).loss(x, labels)).toThrow(
      /\[6, 4\] and \[6, 7\]/,
    );
    const lstm = tracked(new nn.LSTM(8, 4)) as unknown as nn.Sequential;
    const sequences = randn([5, 6, 8]);
    expect(() => new Distiller({ teacher: wide, student: lstm }).loss(sequences, labels)).toThrow(
      /student's forward must give a tensor of logits, got an array/,
    );
  });

  test('a module that gives nothing, by which nothing changes', () => {
    const student = linearNet();
    class Idle extends nn.Module {
      readonly net = student;
      readonly spare = new nn.Linear(2, 2);
      forward(x: Tensor): Tensor {
        return this.net.forward(x);
      }
    }
    const idle = tracked(new Idle());
    const made = (): Distiller =>
      new Distiller({
        ...{ teacher: convNet(), student: idle, exampleInputs: batch()[0] },
        ...{ losses: ['rkd'], features: [['spare', 'fc']] },
      });
    expect(made).toThrow(/'spare' of the student gave no tensor/);
    expect(idle.modules().every((module) => module.training && !Object.hasOwn(module, 'forward'))).toBe(true);
  });

  test('mixtures in a captured step', () => {
    const distiller = distill(linearNet(), { mixtures: 1 });
    const [x, labels] = batch();
    const step = own(capture((a: Tensor, b: Tensor) => distiller.loss(a, b)));
    scope(() => step(x, labels));
    expect(() => step(x, labels)).toThrow(/mixtures are drawn in JavaScript/);
  });
});

describe('another mix of classes', () => {
  const shares = [0.1, 0.2, 0.3, 0.4];
  const meanOf = (logits: Tensor, shift: ArrayLike<number>): number[] =>
    logits
      .add(tensor(Float32Array.from(shift)))
      .softmax(1)
      .mean(0)
      .toArray() as number[];

  test('biases that give each class its share', () => {
    const logits = randn([200, 4])
      .mul(3)
      .add(tensor([0, -4, 2, 0]));
    const shift = biasShift(logits, { shares });
    meanOf(logits, shift).forEach((mean, c) => expect(mean).toBeCloseTo(shares[c] as number, 5));
  });

  test('one class, or two, the others keeping their odds', () => {
    const logits = randn([200, 4])
      .mul(3)
      .add(tensor([0, -4, 2, 0]));
    for (const classes of [[1], [1, 2]]) {
      const shift = biasShift(logits, { shares, classes });
      const means = meanOf(logits, shift);
      for (const c of classes) expect(means[c]).toBeCloseTo(shares[c] as number, 5);
      shift.forEach((v, c) => expect(v === 0).toBe(!classes.includes(c)));
    }
  });

  test('a layer whose class was hidden from it', () => {
    const model = linearNet();
    const [x] = batch(64);
    const layer = model.get<nn.Linear>('out');
    const bias = layer.bias as nn.Parameter;
    noGrad(() => bias.add_(tensor([0, 0, -6, 0])));
    const shift = correctBias(layer, model.forward(x).detach(), { classes: [2] });
    expect(shift[2]).toBeGreaterThan(4);
    const means = model.forward(x).softmax(1).mean(0).toArray() as number[];
    expect(means[2]).toBeCloseTo(0.25, 5);
    expect(bias.requiresGrad).toBe(true);
  });

  test.each([
    [
      'shares of other classes',
      () => biasShift(randn([3, 4]), { shares: [0.5, 0.5] }),
      /share of class 2|shares of 4 classes/,
    ],
    ['shares that are none', () => biasShift(randn([3, 2]), { shares: [0.5, 0.9] }), /add up to 1/],
    ['a class that is none', () => biasShift(randn([3, 2]), { classes: [2] }), /no class 2 of 2/],
    ['no sample', () => biasShift(randn([0, 2])), /expected logits/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  test('a layer without a bias', () => {
    const layer = tracked(new nn.Linear(2, 3, { bias: false }));
    expect(() => correctBias(layer, randn([4, 3]))).toThrow(/no bias/);
  });
});
