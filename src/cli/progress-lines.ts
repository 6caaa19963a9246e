/** How a stage of a job reads on one line: pure functions of its state and of the room there is. */
import { formatClock, formatCompact, formatDuration, formatPercent } from './table.js';
import { displayWidth, pad, paint, type TerminalStyle, truncate } from './terminal.js';

/** Where a stage stands. What is left out keeps its last value, so accuracy may come once an epoch. */
export interface ProgressUpdate {
  /** Work done so far, in the unit of the stage's `total` (samples, batches, rounds). */
  readonly done: number;
  /** The epoch under way, counted from 1. */
  readonly epoch?: number;
  readonly epochs?: number;
  readonly loss?: number;
  /** Fraction in [0, 1]. */
  readonly accuracy?: number;
  /** Accuracy on validation data after the last epoch, a fraction in [0, 1]. */
  readonly validation?: number;
  readonly samplesPerSecond?: number;
}

/** Where a stage stands, and what has been measured about it. */
export interface StageState extends ProgressUpdate {
  readonly name: string;
  readonly total: number;
  readonly note?: string;
  /** Since the stage began. */
  readonly seconds: number;
  readonly secondsLeft?: number;
}

/** The room and the means of a line. */
export interface LineLayout extends Pick<TerminalStyle, 'color' | 'unicode' | 'columns'> {
  /** Names are padded to this width, so that successive bars stand below one another. */
  readonly nameWidth?: number;
}

const WIDEST_BAR = 28;
const NARROWEST_BAR = 8;
const GAP = '  ';

/** A bar of `width` cells for a fraction in [0, 1]: '━━━━━╸────', or '====>-----' in ASCII. */
export function formatBar(fraction: number, width: number, layout: Pick<LineLayout, 'color' | 'unicode'>): string {
  const share = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
  const halves = Math.floor(share * width * 2);
  const whole = Math.floor(halves / 2);
  const tip = halves % 2 === 1;
  const [full, half, track] = layout.unicode ? ['━', '╸', '─'] : ['=', '>', '-'];
  const filled = full.repeat(whole) + (tip ? half : '');
  const rest = track.repeat(width - whole - (tip ? 1 : 0));
  return paint(filled, share < 1 ? 'cyan' : 'green', layout.color) + paint(rest, 'dim', layout.color);
}

/** A loss in six cells for all sizes that occur in training, so that the line does not jump: '0.0421', '12.346'. */
export function formatLoss(loss: number): string {
  if (!Number.isFinite(loss)) return String(loss);
  const magnitude = Math.abs(loss);
  if (magnitude >= 1e5 || (magnitude < 1e-4 && magnitude > 0)) return loss.toExponential(1);
  const digitsBefore = Math.max(1, Math.floor(Math.log10(Math.max(magnitude, 1))) + 1);
  return loss.toFixed(Math.max(0, 5 - digitsBefore));
}

/** Something a line may say. Where room is short, the reduction of lowest importance comes first. */
interface Part {
  readonly text: string;
  /** Of leaving it out. */
  readonly importance: number;
  /** A shorter way to say it, and the importance of not taking that. */
  readonly short?: { readonly text: string; readonly importance: number };
  readonly faint?: boolean;
}

function figures(state: StageState): Part[] {
  const parts: Part[] = [];
  if (state.epoch !== undefined) {
    const last = state.epochs?.toString() ?? '';
    const epoch =
      state.epochs === undefined ? `${state.epoch}` : `${pad(`${state.epoch}`, last.length, 'right')}/${last}`;
    parts.push({ text: `epoch ${epoch}`, importance: 3, short: { text: epoch, importance: 2 }, faint: true });
  }
  if (state.loss !== undefined) parts.push({ text: `loss ${pad(formatLoss(state.loss), 6)}`, importance: 6 });
  if (state.accuracy !== undefined) {
    parts.push({ text: `acc ${pad(formatPercent(state.accuracy, 1), 7, 'right')}`, importance: 7 });
  }
  if (state.validation !== undefined) {
    parts.push({ text: `val ${pad(formatPercent(state.validation, 1), 7, 'right')}`, importance: 2.5 });
  }
  if (state.samplesPerSecond !== undefined) {
    parts.push({ text: pad(`${formatCompact(state.samplesPerSecond)}/s`, 7, 'right'), importance: 5, faint: true });
  }
  if (state.secondsLeft !== undefined) {
    const left = pad(formatClock(state.secondsLeft), 5, 'right');
    parts.push({ text: `${left} left`, importance: 8, short: { text: left, importance: 4 } });
  } else if (state.total <= 0) {
    parts.push({ text: formatClock(state.seconds), importance: 8 });
  }
  if (state.note) parts.push({ text: state.note, importance: 1, faint: true });
  return parts;
}

/** Shortens and drops parts until the rest is at most `room` cells wide. */
function fit(parts: readonly Part[], room: number): Part[] {
  const kept = [...parts];
  const price = (part: Part) => part.short?.importance ?? part.importance;
  while (kept.length > 0 && displayWidth(printParts(kept, false)) > room) {
    const least = kept.reduce((low, part) => (price(part) < price(low) ? part : low));
    const { short, ...rest } = least;
    kept.splice(kept.indexOf(least), 1, ...(short ? [{ ...rest, text: short.text }] : []));
  }
  return kept;
}

function printParts(parts: readonly Part[], color: boolean): string {
  return parts.map((part) => GAP + paint(part.text, 'dim', color && part.faint === true)).join('');
}

/**
 * The line of a running stage: name, bar, percent, epoch, loss, accuracy, speed, time left. It is at most one cell
 * narrower than the terminal, because a full line makes some terminals wrap; what finds no room is left out.
 */
export function progressLine(state: StageState, layout: LineLayout): string {
  const { color, unicode } = layout;
  const columns = Math.max(1, layout.columns - 1);
  const mark = unicode ? '▸ ' : '> ';
  const ellipsis = unicode ? '…' : '..';
  const known = state.total > 0;
  const share = known ? Math.min(1, Math.max(0, state.done / state.total)) : 0;
  const percent = known ? `${GAP}${pad(`${Math.floor(share * 100)} %`, 5, 'right')}` : '';
  const widestName = Math.max(6, columns - mark.length - percent.length - GAP.length - NARROWEST_BAR);
  const nameWidth = Math.min(widestName, Math.max(layout.nameWidth ?? 0, displayWidth(state.name)));
  const name = pad(truncate(state.name, nameWidth, ellipsis), nameWidth);
  const fixed = mark.length + nameWidth + percent.length;
  if (fixed > columns) return truncate(`${mark}${state.name}`, columns, ellipsis);

  const barRoom = known ? GAP.length + NARROWEST_BAR : 0;
  const parts = fit(figures(state), columns - fixed - barRoom);
  const used = fixed + displayWidth(printParts(parts, false));
  const barWidth = Math.min(WIDEST_BAR, columns - used - GAP.length);
  const bar = known && barWidth >= NARROWEST_BAR ? GAP + formatBar(share, barWidth, layout) : '';
  return paint(mark, 'cyan', color) + name + bar + percent + printParts(parts, color);
}

/** What became of a stage. */
export interface StageOutcome {
  /** False for a stage that was interrupted. */
  readonly finished: boolean;
  /** Replaces the last figures. */
  readonly summary?: string;
}

/** The line that a stage leaves behind: '✓ teacher  24 epochs, loss 0.0412, accuracy 98.9 %  14.2 s'. */
export function summaryLine(state: StageState, layout: LineLayout, outcome: StageOutcome): string {
  const { color, unicode } = layout;
  const columns = Math.max(1, layout.columns - 1);
  const [done, stopped] = unicode ? ['✓ ', '■ '] : ['* ', '! '];
  const mark = outcome.finished ? done : stopped;
  const time = formatDuration(state.seconds);
  const ellipsis = unicode ? '…' : '..';
  const room = columns - mark.length;
  const nameWidth = Math.min(room, Math.max(layout.nameWidth ?? 0, displayWidth(state.name)));
  const name = pad(truncate(state.name, nameWidth, ellipsis), nameWidth);
  const said = outcome.summary ?? lastFigures(state);
  const text = outcome.finished ? said : ['stopped', said].filter((word) => word !== '').join(', ');
  const textRoom = room - nameWidth - GAP.length - (GAP.length + displayWidth(time));
  const middle = text === '' || textRoom < 4 ? '' : GAP + truncate(text, textRoom, ellipsis);
  const withTime = room - nameWidth - displayWidth(middle) >= GAP.length + displayWidth(time);
  return (
    paint(mark, outcome.finished ? 'green' : 'yellow', color) +
    (middle === '' && !withTime ? name.trimEnd() : name) +
    middle +
    (withTime ? GAP + paint(time, 'dim', color) : '')
  );
}

function lastFigures(state: StageState): string {
  const said: string[] = [];
  if (state.epoch !== undefined) said.push(`${state.epoch} ${state.epoch === 1 ? 'epoch' : 'epochs'}`);
  if (state.loss !== undefined) said.push(`loss ${formatLoss(state.loss)}`);
  if (state.accuracy !== undefined) said.push(`accuracy ${formatPercent(state.accuracy)}`);
  if (state.note) said.push(state.note);
  return said.join(', ');
}

/** The line of one epoch in a plain log: 'teacher: epoch 3/20, loss 0.0421, accuracy 98.90 %, 41.2k samples/s'. */
export function epochLine(name: string, update: ProgressUpdate): string {
  const said: string[] = [];
  if (update.epoch !== undefined) {
    said.push(`epoch ${update.epoch}${update.epochs === undefined ? '' : `/${update.epochs}`}`);
  }
  if (update.loss !== undefined) said.push(`loss ${formatLoss(update.loss)}`);
  if (update.accuracy !== undefined) said.push(`accuracy ${formatPercent(update.accuracy)}`);
  if (update.validation !== undefined) said.push(`validation ${formatPercent(update.validation)}`);
  if (update.samplesPerSecond !== undefined) said.push(`${formatCompact(update.samplesPerSecond)} samples/s`);
  return `${name}: ${said.join(', ')}`;
}
