/**
 * What the library throws: one class for each thing that a program may want to tell apart, each with a code that stays.
 *
 * Beside these there are `ConfigError`, for options that are wrong, and `StoreError`, for a cache directory that can't be
 * used; the code of that one is the system's.
 */

/** What all errors here have in common. */
export abstract class FirstbyteError extends Error {
  abstract readonly code: string;
}

/** A URL lies below no origin that was named, and a path names none. */
export class UnknownOriginError extends FirstbyteError {
  override readonly name = 'UnknownOriginError';
  readonly code = 'FIRSTBYTE_UNKNOWN_ORIGIN';
}

/** What was asked for is not given: the origin said so, or firstbyte did when it could not have it. */
export class MediaError extends FirstbyteError {
  override readonly name = 'MediaError';
  readonly code = 'FIRSTBYTE_MEDIA';
  /** The status of HTTP that says so, such as 404, or 502 for an origin that was not reached in time. */
  readonly status: number;

  constructor(status: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

/** Bytes had come, and the rest could not be had. */
export class CutError extends FirstbyteError {
  override readonly name = 'CutError';
  readonly code = 'FIRSTBYTE_CUT';
}

/** It was closed before, or while this was under way. */
export class ClosedError extends FirstbyteError {
  override readonly name = 'ClosedError';
  readonly code = 'FIRSTBYTE_CLOSED';

  constructor() {
    super('This firstbyte is closed.');
  }
}

/** As many sources play as may, or a host is in a private network, which nobody allowed. */
export class SourceError extends FirstbyteError {
  override readonly name = 'SourceError';
  readonly code = 'FIRSTBYTE_SOURCE';
}
