/** What kind of mistake an error reports; stable, so that programs can branch on it. */
export type ErrorCode =
  | 'shape'
  | 'dtype'
  | 'argument'
  | 'device'
  | 'disposed'
  | 'memory'
  | 'autograd'
  | 'state'
  | 'format'
  | 'data'
  | 'unsupported';

/**
 * The one error that fettle throws. Its message reads `op: what was expected, what came. What to try.` and it is thrown
 * before anything was changed.
 */
export class FettleError extends Error {
  override readonly name = 'FettleError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Throws a FettleError; an expression of type never, so that it can stand where a value is expected. */
export function fail(code: ErrorCode, message: string, cause?: unknown): never {
  throw new FettleError(code, message, cause === undefined ? undefined : { cause });
}

/** Warnings already given: each is said once a process, since a loop would repeat it a thousand times. */
const said = new Set<string>();

/** Prints a warning the first time that its cause, the message itself if none is named, comes up. */
export function warnOnce(message: string, cause: string = message): void {
  if (said.has(cause)) return;
  said.add(cause);
  console.warn(`fettle: ${message}`);
}

/** A shape as it stands in messages: `[2, 3]`. */
export function show(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
