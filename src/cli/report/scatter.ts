/** What a variant costs against what it is worth: a scatter chart with the variants that no other beats in both. */
import { extent } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';
import { area, curveStepAfter, line } from 'd3-shape';
import { logTicks } from '../../compress/choosing/drawing/axis.js';
import { placeLabels, type Rectangle } from '../../compress/choosing/drawing/labels.js';
import { html, type Markup, unbroken } from '../../compress/choosing/drawing/markup.js';
import { paretoFront } from '../../compress/choosing/pareto.js';
import { formatPercent } from '../table.js';
import { type Mark, UNKNOWN_MARK } from './palette.js';
import type { Report, ReportVariant } from './report.js';
import { symbolPath } from './symbol.js';
import { accuracyInterval, baseline } from './verdict.js';

/** What the horizontal axis shows. */
export interface Cost {
  /** Unique among the charts of the page. */
  readonly id: string;
  readonly title: string;
  /** Below the axis. */
  readonly axis: string;
  readonly of: (variant: ReportVariant) => number;
  readonly format: (value: number) => string;
}

export interface ScatterContext {
  readonly marks: ReadonlyMap<string, Mark>;
  /** Number of samples behind the accuracies. */
  readonly testSamples: number;
}

/** The chart as a figure: two drawings, of which the page shows the one that suits its width. */
export function renderScatter(report: Report, cost: Cost, context: ScatterContext): Markup {
  const shown = report.variants.filter((variant) => cost.of(variant) > 0 && Number.isFinite(variant.accuracy.test));
  if (shown.length === 0) return html``;
  return html`<figure class="panel chart scatter">
    <figcaption><h3>${cost.title}</h3></figcaption>
    ${draw(report, shown, cost, context, { width: 540, height: 400, form: 'wide' })}
    ${draw(report, shown, cost, context, { width: 340, height: 340, form: 'narrow' })}
  </figure>`;
}

interface Size {
  readonly width: number;
  readonly height: number;
  readonly form: 'wide' | 'narrow';
}

const MARGIN = { top: 34, right: 18, bottom: 46, left: 58 };

function draw(
  report: Report,
  variants: readonly ReportVariant[],
  cost: Cost,
  { marks, testSamples }: ScatterContext,
  { width, height, form }: Size,
): Markup {
  const left = MARGIN.left;
  const right = width - MARGIN.right;
  const top = MARGIN.top;
  const bottom = height - MARGIN.bottom;
  const reference = baseline(report);
  const band = reference ? accuracyInterval(reference.accuracy.test, testSamples) : undefined;

  const [cheapest = 1, dearest = 1] = extent(variants, cost.of);
  const x = scaleLog()
    .domain([cheapest / 1.5, dearest * 1.5])
    .range([left, right]);
  const [worst = 0, best = 1] = extent([...variants.map(({ accuracy }) => accuracy.test), ...(band ?? [])]);
  const pad = Math.max(0.002, (best - worst) * 0.08);
  const y = scaleLinear()
    .domain([Math.max(0, worst - pad), Math.min(1, best + pad)])
    .range([bottom, top]);

  const points = variants.map((variant) => ({
    variant,
    x: x(cost.of(variant)),
    y: y(variant.accuracy.test),
    mark: marks.get(variant.name) ?? UNKNOWN_MARK,
    text: variant.name,
  }));
  type Point = (typeof points)[number];
  const front = paretoFront(
    points,
    (point) => cost.of(point.variant),
    ({ variant }) => variant.accuracy.test,
  );
  const last = front[front.length - 1];
  const steps: [number, number][] = front.map((point) => [point.x, point.y]);
  if (last) steps.push([right, last.y]);
  const frontLine = line().curve(curveStepAfter)(steps) ?? '';
  const dominated =
    area<[number, number]>(
      ([px]) => px,
      bottom,
      ([, py]) => py,
    ).curve(curveStepAfter)(steps) ?? '';

  const labels = placeLabels(points, {
    avoid: steps.flatMap((from, index) => stepSegments(from, steps[index + 1])),
    bounds: { x: left + 2, y: top - 14, width: right - left + MARGIN.right - 4, height: bottom - top + 12 },
    radius: 8,
    fontSize: 13,
  });
  const step = (y.ticks(5)[1] ?? 1) - (y.ticks(5)[0] ?? 0);
  const digits = Math.max(0, Math.ceil(-Math.log10(step * 100) - 1e-9));
  const xTicks = logTicks(cheapest / 1.5, dearest * 1.5, x, form === 'wide' ? 62 : 56);
  const id = `${cost.id}-${form}`;
  const tip = ({ variant }: Point) =>
    `${variant.name}\n${formatPercent(variant.accuracy.test)} on the test part\n${cost.format(cost.of(variant))}`;

  return html`<svg class="${form}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d">
    <title id="${id}-t">${cost.title}</title>
    <desc id="${id}-d">${describe(
      variants,
      front.map(({ variant }) => variant),
      cost,
    )}</desc>
    ${
      band &&
      html`<rect class="band" x="${left}" width="${right - left}" y="${y(band[1])}" height="${y(band[0]) - y(band[1])}"/>`
    }
    ${y.ticks(5).map(
      (tick) => html`<line class="grid" x1="${left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/>
        <text class="tick" x="${left - 8}" y="${y(tick)}" dy=".32em" text-anchor="end">${unbroken(formatPercent(tick, digits))}</text>`,
    )}
    <line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
    ${xTicks.map(
      (tick) => html`<line class="axis" x1="${x(tick)}" x2="${x(tick)}" y1="${bottom}" y2="${bottom + 4}"/>
        <text class="tick" x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${unbroken(shortTick(cost.format(tick)))}</text>`,
    )}
    <text class="caption" x="${left}" y="${top - 20}">test accuracy</text>
    <text class="caption" x="${right}" y="${height - 8}" text-anchor="end">${cost.axis}, logarithmic</text>
    <path class="dominated" d="${dominated}"/>
    <path class="front" d="${frontLine}"/>
    ${labels.map((label, index) => {
      const point = points[index];
      if (!label.leader || !point) return '';
      const endX = Math.min(Math.max(point.x, label.x), label.x + label.width);
      const endY = label.y > point.y ? label.y + 2 : label.y + label.height - 2;
      return html`<line class="leader" x1="${point.x}" y1="${point.y}" x2="${endX}" y2="${endY}"/>`;
    })}
    ${points.map(
      (point) => html`<g style="--c:${point.mark.color}" transform="translate(${point.x} ${point.y})">
        ${point.variant.name === report.recommended && html`<circle class="halo" r="12"/>`}
        <path class="point" d="${symbolPath(point.mark.shape, 110)}"/></g>`,
    )}
    ${labels.map(
      ({ x: labelX, y: labelY, width: labelWidth, height: labelHeight, text }, index) =>
        html`<text class="name${text === report.recommended ? ' chosen' : ''}" style="--c:${points[index]?.mark.color}" x="${labelX + labelWidth / 2}"
          y="${labelY + labelHeight / 2}" dy=".35em" text-anchor="middle">${text}</text>`,
    )}
    ${points.map((point) => html`<circle class="hit" cx="${point.x}" cy="${point.y}" r="14"><title>${tip(point)}</title></circle>`)}
  </svg>`;
}

/** The horizontal and the vertical line that lead from one point of the front to the next, two pixels thick. */
function stepSegments([x, y]: [number, number], next: [number, number] | undefined): Rectangle[] {
  if (!next) return [];
  return [
    { x, y: y - 1, width: next[0] - x, height: 2 },
    { x: next[0] - 1, y: Math.min(y, next[1]), width: 2, height: Math.abs(y - next[1]) },
  ];
}

/** '10.0 kB' and '1.00 ms' say no more than '10 kB' and '1 ms' where the value is round. */
function shortTick(text: string): string {
  return text.replace(/(\.\d*?)0+(?=\s|$)/, '$1').replace(/\.(?=\s|$)/, '');
}

function describe(variants: readonly ReportVariant[], front: readonly ReportVariant[], cost: Cost): string {
  const list = variants
    .map((variant) => `${variant.name} ${cost.format(cost.of(variant))} at ${formatPercent(variant.accuracy.test)}`)
    .join(', ');
  return `${list}. No other variant beats ${front.map(({ name }) => name).join(', ')} in both.`;
}
