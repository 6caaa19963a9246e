/** What the loader and its threads say to each other. */
import { type ErrorCode, FettleError } from '../../core/errors.js';
import type { Pass } from '../dataset.js';
import type { Parcel } from './parcel.js';

/** A batch to read. */
export interface Job {
  /** By which it can be taken back. */
  readonly number: number;
  readonly indices: Int32Array;
  readonly pass: Pass;
  /** Whether the thread joins the samples to a batch. */
  readonly joins: boolean;
  /** Whether the strict arithmetic is in force. */
  readonly strict: boolean;
}

/** An error, as it can be told. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: ErrorCode;
  readonly cause?: Failure;
}

/** What comes of a job; null if it was taken back before it was begun. */
export type Answer = { readonly parcel: Parcel } | { readonly failure: Failure } | null;

/** What a thread does for a loader. */
export interface Reader {
  /** Makes the dataset; resolves with the error if it cannot. */
  open(dataset: Parcel): Promise<Failure | null>;
  /** Reads a batch; `spare` is memory of earlier ones. */
  read(job: Job, spare: readonly ArrayBuffer[]): Promise<Answer>;
  /** Takes jobs back that have not been begun. */
  cancel(numbers: readonly number[]): void;
}

/** A reader in another thread. */
export type RemoteReader = {
  readonly [K in keyof Reader]: (...args: Parameters<Reader[K]>) => Promise<Awaited<ReturnType<Reader[K]>>>;
};

/** Tells of an error. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(error instanceof FettleError ? { code: error.code } : {}),
    ...(cause === undefined ? {} : { cause: failureOf(cause) }),
  };
}

/**
 * The error that was told of, to be thrown here: its cause is the error in the thread, whose stack says where in the thread it
 * was thrown.
 */
export function errorOf(failure: Failure): FettleError {
  const cause = failure.cause ?? failure;
  return new FettleError(failure.code ?? 'data', failure.message, { cause: told(cause) });
}

function told({ name, message, stack, cause }: Failure): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: told(cause) });
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
