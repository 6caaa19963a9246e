/**
 * Progress of a long job. On a terminal every running stage is one line that is redrawn in place; in a pipe it is one
 * line at the start and one per epoch; as JSON it is one object per line. The job itself does not know which.
 */
import { stripVTControlCharacters } from 'node:util';
import { epochLine, type ProgressUpdate, progressLine, type StageState, summaryLine } from './progress-lines.js';
import { formatDuration } from './table.js';
import { type Environment, singleLine, type TerminalStream, terminalStyle } from './terminal.js';

export type { ProgressUpdate } from './progress-lines.js';

/** One stage of the job, from its start to `finish`. */
export interface ProgressStage {
  update(state: ProgressUpdate): void;
  /** A remark, such as an early stop: beside the bar on a terminal, on a line of its own in a pipe. */
  note(text: string): void;
  /** Ends the stage and leaves one line. Without a summary, the line says the last figures. Later calls do nothing. */
  finish(summary?: string): void;
}

export interface Progress {
  /** Begins a stage; several may run at once. `total` is in the unit of `done`; 0 where nothing is known. */
  stage(name: string, options: { readonly total: number }): ProgressStage;
  /** Prints a line of its own, above the running stages. It may contain colour. */
  line(text: string): void;
  /** Ends every running stage where it stands (after an interrupt or an error); the lines say that they stopped. */
  close(): void;
}

export interface ProgressOptions {
  readonly stream: TerminalStream;
  /** Print one JSON object per line instead, each with an `event`: stage, epoch, note, finish, stop or line. */
  readonly json?: boolean;
  /** Default `process.env`. */
  readonly env?: Environment;
  /** The time in milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/** At most 15 redraws a second: more cannot be read, and terminals over a network pay for each. */
const REDRAW_INTERVAL = 1000 / 15;

export function createProgress(options: ProgressOptions): Progress {
  const { stream, json = false, env, now = () => performance.now() } = options;
  if (json) return new LineProgress(now, (event) => stream.write(`${JSON.stringify(event)}\n`));
  const style = terminalStyle(stream, env);
  if (style.interactive) return new TerminalProgress(stream, env, now);
  return new LineProgress(now, (event) => stream.write(`${plainText(event)}\n`));
}

/** How fast work gets done. */
export interface RateEstimator {
  /** Says that `done` units are finished at `time` (milliseconds). */
  sample(done: number, time: number): void;
  /** Units per millisecond, or undefined before there is anything to go by. */
  rate(): number | undefined;
}

/**
 * An exponential average of the speed over the last `memory` milliseconds. It follows a stage that speeds up (the first
 * epoch compiles and allocates) without jumping at every batch. The bias of the empty start is divided out, as Adam
 * does with its moments, so the first estimate is the plain average.
 */
export function rateEstimator(start: number, memory = 8000): RateEstimator {
  let lastDone = 0;
  let lastTime = start;
  let average = 0;
  let weight = 0;
  return {
    sample(done, time) {
      const elapsed = time - lastTime;
      if (elapsed <= 0) return;
      const keep = Math.exp(-elapsed / memory);
      average = keep * average + (1 - keep) * Math.max(0, (done - lastDone) / elapsed);
      weight = keep * weight + (1 - keep);
      lastDone = done;
      lastTime = time;
    },
    rate: () => (weight > 0 && average > 0 ? average / weight : undefined),
  };
}

interface MutableState extends StageState {
  name: string;
  total: number;
  done: number;
  epoch?: number;
  epochs?: number;
  loss?: number;
  accuracy?: number;
  validation?: number;
  samplesPerSecond?: number;
  note?: string;
  secondsLeft?: number;
  seconds: number;
}

function merge(state: MutableState, update: ProgressUpdate): void {
  state.done = update.done;
  if (update.epoch !== undefined) state.epoch = update.epoch;
  if (update.epochs !== undefined) state.epochs = update.epochs;
  if (update.loss !== undefined) state.loss = update.loss;
  if (update.accuracy !== undefined) state.accuracy = update.accuracy;
  if (update.validation !== undefined) state.validation = update.validation;
  if (update.samplesPerSecond !== undefined) state.samplesPerSecond = update.samplesPerSecond;
}

/** Redraws the running stages at the bottom of a terminal. */
class TerminalProgress implements Progress {
  private readonly running: MutableState[] = [];
  private drawnLines = 0;
  private drawnAt = Number.NEGATIVE_INFINITY;
  /** The longest name so far, so that the bars of successive stages stand below one another. */
  private nameWidth = 0;

  constructor(
    private readonly stream: TerminalStream,
    private readonly env: Environment | undefined,
    private readonly now: () => number,
  ) {}

  stage(name: string, { total }: { readonly total: number }): ProgressStage {
    const start = this.now();
    const rate = rateEstimator(start);
    const state: MutableState = { name: singleLine(name), total, done: 0, seconds: 0 };
    this.running.push(state);
    this.nameWidth = Math.max(this.nameWidth, state.name.length);
    this.draw();
    return {
      update: (update) => {
        if (!this.running.includes(state)) return;
        merge(state, update);
        const time = this.now();
        if (time - this.drawnAt < REDRAW_INTERVAL) return;
        state.seconds = (time - start) / 1000;
        rate.sample(state.done, time);
        const speed = rate.rate();
        if (speed !== undefined && total > 0) state.secondsLeft = Math.max(0, total - state.done) / speed / 1000;
        this.draw();
      },
      note: (text) => {
        state.note = singleLine(text);
        if (this.running.includes(state)) this.draw();
      },
      finish: (summary) => {
        if (!this.running.includes(state)) return;
        state.seconds = (this.now() - start) / 1000;
        this.end(state, summary, true);
      },
    };
  }

  line(text: string): void {
    this.draw(text);
  }

  close(): void {
    for (const state of [...this.running]) this.end(state, undefined, false);
  }

  private end(state: MutableState, summary: string | undefined, finished: boolean): void {
    this.running.splice(this.running.indexOf(state), 1);
    const text = summary === undefined ? undefined : singleLine(summary);
    this.draw(summaryLine(state, this.layout(), { finished, summary: text }));
  }

  private layout() {
    return { ...terminalStyle(this.stream, this.env), nameWidth: this.nameWidth };
  }

  /**
   * One write per redraw, so that no half-drawn state is seen: go back to the first running line, clear from there to
   * the end of the screen, print what stays, then the running lines. The cursor is never hidden, because a process
   * that is killed could not bring it back.
   */
  private draw(permanent?: string): void {
    let text = this.drawnLines > 0 ? '\r' : '';
    if (this.drawnLines > 1) text += `\u001b[${this.drawnLines - 1}A`;
    if (this.drawnLines > 0) text += '\u001b[J';
    if (permanent !== undefined) text += `${permanent}\n`;
    text += this.running.map((state) => progressLine(state, this.layout())).join('\n');
    this.stream.write(text);
    this.drawnLines = this.running.length;
    this.drawnAt = this.now();
  }
}

/** What happens in a job, one entry per line of a log. */
export type ProgressEvent =
  | { readonly event: 'stage'; readonly stage: string; readonly total: number }
  | ({ readonly event: 'epoch'; readonly stage: string; readonly total: number } & ProgressUpdate)
  | { readonly event: 'note'; readonly stage: string; readonly text: string }
  | { readonly event: 'finish'; readonly stage: string; readonly seconds: number; readonly summary?: string }
  | { readonly event: 'stop'; readonly stage: string; readonly seconds: number }
  | { readonly event: 'line'; readonly text: string };

/** Turns the same calls into few events: an epoch is told once, when the next begins or the stage ends. */
class LineProgress implements Progress {
  private readonly running = new Set<(event: 'finish' | 'stop', summary?: string) => void>();

  constructor(
    private readonly now: () => number,
    private readonly emit: (event: ProgressEvent) => void,
  ) {}

  stage(name: string, { total }: { readonly total: number }): ProgressStage {
    const stage = singleLine(name);
    const start = this.now();
    const state: MutableState = { name: stage, total, done: 0, seconds: 0 };
    let untold = false;
    const tellEpoch = () => {
      if (!untold) return;
      untold = false;
      const { done, epoch, epochs, loss, accuracy, validation, samplesPerSecond } = state;
      this.emit({ event: 'epoch', stage, total, done, epoch, epochs, loss, accuracy, validation, samplesPerSecond });
    };
    const end = (event: 'finish' | 'stop', summary?: string) => {
      if (!this.running.delete(end)) return;
      tellEpoch();
      const seconds = Math.round(this.now() - start) / 1000;
      if (event === 'stop') this.emit({ event, stage, seconds });
      else this.emit({ event, stage, seconds, summary });
    };
    this.running.add(end);
    this.emit({ event: 'stage', stage, total });
    return {
      update: (update) => {
        if (!this.running.has(end)) return;
        if (update.epoch !== undefined && state.epoch !== undefined && update.epoch !== state.epoch) tellEpoch();
        merge(state, update);
        untold = state.epoch !== undefined;
      },
      note: (text) => {
        if (epochIsComplete(state)) tellEpoch();
        this.emit({ event: 'note', stage, text: singleLine(text) });
      },
      finish: (summary) => end('finish', summary === undefined ? undefined : singleLine(summary)),
    };
  }

  line(text: string): void {
    this.emit({ event: 'line', text: stripVTControlCharacters(text) });
  }

  close(): void {
    for (const end of [...this.running]) end('stop');
  }
}

/** Whether the epoch under way has done all its work, so that a note comes after its line and not before. */
function epochIsComplete({ done, total, epoch, epochs }: MutableState): boolean {
  return epoch !== undefined && epochs !== undefined && done >= (total * epoch) / epochs;
}

/** One event as a line of a plain log, without control characters. */
export function plainText(event: ProgressEvent): string {
  switch (event.event) {
    case 'stage':
      return `${event.stage} ...`;
    case 'epoch':
      return epochLine(event.stage, event);
    case 'note':
      return `${event.stage}: ${event.text}`;
    case 'finish':
      return `${event.stage}: done in ${formatDuration(event.seconds)}${event.summary ? `, ${event.summary}` : ''}`;
    case 'stop':
      return `${event.stage}: stopped after ${formatDuration(event.seconds)}`;
    case 'line':
      return event.text;
  }
}
