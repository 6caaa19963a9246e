import { readFileSync } from 'node:fs';
import { gradcheck, manualSeed, randn, type Tensor, tensor, zeros } from 'fettle';
import {
  attentionTransferLoss,
  CrdLoss,
  contrastiveLoss,
  dkdLoss,
  hintLoss,
  kdLoss,
  mutualLosses,
  rkdAngleLoss,
  rkdDistanceLoss,
  rkdLoss,
} from 'fettle/compress';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(4);
});
afterEach(release);

/** Values and gradients from the papers' formulas, computed in float64 by test/golden/distill.py. */
interface Golden {
  readonly cases: readonly {
    readonly loss: string;
    readonly options: Readonly<Record<string, number>>;
    readonly inputs: Readonly<
      Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>
    >;
    readonly value: number;
    readonly gradient: readonly number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../golden/distill.json', import.meta.url), 'utf8')) as Golden;

type Inputs = Readonly<Record<'student' | 'teacher' | 'labels' | 'third' | 'negatives' | 'excluded', Tensor>>;

const losses: Readonly<Record<string, (x: Inputs, options: Readonly<Record<string, number>>) => Tensor>> = {
  kd: ({ student, teacher }, options) => kdLoss(student, teacher, options),
  dkd: ({ student, teacher, labels }, options) => dkdLoss(student, teacher, labels, options),
  attention: ({ student, teacher }, options) => attentionTransferLoss(student, teacher, options),
  rkd: ({ student, teacher }, options) => rkdLoss(student, teacher, options),
  rkdDistance: ({ student, teacher }) => rkdDistanceLoss(student, teacher),
  rkdAngle: ({ student, teacher }) => rkdAngleLoss(student, teacher),
  contrastive: ({ student, teacher, negatives, excluded }, options) =>
    contrastiveLoss(student, teacher, negatives, { ...options, excluded }),
  mutual: ({ student, teacher, third, labels }, options) =>
    mutualLosses([student, teacher, third], labels, options)[0] as Tensor,
};

const WHOLE: Readonly<Record<string, 'int32' | 'bool'>> = { labels: 'int32', excluded: 'bool' };

describe('values and gradients are those of the formulas', () => {
  test.each(golden.cases.map((c, i) => [`${i} ${c.loss} ${JSON.stringify(c.options)}`, c] as const))('%s', (_, c) => {
    const inputs = Object.fromEntries(
      Object.entries(c.inputs).map(([name, { shape, values }]) => [
        name,
        tensor(Float64Array.from(values), shape, {
          dtype: WHOLE[name] ?? 'float32',
          requiresGrad: name === 'student',
        }),
      ]),
    ) as Inputs;
    const loss = (losses[c.loss] as NonNullable<(typeof losses)[string]>)(inputs, c.options);
    loss.backward();
    // Rounded beside the largest terms of the sum, which a small divergence of large logits is the difference of.
    const tolerance = 2e-5;
    expect(Math.abs(loss.item() - c.value)).toBeLessThan(tolerance * Math.max(Math.abs(c.value), 1e-2));
    const gradient = (inputs.student.grad as Tensor).dataSync();
    const largest = Math.max(...c.gradient.map(Math.abs));
    c.gradient.forEach((expected, i) => {
      expect(Math.abs((gradient[i] as number) - expected)).toBeLessThan(tolerance * largest + 1e-9);
    });
    expect(inputs.teacher.grad).toBeNull();
  });
});

describe('gradients are those of the difference quotient', () => {
  const labels = (): Tensor => tensor([2, 0, 3], { dtype: 'int32' });
  test.each([
    ['kd', [3, 4], (s: Tensor, t: Tensor) => kdLoss(s, t, { temperature: 3 })],
    ['dkd', [3, 4], (s: Tensor, t: Tensor) => dkdLoss(s, t, labels(), { beta: 3, temperature: 2 })],
    ['hint', [3, 4], hintLoss],
    ['attention', [2, 3, 2, 2], (s: Tensor, t: Tensor) => attentionTransferLoss(s, t)],
    ['rkd', [4, 3], (s: Tensor, t: Tensor) => rkdLoss(s, t, { distance: 1, angle: 2 })],
    ['mutual', [3, 4], (s: Tensor, t: Tensor) => mutualLosses([s, t], labels())[0] as Tensor],
  ] as const)('%s', (_, shape, loss) => {
    const [student, teacher] = [randn([...shape], { requiresGrad: true }), randn([...shape])];
    expect(gradcheck((s: Tensor) => loss(s, teacher), [student])).toBe(true);
  });

  test('crd, the maps of both sides included', () => {
    const head = tracked(new CrdLoss(3, 5, { width: 4, temperature: 0.5 }));
    const [student, teacher] = [randn([3, 3], { requiresGrad: true }), randn([3, 5])];
    head.forward(student, teacher);
    expect(gradcheck((s: Tensor) => head.forward(s, teacher), [student])).toBe(true);
    head.forward(student, teacher).backward();
    expect(head.parameters().every((p) => p.grad !== null)).toBe(true);
    student.grad?.dispose();
  });
});

describe('what the formulas promise', () => {
  test('a student that agrees with its teacher loses nothing', () => {
    const [logits, maps] = [randn([4, 5]), randn([4, 3, 4, 4])];
    const labels = tensor([0, 1, 2, 3], { dtype: 'int32' });
    for (const loss of [
      kdLoss(logits, logits),
      dkdLoss(logits, logits, labels),
      hintLoss(maps, maps),
      attentionTransferLoss(maps, maps),
      rkdLoss(maps, maps),
    ])
      expect(Math.abs(loss.item())).toBeLessThan(1e-4);
  });

  test('kd is dkd with the others weighted by what the teacher leaves them', () => {
    const [s, t] = [randn([1, 5]), randn([1, 5])];
    const label = tensor([3], { dtype: 'int32' });
    const left = 1 - t.div(4).softmax(1).select(1, 3).item();
    expect(dkdLoss(s, t, label, { alpha: 1, beta: left }).item()).toBeCloseTo(kdLoss(s, t).item(), 5);
  });

  test('relations do not change when features are moved, scaled, turned or widened', () => {
    const x = randn([5, 3]);
    const turned = x.mul(7).add(2).flip([1]);
    const wide = turned.pad([0, 4]);
    expect(rkdLoss(x, wide).item()).toBeLessThan(1e-4);
  });

  test('a teacher that is certain leaves finite gradients', () => {
    const student = randn([2, 3], { requiresGrad: true });
    const teacher = tensor([
      [300, 0, 0],
      [0, 0, 500],
    ]);
    const labels = tensor([0, 2], { dtype: 'int32' });
    const loss = dkdLoss(student, teacher, labels, { temperature: 1 });
    loss.backward();
    expect(Number.isFinite(loss.item())).toBe(true);
    expect(student.grad?.isfinite().all().item()).toBe(1);
  });

  test('samples that are the same have relations, too', () => {
    const student = zeros([3, 2], { requiresGrad: true });
    const loss = rkdLoss(
      student.add(
        tensor([
          [0, 0],
          [0, 0],
          [1, 0],
        ]),
      ),
      randn([3, 4]),
    );
    loss.backward();
    expect(student.grad?.isfinite().all().item()).toBe(1);
  });

  test('crd falls as pairs come together, and its memory follows what it sees', () => {
    const head = tracked(new CrdLoss(6, 6, { samples: 20, negatives: 64, width: 6 }));
    const x = randn([8, 6]);
    const numbers = tensor([3, 4, 5, 6, 7, 8, 9, 10], { dtype: 'int32' });
    const before = head.student.bank?.clone() as Tensor;
    const first = head.forward(x, x, numbers).item();
    const moved = head.student.bank?.sub(before).abs().sum(1).toArray() as number[];
    expect(moved.map((distance) => distance > 1e-3)).toEqual(moved.map((_, i) => i >= 3 && i <= 10));
    for (let i = 0; i < 60; i++) {
      head.zeroGrad();
      head.forward(x, x, numbers).backward();
      for (const p of head.parameters()) p.detach().sub_((p.grad as Tensor).mul(0.02));
    }
    expect(head.forward(x, x, numbers).item()).toBeLessThan(first * 0.7);
    const lengths = head.student.bank?.square().sum(1).toArray() as number[];
    for (const length of lengths) expect(length).toBeCloseTo(1, 5);
    head.zeroGrad();
  });

  test('crd leaves a sample out of its own negatives', () => {
    const anchors = tensor([
      [1, 0],
      [0, 1],
    ]);
    const excluded = tensor([
      [true, false],
      [false, true],
    ]);
    const loss = contrastiveLoss(anchors, anchors, anchors, { temperature: 1, excluded }).item();
    const h = (e: number): number => e / (e + 2);
    expect(loss).toBeCloseTo(-Math.log(h(Math.E)) - Math.log(1 - h(1)), 5);
  });
});

describe('what does not fit is refused', () => {
  const logits = (n: number, c: number): Tensor => zeros([n, c]);
  const labels = (n: number): Tensor => zeros([n], { dtype: 'int32' });
  test.each([
    ['one logit', () => kdLoss(logits(3, 1), logits(3, 1)), /two classes or more, got \[3, 1\]/],
    ['sequences', () => kdLoss(zeros([2, 3, 4]), zeros([2, 3, 4])), /must be \[N, C\].*Flatten/],
    ['other classes', () => kdLoss(logits(3, 4), logits(3, 5)), /same samples and classes, got \[3, 4\] and \[3, 5\]/],
    ['no temperature', () => kdLoss(logits(3, 4), logits(3, 4), { temperature: NaN }), /temperature must be above 0/],
    [
      'soft labels',
      () => dkdLoss(logits(3, 4), logits(3, 4), logits(3, 4)),
      /whole numbers \[3\], got float32 \[3, 4\]/,
    ],
    ['beta', () => dkdLoss(logits(3, 4), logits(3, 4), labels(3), { beta: -1 }), /beta must not be negative/],
    ['hints', () => hintLoss(zeros([2, 3]), zeros([2, 4])), /same shape, got \[2, 3\] and \[2, 4\]/],
    ['vectors', () => attentionTransferLoss(zeros([2, 3]), zeros([2, 3])), /places to look at.*'hint'/],
    ['p', () => attentionTransferLoss(zeros([2, 3, 4]), zeros([2, 3, 4]), { p: 0 }), /p must be 1 or more/],
    ['lengths', () => attentionTransferLoss(zeros([2, 3, 4]), zeros([2, 3, 5])), /got \[2, 3, 4\] and \[2, 3, 5\]/],
    ['one sample', () => rkdLoss(zeros([1, 3]), zeros([1, 4])), /one sample has no relations/],
    ['other samples', () => rkdLoss(zeros([2, 3]), zeros([3, 3])), /same samples/],
    ['no weight', () => rkdLoss(zeros([2, 3]), zeros([2, 3]), { distance: 0, angle: 0 }), /both 0/],
    ['one student', () => mutualLosses([logits(2, 3)], labels(2)), /two students or more, got 1/],
    ['widths', () => contrastiveLoss(zeros([2, 3]), zeros([2, 3]), zeros([5, 4])), /\[2, 3\], \[2, 3\], \[5, 4\]/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  test('a memory without numbers, numbers of another size, sizes that are none', () => {
    const head = tracked(new CrdLoss(3, 3, { samples: 10 }));
    expect(() => head.forward(zeros([4, 3]), zeros([4, 3]))).toThrow(/indices/);
    expect(() => head.forward(zeros([4, 3]), zeros([4, 3]), labels(3))).toThrow(/whole numbers \[4\]/);
    expect(() => new CrdLoss(3, 3, { samples: 0 })).toThrow(/samples must be a whole number/);
    expect(() => new CrdLoss(3, 3, { momentum: 1 })).toThrow(/momentum must be in \[0, 1\)/);
  });
});
