import { join } from 'node:path';
import { type Report, type ReportVariant, TEACHER } from '../report/report.js';
import { verdict } from '../report/verdict.js';
import {
  type Column,
  formatBytes,
  formatCount,
  formatDuration,
  formatMilliseconds,
  formatPercent,
  formatRatio,
  formatTable,
  tableOptions,
} from '../table.js';
import { displayWidth, type TerminalStream, terminalStyle } from '../terminal.js';
import { shortPath, typed } from '../usage.js';
import type { DemoResult } from './demo.js';

/** The table at the end of a run, the verdict, and where everything is. */
export function printResults(
  { folder, report }: DemoResult,
  { json, stream }: { json: boolean; stream: TerminalStream },
): void {
  if (json) {
    stream.write(`${JSON.stringify({ event: 'report', folder, report })}\n`);
    return;
  }
  const style = terminalStyle(stream);
  stream.write(`\n${resultsTable(report, tableOptions(style))}\n\n`);
  stream.write(`${wrap(verdict(report), style.interactive ? style.columns : Infinity)}\n`);
  const place = shortPath(folder);
  const { file } = report.variants.find(({ name }) => name === report.recommended) ?? { file: 'FILE' };
  stream.write(`\nReport   ${join(place, 'report.html')}\n`);
  stream.write(`Models   ${place}; score one again with: ${typed('eval', join(place, file))}\n`);
  stream.write(`Time     ${formatDuration(report.seconds)}\n`);
}

/** Breaks text between words into lines of at most `width` cells. */
function wrap(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last !== undefined && displayWidth(last) + 1 + displayWidth(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}

/** What is left out first where the terminal is too narrow; all of it stands in the report. */
const DISPENSABLE = ['batch 1', 'nonzero', 'validation', 'parameters', 'speed'];

/** Every network, a line each. */
export function resultsTable(report: Report, options: ReturnType<typeof tableOptions>): string {
  const teacher = report.variants.find(({ name }) => name === TEACHER) as ReportVariant;
  const { columns: width = Infinity, ...style } = options;
  let columns: Column<ReportVariant>[] = [
    { title: 'network', value: (v) => (v.name === report.recommended ? `${v.name} *` : v.name) },
    { title: 'validation', value: (v) => v.accuracy.validation, format: formatPercent },
    { title: 'test', value: (v) => v.accuracy.test, format: formatPercent },
    { title: 'parameters', value: (v) => v.parameters, format: formatCount },
    { title: 'nonzero', value: (v) => v.nonzero, format: formatCount },
    { title: 'on disk', value: (v) => v.bytes, format: formatBytes },
    { title: 'batch 1', value: (v) => v.latencyMs.batch1, format: formatMilliseconds },
    { title: 'batch 64', value: (v) => v.latencyMs.batch64, format: formatMilliseconds },
    { title: 'speed', value: (v) => teacher.latencyMs.batch64 / v.latencyMs.batch64, format: formatRatio },
  ];
  const emphasize = (v: ReportVariant): boolean => v.name === report.recommended;
  const render = (): string => formatTable(columns, report.variants, { ...style, emphasize });
  const isTooWide = (): boolean =>
    render()
      .split('\n')
      .some((line) => displayWidth(line) > width);
  for (const title of DISPENSABLE) if (isTooWide()) columns = columns.filter((column) => column.title !== title);
  return render();
}
