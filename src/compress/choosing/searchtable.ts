import { inColumns } from './columns.js';
import { formatBytes, formatCompact, formatCount, formatDuration, formatMilliseconds, formatRatio } from './figures.js';
import type { Objective } from './methods.js';
import type { Trial } from './trials.js';

/** What the table and the picture of a search show. */
export interface SearchOutcome {
  readonly original: Trial;
  readonly best: Trial;
  readonly trials: readonly Trial[];
  readonly pareto: readonly Trial[];
  readonly cuts: readonly { readonly label: string; readonly reason: string }[];
  readonly seconds: number;
}

export interface Aim {
  readonly objective: Objective;
  readonly maxDrop: number;
}

const HEAD = ['chain', 'metric', 'drop', 'bytes', 'smaller', 'nonzero', 'multiply-adds', 'time', 'faster'];

/** The original and the front, from the cheapest on; the best with a star. */
export function searchTable({ original, best, trials, pareto, cuts, seconds }: SearchOutcome, aim: Aim): string {
  const line = (trial: Trial): string[] => [
    `${trial === best ? '* ' : '  '}${trial.label}`,
    trial.metric.toFixed(4),
    trial.drop.toFixed(4),
    formatBytes(trial.bytes),
    formatRatio(original.bytes / trial.bytes),
    formatCount(trial.nonzero),
    formatCompact(trial.multiplyAdds),
    formatMilliseconds(trial.milliseconds),
    formatRatio(trial.speedup),
  ];
  const rows = [original, ...pareto.filter((trial) => trial !== original)];
  const failed = trials.filter(({ error }) => error !== null).length;
  const over = trials.filter(({ drop, error }) => error === null && drop > aim.maxDrop + 1e-9).length;
  const count = (n: number, what: string): string => `${n} ${n === 1 ? what : `${what}s`}`;
  const told = [
    `${count(trials.length - 1, 'chain')} tried in ${formatDuration(seconds)}`,
    `${over} lost more than ${aim.maxDrop}`,
    ...(failed > 0 ? [`${failed} could not be applied`] : []),
    ...(cuts.length > 0 ? [`${count(cuts.length, 'branch')} cut`.replace('branchs', 'branches')] : []),
  ].join(', ');
  const verdict =
    best === original
      ? `No chain lowers the ${aim.objective} without losing more than ${aim.maxDrop}.`
      : `* ${best.label}: the lowest ${aim.objective} that loses no more than ${aim.maxDrop}.`;
  return `${inColumns(HEAD, rows.map(line))}\n${verdict}\n${told}.`;
}
