/**
 * What the readers of one fill want: which bytes, from which cursor, and until when.
 */
import type { Clock } from '../clock.ts';
import type { Cursor } from './cursor.ts';
import type { ReaderSight } from './cursor-plan.ts';
import type { FillPolicy } from './fill-policy.ts';
import { type Budget, type Debt, deadlineOf } from './first-byte.ts';
import { readUnit } from './landed-bytes.ts';
import type { Reader } from './reader.ts';

const nobody: Debt = { queued: false, queuedFor: 0, progressAt: null };

export class Demand {
  readonly #clock: Clock;
  readonly #policy: FillPolicy;
  readonly readers = new Set<Reader>();

  constructor(clock: Clock, policy: FillPolicy) {
    this.#clock = clock;
    this.#policy = policy;
  }

  /** The readers that wait for a byte of this cursor. */
  *waitingFor(cursor: Cursor): Generator<Reader> {
    for (const reader of this.readers) {
      if (reader.waitingSince !== null && reader.claim?.cursor === cursor) yield reader;
    }
  }

  isWaitedFor(cursor: Cursor): boolean {
    return !this.waitingFor(cursor).next().done;
  }

  /** `window` in bytes is how far past a reader is read ahead. */
  *sights(window: number): Generator<ReaderSight<Cursor>> {
    for (const reader of this.readers) yield this.sightOf(reader, window);
  }

  sightOf(reader: Reader, window: number): ReaderSight<Cursor> {
    const bound = reader.end === null ? Number.POSITIVE_INFINITY : wholeUnits(reader.end);
    const owedBy = reader.waitingSince === null ? null : (reader.claim?.cursor ?? null);
    return { position: reader.position, edge: Math.min(reader.position + window, bound), until: bound, owedBy };
  }

  /** Until when a waiting reader has hope, in monotonic milliseconds, and which setting ends it. */
  deadlineOf(reader: Reader): { at: number; budget: Budget } {
    const now = this.#clock.now();
    const { begun, claim, waitingSince } = reader;
    // The head and the first byte of one request have one budget together.
    const since = (begun ? null : claim?.since) ?? waitingSince ?? now;
    return deadlineOf(
      { since, begun, queuedBefore: claim?.queuedBefore ?? 0 },
      claim?.cursor ?? nobody,
      this.#policy,
      now,
    );
  }

  /** Until when anybody hopes for a byte of this cursor; `served`: whether readers count on it that do not wait yet. */
  hopeUntil(cursor: Cursor, served: boolean): number {
    const { firstByteTimeout, healTimeout } = this.#policy;
    const deadlines = [...this.waitingFor(cursor)].map((reader) => this.deadlineOf(reader).at);
    if (served && cursor.progressAt !== null) deadlines.push(cursor.progressAt + healTimeout);
    if (served && cursor.progressAt === null) deadlines.push(cursor.openedAt + cursor.queuedFor + firstByteTimeout);
    return Math.max(Number.NEGATIVE_INFINITY, ...deadlines);
  }

  /** Where all that a cursor serves want it to end, in whole units; `null` where one of them wants everything. */
  boundOf(cursor: Cursor): number | null {
    let bound: number | null = null;
    for (const reader of this.readers) {
      if (reader.position > cursor.position && reader.claim?.cursor !== cursor) continue;
      if (reader.end === null) return null;
      bound = Math.max(bound ?? 0, wholeUnits(reader.end));
    }
    return bound;
  }
}

/**
 * A bounded request is rounded up, so that whole blocks become durable; but who wants the first byte at most wants the
 * head only.
 */
function wholeUnits(offset: number): number {
  if (offset <= 1) return offset;
  return Math.ceil(offset / readUnit) * readUnit;
}
