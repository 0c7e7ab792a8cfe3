/**
 * An origin whose targets move: a hook tells the URL of each target, and is asked again when that has expired.
 *
 * The hook is asked once for all requests that wait: when a target's URL is not known yet, when it has expired, or when
 * the origin refuses it. Then the same request is sent to the new URL. An answer is remembered until it expires.
 */
import { pauses } from '../budgets.ts';
import { type Clock, within } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { EventBus, RefreshOutcome, RefreshReason } from '../events.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import { showablePath } from '../showable.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Origin, OriginReply, OriginRequest, ResolvedUrl } from './origin.ts';
import { readFreshUrl } from './refresh-answer.ts';

/** The question to a hook. */
export interface RefreshQuestion {
  /** The name that the origin is mounted under. */
  readonly origin: string;
  /** Path and query at the origin. */
  readonly target: string;
  readonly reason: RefreshReason;
}

/** The answer of a hook. Without `url` the target stays where it is; an empty answer changes nothing. */
export interface RefreshAnswer {
  readonly url?: string | undefined;
  /** By name; sent to that URL's scheme, host and port alone. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** A date as ISO 8601 writes it, or a `Date`; without one it holds until the origin refuses it. */
  readonly expiresAt?: string | Date | undefined;
  /** The same in seconds from now. */
  readonly expiresIn?: number | undefined;
}

/** Rejects where it has no answer, if it likes with a `ProxyError`. The signal aborts when nobody waits any more. */
export type Refresh = (question: RefreshQuestion, signal: AbortSignal) => Promise<RefreshAnswer>;

export interface RefreshParts {
  readonly refresh: Refresh;
  /** For one answer, in milliseconds. */
  readonly timeout: number;
  readonly clock: Clock;
  readonly events: EventBus;
}

/** Where a target is, and until when (wall-clock time). */
interface Lease {
  readonly resolved: ResolvedUrl;
  readonly expiresAt: number;
}

/** What is remembered of one target. */
interface Remembered {
  lease: Lease | null;
  asking: Promise<Lease> | null;
  failure: { readonly error: unknown; readonly until: number } | null;
}

/** The least recently asked are forgotten beyond this many. */
const mostTargets = 10_000;

export function createRefreshingOrigin(origin: Origin, parts: RefreshParts): Origin {
  return new RefreshingOrigin(origin, parts);
}

class RefreshingOrigin implements Origin {
  readonly #origin: Origin;
  readonly #parts: RefreshParts;
  readonly #targets = new Map<string, Remembered>();
  readonly #closing = new AbortController();

  constructor(origin: Origin, parts: RefreshParts) {
    this.#origin = origin;
    this.#parts = parts;
  }

  get name(): string {
    return this.#origin.name;
  }

  async open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    signal.throwIfAborted();
    if (request.resolved !== undefined) return this.#origin.open(request, signal);
    const lease = await this.#current(request.target, null, signal);
    const reply = await this.#origin.open({ ...request, resolved: lease.resolved }, signal);
    if (!isRefusal(reply, lease) || request.content) return reply;
    reply.body.cancel();
    const fresh = await this.#current(request.target, lease, signal);
    return this.#origin.open({ ...request, onConnected: () => {}, resolved: fresh.resolved }, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort(new ProxyError('proxy_internal_response', `The origin ${this.name} has been closed.`));
    await this.#origin.close();
  }

  /** Where the target is now; `refused` is a lease that the origin no longer takes. */
  async #current(target: string, refused: Lease | null, signal: AbortSignal): Promise<Lease> {
    const { clock } = this.#parts;
    const remembered = this.#remember(target);
    const { lease, failure } = remembered;
    let reason: RefreshReason = 'start';
    if (lease !== null) {
      if (lease !== refused && lease.expiresAt > clock.wallTime()) return lease;
      reason = lease === refused ? 'denied' : 'expired';
    }
    if (remembered.asking === null && failure !== null && failure.until > clock.now()) throw failure.error;
    remembered.asking ??= this.#ask(target, reason, remembered);
    return untilAborted(remembered.asking, signal);
  }

  #remember(target: string): Remembered {
    const remembered = this.#targets.get(target) ?? { lease: null, asking: null, failure: null };
    this.#targets.delete(target);
    this.#targets.set(target, remembered);
    keepNewest(this.#targets, mostTargets);
    return remembered;
  }

  async #ask(target: string, reason: RefreshReason, remembered: Remembered): Promise<Lease> {
    const { timeout: limit, clock, events } = this.#parts;
    const startedAt = clock.now();
    const late = unanswered(this.name, `there was no answer within ${limit / 1000} s`);
    let outcome: RefreshOutcome = 'failed';
    try {
      const question = { origin: this.name, target, reason };
      const limits = { clock, limit, late: () => late, signal: this.#closing.signal };
      const lease = await within(limits, (signal) => this.#answer(question, signal));
      outcome = 'renewed';
      remembered.lease = lease;
      remembered.failure = null;
      return lease;
    } catch (error) {
      if (error === late) outcome = 'late';
      remembered.failure = { error, until: clock.now() + pauses.refreshHook.firstMs };
      throw error;
    } finally {
      remembered.asking = null;
      const at = clock.now();
      const path = showablePath(target);
      events.emit({ type: 'refresh', at, origin: this.name, path, reason, outcome, duration: at - startedAt });
    }
  }

  async #answer(question: RefreshQuestion, signal: AbortSignal): Promise<Lease> {
    const { refresh, clock } = this.#parts;
    try {
      const fresh = readFreshUrl(await untilAborted(refresh(question, signal), signal), clock.wallTime());
      if (typeof fresh === 'string') throw unanswered(this.name, fresh);
      return fresh;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof ProxyError ? error : unanswered(this.name, 'it failed', error);
    }
  }
}

/** The error for a hook that gave no URL; `why` is a clause without secrets. Asking again may help. */
export function unanswered(origin: string, why: string, cause?: unknown): ProxyError {
  const message = `The refresh hook of the origin ${origin} gave no address: ${why}.`;
  return new ProxyError('destination_unavailable', message, { setting: 'refresh', cause });
}

/** Whether an answer means that the resolved URL is no longer good. */
function isRefusal({ status, redirected }: OriginReply, { resolved }: Lease): boolean {
  if (status === 401 || status === 403) return true;
  return (status === 404 || status === 410) && (resolved.url !== null || redirected === true);
}
