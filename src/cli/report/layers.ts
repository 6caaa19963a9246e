/** What is left of every layer of a variant: weights that count, zeros, and what shrinking took away. */

import { html, type Markup, unbroken } from '../../compress/choosing/drawing/markup.js';
import { formatCount, formatPercent } from '../table.js';
import { type Mark, UNKNOWN_MARK } from './palette.js';
import { type LayerSparsity, TEACHER, type VariantSparsity } from './report.js';
import { inlineSymbol } from './symbol.js';

/** Shares of a layer; they add up to 1. */
export interface LayerShares {
  readonly kept: number;
  readonly zero: number;
  readonly removed: number;
}

/** Shares of the teacher's layer of the same name, or of the layer itself where the teacher has none as large. */
export function layerShares(weights: number, zeros: number, teacherWeights: number | undefined): LayerShares {
  const whole = Math.max(weights, teacherWeights ?? weights, 1);
  return { kept: (weights - zeros) / whole, zero: zeros / whole, removed: (whole - weights) / whole };
}

/** A panel for each variant that lost something; the others are named below. */
export function renderLayers(sparsity: readonly VariantSparsity[], marks: ReadonlyMap<string, Mark>): Markup {
  const teacher = sparsity.find(({ variant }) => variant === TEACHER);
  const original = new Map(teacher?.layers.map(({ layer, weights }) => [layer, weights]));
  const lost = (entry: VariantSparsity) =>
    entry.layers.some(({ layer, weights, zeros }) => layerShares(weights, zeros, original.get(layer)).kept < 0.995);
  const shown = sparsity.filter(lost);
  const whole = sparsity.filter((entry) => !lost(entry)).map(({ variant }) => variant);
  return html`<ul class="key">
      <li><span class="swatch kept"></span>nonzero</li>
      <li><span class="swatch zero"></span>zero</li>
      <li><span class="swatch removed"></span>removed from the teacher’s layer</li>
    </ul>
    <div class="panels">${shown.map((entry) => panel(entry, original, marks.get(entry.variant) ?? UNKNOWN_MARK))}</div>
    ${whole.length > 0 && html`<p class="aside">${list(whole)} ${whole.length === 1 ? 'keeps' : 'keep'} all weights.</p>`}`;
}

function panel({ variant, layers }: VariantSparsity, original: ReadonlyMap<string, number>, mark: Mark): Markup {
  const sum = (pick: (layer: LayerSparsity) => number) => layers.reduce((total, layer) => total + pick(layer), 0);
  const weights = sum((layer) => layer.weights);
  const zeros = sum(({ zeros: count }) => count);
  const teacher = [...original.values()].reduce((total, count) => total + count, 0);
  return html`<div class="panel layers" style="--c:${mark.color}">
    <h3>${inlineSymbol(mark)} ${variant}</h3>
    <ul>
      ${layers.map((layer) => row(layer, original.get(layer.layer)))}
      <li class="total">${figures('all layers', weights, zeros, teacher)}</li>
    </ul>
  </div>`;
}

/** Name, weights that count, and the share that is gone. */
function figures(name: string, weights: number, zeros: number, teacherWeights: number | undefined): Markup {
  const { kept } = layerShares(weights, zeros, teacherWeights);
  const whole = Math.max(weights, teacherWeights ?? weights);
  return html`<span class="layer">${name}</span>
    <span class="figures">${formatCount(weights - zeros)} of ${formatCount(whole)}</span>
    <span class="number">${unbroken(formatPercent(1 - kept, 1))}</span>`;
}

function row({ layer, weights, zeros }: LayerSparsity, teacherWeights: number | undefined): Markup {
  const shares = layerShares(weights, zeros, teacherWeights);
  const tip = [
    layer,
    `${formatCount(weights - zeros)} nonzero`,
    `${formatCount(zeros)} zeros (${formatPercent(zeros / Math.max(1, weights), 1)} of the layer)`,
    shares.removed > 0 && `${formatCount((teacherWeights ?? weights) - weights)} removed`,
  ];
  return html`<li>${figures(layer, weights, zeros, teacherWeights)}
    <span class="shares hit" aria-hidden="true" data-tip="${tip.filter(Boolean).join('\n')}">
      <span class="kept" style="width:${100 * shares.kept}%"></span>
      <span class="zero" style="width:${100 * shares.zero}%"></span>
      <span class="removed" style="width:${100 * shares.removed}%"></span>
    </span>
  </li>`;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}
