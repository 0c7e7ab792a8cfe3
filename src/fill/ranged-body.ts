/**
 * The requests of a fetch, one after the other: each asks for what follows the last. The next is sent before the last one
 * ends, where another connection is free.
 *
 * It holds the right to each connection (`Slot`) and gives it back.
 */

import { BodyRequest, type BodyRequestOptions, type BodyRequestParts, type Pause } from './body-request.ts';
import type { Claimant, ConnectionSlots, Slot } from './connection-slots.ts';
import type { FetchStatus } from './fetch-status.ts';
import type { Opening } from './opening.ts';
import type { Parallelism } from './parallelism.ts';
import type { Goal } from './plan.ts';
import type { RequesterFacts, Upstream } from './upstream.ts';

/** A next request is sent so much earlier than its head is expected to take, because that is not sure. */
const margin = 1.5;

export interface RangedBodyParts
  extends Omit<BodyRequestParts, 'maySpare' | 'length' | 'keepsWarm' | 'connectedIn' | 'late'> {
  readonly upstream: Upstream;
  readonly slots: ConnectionSlots;
  readonly parallelism: Parallelism;
}

/** A fetch, where a request is made for it. */
export interface Requester extends Claimant, RequesterFacts {
  readonly throughput: number | null;
  readonly status: Pick<FetchStatus, 'queuedFor' | 'received'>;
  /** Whether somebody reads what it belongs to. */
  readonly isRead: boolean;
}

export class RangedBody {
  readonly #parts: RangedBodyParts;
  readonly #for: Requester;
  #slot: Slot;
  #current: BodyRequest | null = null;
  #next: { readonly request: BodyRequest; readonly slot: Slot; readonly offset: number } | null = null;

  /** Waits for a connection; or takes the one on which an answer is there. Rejects with the signal's reason. */
  static async open(
    parts: RangedBodyParts,
    requester: Requester,
    opening: Opening | null,
    signal: AbortSignal,
  ): Promise<RangedBody> {
    const slot = opening?.slot ?? (await parts.slots.acquire(requester, signal));
    return new RangedBody(parts, requester, slot);
  }

  private constructor(parts: RangedBodyParts, requester: Requester, slot: Slot) {
    this.#parts = parts;
    this.#for = requester;
    this.#slot = slot;
    slot.hand(requester);
  }

  get current(): BodyRequest | null {
    return this.#current;
  }

  /** Asks for what follows the fetch's position; or takes an answer that is there. */
  ask(opening: Opening | null = null): BodyRequest {
    const { position } = this.#for;
    const request = opening?.request ?? this.#parts.upstream.request(position, this.#for);
    return this.#make(request, { offset: position, early: false }, opening);
  }

  /**
   * The body that is read ends at `end`: asks for what follows so early that it is there by then. Where several fetches
   * run side by side, what follows is another's.
   */
  askEarly(end: number): void {
    const { slots, upstream } = this.#parts;
    const { position, goal, throughput } = this.#for;
    const { firstByteMs, takesEarlyRequests } = upstream;
    const isAlone = goal.piece === Number.POSITIVE_INFINITY;
    if (this.#next !== null || !isAlone || !takesEarlyRequests || throughput === null || !goesOnPast(end, goal)) return;
    if (((end - position) * 1000) / throughput > margin * firstByteMs) return;
    const slot = slots.acquireNow(this.#for);
    if (slot === null) return;
    const request = this.#make(upstream.request(end, this.#for), { offset: end, early: true });
    this.#next = { request, slot, offset: end };
  }

  /** Goes over to the request that was sent early; `null` where that is of no use, or not `isWanted` any more. */
  async takeNext(isWanted: () => boolean): Promise<BodyRequest | null> {
    const next = this.#next;
    if (next === null) return null;
    const answered = await next.request.answered();
    if (this.#next !== next) return null;
    if (!answered) this.#parts.upstream.refusedEarlyRequest();
    if (!answered || next.offset !== this.#for.position || !isWanted()) {
      this.dropNext();
      return null;
    }
    this.#next = null;
    this.#slot.release();
    this.#slot = next.slot;
    return next.request;
  }

  /** Whether one more request may be made over the connection that is held. */
  mayAskAgain(): boolean {
    return this.#parts.slots.spend();
  }

  /** Works on a request; resolves with why it ended where that is no failure, and gives its connection back. */
  async work(request: BodyRequest, on: (request: BodyRequest) => Promise<Pause>): Promise<Pause> {
    this.#current = request;
    try {
      return await on(request);
    } catch (error) {
      return request.outcomeOf(error);
    } finally {
      this.#current = null;
      request.close();
    }
  }

  dropNext(): void {
    const next = this.#next;
    this.#next = null;
    next?.request.stop(new Error('the request was sent too early'));
    next?.slot.release();
  }

  /** Gives up whatever it does. */
  stop(reason: unknown): void {
    this.#current?.stop(reason);
    this.dropNext();
  }

  /** Gives every connection back. */
  close(): void {
    this.dropNext();
    this.#slot.release();
  }

  #make(
    request: BodyRequest['request'],
    { offset, early }: Pick<BodyRequestOptions, 'offset' | 'early'>,
    opening: Opening | null = null,
  ): BodyRequest {
    const { queuedFor, received } = this.#for.status;
    // A reader that came while the first one waited has its whole `firstByteTimeout`, on the same connection; once bytes
    // have come, nobody's wait begins with that.
    const patienceMs = (received > 0 ? 1 : 2) * this.#parts.policy.firstByteTimeout;
    const { parallelism, slots, upstream } = this.#parts;
    const maySpare = () => (upstream.takesEarlyRequests ? slots.spares(parallelism) : 0);
    const length = () => upstream.known?.length ?? null;
    const keepsWarm = () => this.#for.isRead && maySpare() > 0;
    const connectedIn = (milliseconds: number) => slots.connectedIn(milliseconds);
    const slot = this.#slot;
    // What is asked for early is late only while the body before it still comes, by which it would be itself that waits.
    const late = (isLate: boolean) => slot.late(isLate && !early);
    return new BodyRequest(
      { ...this.#parts, maySpare, length, keepsWarm, connectedIn, late },
      request,
      { offset, early, queuedFor, patienceMs },
      opening,
    );
  }
}

/** Whether a request for what follows `offset` is worth it. */
export function goesOnPast(offset: number, { hardEnd, until, refillBefore }: Goal): boolean {
  return hardEnd > offset && until > offset && refillBefore > offset;
}
