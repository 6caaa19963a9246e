/** Whether ops are recorded. A single flag: JavaScript runs one op at a time. */
let recording = true;

export function isGradEnabled(): boolean {
  return recording;
}

function withMode<T>(on: boolean, body: () => T): T {
  const before = recording;
  recording = on;
  try {
    const result = body();
    if (result instanceof Promise) {
      // The mode would be back to what it was long before an asynchronous body ends.
      throw new TypeError(
        'noGrad / enableGrad: the body must be synchronous. Use setGradEnabled(false) around awaits.',
      );
    }
    return result;
  } finally {
    recording = before;
  }
}

/** Runs `body` without recording: no graph, no saved values. For evaluation and for updating parameters. */
export function noGrad<T>(body: () => T): T {
  return withMode(false, body);
}

/** Runs `body` with recording, also inside `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withMode(true, body);
}

/** Switches recording on or off and returns what it was, for code that awaits. */
export function setGradEnabled(on: boolean): boolean {
  const before = recording;
  recording = on;
  return before;
}
