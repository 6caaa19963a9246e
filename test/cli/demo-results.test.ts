import { describe, expect, it } from 'vitest';
import { recommend } from '../../src/cli/demo/recommend.js';
import { printResults, resultsTable } from '../../src/cli/demo/results.js';
import type { ReportVariant } from '../../src/cli/report/report.js';
import { displayWidth } from '../../src/cli/terminal.js';
import { digitsReport } from './report-fixture.js';

/** What `printResults` writes to a stream of this shape. */
function printed(stream: { isTTY?: boolean; columns?: number } = {}, json = false): string {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  printResults({ folder: 'runs/a', report: digitsReport, parts: {} as never }, { json, stream: { ...stream, write } });
  return text;
}

describe('the results of a run', () => {
  it.each([200, 100, 80, 60, 50])('fit a terminal of %i columns, names and stars whole', (columns) => {
    const table = resultsTable(digitsReport, { unicode: true, color: false, columns });
    for (const line of table.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    for (const { name } of digitsReport.variants) expect(table).toMatch(new RegExp(`^${name}( |$)`, 'm'));
    expect(table).toContain(`${digitsReport.recommended} *`);
    for (const title of ['network', 'test', 'on disk', 'batch 64']) expect(table).toContain(title);
  });

  it('lose the less telling columns first', () => {
    const titles = (columns: number): string[] =>
      (resultsTable(digitsReport, { columns }).split('\n')[0] ?? '').split(/ {2,}/);
    expect(titles(120)).toHaveLength(9);
    expect(titles(80)).toEqual(expect.arrayContaining(['network', 'validation', 'test', 'parameters', 'speed']));
    expect(titles(80)).not.toContain('batch 1');
  });

  it('are whole lines without control characters in a pipe', () => {
    const text = printed();
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\r');
    expect(text).toContain('network');
    expect(text.split('\n')[2]).toMatch(/^-+( +-+)*$/);
    expect(text).toMatch(
      /\nReport {3}runs\/a\/report\.html\nModels {3}runs\/a; score one again with: .*eval runs\/a\//,
    );
  });

  it('are wrapped between words on a terminal', () => {
    const text = printed({ isTTY: true, columns: 70 });
    const paragraph = text.slice(text.indexOf('Take '), text.indexOf('\n\nReport'));
    expect(paragraph.split('\n').length).toBeGreaterThan(2);
    for (const line of paragraph.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(70);
    expect(paragraph.replaceAll('\n', ' ')).toBe(
      printed()
        .split('\n')
        .find((line) => line.startsWith('Take ')),
    );
  });

  it('are one object as JSON', () => {
    expect(JSON.parse(printed({}, true))).toEqual({ event: 'report', folder: 'runs/a', report: digitsReport });
    expect(printed({}, true).split('\n')).toHaveLength(2);
  });
});

describe('recommend', () => {
  const variant = (name: string, validation: number, bytes: number, batch64: number): ReportVariant => ({
    name,
    method: '',
    accuracy: { validation, test: 0 },
    parameters: 1,
    nonzero: 1,
    bytes,
    latencyMs: { batch1: 1, batch64 },
    file: '',
  });

  it('takes the cheapest of those within a point of validation accuracy, whatever the test part says', () => {
    const teacher = variant('teacher', 0.98, 1000, 1);
    const { recommended, reason } = recommend(
      [teacher, variant('tiny', 0.9699, 1, 0.1), variant('small', 0.97, 100, 0.5), variant('fast', 0.99, 600, 0.1)],
      'teacher',
    );
    expect(recommended).toBe('small');
    expect(reason).toContain('of the 3 networks within one point');
  });

  it('takes the teacher where nothing else is good enough', () => {
    const teacher = variant('teacher', 0.98, 1000, 1);
    expect(recommend([teacher, variant('tiny', 0.9, 1, 0.1)], 'teacher')).toEqual({
      recommended: 'teacher',
      reason: 'no smaller network stays within one point of its validation accuracy',
    });
  });
});
