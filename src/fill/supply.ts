/**
 * Brings bytes in for the readers of one fill: owns its cursors, and who of them owes what to whom.
 *
 * An answer of another representation makes the supply obsolete: what is present can be read on, nothing more is
 * fetched.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { EventBus, RetryCause } from '../events.ts';
import type { Fields } from '../http/fields.ts';
import type { AskedBytes } from '../http/origin-answer.ts';
import { combinable } from '../http/representation.ts';
import { formatValidator } from '../http/validator.ts';
import type { Held, Origin, OriginReply, OriginRequest } from '../origin/origin.ts';
import type { Store } from '../store/store.ts';
import type { ConnectionSlots } from './connection-slots.ts';
import { Cursor } from './cursor.ts';
import type { CursorHost, FirstByteTimes } from './cursor-host.ts';
import { aheadOf, type Ground, planFor, type Reach, reachOf } from './cursor-plan.ts';
import type { Demand } from './demand.ts';
import { type Failure, FillFailed } from './failure.ts';
import type { FillPolicy } from './fill-policy.ts';
import type { Waiters } from './first-byte.ts';
import { type BodyRange, IdentityGuard } from './identity-guard.ts';
import { type LandedBytes, passingWindow } from './landed-bytes.ts';
import type { FillName, Lifecycle } from './lifecycle.ts';
import type { Claim, Reader } from './reader.ts';

/** What a new request is thought to take to its first byte before any was measured, in milliseconds. */
const firstByteGuess = 300;

export interface SupplyParts {
  readonly name: FillName;
  readonly origin: Origin;
  /** Path and query at the origin, and fields to send; they may be others for the next request. */
  readonly asking: Readonly<Pick<OriginRequest, 'target' | 'fields'>>;
  readonly objectName: string;
  readonly store: Pick<Store, 'create'>;
  /** Whether an answer with this status and these fields may be stored. */
  readonly mayStore: (status: number, fields: Fields) => boolean;
  readonly slots: ConnectionSlots;
  readonly policy: FillPolicy;
  readonly clock: Clock;
  readonly events: EventBus;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly lifecycle: Lifecycle;
  readonly bytes: LandedBytes;
  readonly demand: Demand;
  readonly waiters: Waiters;
}

export class Supply implements CursorHost {
  readonly #parts: SupplyParts;
  readonly #cursors = new Set<Cursor>();
  #nextCursor = 1;
  #firstByteIn = firstByteGuess;
  readonly #guard: IdentityGuard;
  #ended: Failure | null = null;

  constructor(parts: SupplyParts) {
    this.#parts = parts;
    this.#guard = new IdentityGuard({ ...parts, connections: parts.slots.limit });
  }

  get cursors(): ReadonlySet<Cursor> {
    return this.#cursors;
  }

  /** Whether what it brings may be given to later requests. */
  get shared(): boolean {
    return this.#guard.shared && this.#ended === null;
  }

  /** What there is of its representation, for the origin to compare; `undefined` where it has no validator. */
  get held(): Held | undefined {
    return this.#guard.held;
  }

  /**
   * Whether a reader can be served to its end here. Bytes that are neither kept nor to be had twice can follow one
   * reader only, the first: the quickest of several would take the bytes of all who pause.
   */
  serves(reader: Reader): boolean {
    const [first] = this.#parts.demand.readers;
    return reader === first || this.#guard.shared || this.#guard.live || this.resumable;
  }

  /** Whether what is missing of a range can be asked for, or comes soon with a body that is under way. */
  canBring({ start, end }: { readonly start: number; readonly end: number | null }): boolean {
    const { lifecycle, bytes } = this.#parts;
    const { known } = lifecycle;
    if (known === null || this.resumable || this.#guard.live) return true;
    const until = Math.min(end ?? Number.POSITIVE_INFINITY, known.length ?? Number.POSITIVE_INFINITY);
    const gap = bytes.present.firstGap({ start, end: until });
    if (gap === null) return true;
    const ground = { ...this.#ground(), ranges: known.ranges };
    const plan = planFor(gap.start, ground, this.#cursors, this.#firstByteIn);
    return 'join' in plan && plan.join.until >= until;
  }

  /** The next byte of a live stream that comes in now; `null` where it is none. */
  get frontier(): number | null {
    const [cursor] = this.#cursors;
    return this.#guard.live && cursor !== undefined ? cursor.position : null;
  }

  /** Sees to it that a cursor owes the reader the byte that it waits for, or that the reader knows why none can. */
  claim(reader: Reader): void {
    const owing = reader.claim?.cursor;
    if (owing?.live && owing.position <= reader.position) {
      // In mid-reply each wait has budgets of its own.
      if (reader.begun) reader.claim = this.#claimOn(owing);
      owing.review();
      return;
    }
    const { lifecycle } = this.#parts;
    const refusal = this.#ended ?? this.#plan(reader);
    if (refusal !== null) reader.failed = new FillFailed(refusal, lifecycle.state.phase);
  }

  /** Joins a cursor or opens one; where neither can help, says why. */
  #plan(reader: Reader): Failure | null {
    const { clock, policy, bytes, lifecycle } = this.#parts;
    const plan = planFor(reader.position, this.#ground(), this.#cursors, this.#firstByteIn);
    if ('join' in plan) {
      reader.claim = this.#claimOn(plan.join);
      plan.join.review();
      return null;
    }
    if (!this.resumable && bytes.present.size > 0) return { kind: 'uncombinable' };
    const { state } = lifecycle;
    const retryAt = state.phase === 'failed' ? state.retryAt : null;
    const tooLate = retryAt !== null && retryAt - clock.now() > policy.firstByteTimeout;
    if (state.phase === 'failed' && tooLate) return state.failure;
    const cursor = this.#add(plan.open, retryAt);
    reader.claim = this.#claimOn(cursor);
    this.#launch(cursor);
    return null;
  }

  #claimOn(cursor: Cursor): Claim {
    return { cursor, since: this.clock.now(), queuedBefore: cursor.queuedFor };
  }

  /** A reader has moved: those that rest may go on, and it shall not run dry. */
  follow(reader: Reader): void {
    this.review();
    const { lifecycle, demand } = this.#parts;
    if (this.#ended !== null || !this.resumable || !demand.readers.has(reader)) return;
    if (lifecycle.state.phase !== 'filling' && lifecycle.state.phase !== 'paused') return;
    const missing = aheadOf(demand.sightOf(reader, this.#window), this.#ground());
    if (missing === null) return;
    const plan = planFor(missing, this.#ground(), this.#cursors, this.#firstByteIn);
    if ('open' in plan) this.#launch(this.#add(plan.open, null));
  }

  /** Readers have come or gone. */
  review(): void {
    for (const cursor of this.#cursors) cursor.review();
    this.#settle(null);
  }

  /** Nothing more will be brought; `failure` is what those are told who wait for it. */
  end(failure: Failure): void {
    this.#ended ??= failure;
    this.#guard.end();
    for (const cursor of this.#cursors) cursor.stop();
  }

  /** Resolves when no object is being made. */
  async settled(): Promise<void> {
    await this.#guard.settled();
  }

  // What cursors need of their host.

  get origin(): Origin {
    return this.#parts.origin;
  }

  get slots(): ConnectionSlots {
    return this.#parts.slots;
  }

  get policy(): FillPolicy {
    return this.#parts.policy;
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  get random(): () => number {
    return this.#parts.random;
  }

  get resumable(): boolean {
    const { known } = this.#parts.lifecycle;
    return this.#ended === null && (known === null || combinable(known));
  }

  reach(cursor: Cursor): Reach {
    return reachOf(cursor, this.#ground(), this.#cursors, this.#parts.demand.sights(this.#window));
  }

  isWaitedFor(cursor: Cursor): boolean {
    return this.#parts.demand.isWaitedFor(cursor);
  }

  hopeUntil(cursor: Cursor): number {
    return this.#parts.demand.hopeUntil(cursor, this.reach(cursor).served);
  }

  /** A connection that was slow to come is kept longer, for a reader who may come back to it. */
  restFor(followed: boolean): number {
    const { restTimeout } = this.#parts.policy;
    return followed ? restTimeout : Math.max(restTimeout, 2 * this.#firstByteIn);
  }

  request(cursor: Cursor): OriginRequest & { readonly start: number; readonly end: number | null } {
    const start = cursor.position - this.#guard.overlapAt(cursor.position);
    const end = this.#endOfRequest(cursor);
    const { target, fields: asked } = this.#parts.asking;
    const fields: [string, string][] = [['range', `bytes=${start}-${end === null ? '' : end - 1}`]];
    const validator = this.#parts.lifecycle.known?.validator;
    if (validator?.strong) fields.push(['if-range', formatValidator(validator)]);
    const { held } = this;
    return {
      target,
      fields: [...asked, ...fields],
      committed: this.#committed(cursor),
      start,
      end,
      ...(held && { held }),
    };
  }

  /** Whether somebody counts on the answer who can't be told at once that there will be none. */
  #committed(cursor: Cursor): boolean {
    if (cursor.attempt > 1 || cursor.landed > 0) return true;
    return [...this.#parts.demand.waitingFor(cursor)].some(({ begun }) => begun);
  }

  async judge(asked: AskedBytes, reply: OriginReply): Promise<BodyRange> {
    const body = await this.#unlessChanged(this.#guard.judge(asked, reply));
    this.#parts.waiters.wake();
    this.#completeIfWhole();
    return body;
  }

  meetingOf(cursor: Cursor): ByteRange | null {
    return this.#guard.meetingAfter(cursor.position);
  }

  verify(offset: number, bytes: Buffer): Promise<void> {
    return this.#unlessChanged(this.#guard.verify(offset, bytes));
  }

  land(cursor: Cursor, landed: Buffer): Promise<void> | undefined {
    const { clock, events, origin, bytes, waiters } = this.#parts;
    this.#guard.reached(cursor.position);
    const pressure = bytes.write(cursor.position, landed);
    cursor.position += landed.length;
    events.emit({ type: 'bytes-landed', at: clock.now(), origin: origin.name, bytes: landed.length });
    for (const other of this.#cursors) if (bytes.present.has(other.position)) other.overtaken();
    waiters.wake();
    this.#completeIfWhole();
    return pressure;
  }

  bodyEnded(position: number, certain: boolean): void {
    this.#guard.bodyEnded(position, certain);
    this.#parts.waiters.wake();
    this.#completeIfWhole();
  }

  firstByte(cursor: Cursor, times: FirstByteTimes): void {
    const { clock, events, name } = this.#parts;
    this.#firstByteIn = Math.max(1, times.landedAt - times.startedAt);
    const storedAt = clock.now();
    events.emit({ type: 'fill-first-byte', at: storedAt, ...name, attempt: cursor.attempt, storedAt, ...times });
  }

  asksAgain(cursor: Cursor, cause: RetryCause, delay: number): void {
    const { clock, events, name } = this.#parts;
    const { attempt, position: offset } = cursor;
    const kind = cursor.landed > 0 ? 'heal' : 'retry';
    events.emit({ type: 'retry', at: clock.now(), ...name, kind, cause, offset, attempt, delay });
  }

  phaseChanged(cursor: Cursor): void {
    const failure = cursor.phase === 'failed' ? cursor.lastFailure : null;
    if (!cursor.live) {
      this.#cursors.delete(cursor);
      this.#disown(cursor, failure);
      for (const other of this.#cursors) other.review();
    }
    this.#settle(failure);
    this.#parts.waiters.wake();
  }

  /** Those to whom a cursor owed a byte learn why it will not come, or find another to owe it. */
  #disown(cursor: Cursor, failure: Failure | null): void {
    const { demand, bytes, lifecycle } = this.#parts;
    for (const reader of demand.readers) {
      if (reader.claim?.cursor !== cursor) continue;
      reader.claim = null;
      if (reader.waitingSince === null || bytes.present.has(reader.position)) continue;
      if (failure === null) this.claim(reader);
      else reader.failed = new FillFailed(failure, lifecycle.state.phase, cursor.budgetSpent);
    }
  }

  async #unlessChanged<T>(judgement: Promise<T>): Promise<T> {
    try {
      return await judgement;
    } catch (error) {
      if (error instanceof FillFailed && error.failure.kind === 'changed') this.#obsolete(error.failure);
      throw error;
    }
  }

  #obsolete(failure: Failure): void {
    const { lifecycle, demand, waiters } = this.#parts;
    this.end(failure);
    const failed = new FillFailed(failure, lifecycle.state.phase);
    for (const reader of demand.readers) if (reader.waitingSince !== null) reader.failed = failed;
    waiters.wake();
  }

  #completeIfWhole(): void {
    const { lifecycle, bytes } = this.#parts;
    const length = lifecycle.known?.length ?? null;
    if (lifecycle.state.phase !== 'filling' || length === null || bytes.present.size < length) return;
    lifecycle.apply({ type: 'whole' });
    void bytes.commit();
    for (const cursor of this.#cursors) cursor.review();
  }

  #add(position: number, notBefore: number | null): Cursor {
    const cursor = new Cursor(this, this.#nextCursor, position, notBefore);
    this.#nextCursor += 1;
    this.#cursors.add(cursor);
    return cursor;
  }

  #launch(cursor: Cursor): void {
    this.#settle(null);
    cursor.run().catch((error: unknown) => {
      const stack = error instanceof Error ? (error.stack ?? '') : '';
      this.#parts.events.emit({ type: 'bug', at: this.clock.now(), message: String(error), stack });
    });
  }

  /** Brings the fill's phase in line with what the cursors do; `failure` is what ended the last of them. */
  #settle(failure: Failure | null): void {
    const { lifecycle, demand, bytes } = this.#parts;
    const cursors = [...this.#cursors];
    const before = lifecycle.state.phase;
    lifecycle.settle({
      cursors: cursors.length,
      queued: cursors.filter(({ phase }) => phase === 'queued').length,
      attempt: Math.max(...cursors.map(({ attempt }) => attempt)),
      read: demand.readers.size > 0,
      failure,
    });
    const { phase } = lifecycle.state;
    if (phase !== before && (phase === 'paused' || phase === 'failed')) void bytes.commit();
  }

  /** Where a request may end: at what is present already, or at what all it serves want; `null` for the end. */
  #endOfRequest(cursor: Cursor): number | null {
    const { demand, lifecycle } = this.#parts;
    const { hard } = this.reach(cursor);
    const meeting = this.#guard.meetingAfter(cursor.position);
    const given = meeting?.start === hard ? meeting.end : hard;
    const end = Math.min(given, demand.boundOf(cursor) ?? Number.POSITIVE_INFINITY);
    return end > cursor.position && end < (lifecycle.known?.length ?? Number.POSITIVE_INFINITY) ? end : null;
  }

  #ground(): Ground {
    const { known } = this.#parts.lifecycle;
    const length = known?.length ?? Number.POSITIVE_INFINITY;
    // What can't be combined comes in by one body, as what can't be asked for in ranges.
    const ranges = known === null ? null : known.ranges && combinable(known);
    return { present: this.#parts.bytes.present, length, ranges };
  }

  get #window(): number {
    return this.#parts.bytes.passing ? passingWindow : this.#parts.policy.readAhead;
  }
}
