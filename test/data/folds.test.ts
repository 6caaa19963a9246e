import { GroupKFold, TimeSeriesSplit, type TimeSeriesSplitOptions } from 'fettle/data';
import { describe, expect, it } from 'vitest';
import golden from './golden/folds.json' with { type: 'json' };

describe('GroupKFold', () => {
  it('is scikit-learn’s', () => {
    const folds = [...new GroupKFold(3).split(golden.groups)];
    expect(folds.map(([, test]) => [...test])).toEqual(golden.grouped);
  });

  it('keeps groups together and needs enough of them', () => {
    for (const [train, test] of new GroupKFold(2).split(['a', 'b', 'a', 'c', 'b'])) {
      const names = ['a', 'b', 'a', 'c', 'b'];
      const held = new Set(Array.from(test, (i) => names[i]));
      expect(Array.from(train, (i) => names[i]).some((name) => held.has(name))).toBe(false);
    }
    expect(() => [...new GroupKFold(3).split([1, 1, 2])]).toThrow('3 folds need as many groups, there are 2');
  });
});

describe('TimeSeriesSplit', () => {
  it.each(golden.series)('is scikit-learn’s with $options', ({ options, folds }) => {
    const made = [...new TimeSeriesSplit(4, options as TimeSeriesSplitOptions).split(23)];
    expect(made.map((fold) => fold.map((part) => [...part]))).toEqual(folds);
  });

  it('says what is wrong', () => {
    expect(() => [...new TimeSeriesSplit(4).split(4)]).toThrow('4 samples are too few for 4 parts');
    expect(() => [...new TimeSeriesSplit(2, { testSize: 2, gap: 3 }).split(7)]).toThrow('a gap of 3');
    expect(() => new TimeSeriesSplit(2, { gap: -1 })).toThrow('gap must be a whole number');
    expect(() => new TimeSeriesSplit(1)).toThrow('at least 2 folds');
  });
});
