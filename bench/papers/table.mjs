/** What a paper says against what came out, as rows. */

/**
 * A figure of one run. With `atMost` or `atLeast` there is something to reach; without, it stands for information.
 *
 * @typedef {object} Row
 * @property {string} case
 * @property {string} paper   The paper's figure, as it is to be read; '–' where it has none.
 * @property {number} value
 * @property {string} [unit]
 * @property {number} [digits]   Behind the point. Default 0.
 * @property {number} [atMost]
 * @property {number} [atLeast]
 */

/**
 * A figure over several seeds: the median, and each.
 *
 * @typedef {Omit<Row, 'value'> & { median: number, values: number[], reached: boolean | null }} Summary
 */

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = /** @type {number} */ (sorted[half]);
  return sorted.length % 2 === 1 ? upper : (upper + /** @type {number} */ (sorted[half - 1])) / 2;
}

/**
 * Joins the rows of several runs by their case. A target is held against the median.
 *
 * @param {readonly (readonly Row[])[]} runs
 * @returns {Summary[]}
 */
export function summarize(runs) {
  const [first = []] = runs;
  return first.map(({ value: _, ...row }) => {
    const values = runs.flatMap((rows) => rows.filter((other) => other.case === row.case).map(({ value }) => value));
    const middle = median(values);
    const { atMost = Infinity, atLeast = -Infinity } = row;
    const hasTarget = row.atMost !== undefined || row.atLeast !== undefined;
    return { ...row, median: middle, values, reached: hasTarget ? middle <= atMost && middle >= atLeast : null };
  });
}

/** @param {Summary} row */
function cells({ case: name, paper, median: middle, values, reached, unit = '', digits = 0, atMost, atLeast }) {
  /** @type {(value: number) => string} */
  const number = (value) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const target = atMost !== undefined ? `≤ ${number(atMost)}` : atLeast !== undefined ? `≥ ${number(atLeast)}` : '';
  const spread = values.length > 1 ? ` (${number(Math.min(...values))}–${number(Math.max(...values))})` : '';
  const ours = `${number(middle)}${spread} ${unit}`.trim();
  return [name, paper, target, ours, reached === null ? '' : reached ? 'yes' : 'no'];
}

/**
 * A table in Markdown that also reads well as it is.
 *
 * @param {string} paper
 * @param {readonly Summary[]} rows
 */
export function table(paper, rows) {
  const lines = [['case', "paper's figure", 'target', 'ours', 'reached'], ...rows.map(cells)];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...lines.map((line) => String(line[column]).length)));
  const shown = lines.map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(Number(widths[column]))).join(' | ')} |`,
  );
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [`### ${paper}`, '', shown[0], rule, ...shown.slice(1), ''].join('\n');
}
