/** Learning curves: for each variant that was trained, validation accuracy above and both losses below. */
import { extent } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { logTicks, thinned } from '../../compress/choosing/drawing/axis.js';
import { textWidth } from '../../compress/choosing/drawing/labels.js';
import { html, type Markup, unbroken } from '../../compress/choosing/drawing/markup.js';
import { formatLoss } from '../progress-lines.js';
import { formatPercent, MISSING } from '../table.js';
import { type Mark, UNKNOWN_MARK } from './palette.js';
import type { EpochRecord, LearningCurve } from './report.js';
import { inlineSymbol } from './symbol.js';

export interface CurveContext {
  readonly marks: ReadonlyMap<string, Mark>;
  /** Number of samples behind the accuracies: half of one is the smallest error that the scale needs to show. */
  readonly validationSamples: number;
}

/** One epoch on the axis that runs through all stages. */
interface Step extends EpochRecord {
  readonly x: number;
  readonly stage: string;
}

interface Band {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Errors (one minus accuracy) that may carry a tick, in the order of importance. */
const ERROR_TICKS = [0.01, 0.1, 0.001, 0.5, 0.02, 0.05, 0.005, 0.2, 0.002, 0.0001, 0.0005, 0.0002, 0.9];

/**
 * A panel per variant. All share the scale of accuracy, which is logarithmic in the error: the way from 98 % to 99 %
 * is as long as that from 60 % to 80 %, as it is in training. Losses of different methods are not comparable, so each
 * panel has its own scale for them.
 */
export function renderCurves(curves: readonly LearningCurve[], context: CurveContext): Markup {
  const drawn = curves.filter(({ stages }) => stages.some(({ epochs }) => epochs.length > 0));
  const floor = 0.5 / Math.max(1, context.validationSamples);
  const errors = drawn
    .flatMap(({ stages }) => stages.flatMap(({ epochs }) => epochs.map((epoch) => 1 - epoch.validationAccuracy)))
    .filter(Number.isFinite);
  const [best = 0.01, worst = 0.5] = extent(errors);
  const domain: [number, number] = [Math.min(0.9, Math.max(worst, floor * 4)) * 1.05, Math.max(best, floor)];
  return html`<div class="panels">${drawn.map((curve, index) => panel(curve, index, domain, floor, context))}</div>`;
}

const WIDTH = 340;
const HEIGHT = 290;
const LEFT = 46;
const RIGHT = WIDTH - 12;
const ACCURACY = { top: 30, bottom: 142 };
const LOSS = { top: 176, bottom: 270 };

function panel(
  curve: LearningCurve,
  index: number,
  errorDomain: [number, number],
  floor: number,
  { marks }: CurveContext,
): Markup {
  const { steps, bands } = timeline(curve);
  const mark = marks.get(curve.variant) ?? UNKNOWN_MARK;
  const x = scaleLinear()
    .domain([0.5, steps.length + 0.5])
    .range([LEFT, RIGHT]);
  const error = scaleLog().domain(errorDomain).range([ACCURACY.bottom, ACCURACY.top]).clamp(true);
  const accuracyY = (step: Step) => error(Math.max(1 - step.validationAccuracy, floor));
  const loss = lossScale(steps);

  const accuracyLine = line<Step>(({ x: at }) => x(at), accuracyY).defined((step) =>
    Number.isFinite(step.validationAccuracy),
  );
  const lossLine = (pick: (step: Step) => number) =>
    line<Step>(
      ({ x: at }) => x(at),
      (step) => loss.y(pick(step)),
    ).defined((step) => Number.isFinite(pick(step)));
  // The result of a run through several stages is that of the last one: earlier rounds prune less and score higher.
  const lastStage = steps.filter((step) => step.x > (bands[bands.length - 1]?.from ?? 0));
  // The weights that were kept are those of the lowest validation loss, as in training.
  const best = lastStage.reduce<Step | undefined>(
    (top, step) => (top === undefined || step.validationLoss < top.validationLoss ? step : top),
    undefined,
  );
  const final = steps[steps.length - 1];
  const errorTicks = thinned(
    ERROR_TICKS.filter((tick) => tick <= errorDomain[0] && tick >= errorDomain[1]),
    error,
    16,
  );
  const xTicks = scaleLinear()
    .domain([1, Math.max(2, steps.length)])
    .ticks(5)
    .filter((tick) => Number.isInteger(tick) && tick >= 1 && tick <= steps.length);
  const id = `curve-${index}`;

  return html`<figure class="panel chart curve" style="--c:${mark.color}">
    <figcaption>
      <h3>${inlineSymbol(mark)} ${curve.variant}</h3>
      <p>${best && html`kept ${unbroken(formatPercent(best.validationAccuracy))}`}</p>
    </figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-t ${id}-d">
      <title id="${id}-t">Learning curves of ${curve.variant}</title>
      <desc id="${id}-d">${describe(curve, steps, best, final)}</desc>
      ${bands.map((band, at) => drawBand(band, at, bands.length, x))}
      <text class="caption" x="${LEFT}" y="${ACCURACY.top - 16}">validation accuracy</text>
      ${errorTicks.map((tick) => gridLine(error(tick), unbroken(formatPercent(1 - tick, tick < 0.0095 ? 1 : 0))))}
      <text class="caption" x="${LEFT}" y="${LOSS.top - 10}">loss</text>
      ${loss.ticks.map((tick) => gridLine(loss.y(tick), shortNumber(tick)))}
      <path class="line train" d="${lossLine(({ trainLoss }) => trainLoss)(steps) ?? ''}"/>
      <path class="line" d="${lossLine(({ validationLoss }) => validationLoss)(steps) ?? ''}"/>
      <path class="line" d="${accuracyLine(steps) ?? ''}"/>
      ${best && html`<circle class="best" cx="${x(best.x)}" cy="${accuracyY(best)}" r="4"/>`}
      <line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${LOSS.bottom}" y2="${LOSS.bottom}"/>
      ${xTicks.map((tick) => html`<text class="tick" x="${x(tick)}" y="${LOSS.bottom + 16}" text-anchor="middle">${tick}</text>`)}
      ${hits(steps, x)}
    </svg>
  </figure>`;
}

/** Joins the stages to one row of epochs. */
function timeline({ stages }: LearningCurve): { steps: Step[]; bands: Band[] } {
  const steps: Step[] = [];
  const bands: Band[] = [];
  for (const { name, epochs } of stages) {
    if (epochs.length === 0) continue;
    bands.push({ name, from: steps.length + 0.5, to: steps.length + epochs.length + 0.5 });
    for (const epoch of epochs) steps.push({ ...epoch, x: steps.length + 1, stage: name });
  }
  return { steps, bands };
}

interface LossScale {
  y(value: number): number;
  readonly ticks: readonly number[];
}

/** Logarithmic where all losses are positive, since they fall by orders of magnitude; linear otherwise. */
function lossScale(steps: readonly Step[]): LossScale {
  const values = steps.flatMap(({ trainLoss, validationLoss }) => [trainLoss, validationLoss]).filter(Number.isFinite);
  const [low = 0, high = 1] = extent(values);
  if (low <= 0) {
    const y = scaleLinear().domain([low, high]).nice(3).range([LOSS.bottom, LOSS.top]);
    return { y, ticks: y.ticks(3) };
  }
  const domain: [number, number] = [low * 0.9, Math.max(high, low * 1.5) * 1.05];
  const y = scaleLog().domain(domain).range([LOSS.bottom, LOSS.top]);
  return { y, ticks: logTicks(...domain, y, 17) };
}

type XScale = (value: number) => number;

/** Alternate stages are shaded, and named where the name finds room. */
function drawBand({ name, from, to }: Band, index: number, count: number, x: XScale): Markup {
  if (count < 2) return html``;
  const width = x(to) - x(from);
  const named = textWidth(name, 10) < width - 4;
  return html`${
    index % 2 === 1 &&
    html`<rect class="stage" x="${x(from)}" width="${width}" y="${ACCURACY.top - 8}" height="${LOSS.bottom - ACCURACY.top + 8}"/>`
  }
    ${named && html`<text class="stage-name" x="${(x(from) + x(to)) / 2}" y="${LOSS.top - 22}" text-anchor="middle">${name}</text>`}`;
}

function gridLine(y: number, label: string): Markup {
  return html`<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${y}" y2="${y}"/>
    <text class="tick" x="${LEFT - 6}" y="${y}" dy=".32em" text-anchor="end">${label}</text>`;
}

/** More columns than this could not be pointed at; they would be narrower than two pixels. */
const MOST_HITS = 150;

/** Invisible columns that tell the figures of an epoch under the pointer. */
function hits(steps: readonly Step[], x: XScale): Markup[] {
  const stride = Math.ceil(steps.length / MOST_HITS);
  return steps
    .filter((_, index) => index % stride === 0)
    .map(
      (step) =>
        html`<rect class="hit column" x="${x(step.x - 0.5)}" width="${x(step.x + stride - 0.5) - x(step.x - 0.5)}"
          y="${ACCURACY.top - 8}" height="${LOSS.bottom - ACCURACY.top + 8}"><title>${tip(step)}</title></rect>`,
    );
}

function tip({ stage, epoch, trainLoss, validationLoss, validationAccuracy }: Step): string {
  return [
    `${stage}, epoch ${epoch}`,
    `validation accuracy ${formatPercent(validationAccuracy)}`,
    `validation loss ${sayLoss(validationLoss)}`,
    `training loss ${sayLoss(trainLoss)}`,
  ].join('\n');
}

function sayLoss(loss: number): string {
  return Number.isFinite(loss) ? formatLoss(loss) : MISSING;
}

function shortNumber(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(0) : Number(value.toPrecision(3)).toString();
}

function describe({ stages }: LearningCurve, steps: readonly Step[], best?: Step, final?: Step): string {
  const first = steps[0];
  if (!first || !best || !final) return '';
  return (
    `${steps.length} epochs in ${stages.length === 1 ? 'one stage' : `${stages.length} stages`}. Validation accuracy ` +
    `begins at ${formatPercent(first.validationAccuracy)}, in the last stage keeps ` +
    `${formatPercent(best.validationAccuracy)} of epoch ${best.x}, and ends at ${formatPercent(final.validationAccuracy)}. The validation loss goes from ` +
    `${sayLoss(first.validationLoss)} to ${sayLoss(final.validationLoss)}.`
  );
}
