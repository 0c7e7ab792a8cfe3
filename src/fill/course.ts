/**
 * The course of a fill's cursors: how far each may run at this moment, how urgently, and what it asks for next.
 *
 * It decides nothing by itself: it puts before the pure plan (`cursor-plan.ts`) what is present and wanted, and what the
 * origin has shown of itself: how late its first bytes come, how fast the others, and whether two at a time are too many.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Fields } from '../http/fields.ts';
import { combinable } from '../http/representation.ts';
import { formatValidator } from '../http/validator.ts';
import type { OriginRequest } from '../origin/origin.ts';
import type { Urgency } from './connection-slots.ts';
import type { Cursor } from './cursor.ts';
import type { FirstByteTimes } from './cursor-host.ts';
import { type Ground, type Reach, rangeEnd, reachOf } from './cursor-plan.ts';
import type { Demand } from './demand.ts';
import type { Errands } from './errands.ts';
import type { FillPolicy } from './fill-policy.ts';
import type { IdentityGuard } from './identity-guard.ts';
import type { LandedBytes } from './landed-bytes.ts';
import type { Lifecycle } from './lifecycle.ts';
import { type RangeRequest, requestAll, requestRange } from './range-request.ts';

/** What a new request is thought to take to its first byte before any was measured, in milliseconds. */
const firstByteGuess = 300;

export interface CourseParts {
  readonly asking: Readonly<Pick<OriginRequest, 'target' | 'fields'>>;
  readonly policy: FillPolicy;
  readonly lifecycle: Lifecycle;
  readonly bytes: LandedBytes;
  readonly demand: Demand;
  readonly guard: IdentityGuard;
  readonly errands: Errands;
  readonly cursors: ReadonlySet<Cursor>;
}

export class Course {
  readonly #parts: CourseParts;
  /** What the last request took to its first byte, in milliseconds; `null` before there was one. */
  #lastFirstByteIn: number | null = null;
  /** Bytes a second, as they came last. */
  #speed = 0;
  #asksEarly = true;

  constructor(parts: CourseParts) {
    this.#parts = parts;
  }

  /** Whether parts of it can be combined, as far as is known. */
  get combinable(): boolean {
    const { known } = this.#parts.lifecycle;
    return known === null || combinable(known);
  }

  /** A request has had its first byte; `early`: it was sent before its bytes could be taken, and they lay there. */
  answered(times: FirstByteTimes, early: boolean): void {
    const cameAt = early ? times.headAt : times.landedAt;
    this.#lastFirstByteIn = Math.max(1, cameAt - times.startedAt);
  }

  /** Bytes have come by this cursor. */
  flowed(cursor: Cursor): void {
    this.#speed = cursor.steadySpeed ?? this.#speed;
  }

  reach(cursor: Cursor): Reach {
    return reachOf(cursor, this.ground, this.#parts.cursors, this.#parts.demand.sights(this.widest), this.#wanted());
  }

  continues(cursor: Cursor, offset: number): boolean {
    const { hard, edge, worthwhile } = this.reach(cursor);
    return hard > offset && edge > offset && worthwhile > offset;
  }

  urgencyOf(cursor: Cursor): Urgency {
    if (this.#parts.demand.isWaitedFor(cursor)) return 'waited for';
    return this.reach(cursor).served ? 'ahead' : 'background';
  }

  isPressed(cursor: Cursor): boolean {
    return this.#parts.demand.isPressed(cursor);
  }

  get firstByteIn(): number {
    return this.#lastFirstByteIn ?? firstByteGuess;
  }

  get asksEarly(): boolean {
    return this.#asksEarly && this.combinable;
  }

  askedTooEarly(): void {
    this.#asksEarly = false;
  }

  /** A connection that was slow to come is kept longer, for a reader who may come back to it. */
  restFor(followed: boolean): number {
    const { restTimeout } = this.#parts.policy;
    return followed ? restTimeout : Math.max(restTimeout, 2 * this.firstByteIn);
  }

  request(cursor: Cursor, offset: number): RangeRequest {
    const { target, fields } = this.#parts.asking;
    const { held, asksRanges } = this.#parts.guard;
    const about = { target, fields, ...(held && { held }) };
    if (!asksRanges) return requestAll(about);
    const start = offset - this.#parts.guard.overlapAt(offset, cursor.position);
    const end = this.#endOfRequest(cursor, offset);
    const validator = this.#parts.lifecycle.known?.validator;
    const condition: Fields = validator?.strong ? [['if-range', formatValidator(validator)]] : [];
    return requestRange({ ...about, fields: [...fields, ...condition] }, start, end);
  }

  /**
   * Where a request for what follows `offset` may end: at what is present already, at what all it serves want, or at the
   * end of a bounded range; `null` for the end of the representation.
   */
  #endOfRequest(cursor: Cursor, offset: number): number | null {
    const { demand, lifecycle, bytes } = this.#parts;
    const { hard, edge } = this.reach(cursor);
    const meeting = this.#parts.guard.meetingAfter(offset);
    const given = Math.min(
      meeting?.start === hard ? meeting.end : hard,
      demand.boundOf(cursor, this.#wanted()) ?? Number.POSITIVE_INFINITY,
    );
    const length = lifecycle.known?.length ?? Number.POSITIVE_INFINITY;
    let end = given;
    // What is not known yet, or can't be combined, must come by one body; and how late the origin's heads come, so that
    // ranges are worth it, shows by the first.
    if (this.#lastFirstByteIn !== null && length < Number.POSITIVE_INFINITY && this.ground.ranges === true) {
      const behind = offset - bytes.present.runStart(cursor.position);
      const meanwhile = Math.ceil((this.#speed * this.firstByteIn) / 1000);
      end = rangeEnd({ start: offset, behind, edge, meanwhile }, Math.min(given, length));
    }
    return end > offset && end < length ? end : null;
  }

  /** What is wanted although no reader has it in its window. */
  #wanted(): Iterable<ByteRange> {
    return this.#parts.bytes.passing || this.#parts.guard.live ? [] : this.#parts.errands.ranges();
  }

  get ground(): Ground {
    const { known } = this.#parts.lifecycle;
    const length = known?.length ?? Number.POSITIVE_INFINITY;
    // What can't be combined comes in by one body, as what can't be asked for in ranges.
    const ranges = known === null ? null : known.ranges && combinable(known);
    return { present: this.#parts.bytes.present, length, ranges };
  }

  /** The widest window that a reader may have. */
  get widest(): number {
    return this.#parts.bytes.ahead;
  }
}
