/** The confusion matrix of the recommended variant, as a table whose cells are coloured. */

import { html, type Markup } from '../../compress/choosing/drawing/markup.js';
import { formatCount } from '../table.js';

/** Colours stay this faint so that the count on top keeps its contrast. */
const STRONGEST = 0.5;
const FAINTEST_ERROR = 0.2;

/**
 * Rows are true classes, columns chosen ones. Errors are few against the diagonal and would vanish on its scale, so
 * they have a scale and a colour of their own.
 */
export function renderConfusion(confusion: readonly (readonly number[])[], classes: readonly string[]): Markup {
  const name = (index: number) => classes[index] ?? String(index);
  const worst = Math.max(1, ...confusion.flatMap((row, label) => row.filter((_, chosen) => chosen !== label)));
  const columns = confusion.map((_, chosen) => sum(confusion.map((row) => row[chosen] ?? 0)));
  const size = confusion.length > 20 ? 'dense' : '';
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix">
    <table class="confusion ${size}">
      <caption class="unseen">Number of test samples by true class (rows) and chosen class (columns)</caption>
      <thead>
        <tr><td></td><th class="axis-name" colspan="${confusion.length}" scope="colgroup">chosen</th><td></td></tr>
        <tr><th class="axis-name" scope="col">true</th>
          ${confusion.map((_, index) => html`<th scope="col">${name(index)}</th>`)}<th scope="col" class="margin">recall %</th></tr>
      </thead>
      <tbody>${confusion.map((row, label) => {
        const total = sum(row);
        return html`<tr><th scope="row">${name(label)}</th>
          ${row.map((count, chosen) => cell(count, label === chosen, total, worst, name(label), name(chosen)))}
          <td class="margin">${share(row[label] ?? 0, total)}</td></tr>`;
      })}</tbody>
      <tfoot><tr><th scope="row" class="margin">precision %</th>
        ${columns.map((total, index) => html`<td class="margin">${share(confusion[index]?.[index] ?? 0, total)}</td>`)}<td></td></tr></tfoot>
    </table>
  </div>`;
}

function cell(count: number, right: boolean, total: number, worst: number, label: string, chosen: string): Markup {
  if (count === 0) return html`<td class="none">·</td>`;
  const strength = right
    ? STRONGEST * (count / Math.max(1, total)) ** 2
    : FAINTEST_ERROR + (STRONGEST - FAINTEST_ERROR) * Math.sqrt((count - 1) / Math.max(1, worst - 1));
  const tip = right
    ? `${formatCount(count)} of ${formatCount(total)} × ${label} found`
    : `${formatCount(count)} × ${label} taken for ${chosen}`;
  return html`<td class="hit ${right ? 'right' : 'wrong'}" style="--a:${strength.toFixed(2)}" data-tip="${tip}">${count}</td>`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function share(part: number, whole: number): string {
  return whole > 0 ? ((100 * part) / whole).toFixed(part === whole ? 0 : 1) : '–';
}
