/** The samples that the recommended variant gets wrong, the most confident errors first. */

import { html, type Markup, unbroken } from '../../compress/choosing/drawing/markup.js';
import { encodePng } from '../../data/index.js';
import { formatCount, formatPercent } from '../table.js';
import type { WrongSample } from './report.js';

/** More than this nobody looks at, and the page should stay light. */
const MOST_SAMPLES = 48;

/** `errors` is how many there are in all; `wrong` may hold fewer. */
export async function renderSamples(
  wrong: readonly WrongSample[],
  errors: number,
  classes: readonly string[],
): Promise<Markup> {
  const shown = [...wrong].sort((a, b) => b.confidence - a.confidence).slice(0, MOST_SAMPLES);
  if (shown.length === 0) {
    return html`<p class="aside">${errors === 0 ? 'There is none: every test sample is named correctly.' : 'None was kept.'}</p>`;
  }
  const count = Math.max(errors, wrong.length);
  const tiles = await Promise.all(shown.map((sample) => tile(sample, classes)));
  return html`<ul class="samples">${tiles}</ul>
    ${shown.length < count && html`<p class="aside">The ${shown.length} most confident of ${formatCount(count)} errors.</p>`}`;
}

async function tile(sample: WrongSample, classes: readonly string[]): Promise<Markup> {
  const [, height, width] = sample.shape;
  const address = `data:image/png;base64,${Buffer.from(await encodePng(sample)).toString('base64')}`;
  const label = classes[sample.label] ?? String(sample.label);
  const predicted = classes[sample.predicted] ?? String(sample.predicted);
  const confidence = unbroken(formatPercent(sample.confidence, 0));
  const ink = isInk(sample) && ' ink';
  return html`<li>
    <span class="frame"><img class="pixels${ink}" src="${address}" width="${width}" height="${height}"
      alt="${`A ${label} that was taken for ${predicted}`}"></span>
    <p><span class="truth"><span class="unseen">true class </span>${label}</span><span aria-hidden="true"> → </span><span
      class="choice"><span class="unseen">, chosen </span>${predicted}</span></p>
    <p class="confidence">${confidence} sure</p>
  </li>`;
}

/** Dark at the border all around: handwriting, stored as light on black, which the light theme shows as ink on paper. */
function isInk({ data, shape: [channels, height, width] }: WrongSample): boolean {
  if (channels !== 1 || width < 3 || height < 3) return false;
  let sum = 0;
  for (let y = 0; y < height; y++) {
    for (const x of y === 0 || y === height - 1 ? Array(width).keys() : [0, width - 1])
      sum += data[y * width + x] as number;
  }
  return sum / (2 * (width + height) - 4) < 64;
}
