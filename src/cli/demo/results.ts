import { join } from 'node:path';
import { type Report, type ReportVariant, TEACHER } from '../report/report.js';
import { verdict } from '../report/verdict.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMilliseconds,
  formatPercent,
  formatRatio,
  formatTable,
  tableOptions,
} from '../table.js';
import { type TerminalStream, terminalStyle } from '../terminal.js';
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
  stream.write(`${verdict(report)}\n`);
  const place = shortPath(folder);
  const { file } = report.variants.find(({ name }) => name === report.recommended) ?? { file: 'FILE' };
  stream.write(`\nReport   ${join(place, 'report.html')}\n`);
  stream.write(`Models   ${place}; score one again with: ${typed('eval', join(place, file))}\n`);
  stream.write(`Time     ${formatDuration(report.seconds)}\n`);
}

/** Every network, a line each. */
export function resultsTable(report: Report, options: ReturnType<typeof tableOptions>): string {
  const teacher = report.variants.find(({ name }) => name === TEACHER) as ReportVariant;
  return formatTable<ReportVariant>(
    [
      { title: 'network', value: (v) => (v.name === report.recommended ? `${v.name} *` : v.name) },
      { title: 'validation', value: (v) => v.accuracy.validation, format: (v) => formatPercent(v as number) },
      { title: 'test', value: (v) => v.accuracy.test, format: (v) => formatPercent(v as number) },
      { title: 'parameters', value: (v) => v.parameters, format: (v) => formatCount(v as number) },
      { title: 'nonzero', value: (v) => v.nonzero, format: (v) => formatCount(v as number) },
      { title: 'on disk', value: (v) => v.bytes, format: (v) => formatBytes(v as number) },
      { title: 'batch 1', value: (v) => v.latencyMs.batch1, format: (v) => formatMilliseconds(v as number) },
      { title: 'batch 64', value: (v) => v.latencyMs.batch64, format: (v) => formatMilliseconds(v as number) },
      {
        title: 'speed',
        value: (v) => teacher.latencyMs.batch64 / v.latencyMs.batch64,
        format: (v) => formatRatio(v as number),
      },
    ],
    report.variants,
    { ...options, emphasize: (v: ReportVariant) => v.name === report.recommended },
  );
}
