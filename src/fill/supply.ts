/**
 * Brings bytes in for the readers of one fill: owns its cursors, and who of them owes what to whom.
 *
 * An answer of another representation makes the supply obsolete: what is present can be read on, nothing more is
 * fetched.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { bugOf, type EventBus, type RetryCause } from '../events.ts';
import type { Fields } from '../http/fields.ts';
import type { Held, Origin, OriginReply, OriginRequest, ReachabilityView } from '../origin/origin.ts';
import type { Store } from '../store/store.ts';
import { Audience } from './audience.ts';
import type { ConnectionSlots } from './connection-slots.ts';
import { Course } from './course.ts';
import { Cursor } from './cursor.ts';
import type { CursorHost, FirstByteTimes } from './cursor-host.ts';
import { aheadOf, planFor } from './cursor-plan.ts';
import type { Demand } from './demand.ts';
import { type ErrandProgress, Errands } from './errands.ts';
import { type Failure, FillFailed } from './failure.ts';
import type { FillPolicy } from './fill-policy.ts';
import type { Waiters } from './first-byte.ts';
import { type Asked, type BodyRange, IdentityGuard, type MayShare } from './identity-guard.ts';
import type { LandedBytes } from './landed-bytes.ts';
import type { FillName, Lifecycle } from './lifecycle.ts';
import type { Opening } from './opening.ts';
import type { Claim, Reader } from './reader.ts';

export interface SupplyParts {
  readonly name: FillName;
  readonly origin: Origin;
  readonly reachability: ReachabilityView;
  /** Path and query at the origin, and fields to send; they may be others for the next request. */
  readonly asking: Readonly<Pick<OriginRequest, 'target' | 'fields'>>;
  readonly objectName: string;
  readonly store: Pick<Store, 'create'>;
  /** Whether an answer with this status and these fields may be stored. */
  readonly mayStore: (status: number, fields: Fields) => boolean;
  /** Whether it may be given to all who wait for it. */
  readonly mayShare: MayShare;
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
  readonly course: Course;
  readonly #guard: IdentityGuard;
  readonly #audience: Audience;
  readonly #errands: Errands;
  #ended: Failure | null = null;
  #onOpened: (() => void) | null = null;
  /** Whether the user holds it. */
  #held = false;
  /** Whether somebody has played it since its units were finished last. */
  #played = false;

  constructor(parts: SupplyParts) {
    this.#parts = parts;
    this.#errands = new Errands(parts.clock, parts.policy, () => this.review());
    this.#guard = new IdentityGuard({ ...parts, connections: parts.slots.limit });
    this.#audience = new Audience(this.#guard, parts.mayShare);
    this.course = new Course({ ...parts, guard: this.#guard, errands: this.#errands, cursors: this.#cursors });
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

  /** Why a reader can't be served to its end here; `null` where it can. */
  unfitFor(reader: Reader): Failure | null {
    return this.#audience.unfitFor(reader, this.resumable);
  }

  /** What came is for one client from now on. */
  reserve(): void {
    this.#guard.reserve();
  }

  /** What a reader is told in place of a failure; `spent`: it has no time to ask for itself. */
  toldTo(failure: Failure, spent: boolean): Failure {
    return this.#audience.toldTo(failure, spent, this.clock.wallTime());
  }

  /** Begins with an answer that is there; resolves when it has been judged. */
  async begin(opening: Opening): Promise<void> {
    const judged = Promise.withResolvers<void>();
    this.#onOpened = judged.resolve;
    this.#guard.began(opening.contradiction);
    this.#launch(this.#add(opening.request.start, null, opening));
    await judged.promise;
  }

  opened(): void {
    this.#onOpened?.();
    this.#onOpened = null;
  }

  /** Whether what is missing of a range can be asked for, or comes soon with a body that is under way. */
  canBring({ start, end }: { readonly start: number; readonly end: number | null }): boolean {
    const { lifecycle, bytes } = this.#parts;
    const { known } = lifecycle;
    if (known === null || this.resumable || this.#guard.live) return true;
    const until = Math.min(end ?? Number.POSITIVE_INFINITY, known.length ?? Number.POSITIVE_INFINITY);
    const gap = bytes.present.firstGap({ start, end: until });
    if (gap === null) return true;
    const ground = { ...this.course.ground, ranges: known.ranges };
    const plan = planFor(gap.start, ground, this.#cursors, this.course.firstByteIn);
    return 'join' in plan && plan.join.until >= until;
  }

  /** The next byte of a live stream that comes in now; `null` where it is none. */
  get frontier(): number | null {
    const [cursor] = this.#cursors;
    return this.#guard.live && !this.#guard.exclusive && cursor !== undefined ? cursor.position : null;
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
    // Who is in mid-reply waits for the release, as for an origin that is silent.
    if (this.#held && reader.begun) return;
    const refusal = this.#ended ?? (this.#held ? heldByUser() : this.#plan(reader));
    if (refusal !== null) reader.failed = new FillFailed(refusal, lifecycle.state.phase);
  }

  /** Joins a cursor or opens one; where neither can help, says why. */
  #plan(reader: Reader): Failure | null {
    const { clock, policy, bytes, lifecycle } = this.#parts;
    const plan = planFor(reader.position, this.course.ground, this.#cursors, this.course.firstByteIn);
    if ('join' in plan) {
      reader.claim = this.#claimOn(plan.join);
      plan.join.review();
      return null;
    }
    if (!this.resumable && bytes.present.size > 0) return { kind: 'uncombinable' };
    const { state } = lifecycle;
    const retryAt = state.phase === 'failed' ? state.retryAt : null;
    const tooLate = retryAt !== null && retryAt - clock.now() > policy.firstByteTimeout;
    if (state.phase === 'failed' && tooLate) return this.toldTo(state.failure, true);
    const cursor = this.#add(plan.open, retryAt);
    reader.claim = this.#claimOn(cursor);
    this.#endLingering();
    this.#launch(cursor);
    return null;
  }

  /** Who reads has the link to itself: bytes that nobody reads may be on their way in a connection that is kept. */
  #endLingering(): void {
    for (const cursor of this.#cursors) {
      if (!cursor.lingers) continue;
      cursor.lingers = false;
      cursor.review();
    }
  }

  #claimOn(cursor: Cursor): Claim {
    return { cursor, since: this.clock.now(), queuedBefore: cursor.queuedFor };
  }

  /** A reader has moved: those that rest may go on, and it shall not run dry. */
  follow(reader: Reader): void {
    this.review();
    const { lifecycle, demand } = this.#parts;
    if (this.#ended !== null || this.#held || !this.resumable || !demand.readers.has(reader)) return;
    if (reader.plays && this.policy.fill === 'complete') this.#errands.completeFrom(reader.position);
    if (lifecycle.state.phase !== 'filling' && lifecycle.state.phase !== 'paused') return;
    const missing = aheadOf(demand.sightOf(reader, this.course.widest), this.course.ground);
    if (missing === null) return;
    const plan = planFor(missing, this.course.ground, this.#cursors, this.course.firstByteIn);
    if (!('open' in plan)) return;
    const cursor = this.#add(plan.open, null);
    this.#endLingering();
    this.#launch(cursor);
  }

  /**
   * A reader has gone; one that has watched may come back to the cursors that it had. But many players open the next
   * place before they close the last one: where somebody else reads, nothing is kept.
   */
  left({ plays, position }: Reader): void {
    const mayComeBack = plays && this.#parts.demand.readers.size === 0;
    if (mayComeBack) for (const cursor of this.#cursors) cursor.lingers ||= cursor.position >= position;
    this.#played ||= plays;
    this.review();
  }

  /** Readers have come or moved. */
  review(): void {
    for (const cursor of this.#cursors) cursor.review();
    this.#work();
    this.#settle(null);
  }

  /** Whether there is work that needs no reader, or a user's word that is to be kept. */
  get engaged(): boolean {
    return this.#held || this.#errands.open;
  }

  /** Brings bytes in behind all playback; resolves when they are present. Rejects with `FillFailed`. */
  async warm(
    ranges: readonly ByteRange[],
    onProgress: (progress: ErrandProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#ended !== null) throw new FillFailed(this.#ended, this.#parts.lifecycle.state.phase);
    const warmed = this.#errands.warm(ranges, onProgress, signal);
    this.#lookAtErrands();
    this.#work();
    await warmed;
  }

  /** Asks the origin for nothing until it is released. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#parts.lifecycle.apply({ type: 'held' });
    for (const cursor of this.#cursors) cursor.stop();
    void this.#parts.bytes.commit();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    const { lifecycle, demand } = this.#parts;
    if (lifecycle.state.phase === 'paused') lifecycle.apply({ type: 'released' });
    for (const reader of demand.readers) if (reader.waitingSince !== null) this.claim(reader);
    this.review();
  }

  /** Sends a cursor for what is wanted although nobody waits for it, where none is on its way there. */
  #work(): void {
    const { bytes } = this.#parts;
    if (this.#held || this.#ended !== null) return;
    this.#finishUnits();
    if (!this.#errands.open) return;
    const ground = this.course.ground;
    const missing = this.#errands.next(bytes.present, ground.length);
    if (missing === null) return;
    if (!this.#mayBringMore) {
      this.#errands.end({ kind: 'uncombinable' });
      return;
    }
    const underWay = [...this.#cursors].some(
      ({ position }) => ground.ranges === false || this.#errands.covers(position),
    );
    if (underWay) return;
    const plan = planFor(missing, ground, this.#cursors, this.course.firstByteIn);
    this.#launch(this.#add('open' in plan ? plan.open : missing, null));
  }

  /**
   * What was played is kept in whole units, the index of a film at its end as well. That waits until no cursor is left:
   * nobody who seeks shall share the link with it.
   */
  #finishUnits(): void {
    const { demand, bytes, lifecycle } = this.#parts;
    if (lifecycle.state.phase === 'failed') this.#played = false;
    if (!this.#played || demand.readers.size > 0 || this.#cursors.size > 0) return;
    this.#played = false;
    const { ranges, length } = this.course.ground;
    if (this.policy.fill === 'window' && ranges && this.#mayBringMore) this.#errands.finishUnits(bytes.present, length);
  }

  /** Whether what is missing can still be asked for and kept. */
  get #mayBringMore(): boolean {
    const { bytes } = this.#parts;
    return (
      !bytes.passing && !this.#guard.live && (this.resumable || this.#cursors.size > 0 || bytes.present.size === 0)
    );
  }

  #lookAtErrands(): void {
    const { bytes, lifecycle } = this.#parts;
    this.#errands.look(bytes.present, lifecycle.known?.length ?? null);
  }

  /** Nothing more will be brought; `failure` is what those are told who wait for it. */
  end(failure: Failure): void {
    this.#ended ??= failure;
    this.#guard.end();
    this.#errands.end(failure);
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

  get reachability(): ReachabilityView {
    return this.#parts.reachability;
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
    return this.#ended === null && this.course.combinable;
  }

  hopeUntil(cursor: Cursor): number {
    return this.#parts.demand.hopeUntil(cursor, this.course.reach(cursor).served);
  }

  async judge(asked: Asked, reply: OriginReply): Promise<BodyRange | null> {
    const isFirst = this.#parts.lifecycle.known === null;
    const { exclusive } = this.#guard;
    const body = await this.#unlessChanged(this.#guard.judge(asked, reply));
    if (!isFirst && !exclusive && this.#guard.exclusive) this.#turnAway();
    this.#parts.waiters.wake();
    this.#completeIfWhole();
    return body;
  }

  meetingOf(cursor: Cursor): ByteRange | null {
    return this.#guard.meetingAfter(cursor.position);
  }

  verify(offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
    return this.#unlessChanged(this.#guard.verify(offset, bytes, signal));
  }

  land(cursor: Cursor, landed: Buffer): Promise<void> | undefined {
    const { clock, events, name, bytes, demand, waiters } = this.#parts;
    const { position: offset } = cursor;
    this.#guard.reached(offset);
    const pressure = bytes.write(offset, landed);
    cursor.position += landed.length;
    demand.landed({ start: offset, end: cursor.position }, this.course.widest);
    this.course.flowed(cursor);
    const { fill, origin } = name;
    events.emit({ type: 'bytes-landed', at: clock.now(), fill, origin, offset, bytes: landed.length });
    for (const other of this.#cursors) if (bytes.present.has(other.position)) other.overtaken();
    if (this.#errands.open) {
      this.#errands.prospers();
      this.#lookAtErrands();
    }
    waiters.wake();
    this.#completeIfWhole();
    return pressure;
  }

  bodyEnded(position: number, certain: boolean): void {
    this.#guard.bodyEnded(position, certain);
    this.#lookAtErrands();
    this.#parts.waiters.wake();
    this.#completeIfWhole();
  }

  firstByte(cursor: Cursor, times: FirstByteTimes, early: boolean): void {
    const { clock, events, name } = this.#parts;
    this.course.answered(times, early);
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
    // What fails in the background is tried again, and is no state of the fill.
    const unheard = failure !== null && this.#parts.demand.readers.size === 0 && this.#errands.covers(cursor.position);
    if (!cursor.live) {
      this.opened();
      this.#cursors.delete(cursor);
      this.#disown(cursor, failure);
      for (const other of this.#cursors) other.review();
      if (failure !== null) this.#played = false;
      if (failure !== null && this.#errands.covers(cursor.position)) this.#errands.failed(failure);
      else this.#work();
    }
    this.#settle(unheard ? null : failure);
    this.#parts.waiters.wake();
  }

  /** Those to whom a cursor owed a byte learn why it will not come, or find another to owe it. */
  #disown(cursor: Cursor, failure: Failure | null): void {
    const { demand, bytes } = this.#parts;
    for (const reader of demand.readers) {
      if (reader.claim?.cursor !== cursor) continue;
      reader.claim = null;
      if (reader.waitingSince === null || bytes.present.has(reader.position)) continue;
      if (failure === null) {
        this.claim(reader);
        continue;
      }
      const error = demand.outOfReach(reader);
      reader.failed = this.#failedFor(error === null ? failure : { kind: 'error', error }, cursor.budgetSpent);
    }
  }

  /** What comes is for one client only: of those who have got nothing yet, the others ask for themselves. */
  #turnAway(): void {
    for (const reader of this.#parts.demand.readers) {
      if (reader.waitingSince === null || reader.begun) continue;
      const unfit = this.unfitFor(reader);
      if (unfit !== null) reader.failed = new FillFailed(unfit, this.#parts.lifecycle.state.phase);
    }
  }

  #failedFor(failure: Failure, spent: boolean): FillFailed {
    return new FillFailed(this.toldTo(failure, spent), this.#parts.lifecycle.state.phase, spent);
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

  #add(position: number, notBefore: number | null, opening: Opening | null = null): Cursor {
    const cursor = new Cursor(this, this.#nextCursor, position, notBefore, opening);
    this.#nextCursor += 1;
    this.#cursors.add(cursor);
    return cursor;
  }

  #launch(cursor: Cursor): void {
    this.#settle(null);
    cursor.run().catch((error: unknown) => {
      this.#parts.events.emit(bugOf(error, this.clock.now()));
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
}

function heldByUser(): Failure {
  const error = new ProxyError('proxy_internal_response', 'This title is paused until it is resumed.', {
    retryAfter: 5,
  });
  return { kind: 'error', error };
}
