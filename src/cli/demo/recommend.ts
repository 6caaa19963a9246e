import { cheapestWithin } from '../../compress/choosing/pareto.js';
import type { ReportVariant } from '../report/report.js';

/** How much validation accuracy a smaller network may lose against the teacher and still be recommended. */
const TOLERANCE = 0.01;

/**
 * The network to take: of those that lose at most a point of validation accuracy against the teacher, the one that is
 * smallest and fastest (the product of bytes and milliseconds a batch). The test part has no say in the choice, so that its
 * figures stay an honest estimate for whatever is chosen.
 */
export function recommend(
  variants: readonly ReportVariant[],
  teacherName: string,
): { recommended: string; reason: string } {
  const teacher = variants.find(({ name }) => name === teacherName) as ReportVariant;
  const cost = (v: ReportVariant): number => v.bytes * v.latencyMs.batch64;
  const worth = (v: ReportVariant): number => v.accuracy.validation;
  const least = worth(teacher) - TOLERANCE;
  const good = variants.filter((v) => worth(v) >= least - 1e-9);
  const best = cheapestWithin([teacher, ...good], { cost, worth, least }) as ReportVariant;
  if (best === teacher) {
    return {
      recommended: teacher.name,
      reason: 'no smaller network stays within one point of its validation accuracy',
    };
  }
  return {
    recommended: best.name,
    reason: `it has the smallest product of size and time of the ${good.length} networks within one point of the teacher's validation accuracy`,
  };
}
