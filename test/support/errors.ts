import { FettleError } from 'fettle';
import { expect } from 'vitest';

/** The error of a promise, which must be one of fettle's. */
export async function errorOf(promise: Promise<unknown>): Promise<FettleError> {
  const error: unknown = await promise.then(
    () => new Error('no error'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FettleError);
  return error as FettleError;
}
