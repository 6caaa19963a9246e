import { crossEntropy, Generator, gradcheck, manualSeed, randn, scope, type Tensor, tensor } from 'fettle';
import { Distiller, type DistillerOptions, distillationLoss } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(4);
});
afterEach(release);

type Rows = readonly (readonly number[])[];

function rows(x: Tensor): number[][] {
  return x.toArray() as number[][];
}

/** Logarithms of softmax in float64. */
function logSoftmax(row: readonly number[], temperature: number): number[] {
  const scaled = row.map((v) => v / temperature);
  const top = Math.max(...scaled);
  const total = Math.log(scaled.reduce((sum, v) => sum + Math.exp(v - top), 0)) + top;
  return scaled.map((v) => v - total);
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** T² · KL(teacher ‖ student) of the softened predictions, in float64. */
function soft(student: Rows, teacher: Rows, t: number): number {
  const divergences = student.map((row, n) => {
    const s = logSoftmax(row, t);
    return logSoftmax(teacher[n] as number[], t).reduce(
      (sum, logP, c) => sum + Math.exp(logP) * (logP - (s[c] as number)),
      0,
    );
  });
  return t * t * mean(divergences);
}

function hard(student: Rows, labels: readonly number[]): number {
  return mean(student.map((row, n) => -(logSoftmax(row, 1)[labels[n] as number] as number)));
}

describe('the loss', () => {
  test.each([
    [4, 0.9, 1],
    [1, 0.5, 3],
    [2.5, 1, 1],
    [20, 0.3, 10],
    [7, 0, 5],
  ])('equals the formula in float64 for T = %f, alpha = %f, logits of size %f', (temperature, alpha, size) => {
    const [student, teacher] = [randn([6, 5]).mul(size), randn([6, 5]).mul(size)];
    const labels = [0, 4, 2, 2, 1, 3];
    const loss = distillationLoss(student, teacher, tensor(new Int32Array(labels)), { temperature, alpha }).item();
    const expected =
      alpha * soft(rows(student), rows(teacher), temperature) + (1 - alpha) * hard(rows(student), labels);
    expect(Math.abs(loss - expected) / expected).toBeLessThan(2e-6);
  });

  test('defaults to T = 4 and alpha = 0.9', () => {
    const [student, teacher] = [randn([3, 4]), randn([3, 4])];
    const labels = tensor(new Int32Array([0, 1, 2]));
    expect(distillationLoss(student, teacher, labels).item()).toBe(
      distillationLoss(student, teacher, labels, { temperature: 4, alpha: 0.9 }).item(),
    );
  });

  test('a student that agrees with the teacher has only the labels to learn', () => {
    const logits = randn([4, 3]);
    const labels = tensor(new Int32Array([0, 1, 2, 0]));
    const loss = distillationLoss(logits, logits, labels, { alpha: 0.75 }).item();
    expect(loss).toBeCloseTo(0.25 * crossEntropy(logits, labels).item(), 5);
  });

  test('its gradient is that of the difference quotient', () => {
    const teacher = randn([3, 4]);
    const labels = tensor(new Int32Array([2, 0, 3]));
    const student = randn([3, 4], { requiresGrad: true });
    expect(
      gradcheck((s: Tensor) => distillationLoss(s, teacher, labels, { temperature: 3, alpha: 0.7 }), [student]),
    ).toBe(true);
  });

  test.each([
    [{ temperature: 0 }, 'temperature must be above 0, got 0'],
    [{ temperature: NaN }, 'got NaN'],
    [{ alpha: 1.5 }, 'alpha must be in [0, 1], got 1.5'],
    [{ mixtures: -1 }, 'mixtures must be a whole number ≥ 0, got -1'],
  ])('%o is refused', (options, message) => {
    const model = tracked(new nn.Linear(2, 2));
    expect(() => new Distiller({ teacher: model, student: model, ...options })).toThrow(message);
  });
});

describe('Distiller', () => {
  function pair(options: Partial<DistillerOptions> = {}) {
    const teacher = tracked(new nn.Sequential(new nn.Linear(3, 8), new nn.Dropout(0.5), new nn.Linear(8, 4)));
    const student = tracked(new nn.Sequential(new nn.Linear(3, 4)));
    return { teacher, student, distiller: new Distiller({ teacher, student, temperature: 2, alpha: 0.6, ...options }) };
  }

  test('teaches what the teacher says in evaluation mode, and only the student learns', () => {
    const { teacher, student, distiller } = pair();
    const [x, labels] = [randn([5, 3]), tensor(new Int32Array([0, 1, 2, 3, 0]))];
    expect(teacher.training).toBe(false);
    expect(student.training).toBe(true);
    const { loss, logits } = distiller.step(x, labels);
    const expected = distillationLoss(student.forward(x), teacher.forward(x), labels, { temperature: 2, alpha: 0.6 });
    expect(loss.item()).toBeCloseTo(expected.item(), 6);
    expect(logits.shape).toEqual([5, 4]);
    loss.backward();
    expect(teacher.parameters().every((p) => p.grad === null)).toBe(true);
    expect(student.parameters().every((p) => p.grad !== null)).toBe(true);
    student.zeroGrad();
    expect(distiller.loss(x, labels).item()).toBe(loss.item());
  });

  test('mixtures add the teacher’s opinion on blends of the batch', () => {
    const { teacher, student, distiller } = pair({ mixtures: 2, generator: new Generator(8) });
    const [x, labels] = [randn([5, 3]), tensor(new Int32Array([0, 1, 2, 3, 0]))];
    const loss = distiller.loss(x, labels).item();
    const draws = new Generator(8);
    let expected = distillationLoss(student.forward(x), teacher.forward(x), labels, {
      temperature: 2,
      alpha: 0.6,
    }).item();
    for (let i = 0; i < 2; i++) {
      const share = 0.2 + 0.6 * draws.uniform();
      const order = draws.permutation(5);
      const given = rows(x);
      const mixed = tensor(
        given.map((row, n) =>
          row.map((v, k) => share * v + (1 - share) * ((given[order[n] as number] as number[])[k] as number)),
        ),
      );
      expected += soft(rows(student.forward(mixed)), rows(teacher.forward(mixed)), 2);
    }
    expect(loss).toBeCloseTo(expected / 3, 5);
  });

  test('a student comes to agree with its teacher', () => {
    const { teacher, student, distiller } = pair({ alpha: 1 });
    const x = randn([64, 3]);
    const labels = tensor(new Int32Array(64));
    const step = (): number =>
      scope(() => {
        student.zeroGrad();
        const loss = distiller.loss(x, labels);
        loss.backward();
        for (const p of student.parameters()) p.detach().sub_((p.grad as Tensor).mul(0.3));
        return loss.item();
      });
    const first = step();
    for (let i = 0; i < 60; i++) step();
    expect(step()).toBeLessThan(first / 20);
    expect(teacher.training).toBe(false);
    student.zeroGrad();
  });
});
