import { formatBytes, formatPercent, formatRatio } from '../table.js';
import type { ReportVariant } from '../report/report.js';

/** How much validation accuracy a smaller network may lose against the teacher and still be recommended. */
const TOLERANCE = 0.01;

/**
 * The network to take: of those that lose at most a point of validation accuracy against the teacher, the one that is
 * smallest and fastest (the product of bytes and milliseconds a batch). The test part has no say in the choice, so that its
 * figures stay an honest estimate for whatever is chosen.
 */
export function recommend(variants: readonly ReportVariant[], teacherName: string): { recommended: string; reason: string } {
  const teacher = variants.find(({ name }) => name === teacherName) as ReportVariant;
  const cost = (v: ReportVariant): number => v.bytes * v.latencyMs.batch64;
  const good = variants.filter((v) => v.accuracy.validation >= teacher.accuracy.validation - TOLERANCE);
  const best = good.reduce((a, b) => (cost(b) < cost(a) ? b : a), teacher);
  if (best === teacher) {
    return { recommended: teacher.name, reason: 'no smaller network stays within one point of its validation accuracy' };
  }
  const size = formatRatio(teacher.bytes / best.bytes);
  const ratio = teacher.latencyMs.batch64 / best.latencyMs.batch64;
  const speed = ratio >= 1.05 ? ` and ${formatRatio(ratio)} as fast` : '';
  const lost = teacher.accuracy.validation - best.accuracy.validation;
  const loss = lost > 0 ? `gives up ${formatPercent(lost)} of validation accuracy` : 'gives up no validation accuracy';
  return {
    recommended: best.name,
    reason: `it is ${size} smaller than the teacher (${formatBytes(best.bytes)})${speed}, and ${loss}`,
  };
}
