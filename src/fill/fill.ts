/**
 * Brings one representation in and gives it to its readers.
 *
 *     origin ─▶ cursors ─▶ landed bytes ─▶ readers
 *              (supply)      present       (demand)
 *
 * The bytes are the pipe: cursors write into them, readers read out of them, and `present` says what is there. A byte
 * goes one way only: landed → written → present → readers woken. A fill never changes its representation: where the
 * origin answers with another, this fill is obsolete and a new one begins.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { ProxyError } from '../errors.ts';
import type { Representation } from '../http/representation.ts';
import type { Held } from '../origin/origin.ts';
import type { StoreObject } from '../store/store.ts';
import { Demand } from './demand.ts';
import type { ErrandProgress } from './errands.ts';
import { type Failure, FillFailed } from './failure.ts';
import type { FillState } from './fill-state.ts';
import { type FillView, viewCursor, viewReader, viewState } from './fill-view.ts';
import { type Arrival, arrivalAt, type Budget, type Failed, type HeadArrival, headAt, Waiters } from './first-byte.ts';
import { LandedBytes, readUnit } from './landed-bytes.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Opening } from './opening.ts';
import type { ReadAheadAllowance } from './read-ahead-allowance.ts';
import { Reader, type ReaderHost, type Taken } from './reader.ts';
import { Supply, type SupplyParts } from './supply.ts';

export type FillParts = Omit<SupplyParts, 'lifecycle' | 'bytes' | 'demand' | 'waiters'>;

export class Fill implements ReaderHost {
  readonly #parts: FillParts;
  readonly #lifecycle: Lifecycle;
  readonly #bytes: LandedBytes;
  readonly #demand: Demand;
  readonly #waiters: Waiters;
  readonly #supply: Supply;

  /** `object` is what the store had of it. */
  constructor(parts: FillParts, object: StoreObject | null) {
    const { name, clock, events } = parts;
    this.#parts = parts;
    this.#lifecycle = new Lifecycle(name, object?.representation ?? null, clock, events);
    this.#bytes = new LandedBytes(object, () => this.#lifecycle.apply({ type: 'lost' }));
    this.#demand = new Demand({ ...parts, bytes: this.#bytes });
    this.#waiters = new Waiters(clock);
    this.#supply = new Supply({
      ...parts,
      lifecycle: this.#lifecycle,
      bytes: this.#bytes,
      demand: this.#demand,
      waiters: this.#waiters,
    });
    if (object?.representation.length === this.#bytes.present.size) this.#lifecycle.apply({ type: 'whole' });
  }

  /** The number that its events carry. */
  get id(): number {
    return this.#parts.name.fill;
  }

  get state(): FillState {
    return this.#lifecycle.state;
  }

  get known(): Representation | null {
    return this.#lifecycle.known;
  }

  /** What there is of its representation, for the origin to compare. */
  get held(): Held | undefined {
    return this.#supply.held;
  }

  /** Whether later requests may use it: it is current, and what it brings may be shared. */
  get reusable(): boolean {
    return this.#supply.shared;
  }

  /** Where a live stream is now, which later requests may join there; `null` for what has a beginning. */
  get frontier(): number | null {
    return this.#supply.frontier;
  }

  /** How long a reply waits for its first byte, and in its midst for each one that follows, in milliseconds. */
  get patience(): { readonly first: number; readonly next: number } {
    const { firstByteTimeout: first, healTimeout: next } = this.#parts.policy;
    return { first, next };
  }

  /** How many read it now. */
  get readers(): number {
    return this.#demand.readers.size;
  }

  /** Whether the origin is being asked, or its body comes in. */
  get busy(): boolean {
    return this.#supply.cursors.size > 0;
  }

  /** Whether it is at work, or kept from it by a user: not to be closed because nobody reads. */
  get engaged(): boolean {
    return this.busy || this.#supply.engaged;
  }

  /** Whether the bytes go past the store. */
  get passing(): boolean {
    return this.#bytes.passing;
  }

  /** The first bytes of the representation, at most `length`; `null` where so many are not present. */
  beginning(length: number, signal: AbortSignal): Promise<Buffer | null> {
    return this.#bytes.beginning(Math.min(length, this.#length ?? length), signal);
  }

  /** How much of `range` is present. */
  presence(range: ByteRange): 'all' | 'some' | 'none' {
    const { present } = this.#bytes;
    if (present.covers(range)) return 'all';
    const next = present.nextStart(range.start);
    return next !== null && next < range.end ? 'some' : 'none';
  }

  /** Whether all of `range` is present or can be had, with `end: null` for the end of the representation. */
  canGive(range: { readonly start: number; readonly end: number | null }): boolean {
    return this.#supply.canBring(range);
  }

  /**
   * A new reader at `position`, which stops at `end` (`null`: the end of the representation); what is fetched ahead of it
   * counts towards its client's `allowance`.
   */
  join(position: number, end: number | null, allowance?: ReadAheadAllowance): Reader {
    const reader = new Reader(this, position, end, this.#parts.clock, allowance);
    this.#demand.readers.add(reader);
    this.#attend();
    return reader;
  }

  /** The same representation, vouched for again by the origin with fresher fields. */
  describe(representation: Representation): void {
    this.#lifecycle.apply({ type: 'described', representation });
    this.#bytes.describe(representation);
  }

  /** Bytes that were present can't be read any more: who wants them has them fetched again. */
  lose(range: ByteRange): void {
    this.#bytes.lose(range);
  }

  /** Begins with an answer that came before there was this fill; resolves when it has been judged. */
  begin(opening: Opening): Promise<void> {
    return this.#supply.begin(opening);
  }

  /** The origin says by now that it is for one client: for the first who asks here next. */
  reserve(): void {
    this.#supply.reserve();
  }

  /** Another representation has taken its place: what is present is read on, nothing more is fetched. */
  supersede(): void {
    this.#supply.end({ kind: 'changed' });
  }

  /** Stops everything and makes durable what can be; whoever still waits is told so. */
  async close(): Promise<void> {
    const message = 'firstbyte is shutting down.';
    const error = new ProxyError('proxy_internal_response', message, { setting: 'drainTimeout', retryAfter: 5 });
    this.#supply.end({ kind: 'error', error });
    await this.#supply.settled();
    await this.#bytes.close();
    this.#lifecycle.apply({ type: 'closed' });
  }

  /**
   * Asks the origin for nothing until `resume`: what is present is served, whoever comes for what is missing is told 503,
   * and who is in mid-reply waits. Where every byte is present there is nothing to pause.
   */
  pause(): void {
    if (this.state.phase !== 'complete') this.#supply.hold();
  }

  resume(): void {
    this.#supply.release();
  }

  /**
   * Brings bytes in behind all playback, without a reader and without keeping them in memory; resolves when they are
   * present. Rejects with `FillFailed`, or the signal's reason.
   */
  warm(
    what: readonly ByteRange[] | 'whole',
    { onProgress = () => {}, signal }: { onProgress?: (progress: ErrandProgress) => void; signal: AbortSignal },
  ): Promise<void> {
    const whole = [{ start: 0, end: Number.POSITIVE_INFINITY }];
    return this.#supply.warm(what === 'whole' ? whole : what, onProgress, signal);
  }

  view(): FillView {
    const { name, policy, objectName } = this.#parts;
    return {
      id: name.fill,
      objectId: objectName,
      origin: name.origin,
      path: name.path,
      state: viewState(this.state, policy, this.#supply.cursors),
      length: this.known?.length ?? null,
      present: [...this.#bytes.present],
      durable: this.#bytes.durable,
      cursors: [...this.#supply.cursors].map(viewCursor),
      readers: [...this.#demand.readers].map(viewReader),
      waiters: this.#waiters.size,
    };
  }

  // What readers need of their host.

  async representation(reader: Reader, signal: AbortSignal): Promise<Representation> {
    const look = () => headAt(this.known, reader.failed);
    const { representation } = await this.#wait<Exclude<HeadArrival, Failed>>(reader, look, signal);
    const unfit = this.#supply.unfitFor(reader);
    if (unfit !== null) throw new FillFailed(unfit, this.state.phase);
    return representation;
  }

  async arrival(reader: Reader, signal: AbortSignal): Promise<'bytes' | 'end'> {
    const look = () => arrivalAt(reader.position, reader.end, this.#length, this.#bytes.present, reader.failed);
    return (await this.#wait<Exclude<Arrival, Failed>>(reader, look, signal)).kind;
  }

  take(reader: Reader, signal: AbortSignal, ahead: boolean): Taken | null {
    const end = Math.min(reader.end ?? Number.POSITIVE_INFINITY, this.#length ?? Number.POSITIVE_INFINITY);
    const taken = this.#bytes.take(reader.position, end, signal, ahead ? 'ahead' : reader.begun ? 'next' : 'first');
    if (taken !== null) reader.pace.took(taken.end - taken.start, this.#parts.clock.now());
    return taken;
  }

  moved(reader: Reader): void {
    const step = Math.floor(reader.position / readUnit);
    if (step === reader.step) return;
    reader.step = step;
    this.#attend();
    this.#supply.follow(reader);
  }

  leave(reader: Reader): void {
    if (!this.#demand.readers.delete(reader)) return;
    this.#attend();
    this.#supply.left(reader);
  }

  #attend(): void {
    this.#bytes.attend([...this.#demand.readers].map(({ position }) => position));
  }

  get #length(): number | null {
    return this.known?.length ?? null;
  }

  /** The one way of waiting: looks, sees to it that somebody owes what is missing, and waits while there is hope. */
  async #wait<T extends { readonly kind: string }>(
    reader: Reader,
    look: () => T | Failed | null,
    signal: AbortSignal,
  ): Promise<T> {
    let budget: Budget = 'firstByteTimeout';
    reader.failed = null;
    reader.waitingSince = this.#parts.clock.now();
    try {
      if (look() === null) {
        reader.waited = true;
        this.#supply.claim(reader);
      }
      const deadline = () => {
        const { at, budget: spent } = this.#demand.deadlineOf(reader);
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

  /** What a reader is told whose budget is spent: the last that was heard, or that nothing was. */
  #tooLate(reader: Reader, budget: Budget): FillFailed {
    const cursor = reader.claim?.cursor;
    const failed = new FillFailed(this.#lastHeard(reader, budget), this.state.phase, true);
    reader.claim = null;
    const deserted = cursor !== undefined && !this.#demand.isWaitedFor(cursor);
    if (deserted && budget !== 'queueTimeout') cursor.giveUp(failed.failure);
    return failed;
  }

  #lastHeard(reader: Reader, budget: Budget): Failure {
    const { clock, origin, reachability } = this.#parts;
    // Who queues behind those who wait for an origin out of reach waits for the same.
    const told = this.#demand.outOfReach(reader) ?? (budget === 'queueTimeout' ? reachability.outOfReach : null);
    if (told !== null) return { kind: 'error', error: told };
    if (budget === 'queueTimeout') {
      const message = `Every connection to the origin ${origin.name} was busy.`;
      const error = new ProxyError('connection_limit_reached', message, { setting: budget, retryAfter: 5 });
      return { kind: 'error', error };
    }
    const heard = reader.claim?.cursor.lastFailure;
    if (heard) return this.#supply.toldTo(heard, true);
    const silence = ((clock.now() - (reader.claim?.since ?? clock.now())) / 1000).toFixed(1);
    const message = `No byte came from the origin ${origin.name} within ${silence} s.`;
    return { kind: 'error', error: new ProxyError('http_response_timeout', message, { setting: budget }) };
  }
}

function isFailed(seen: { readonly kind: string }): seen is Failed {
  return seen.kind === 'failed';
}
