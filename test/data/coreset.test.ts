import { Generator, randn, tensor } from 'fettle';
import { byScore, CoresetSampler, el2nScores, herding, kCenter } from 'fettle/data';
import { describe, expect, it } from 'vitest';

/** Points in float64, a row each. */
function points(n: number, d: number, seed: number): number[][] {
  const generator = new Generator(seed);
  return Array.from({ length: n }, () => Array.from({ length: d }, () => Math.fround(generator.normal())));
}

const meanOf = (rows: number[][]): number[] =>
  (rows[0] as number[]).map((_, f) => rows.reduce((sum, row) => sum + (row[f] as number), 0) / rows.length);
const distance = (a: number[], b: number[]): number => Math.hypot(...a.map((v, f) => v - (b[f] as number)));

describe('herding', () => {
  it('chooses what brings the mean nearest, as a plain computation does', () => {
    const rows = points(60, 5, 1);
    const mean = meanOf(rows);
    const wish = mean.slice();
    const wanted: number[] = [];
    for (let k = 0; k < 12; k++) {
      const near = rows.map((row) => row.reduce((sum, v, f) => sum + v * (wish[f] as number), 0));
      const best = near.reduce((b, v, i) => (wanted.includes(i) || (b >= 0 && v <= (near[b] as number)) ? b : i), -1);
      wanted.push(best);
      wish.forEach((v, f) => {
        wish[f] = v + (mean[f] as number) - (rows[best]?.[f] as number);
      });
    }
    expect([...herding(tensor(rows), 12)]).toEqual(wanted);
  });

  it('follows the mean better than as many samples at random', () => {
    const rows = points(300, 8, 2);
    const chosen = Array.from(herding(tensor(rows), 30), (i) => rows[i] as number[]);
    const random = Array.from(new Generator(3).permutation(300).subarray(0, 30), (i) => rows[i] as number[]);
    const mean = meanOf(rows);
    expect(distance(meanOf(chosen), mean)).toBeLessThan(0.3 * distance(meanOf(random), mean));
  });

  it('gives every class its share', () => {
    const labels = Array.from({ length: 100 }, (_, i) => (i < 60 ? 'a' : i < 90 ? 'b' : 'c'));
    const chosen = Array.from(herding(randn([100, 2, 3]), 10, { labels }), (i) => labels[i]);
    expect(['a', 'b', 'c'].map((name) => chosen.filter((label) => label === name).length)).toEqual([6, 3, 1]);
    expect(new Set(herding(randn([7, 2]), 7)).size).toBe(7);
  });
});

describe('kCenter', () => {
  it('chooses the farthest each time, as a plain computation does', () => {
    const rows = points(80, 3, 4);
    const chosen = kCenter(tensor(rows), 10, { generator: new Generator(5) });
    const wanted = [new Generator(5).below(80)];
    while (wanted.length < 10) {
      const gaps = rows.map((row) => Math.min(...wanted.map((i) => distance(row, rows[i] as number[]))));
      wanted.push(gaps.indexOf(Math.max(...gaps)));
    }
    expect([...chosen]).toEqual(wanted);
  });

  it('takes no sample twice, even where all are alike', () => {
    expect(new Set(kCenter(tensor([[1], [1], [1], [1]]), 4)).size).toBe(4);
    expect(kCenter(randn([5, 2]), 0)).toHaveLength(0);
  });
});

describe('el2nScores and byScore', () => {
  const logits = [
    [2, 0, -1],
    [0, 0, 0],
    [-3, 5, 1],
  ];
  const labels = [0, 2, 1];

  it('is the distance of the prediction from the label', () => {
    const wanted = logits.map((row, i) => {
      const total = row.reduce((sum, v) => sum + Math.exp(v), 0);
      return Math.hypot(...row.map((v, c) => Math.exp(v) / total - Number(c === labels[i])));
    });
    el2nScores(tensor(logits), labels).forEach((score, i) => {
      expect(score).toBeCloseTo(wanted[i] as number, 6);
    });
    expect(() => el2nScores(tensor(logits), [1])).toThrow('got [3, 3] and 1');
  });

  it('keeps the hardest or the easiest, without the very hardest', () => {
    const scores = [5, 1, 4, 2, 3, 6];
    expect([...byScore(scores, 2)]).toEqual([5, 0]);
    expect([...byScore(scores, 2, { keep: 'easiest' })]).toEqual([1, 3]);
    expect([...byScore(scores, 2, { skip: 0.34 })]).toEqual([2, 4]);
    expect([...byScore(scores, 2, { labels: [0, 0, 0, 1, 1, 1] })].sort()).toEqual([0, 5]);
    expect(() => byScore([1, Number.NaN], 1)).toThrow('sample 1 is NaN');
    expect(() => byScore(scores, 7)).toThrow('from 0 to 6');
    expect(() => byScore(scores, 2, { labels: [1] })).toThrow('6 samples and 1 labels');
  });
});

describe('CoresetSampler', () => {
  it('visits its samples in random order', () => {
    const features = randn([40, 3]);
    const sampler = new CoresetSampler(features, 9, { method: 'kCenter', generator: new Generator(1) });
    expect([...sampler.indices]).toEqual([...kCenter(features, 9, { generator: new Generator(1) })]);
    expect([...sampler.order(new Generator(2))].sort()).toEqual([...sampler.indices].sort());
    expect(sampler.length).toBe(9);
    expect(() => new CoresetSampler(features, 9, { method: 'best' as 'herding' })).toThrow("got 'best'");
    expect(() => herding(tensor([1, 2]), 1)).toThrow('expected features [N, D …], got [2]');
  });
});
