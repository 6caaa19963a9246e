/** The figures of all variants: the few that matter as tiles, and all of them as a table. */

import { html, type Markup, unbroken } from '../../compress/choosing/drawing/markup.js';
import { formatBytes, formatCount, formatMilliseconds, formatPercent, formatRatio } from '../table.js';
import { type Mark, UNKNOWN_MARK } from './palette.js';
import { type Report, type ReportVariant, TEACHER } from './report.js';
import { inlineSymbol } from './symbol.js';
import { baseline, recommended } from './verdict.js';

const MINUS = '−';

/** '−0.28' for percentage points, with a sign always and a true minus. */
function points(difference: number): string {
  const text = Math.abs(difference * 100).toFixed(2);
  if (text === '0.00') return '±0';
  return `${difference < 0 ? MINUS : '+'}${text}`;
}

function times(ratio: number): string {
  return formatRatio(ratio, '×');
}

/** The recommended variant against the teacher, in four tiles. */
export function renderTiles(report: Report): Markup {
  const choice = recommended(report);
  const reference = baseline(report);
  if (!choice || !reference) return html``;
  const name = reference.name === TEACHER ? 'the teacher' : reference.name;
  const change = (text: string) => (choice === reference ? '' : text);
  const tiles: [label: string, value: string, note: string][] = [
    [
      'Test accuracy',
      formatPercent(choice.accuracy.test),
      change(`${points(choice.accuracy.test - reference.accuracy.test)} points against ${name}`),
    ],
    ['Size on disk', formatBytes(choice.bytes), change(smaller(reference.bytes / choice.bytes, 'smaller', 'larger'))],
    [
      'Time for one sample',
      formatMilliseconds(choice.latencyMs.batch1),
      change(smaller(reference.latencyMs.batch1 / choice.latencyMs.batch1, 'faster', 'slower')),
    ],
    [
      'Weights that count',
      formatCount(choice.nonzero),
      change(`${formatPercent(choice.nonzero / reference.nonzero, 1)} of ${name}’s`),
    ],
  ];
  return html`<dl class="tiles">${tiles.map(
    ([label, value, note]) =>
      html`<div><dt>${label}</dt><dd class="value">${unbroken(value)}</dd>${note && html`<dd class="note">${note}</dd>`}</div>`,
  )}</dl>`;
}

function smaller(ratio: number, less: string, more: string): string {
  if (!Number.isFinite(ratio) || ratio <= 0) return '';
  if (Math.abs(Math.log(ratio)) < Math.log(1.05)) return 'about the same';
  const factor = Math.max(ratio, 1 / ratio);
  return `${factor.toFixed(factor < 9.95 ? 1 : 0)}× ${ratio > 1 ? less : more}`;
}

/** The table of all variants. On a narrow page each row becomes a card, with the column titles beside the figures. */
export function renderResults(report: Report, marks: ReadonlyMap<string, Mark>): Markup {
  const reference = baseline(report);
  const name = reference?.name === TEACHER ? 'the teacher' : (reference?.name ?? '');
  const most = {
    parameters: Math.max(...report.variants.map(({ parameters }) => parameters)),
    bytes: Math.max(...report.variants.map(({ bytes }) => bytes)),
  };
  return html`<table class="results" role="table">
    <caption class="unseen">All variants with accuracy, size and speed</caption>
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" rowspan="2" scope="col">Variant</th>
        <th role="columnheader" rowspan="2" scope="col">Method</th>
        <th role="columnheader" rowspan="2" scope="col" class="number">Test accuracy</th>
        <th role="columnheader" rowspan="2" scope="col" class="number">Parameters</th>
        <th role="columnheader" rowspan="2" scope="col" class="number">Nonzero</th>
        <th role="columnheader" rowspan="2" scope="col" class="number">On disk</th>
        <th role="columnheader" colspan="2" scope="colgroup" class="group">Latency for</th>
        <th role="columnheader" colspan="2" scope="colgroup" class="group">Speed-up for</th>
      </tr>
      <tr role="row">
        <th role="columnheader" scope="col" class="number">1</th><th role="columnheader" scope="col" class="number">64</th>
        <th role="columnheader" scope="col" class="number">1</th><th role="columnheader" scope="col" class="number">64</th>
      </tr>
    </thead>
    <tbody role="rowgroup">${report.variants.map((variant) =>
      row(variant, reference, variant.name === report.recommended, marks.get(variant.name) ?? UNKNOWN_MARK, most, name),
    )}</tbody>
  </table>`;
}

function row(
  variant: ReportVariant,
  reference: ReportVariant | undefined,
  chosen: boolean,
  mark: Mark,
  most: { parameters: number; bytes: number },
  referenceName: string,
): Markup {
  const compared = reference !== undefined && variant !== reference;
  const speedUp = (pick: (latency: ReportVariant['latencyMs']) => number) =>
    reference ? times(pick(reference.latencyMs) / pick(variant.latencyMs)) : '';
  const dense = variant.nonzero / variant.parameters;
  return html`<tr role="row" class="${chosen && 'chosen'}" style="--c:${mark.color}">
    <th role="rowheader" scope="row">${inlineSymbol(mark)} <span class="name">${variant.name}</span>${
      chosen && html` <span class="badge">take this</span>`
    }</th>
    <td role="cell" class="method">${variant.method}${fileLink(variant.file)}</td>
    ${figure(
      'Test accuracy',
      formatPercent(variant.accuracy.test),
      compared && reference
        ? html`<span title="percentage points against ${referenceName}">${points(variant.accuracy.test - reference.accuracy.test)}</span>`
        : html`<span title="on the validation part">val. ${unbroken(formatPercent(variant.accuracy.validation))}</span>`,
    )}
    ${figure('Parameters', formatCount(variant.parameters), bar(variant.parameters / most.parameters))}
    ${figure('Nonzero', formatCount(variant.nonzero), dense < 0.995 ? unbroken(formatPercent(dense, 1)) : '')}
    ${figure('On disk', formatBytes(variant.bytes), bar(variant.bytes / most.bytes))}
    ${figure('Latency, 1', formatMilliseconds(variant.latencyMs.batch1))}
    ${figure('Latency, 64', formatMilliseconds(variant.latencyMs.batch64))}
    ${figure('Speed-up, 1', compared ? speedUp(({ batch1 }) => batch1) : '1×')}
    ${figure('Speed-up, 64', compared ? speedUp(({ batch64 }) => batch64) : '1×')}
  </tr>`;
}

function figure(label: string, value: string, note: Markup | string = ''): Markup {
  return html`<td role="cell" class="number" data-label="${label}"><span class="figure">${unbroken(value)}</span>${
    note !== '' && html`<span class="note">${note}</span>`
  }</td>`;
}

function bar(share: number): Markup {
  return html`<span class="bar" aria-hidden="true"><span style="width:${Math.max(1, 100 * share)}%"></span></span>`;
}

/** A link to the file beside the report. Anything but a relative path could lead elsewhere and is printed only. */
function fileLink(file: string): Markup {
  const relative = /^[\w.][\w./ -]*$/.test(file);
  const shown = relative ? html`<a href="${encodeURI(file)}">${file}</a>` : html`${file}`;
  return html`<span class="file">${shown}</span>`;
}
