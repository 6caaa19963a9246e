import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatClock,
  formatCompact,
  formatCount,
  formatDuration,
  formatMilliseconds,
  formatPercent,
  formatRatio,
  formatTable,
  tableOptions,
} from '../../src/cli/table.js';
import { displayWidth, singleLine, terminalStyle, truncate } from '../../src/cli/terminal.js';

const ESCAPE = '\u001b';

describe('numbers', () => {
  it('groups counts by thousands', () => {
    expect(formatCount(0)).toBe('0');
    expect(formatCount(999)).toBe('999');
    expect(formatCount(1000)).toBe('1,000');
    expect(formatCount(1234567)).toBe('1,234,567');
    expect(formatCount(-50176)).toBe('-50,176');
  });

  it('chooses the unit of bytes after rounding', () => {
    expect(formatBytes(0)).toBe('0 B');
    expect(formatBytes(999)).toBe('999 B');
    expect(formatBytes(1000)).toBe('1.00 kB');
    expect(formatBytes(12345)).toBe('12.3 kB');
    expect(formatBytes(999_499)).toBe('999 kB');
    expect(formatBytes(999_500)).toBe('1.00 MB');
    expect(formatBytes(1.5e9)).toBe('1.50 GB');
  });

  it('keeps three digits of milliseconds in one unit', () => {
    expect(formatMilliseconds(123.4)).toBe('123 ms');
    expect(formatMilliseconds(12.34)).toBe('12.3 ms');
    expect(formatMilliseconds(9.999)).toBe('10.0 ms');
    expect(formatMilliseconds(1.234)).toBe('1.23 ms');
    expect(formatMilliseconds(0.0412)).toBe('0.041 ms');
    expect(formatMilliseconds(0.0012)).toBe('0.0012 ms');
    expect(formatMilliseconds(0)).toBe('0.00 ms');
  });

  it('prints fractions as percentages, without a negative zero', () => {
    expect(formatPercent(0.98611)).toBe('98.61 %');
    expect(formatPercent(1, 1)).toBe('100.0 %');
    expect(formatPercent(-0.00001)).toBe('0.00 %');
    expect(formatPercent(-0.0028)).toBe('-0.28 %');
  });

  it('says durations as people do', () => {
    expect(formatDuration(0.842)).toBe('0.84 s');
    expect(formatDuration(9.999)).toBe('10.0 s');
    expect(formatDuration(14.2)).toBe('14.2 s');
    expect(formatDuration(59.97)).toBe('1 min 00 s');
    expect(formatDuration(92)).toBe('1 min 32 s');
    expect(formatDuration(3599.8)).toBe('1 h 00 min');
    expect(formatDuration(7500)).toBe('2 h 05 min');
    expect(formatClock(7)).toBe('0:07');
    expect(formatClock(92.4)).toBe('1:32');
    expect(formatClock(3725)).toBe('1:02:05');
  });

  it('compacts large numbers and prints ratios', () => {
    expect(formatCompact(950)).toBe('950');
    expect(formatCompact(41234)).toBe('41.2k');
    expect(formatCompact(999_950)).toBe('1.00M');
    expect(formatRatio(11.32)).toBe('11.3x');
    expect(formatRatio(1)).toBe('1.00x');
  });

  it('shows a hyphen for what is not a number', () => {
    for (const format of [formatCount, formatBytes, formatMilliseconds, formatPercent, formatDuration, formatCompact]) {
      expect(format(Number.NaN)).toBe('-');
      expect(format(Number.POSITIVE_INFINITY)).toBe('-');
      expect(format(null)).toBe('-');
      expect(format(undefined)).toBe('-');
    }
  });
});

interface Row {
  name: string;
  bytes: number | null;
}

const columns = [
  { title: 'variant', value: (row: Row) => row.name },
  { title: 'size', value: (row: Row) => row.bytes, format: formatBytes },
];

const rows: Row[] = [
  { name: 'teacher', bytes: 123456 },
  { name: 'student – ×10', bytes: 950 },
  { name: 'lost', bytes: null },
];

describe('formatTable', () => {
  it('is plain ASCII by default, with numbers to the right', () => {
    const text = formatTable(columns, rows);
    expect(text).toBe(
      [
        'variant          size',
        '-------------  ------',
        'teacher        123 kB',
        'student - x10   950 B',
        'lost                -',
      ].join('\n'),
    );
    expect(text).toMatch(/^[\u0020-\u007e\n]*$/);
  });

  it('draws rules and emphasis on a terminal', () => {
    const text = formatTable(columns, rows, { unicode: true, color: true, emphasize: (row) => row.name === 'teacher' });
    const lines = text.split('\n');
    expect(lines).toHaveLength(6);
    expect(lines[1]).toContain('───────');
    expect(lines[2]).toBe(`${ESCAPE}[1mteacher        123 kB${ESCAPE}[22m`);
    expect(lines[3]).toContain('student – ×10');
  });

  it('shortens text columns to the width of the terminal, and never a number', () => {
    const wide = [{ name: 'a name that goes on and on and on', bytes: 1234 }];
    const lines = formatTable(columns, wide, { unicode: true, columns: 24 }).split('\n');
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(24);
    expect(lines[2]).toMatch(/…\s+1\.23 kB$/);
  });

  it('keeps escape codes and line breaks of cells away', () => {
    const text = formatTable(columns, [{ name: `evil${ESCAPE}[2J\nname`, bytes: 1 }]);
    expect(text).toContain('evil name');
    expect(text).not.toContain(ESCAPE);
  });

  it('prints a table without rows', () => {
    expect(formatTable(columns, [])).toBe('variant  size\n-------  ----');
  });
});

describe('terminalStyle', () => {
  const write = () => true;
  it('gives a pipe nothing but text', () => {
    const style = terminalStyle({ write }, {});
    expect(style).toEqual({ interactive: false, color: false, unicode: false, columns: 80 });
    expect(tableOptions(style)).toEqual({ unicode: false, color: false });
  });

  it('reads the terminal, NO_COLOR, TERM and the locale', () => {
    const terminal = { write, isTTY: true, columns: 120 };
    expect(terminalStyle(terminal, {})).toEqual({ interactive: true, color: true, unicode: true, columns: 120 });
    expect(terminalStyle(terminal, { NO_COLOR: '1' })).toMatchObject({ interactive: true, color: false });
    expect(terminalStyle(terminal, { NO_COLOR: '' })).toMatchObject({ color: true });
    expect(terminalStyle(terminal, { TERM: 'dumb' })).toMatchObject({ interactive: false, color: false });
    expect(terminalStyle(terminal, { LANG: 'C' })).toMatchObject({ interactive: true, unicode: false });
    expect(terminalStyle(terminal, { LANG: 'C', LC_ALL: 'de_DE.UTF-8' })).toMatchObject({ unicode: true });
  });
});

describe('text width', () => {
  it('counts cells, not characters', () => {
    expect(displayWidth('naïve')).toBe(5);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(displayWidth('数字')).toBe(4);
    expect(displayWidth(`${ESCAPE}[1mbold${ESCAPE}[22m`)).toBe(4);
    expect(truncate('数字数字', 5)).toBe('数字…');
    expect(truncate('abcdef', 2)).toBe('a…');
    expect(truncate('abc', 0)).toBe('');
  });

  it('makes one line of anything', () => {
    expect(singleLine(`a\r\nb\u0007${ESCAPE}[31mc`)).toBe('a b c');
  });
});
