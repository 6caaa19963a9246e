import { disposal } from '../core/disposal.js';

/** Whether ops are recorded. A single flag: JavaScript runs one op at a time. */
let recording = true;
let inferring = false;

export function isGradEnabled(): boolean {
  return recording;
}

/** Whether `inferenceMode` is on. */
export function isInferenceModeEnabled(): boolean {
  return inferring;
}

/** A mode that lasts until its end: of a `using` block, or where `end()` is called. */
export class ModeGuard {
  private ended = false;

  constructor(private readonly restore: () => void) {}

  /** Brings back what was before. Ending twice does nothing. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.restore();
  }

  [disposal](): void {
    this.end();
  }
}

function begin(on: boolean, inference = inferring): ModeGuard {
  const before = [recording, inferring] as const;
  recording = on;
  inferring = inference;
  return new ModeGuard(() => {
    [recording, inferring] = before;
  });
}

function during<T>(guard: ModeGuard, body: () => T): T {
  try {
    const result = body();
    if (result instanceof Promise) {
      // The mode would be back to what it was long before an asynchronous body ends.
      throw new TypeError(
        'noGrad / enableGrad: the body must be synchronous. Around awaits, use a guard: const g = noGrad(); … g.end().',
      );
    }
    return result;
  } finally {
    guard.end();
  }
}

/**
 * Runs `body` without recording: no graph, no saved values. For evaluation and for updating parameters. Without a body it
 * gives a guard, `using mode = noGrad()`, that may span awaits; what else runs meanwhile is not recorded either.
 */
export function noGrad(): ModeGuard;
export function noGrad<T>(body: () => T): T;
export function noGrad<T>(body?: () => T): T | ModeGuard {
  const guard = begin(false);
  return body === undefined ? guard : during(guard, body);
}

/** Runs `body` with recording, also inside `noGrad`. Without a body it gives a guard, as `noGrad` does. */
export function enableGrad(): ModeGuard;
export function enableGrad<T>(body: () => T): T;
export function enableGrad<T>(body?: () => T): T | ModeGuard {
  const guard = begin(true);
  return body === undefined ? guard : during(guard, body);
}

/**
 * Runs `body` for its values alone. As `noGrad`, which costs nothing beyond it here: a tensor carries no bookkeeping that
 * could be left out, and what comes out may be used in recorded ops too. Without a body it gives a guard.
 */
export function inferenceMode(): ModeGuard;
export function inferenceMode<T>(body: () => T): T;
export function inferenceMode<T>(body?: () => T): T | ModeGuard {
  const guard = begin(false, true);
  return body === undefined ? guard : during(guard, body);
}

/** Switches recording on or off and returns what it was, for code that awaits. */
export function setGradEnabled(on: boolean): boolean {
  const before = recording;
  recording = on;
  return before;
}
