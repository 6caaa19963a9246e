import { logTicks } from './drawing/axis.js';
import { placeLabels } from './drawing/labels.js';
import { html, type Markup, trusted, unbroken } from './drawing/markup.js';
import { DARK, LIGHT, type Theme } from './drawing/theme.js';
import { formatBytes, formatCompact, formatMilliseconds, formatPercent } from './figures.js';
import type { Objective } from './methods.js';
import type { Aim, SearchOutcome } from './searchtable.js';
import { costOf, type Trial } from './trials.js';

/** The picture of a search: what each chain costs against what it is worth. */

const SIZE = { width: 760, height: 460 };
const MARGIN = { top: 44, right: 26, bottom: 52, left: 66 };
/** So many names of the front are written at most; the others have theirs under the pointer. */
const NAMES = 9;

const AXES: Readonly<Record<Objective, { readonly title: string; readonly format: (value: number) => string }>> = {
  size: { title: 'bytes of the packed file', format: formatBytes },
  latency: { title: 'time of one pass', format: formatMilliseconds },
  flops: { title: 'multiply-adds of one pass', format: formatCompact },
};

function colors({ surface, ink, soft, rule, accent, variants }: Theme): string {
  return `--surface:${surface};--ink:${ink};--soft:${soft};--rule:${rule};--accent:${accent};--front:${variants[1]}`;
}

const STYLE = `.s{${colors(LIGHT)};font:12px system-ui,sans-serif}@media(prefers-color-scheme:dark){.s{${colors(DARK)}}}
.s rect{fill:var(--surface)}.s text{fill:var(--soft)}.s .title{fill:var(--ink);font-size:15px;font-weight:600}.s .name{fill:var(--ink)}
.s .grid{stroke:var(--rule)}.s .front{fill:none;stroke:var(--front);stroke-width:2}.s .limit{stroke:var(--accent);stroke-dasharray:5 4}
.s .point{fill:var(--soft);opacity:.55}.s .on{fill:var(--front);opacity:1}.s .best{fill:var(--accent);opacity:1}.s .leader{stroke:var(--rule)}
.s .chosen{fill:var(--accent);font-weight:600}`;

/** A linear axis: positions, and ticks at round numbers. */
function linear(low: number, high: number, from: number, to: number) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((n) => n * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
  const at = (value: number): number => from + ((value - low) / (high - low)) * (to - from);
  return { at, ticks, step };
}

function logarithmic(low: number, high: number, from: number, to: number): (value: number) => number {
  return (value) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from);
}

/** The metric as a percentage where all are shares, as accuracies are; else as it is. */
function metricFormat(trials: readonly Trial[], step: number): (value: number) => string {
  const isShare = trials.every(({ metric }) => metric >= 0 && metric <= 1);
  const digits = Math.max(0, Math.ceil(-Math.log10(step * (isShare ? 100 : 1)) - 1e-9));
  return (value) => (isShare ? formatPercent(value, digits) : value.toFixed(digits));
}

/** An SVG document that needs nothing beside it. */
export function drawSearch({ original, best, trials, pareto }: SearchOutcome, { objective, maxDrop }: Aim): string {
  const { width, height } = SIZE;
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
  const axis = AXES[objective];
  const cost = costOf(objective);
  const limit = original.metric - maxDrop;
  const measured = trials.filter(({ error, metric }) => error === null && Number.isFinite(metric));
  const usable = measured.filter((trial) => cost(trial) > 0);
  const costs = usable.map(cost);
  const [cheapest, dearest] = [Math.min(...costs) / 1.4, Math.max(...costs) * 1.4];
  const x = logarithmic(cheapest, dearest, left, right);
  // Chains that fell far below would press the others together; they stand at the lower edge.
  const highest = Math.max(...usable.map(({ metric }) => metric));
  const reach = Math.max(2.5 * (highest - limit), Math.abs(original.metric) * 0.005, 1e-6);
  const lowest = Math.max(Math.min(...usable.map(({ metric }) => metric), limit), highest - reach);
  const pad = (highest - lowest) * 0.08;
  const y = linear(lowest - pad, highest + pad, bottom, top);
  const format = metricFormat(usable, y.step);
  const place = (trial: Trial) => ({ x: x(cost(trial)), y: y.at(Math.max(trial.metric, lowest)) });
  const front = pareto.filter((trial) => cost(trial) > 0);
  const steps = front.map(place);
  const path = steps
    .map((p, i) => (i === 0 ? `M${round(p.x)} ${round(p.y)}` : `H${round(p.x)}V${round(p.y)}`))
    .join('');
  const named = [best, original, ...front].filter((trial, i, all) => all.indexOf(trial) === i).slice(0, NAMES);
  const points = named.map((trial) => ({ ...place(trial), text: shortened(trial.label) }));
  const others = usable.map(place).map((p) => ({ x: p.x - 3, y: p.y - 3, width: 6, height: 6 }));
  const labels = placeLabels(points, {
    bounds: { x: left + 2, y: top - 6, width: right - left + MARGIN.right - 6, height: bottom - top + 4 },
    radius: 7,
    fontSize: 12,
    avoid: others,
  });
  const kind = (trial: Trial): string => (trial === best ? 'point best' : front.includes(trial) ? 'point on' : 'point');
  const title = `${usable.length - 1} chains: ${axis.title} against the metric`;
  const drawing: Markup = html`<svg xmlns="http://www.w3.org/2000/svg" class="s" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
    <title>${title}</title><style>${trusted(STYLE)}</style>
    <rect width="${width}" height="${height}"/>
    <text class="title" x="${left}" y="24">${title}</text>
    ${y.ticks.map(
      (tick) => html`<line class="grid" x1="${left}" x2="${right}" y1="${y.at(tick)}" y2="${y.at(tick)}"/>
      <text x="${left - 8}" y="${y.at(tick)}" dy=".32em" text-anchor="end">${unbroken(format(tick))}</text>`,
    )}
    ${logTicks(cheapest, dearest, x, 70).map(
      (tick) => html`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${bottom}" y2="${bottom + 5}"/>
      <text x="${x(tick)}" y="${bottom + 20}" text-anchor="middle">${unbroken(axis.format(tick))}</text>`,
    )}
    <text x="${right}" y="${height - 10}" text-anchor="end">${axis.title}, logarithmic</text>
    ${
      limit >= lowest - pad &&
      html`<line class="limit" x1="${left}" x2="${right}" y1="${y.at(limit)}" y2="${y.at(limit)}"/>
      <text x="${right}" y="${y.at(limit) + 14}" text-anchor="end">no more than this may be lost</text>`
    }
    <path class="front" d="${path}"/>
    ${labels.map((label, i) => {
      const point = points[i];
      if (!label.leader || point === undefined) return '';
      const toX = Math.min(Math.max(point.x, label.x), label.x + label.width);
      const toY = label.y > point.y ? label.y + 2 : label.y + label.height - 2;
      return html`<line class="leader" x1="${point.x}" y1="${point.y}" x2="${toX}" y2="${toY}"/>`;
    })}
    ${[...usable]
      .sort((a, b) => kind(a).length - kind(b).length)
      .map((trial) => {
        const { x: cx, y: cy } = place(trial);
        const tip = `${trial.label}: ${trial.metric.toFixed(4)}, ${axis.format(cost(trial))}`;
        return html`<circle class="${kind(trial)}" cx="${cx}" cy="${cy}" r="${trial === best ? 7 : front.includes(trial) ? 5 : 3.5}"><title>${tip}</title></circle>`;
      })}
    ${labels.map(
      (label, i) =>
        html`<text class="name${named[i] === best ? ' chosen' : ''}" x="${label.x + label.width / 2}" y="${label.y + label.height / 2}" dy=".35em" text-anchor="middle">${label.text}</text>`,
    )}
  </svg>`;
  return `${drawing.source}\n`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Names of long chains would not fit beside their points. */
function shortened(label: string): string {
  const short = label.replaceAll(' %', '%').replaceAll(' of units', '').replaceAll(' → ', ' + ');
  return short.length > 44 ? `${short.slice(0, 42)}…` : short;
}
