/**
 * The report as one HTML file that needs nothing else: no network, no fonts, no script for its charts. Charts are SVG
 * drawn here; the two matrices and the bars are tables, which a screen reader can walk through.
 */
import { createHash } from 'node:crypto';
import { type Fragment, html, type Markup, trusted, unbroken } from '../../compress/choosing/drawing/markup.js';
import { formatBytes, formatCount, formatDuration, formatMilliseconds, formatPercent } from '../table.js';
import { renderConfusion } from './confusion.js';
import { renderCurves } from './curves.js';
import { renderLayers } from './layers.js';
import { type Mark, marks } from './palette.js';
import type { Report, ReportDetails } from './report.js';
import { renderResults, renderTiles } from './results.js';
import { renderSamples } from './samples.js';
import { renderScatter } from './scatter.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';
import { accuracyInterval, baseline, recommended, verdict } from './verdict.js';

/**
 * The page of a report. All text from `report` and `details` is escaped; the content security policy lets no script
 * run but the page's own, and nothing be loaded.
 *
 * @throws FettleError where a wrong sample is no image.
 */
export async function renderReport(report: Report, details: ReportDetails): Promise<string> {
  const marked = marks(report);
  const errors = await errorsSection(report, details);
  const title = pageTitle(report);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '${scriptHash()}'">
<meta name="generator" content="fettle ${report.version}">
<title>${title} · fettle</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<div class="page">
<header class="masthead">
  <p><strong>fettle</strong> ${report.version} · report</p>
  <button class="theme" type="button" hidden>Theme</button>
</header>
<main>
  ${opening(report, details, title)}
  ${resultsSection(report, details, marked)}
  ${tradeSection(report, details, marked)}
  ${curvesSection(details, marked)}
  ${layersSection(details, marked)}
  ${errors}
</main>
${environment(report, details)}
</div>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`;
  return page.source;
}

function scriptHash(): string {
  return `sha256-${createHash('sha256').update(SCRIPT).digest('base64')}`;
}

const WORDS = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine', 'Ten', 'Eleven', 'Twelve'];

/** 'Seven networks for digits'; a path behind the name of the data belongs in the footer. */
function pageTitle({ variants, data }: Report): string {
  const count = WORDS[variants.length] ?? formatCount(variants.length);
  const name = data.split(':')[0] ?? data;
  const known: Readonly<Record<string, string>> = { mnist: 'MNIST', fashion: 'Fashion-MNIST', cifar10: 'CIFAR-10' };
  return `${count} ${variants.length === 1 ? 'network' : 'networks'} for ${known[name] ?? name}`;
}

function opening(report: Report, { split }: ReportDetails, title: string): Markup {
  const text = verdict(report);
  const choice = recommended(report);
  const head = choice ? `Take ${choice.name}` : '';
  const samples = split.train + split.validation + split.test;
  return html`<div class="opening">
    <p class="overline">${formatCount(samples)} samples, seed ${report.seed}, ${unbroken(formatDuration(report.seconds))}</p>
    <h1>${title}</h1>
    <p class="lede"><strong>${head}</strong>${text.slice(head.length).replace(/(\d) /g, '$1\u00a0')}</p>
    ${renderTiles(report)}
  </div>`;
}

function section(id: string, title: string, ...content: readonly Fragment[]): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;
}

function resultsSection(report: Report, { split }: ReportDetails, marked: ReadonlyMap<string, Mark>): Markup {
  const reference = baseline(report);
  const interval = reference && split.test > 0 ? accuracyInterval(reference.accuracy.test, split.test) : undefined;
  return section(
    'results',
    'All variants',
    html`<p class="intro">Measured on the ${formatCount(split.test)} test samples, which no variant has seen. Latency is
      the median of a forward pass, for 1 and for 64 samples at once.</p>`,
    renderResults(report, marked),
    interval &&
      html`<p class="aside">With ${formatCount(split.test)} test samples, the true accuracy behind
        ${unbroken(formatPercent(reference?.accuracy.test))} lies between ${unbroken(formatPercent(interval[0], 1))} and
        ${unbroken(formatPercent(interval[1], 1))} (95 % confidence): smaller differences between variants may be chance.</p>`,
  );
}

function tradeSection(report: Report, { split }: ReportDetails, marked: ReadonlyMap<string, Mark>): Markup {
  const context = { marks: marked, testSamples: split.test };
  const size = renderScatter(
    report,
    { id: 'size', title: 'Size against accuracy', axis: 'size on disk', of: ({ bytes }) => bytes, format: formatBytes },
    context,
  );
  const speed = renderScatter(
    report,
    {
      id: 'speed',
      title: 'Time against accuracy',
      axis: 'time for one sample',
      of: ({ latencyMs }) => latencyMs.batch1,
      format: formatMilliseconds,
    },
    context,
  );
  return section(
    'trade',
    'What accuracy costs',
    html`<p class="intro">Up and to the left is better. The dashed line is the Pareto front: no variant on it is beaten in
      both by another. The grey band is the 95 % interval of the teacher’s accuracy.</p>`,
    html`<div class="pair">${size}${speed}</div>`,
  );
}

function curvesSection(details: ReportDetails, marked: ReadonlyMap<string, Mark>): Markup | undefined {
  const drawn = details.curves.filter(({ stages }) => stages.some(({ epochs }) => epochs.length > 0));
  if (drawn.length === 0) return undefined;
  return section(
    'curves',
    'Learning curves',
    html`<p class="intro">By epoch, through all rounds of training; rounds are shaded in turn. The scale of accuracy
      is logarithmic in the error, so that the last points have room.</p>
    <ul class="key">
      <li><svg viewBox="0 0 26 10" aria-hidden="true"><path class="line" d="M1 5H25"/></svg>validation</li>
      <li><svg viewBox="0 0 26 10" aria-hidden="true"><path class="line train" d="M1 5H25"/></svg>training</li>
      <li><svg viewBox="0 0 26 10" aria-hidden="true"><circle class="best" cx="13" cy="5" r="4" style="--c:var(--ink)"/></svg>epoch whose weights were kept: the lowest validation loss of the last round</li>
    </ul>`,
    renderCurves(details.curves, { marks: marked, validationSamples: details.split.validation }),
  );
}

function layersSection(details: ReportDetails, marked: ReadonlyMap<string, Mark>): Markup | undefined {
  if (details.sparsity.length === 0) return undefined;
  return section(
    'sparsity',
    'Sparsity by layer',
    html`<p class="intro">What is left of the weights of every layer. The bold figure is the share that is gone: set to
      zero, or removed by making the layer smaller than the teacher’s.</p>`,
    renderLayers(details.sparsity, marked),
  );
}

/** So many samples are as high as the matrix beside them; more stand below it, over the whole width. */
const MOST_BESIDE = 15;

async function errorsSection(
  report: Report,
  { confusion, classes, wrong }: ReportDetails,
): Promise<Markup | undefined> {
  if (confusion.length === 0) return undefined;
  const errors = confusion.reduce(
    (sum, row, label) => sum + row.reduce((total, count, chosen) => total + (chosen === label ? 0 : count), 0),
    0,
  );
  const total = confusion.reduce((sum, row) => sum + row.reduce((rowSum, count) => rowSum + count, 0), 0);
  const samples = await renderSamples(wrong, errors, classes);
  return section(
    'errors',
    `Where ${report.recommended} is wrong`,
    html`<p class="intro">${formatCount(errors)} of ${formatCount(total)} test samples.</p>
    <div class="errors ${wrong.length > MOST_BESIDE && 'many'}">
      <div class="panel"><h3>Confusion matrix</h3>${renderConfusion(confusion, classes)}</div>
      <div class="panel"><h3>Samples it gets wrong</h3>${samples}</div>
    </div>`,
  );
}

function environment(report: Report, { split, date, command }: ReportDetails): Markup {
  const facts: [term: string, fact: string][] = [
    ['Data', report.data],
    [
      'Train, validation, test',
      [split.train, split.validation, split.test].map((count) => formatCount(count)).join(' + '),
    ],
    ['Seed', String(report.seed)],
    ['Device', report.device],
    ['Runtime', report.runtime],
    ['Duration', formatDuration(report.seconds)],
  ];
  if (date) facts.push(['Date', `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`]);
  facts.push(['Version', `fettle ${report.version}`]);
  return html`<footer>
    <dl>${facts.map(([term, fact]) => html`<div><dt>${term}</dt><dd>${fact}</dd></div>`)}
      <div class="command"><dt>Made by</dt><dd><code>${command}</code></dd></div>
    </dl>
  </footer>`;
}
