/** The conclusion in words: which variant to take, and what that means against the teacher. */
import { formatBytes, formatMilliseconds, formatPercent } from '../table.js';
import { type Report, type ReportVariant, TEACHER } from './report.js';

/** The variant that all others are compared with: the teacher, or the first one of a report without. */
export function baseline(report: Pick<Report, 'variants'>): ReportVariant | undefined {
  return report.variants.find(({ name }) => name === TEACHER) ?? report.variants[0];
}

/** The variant that the report recommends. */
export function recommended(report: Pick<Report, 'variants' | 'recommended'>): ReportVariant | undefined {
  return report.variants.find(({ name }) => name === report.recommended);
}

/** '11' for 11.3, '1.4' for 1.37: as exact as a sentence needs. */
function sayRatio(ratio: number): string {
  return ratio >= 9.95 ? Math.round(ratio).toString() : ratio.toFixed(1);
}

/** Says how a cost changed from `before` to `after`: '11 times smaller', 'about the same size'. */
function sayChange(before: number, after: number, words: { less: string; more: string; same: string }): string {
  const ratio = before / after;
  if (!Number.isFinite(ratio) || ratio <= 0) return words.same;
  if (ratio >= 1.05) return `${sayRatio(ratio)} times ${words.less}`;
  if (ratio <= 1 / 1.05) return `${sayRatio(1 / ratio)} times ${words.more}`;
  return words.same;
}

/** Says how an accuracy differs from that of the teacher, in percentage points. */
export function sayDifference(accuracy: number, reference: number, referenceName: string): string {
  const points = Math.abs(accuracy - reference) * 100;
  if (points < 0.005) return `the same as ${referenceName}`;
  return `${points.toFixed(2)} points ${accuracy < reference ? 'below' : 'above'} ${referenceName}`;
}

/**
 * The conclusion as one paragraph of plain text: 'Take student because …. It names 98.33 % of the test samples
 * correctly, 0.28 points below the teacher; its file of 12.3 kB is 11 times smaller, and it answers …'.
 */
export function verdict(report: Report): string {
  const choice = recommended(report);
  const reference = baseline(report);
  if (!choice || !reference) return 'No variant is recommended.';
  const because = report.reason === undefined ? '' : ` because ${report.reason.replace(/[.\s]+$/, '')}`;
  const score = `It names ${formatPercent(choice.accuracy.test)} of the test samples correctly`;
  if (choice === reference) {
    return (
      `Take ${choice.name}${because}. ${score}, from a file of ${formatBytes(choice.bytes)}, ` +
      `and answers one sample in ${formatMilliseconds(choice.latencyMs.batch1)}.`
    );
  }
  const name = reference.name === TEACHER ? 'the teacher' : reference.name;
  const difference = sayDifference(choice.accuracy.test, reference.accuracy.test, name);
  const size = sayChange(reference.bytes, choice.bytes, {
    less: 'smaller',
    more: 'larger',
    same: 'about the same size',
  });
  const speed = sayChange(reference.latencyMs.batch1, choice.latencyMs.batch1, {
    less: 'faster',
    more: 'slower',
    same: `as fast as ${name}`,
  });
  return (
    `Take ${choice.name}${because}. ${score}, ${difference}; its file of ${formatBytes(choice.bytes)} is ${size}, ` +
    `and it answers one sample in ${formatMilliseconds(choice.latencyMs.batch1)}, ${speed}.`
  );
}

/**
 * The interval that holds the true accuracy with 95 % confidence after `samples` test samples (Wilson, "Probable
 * Inference, the Law of Succession, and Statistical Inference", 1927). Differences within it may be chance.
 */
export function accuracyInterval(accuracy: number, samples: number): [low: number, high: number] {
  if (samples <= 0) return [0, 1];
  const z = 1.959964;
  const scale = 1 + (z * z) / samples;
  const center = (accuracy + (z * z) / (2 * samples)) / scale;
  const half = (z / scale) * Math.sqrt((accuracy * (1 - accuracy)) / samples + (z * z) / (4 * samples * samples));
  return [Math.max(0, center - half), Math.min(1, center + half)];
}
