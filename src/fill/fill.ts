/**
 * Brings one representation in: owns its state, its cursors, its readers and the bytes that they share.
 *
 * The bytes are the pipe: cursors write into them, readers read out of them, and `present` says what is there. A byte
 * goes one way only: landed → written → present → readers woken. A fill never changes its representation: where the
 * origin answers with another, this fill is obsolete and a new one begins.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { EventBus, RetryCause } from '../events.ts';
import type { Fields } from '../http/fields.ts';
import type { AskedBytes } from '../http/origin-answer.ts';
import { combinable, type Representation, sameRepresentation } from '../http/representation.ts';
import { formatValidator } from '../http/validator.ts';
import type { Origin, OriginReply, OriginRequest } from '../origin/origin.ts';
import { type Store, StoreError, type StoreObject } from '../store/store.ts';
import { type Content, judgeAnswer } from './answer-judge.ts';
import type { ConnectionSlots } from './connection-slots.ts';
import { Cursor, type CursorHost, type FirstByteTimes } from './cursor.ts';
import { aheadOf, type Ground, planFor, type Reach, type ReaderSight, reachOf } from './cursor-plan.ts';
import { describeFailure, type Failure, FillFailed } from './failure.ts';
import type { FillPolicy } from './fill-policy.ts';
import { type FillEvent, type FillState, representationOf, transition } from './fill-state.ts';
import { type FillView, viewCursor, viewState } from './fill-view.ts';
import {
  type Arrival,
  arrivalAt,
  type Budget,
  type Debt,
  deadlineOf,
  type Failed,
  type HeadArrival,
  headAt,
  Waiters,
} from './first-byte.ts';
import { LandedBytes, passingWindow, readUnit } from './landed-bytes.ts';
import { Reader, type ReaderHost, type Taken } from './reader.ts';
import { retryAfter } from './retry.ts';

/** What a new request is thought to take to its first byte before any was measured, in milliseconds. */
const firstByteGuess = 300;

export interface FillParts {
  readonly id: number;
  readonly origin: Origin;
  /** Path and query at the origin. */
  readonly target: string;
  /** The same without the query, for events. */
  readonly path: string;
  readonly objectName: string;
  readonly store: Pick<Store, 'create' | 'remove'>;
  /** Whether an answer with this status and these fields may be stored. */
  readonly mayStore: (status: number, fields: Fields) => boolean;
  readonly slots: ConnectionSlots;
  readonly policy: FillPolicy;
  readonly clock: Clock;
  readonly events: EventBus;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

export class Fill implements CursorHost, ReaderHost {
  readonly #parts: FillParts;
  readonly #bytes: LandedBytes;
  readonly #readers = new Set<Reader>();
  readonly #cursors = new Set<Cursor>();
  readonly #waiters: Waiters;
  #state: FillState;
  #adopting: Promise<void> | null = null;
  #obsolete = false;
  #closed = false;
  #shared = true;
  #nextCursor = 1;
  #firstByteIn = firstByteGuess;
  #began = 0;

  /** `object` is what the store had of it. */
  constructor(parts: FillParts, object: StoreObject | null) {
    this.#parts = parts;
    this.#bytes = new LandedBytes(object);
    this.#waiters = new Waiters(parts.clock);
    this.#state = { phase: 'idle', stored: object?.representation ?? null };
    if (object?.representation.length === this.#bytes.present.size) this.#apply({ type: 'whole' });
  }

  get id(): number {
    return this.#parts.id;
  }

  get state(): FillState {
    return this.#state;
  }

  get known(): Representation | null {
    return representationOf(this.#state);
  }

  /** Whether later requests may use it: it is current, and what it brings may be shared. */
  get reusable(): boolean {
    return !this.#obsolete && this.#shared;
  }

  /** How many read it now. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Whether the origin is being asked, or its body comes in. */
  get busy(): boolean {
    return this.#cursors.size > 0;
  }

  /** Whether nobody reads it and nothing comes in. */
  get quiet(): boolean {
    return this.#readers.size === 0 && this.#cursors.size === 0;
  }

  /** Whether the bytes go past the store. */
  get passing(): boolean {
    return this.#bytes.passing;
  }

  /** How much of `range` is present. */
  presence(range: ByteRange): 'all' | 'some' | 'none' {
    if (this.#bytes.present.covers(range)) return 'all';
    const next = this.#bytes.present.nextStart(range.start);
    return next !== null && next < range.end ? 'some' : 'none';
  }

  /** A new reader at `position`, which stops at `end` (`null`: the end of the representation). */
  join(position: number, end: number | null): Reader {
    const reader = new Reader(this, position, end);
    this.#readers.add(reader);
    return reader;
  }

  /** The same representation, vouched for again by the origin with fresher fields. */
  describe(representation: Representation): void {
    this.#apply({ type: 'described', representation });
    this.#bytes.describe(representation);
  }

  /** Another representation has taken its place: what is present is read on, nothing more is fetched. */
  supersede(): void {
    this.#obsolete = true;
    for (const cursor of this.#cursors) cursor.stop();
  }

  /** Stops everything and makes durable what can be. Nobody may read any more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const cursor of this.#cursors) cursor.stop();
    await this.#adopting;
    await this.#bytes.close();
    this.#apply({ type: 'closed' });
  }

  view(): FillView {
    return {
      id: this.#parts.id,
      origin: this.#parts.origin.name,
      path: this.#parts.path,
      state: viewState(this.#state, this.#parts.policy, this.#cursors),
      length: this.known?.length ?? null,
      present: [...this.#bytes.present],
      cursors: [...this.#cursors].map(viewCursor),
      readers: [...this.#readers].map(({ position }) => ({ position })),
      waiters: this.#waiters.size,
    };
  }

  // For readers.

  async representation(reader: Reader, signal: AbortSignal): Promise<Representation> {
    const seen = await this.#wait<Exclude<HeadArrival, Failed>>(
      reader,
      () => headAt(this.known, reader.failed),
      signal,
    );
    return seen.representation;
  }

  async arrival(reader: Reader, signal: AbortSignal): Promise<'bytes' | 'end'> {
    const look = () =>
      arrivalAt(reader.position, reader.end, this.known?.length ?? null, this.#bytes.present, reader.failed);
    const seen = await this.#wait<Exclude<Arrival, Failed>>(reader, look, signal);
    return seen.kind;
  }

  take(reader: Reader): Taken | null {
    const end = Math.min(reader.end ?? Number.POSITIVE_INFINITY, this.known?.length ?? Number.POSITIVE_INFINITY);
    return this.#bytes.take(reader.position, end);
  }

  moved(reader: Reader): void {
    const step = Math.floor(reader.position / readUnit);
    if (step === reader.step) return;
    reader.step = step;
    this.#review();
    this.#readAhead(reader);
  }

  lost(range: ByteRange): void {
    this.#bytes.lose(range);
    this.#apply({ type: 'lost' });
  }

  leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.#review();
    this.#settle(null);
  }

  /** The one way of waiting: looks, sees to it that somebody owes what is missing, and waits while there is hope. */
  async #wait<T extends { readonly kind: string }>(
    reader: Reader,
    look: () => T | Failed | null,
    signal: AbortSignal,
  ): Promise<T> {
    let budget: Budget = 'firstByteTimeout';
    reader.failed = null;
    reader.waitingSince = this.clock.now();
    try {
      if (look() === null) {
        reader.waited = true;
        this.#claim(reader);
      }
      const deadline = () => {
        const { at, budget: spent } = this.#deadlineOf(reader);
        budget = spent;
        return at;
      };
      const seen = await this.#waiters.wait(look, deadline, signal);
      if (seen === null) throw this.#tooLate(reader, budget);
      if (isFailed(seen)) throw seen.error;
      return seen;
    } finally {
      reader.waitingSince = null;
    }
  }

  #deadlineOf(reader: Reader): { at: number; budget: Budget } {
    const { clock, policy } = this.#parts;
    const wait = {
      since: reader.waitingSince ?? clock.now(),
      begun: reader.begun,
      queuedBefore: reader.claim?.queuedBefore ?? 0,
    };
    const debt: Debt = reader.claim?.cursor ?? { queued: false, queuedFor: 0, progressAt: null };
    return deadlineOf(wait, debt, policy, clock.now());
  }

  /** What a reader is told whose budget is spent: the last that was heard, or that nothing was. */
  #tooLate(reader: Reader, budget: Budget): FillFailed {
    const failed = new FillFailed(this.#lastHeard(reader, budget), this.#state.phase, true);
    const cursor = reader.claim?.cursor;
    reader.claim = null;
    if (cursor !== undefined && budget !== 'queueTimeout' && !this.demanded(cursor)) cursor.giveUp(failed.failure);
    return failed;
  }

  #lastHeard(reader: Reader, budget: Budget): Failure {
    const { clock, origin } = this.#parts;
    const cursor = reader.claim?.cursor;
    if (budget === 'queueTimeout') {
      const message = `Every connection to the origin ${origin.name} was busy.`;
      const error = new ProxyError('connection_limit_reached', message, { setting: budget, retryAfter: 5 });
      return { kind: 'error', error };
    }
    if (cursor?.lastFailure) return cursor.lastFailure;
    const silence = ((clock.now() - (reader.waitingSince ?? 0)) / 1000).toFixed(1);
    const message = `No byte came from the origin ${origin.name} within ${silence} s.`;
    return { kind: 'error', error: new ProxyError('http_response_timeout', message, { setting: budget }) };
  }

  /** Sees to it that a cursor owes the reader the byte that it waits for, or that the reader knows why none can. */
  #claim(reader: Reader): void {
    if (reader.claim?.cursor.live) return;
    if (this.#closed) {
      reader.failed = new FillFailed({ kind: 'error', error: shutDown() }, this.#state.phase);
      return;
    }
    if (this.#obsolete) {
      reader.failed = new FillFailed({ kind: 'changed' }, this.#state.phase);
      return;
    }
    const { clock, policy } = this.#parts;
    const plan = planFor(reader.position, this.#ground(), this.#cursors, this.#firstByteIn);
    if ('join' in plan) {
      reader.claim = { cursor: plan.join, queuedBefore: plan.join.queuedFor };
      plan.join.review();
      return;
    }
    if (!this.resumable) {
      reader.failed = new FillFailed({ kind: 'uncombinable' }, this.#state.phase);
      return;
    }
    const retryAt = this.#state.phase === 'failed' ? this.#state.retryAt : null;
    if (this.#state.phase === 'failed' && retryAt !== null && retryAt - clock.now() > policy.firstByteTimeout) {
      reader.failed = new FillFailed(this.#state.failure, this.#state.phase);
      return;
    }
    const cursor = this.#openCursor(plan.open, retryAt);
    reader.claim = { cursor, queuedBefore: 0 };
    this.#launch(cursor);
  }

  // For cursors.

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
    const { known } = this;
    return !this.#obsolete && (known === null || combinable(known));
  }

  reach(cursor: Cursor): Reach {
    return reachOf(cursor, this.#ground(), this.#cursors, this.#sights());
  }

  demanded(cursor: Cursor): boolean {
    for (const reader of this.#readers) {
      if (reader.claim?.cursor === cursor && reader.waitingSince !== null) return true;
    }
    return false;
  }

  hopeUntil(cursor: Cursor): number {
    const { policy } = this.#parts;
    let until = Number.NEGATIVE_INFINITY;
    for (const reader of this.#readers) {
      if (reader.claim?.cursor !== cursor || reader.waitingSince === null) continue;
      until = Math.max(until, this.#deadlineOf(reader).at);
    }
    if (!this.reach(cursor).served) return until;
    const own = cursor.progressAt === null ? policy.firstByteTimeout : policy.healTimeout;
    return Math.max(until, (cursor.progressAt ?? cursor.openedAt) + own);
  }

  request(cursor: Cursor): OriginRequest & { readonly end: number | null } {
    const { known } = this;
    const { hard } = this.reach(cursor);
    const end = hard < (known?.length ?? Number.POSITIVE_INFINITY) ? hard : this.#boundOf(cursor);
    const fields: [string, string][] = [['range', `bytes=${cursor.position}-${end === null ? '' : end - 1}`]];
    if (known?.validator?.strong) fields.push(['if-range', formatValidator(known.validator)]);
    return { target: this.#parts.target, fields, end };
  }

  async judge(asked: AskedBytes, reply: OriginReply): Promise<{ start: number; end: number | null }> {
    const content = await judgeAnswer(asked, reply, this.#parts.clock.wallTime()).catch((error: unknown) => {
      // An offset inside what was known is past the end of what is there now.
      const past = error instanceof FillFailed && error.failure.kind === 'unsatisfiable' && this.known !== null;
      throw past ? this.#changed() : error;
    });
    await this.#adopt(content, reply);
    return content.kind === 'empty' ? { start: 0, end: null } : content;
  }

  land(cursor: Cursor, bytes: Buffer): Promise<void> | undefined {
    const { clock, events, origin } = this.#parts;
    const pressure = this.#bytes.write(cursor.position, bytes);
    cursor.position += bytes.length;
    events.emit({ type: 'bytes-landed', at: clock.now(), origin: origin.name, bytes: bytes.length });
    for (const other of this.#cursors) if (this.#bytes.present.has(other.position)) other.overtaken();
    this.#waiters.wake();
    this.#completeIfWhole();
    return pressure;
  }

  ended(position: number, certain: boolean): void {
    const { known } = this;
    if (known === null) return;
    this.#apply({ type: 'described', representation: { ...known, length: position } });
    if (certain) this.#bytes.describe({ ...known, length: position });
    else this.#unshare();
    this.#waiters.wake();
    this.#completeIfWhole();
  }

  firstByte(cursor: Cursor, times: FirstByteTimes): void {
    const { clock, events } = this.#parts;
    this.#firstByteIn = Math.max(1, times.landedAt - times.startedAt);
    const { attempt, position } = cursor;
    const storedAt = clock.now();
    events.emit({
      type: 'fill-first-byte',
      at: storedAt,
      ...this.#named(),
      offset: position,
      attempt,
      storedAt,
      ...times,
    });
  }

  asksAgain(cursor: Cursor, cause: RetryCause, delay: number): void {
    const { clock, events } = this.#parts;
    const { attempt, position: offset } = cursor;
    const kind = cursor.landed > 0 ? 'heal' : 'retry';
    events.emit({ type: 'retry', at: clock.now(), ...this.#named(), kind, cause, offset, attempt, delay });
  }

  phaseChanged(cursor: Cursor): void {
    if (!cursor.live) {
      this.#cursors.delete(cursor);
      for (const reader of this.#readers) {
        if (reader.claim?.cursor !== cursor) continue;
        reader.claim = null;
        if (reader.waitingSince === null) continue;
        const failure = cursor.phase === 'failed' ? cursor.lastFailure : null;
        if (failure !== null) reader.failed = new FillFailed(failure, this.#state.phase, cursor.budgetSpent);
        else if (this.presence({ start: reader.position, end: reader.position + 1 }) === 'none') this.#claim(reader);
      }
      this.#review();
    }
    this.#settle(cursor.phase === 'failed' ? cursor.lastFailure : null);
    this.#waiters.wake();
  }

  /** Takes the representation that an answer shows: the first one is this fill's, every other must be the same. */
  async #adopt(content: Content, reply: OriginReply): Promise<void> {
    while (this.#adopting !== null) await this.#adopting;
    const { known } = this;
    const { representation } = content;
    if (known !== null) {
      if (!combinable(known)) throw new FillFailed({ kind: 'uncombinable' });
      if (!sameRepresentation(known, representation)) throw this.#changed();
      const ranges = known.ranges || representation.ranges;
      const updated = { ...representation, length: known.length ?? representation.length, ranges };
      if (this.#state.phase === 'starting')
        this.#apply({ type: 'head', at: this.clock.now(), representation: updated });
      else if (ranges !== known.ranges) this.#apply({ type: 'described', representation: updated });
      return;
    }
    const adopted = Promise.withResolvers<void>();
    this.#adopting = adopted.promise;
    try {
      const opaque = content.kind === 'content' && content.opaque;
      const { store, objectName, mayStore } = this.#parts;
      if (opaque || !mayStore(reply.status, reply.fields)) this.#unshare();
      else if (!this.#obsolete) this.#bytes.writeTo(await created(store, objectName, representation));
      this.#apply({ type: 'head', at: this.clock.now(), representation });
    } finally {
      this.#adopting = null;
      adopted.resolve();
    }
    this.#waiters.wake();
    this.#completeIfWhole();
  }

  #changed(): FillFailed {
    const failed = new FillFailed({ kind: 'changed' }, this.#state.phase);
    this.supersede();
    for (const reader of this.#readers) if (reader.waitingSince !== null) reader.failed = failed;
    this.#waiters.wake();
    return failed;
  }

  /** What it brings is for those who wait for it now, and for nobody later. */
  #unshare(): void {
    this.#shared = false;
    this.#bytes.writeTo(null);
  }

  #completeIfWhole(): void {
    const length = this.known?.length ?? null;
    if (this.#state.phase !== 'filling' || length === null || this.#bytes.present.size < length) return;
    const { clock, events } = this.#parts;
    this.#apply({ type: 'whole' });
    events.emit({ type: 'fill-done', at: clock.now(), ...this.#named(), length, duration: clock.now() - this.#began });
    void this.#bytes.commit();
    this.#review();
  }

  #openCursor(position: number, notBefore: number | null): Cursor {
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

  /** A reader that reads along shall not run dry. */
  #readAhead(reader: Reader): void {
    if (this.#closed || !this.resumable || !this.#readers.has(reader)) return;
    if (this.#state.phase !== 'filling' && this.#state.phase !== 'paused') return;
    const offset = aheadOf(this.#sight(reader), this.#ground(), this.#cursors);
    if (offset !== null) this.#launch(this.#openCursor(offset, null));
  }

  #review(): void {
    for (const cursor of this.#cursors) cursor.review();
  }

  /** Brings the phase in line with what the cursors do; `failure` is what ended the last of them. */
  #settle(failure: Failure | null): void {
    const { clock } = this.#parts;
    const at = clock.now();
    const busy = ['queued', 'starting', 'filling'].includes(this.#state.phase);
    if (this.#state.phase === 'complete') return;
    if (this.#cursors.size === 0) {
      if (busy && failure !== null) {
        const pause = retryAfter(failure, clock.wallTime());
        this.#apply({ type: 'failed', failure, retryAt: pause > 0 ? at + pause : null });
      } else if (busy && this.#readers.size === 0) {
        this.#apply({ type: 'deserted' });
        void this.#bytes.commit();
      }
      return;
    }
    if (!busy) {
      this.#began = at;
      this.#apply({ type: 'wanted', at });
    }
    const started = [...this.#cursors].filter((cursor) => cursor.phase !== 'queued');
    if (this.#state.phase === 'queued' && started.length > 0) this.#apply({ type: 'granted', at });
    if (this.#state.phase !== 'starting') return;
    if (started.length === 0) {
      this.#apply({ type: 'requeued', at });
      return;
    }
    const attempt = Math.max(...started.map((cursor) => cursor.attempt));
    if (attempt !== this.#state.attempt) this.#apply({ type: 'attempt', attempt });
  }

  #apply(event: FillEvent): void {
    const from = this.#state.phase;
    this.#state = transition(this.#state, event);
    const { clock, events } = this.#parts;
    const to = this.#state.phase;
    if (from === to) return;
    events.emit({ type: 'fill-state', at: clock.now(), ...this.#named(), from, to });
    if (event.type !== 'failed') return;
    const { failure } = event;
    const error = failure.kind === 'error' ? failure.error.type : 'origin_status';
    const status = failure.kind === 'answer' ? failure.answer.status : null;
    const message = describeFailure(failure);
    events.emit({ type: 'fill-failed', at: clock.now(), ...this.#named(), error, status, message });
  }

  #ground(): Ground {
    const { known } = this;
    const length = known?.length ?? Number.POSITIVE_INFINITY;
    return { present: this.#bytes.present, length, ranges: known?.ranges ?? null };
  }

  *#sights(): Generator<ReaderSight<Cursor>> {
    for (const reader of this.#readers) yield this.#sight(reader);
  }

  #sight(reader: Reader): ReaderSight<Cursor> {
    const window = this.#bytes.passing ? passingWindow : this.#parts.policy.readAhead;
    const bound = reader.end === null ? Number.POSITIVE_INFINITY : unitsUp(reader.end);
    const owedBy = reader.waitingSince === null ? null : (reader.claim?.cursor ?? null);
    return { position: reader.position, edge: Math.min(reader.position + window, bound), owedBy };
  }

  /** Where a request may end because all whom it serves want a bounded range; `null` where one wants all. */
  #boundOf(cursor: Cursor): number | null {
    let bound = 0;
    for (const reader of this.#readers) {
      if (reader.position > cursor.position && reader.claim?.cursor !== cursor) continue;
      if (reader.end === null) return null;
      bound = Math.max(bound, unitsUp(reader.end));
    }
    return bound > cursor.position && bound < (this.known?.length ?? Number.POSITIVE_INFINITY) ? bound : null;
  }

  #named(): { fill: number; origin: string; path: string } {
    return { fill: this.#parts.id, origin: this.#parts.origin.name, path: this.#parts.path };
  }
}

function shutDown(): ProxyError {
  const message = 'firstbyte is shutting down.';
  return new ProxyError('proxy_internal_response', message, { setting: 'drainTimeout', retryAfter: 5 });
}

function isFailed(seen: { readonly kind: string }): seen is Failed {
  return seen.kind === 'failed';
}

function unitsUp(offset: number): number {
  return Math.ceil(offset / readUnit) * readUnit;
}

/** A new object, or `null` where the store can't make one: then the bytes go past it. */
async function created(store: Pick<Store, 'create'>, name: string, representation: Representation) {
  try {
    return await store.create(name, representation);
  } catch (error) {
    if (error instanceof StoreError) return null;
    throw error;
  }
}
