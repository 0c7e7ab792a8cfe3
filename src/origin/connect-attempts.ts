/**
 * Attempts to connect to one base of an origin. While they fail, requests share one attempt and its outcome, so that a
 * crowd does not hammer a host that is down. One more is made now and then without any request, so that the next request
 * finds out the truth.
 */
import { fixedBudgets, pauses } from '../budgets.ts';
import { type Clock, sleep, type Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { backOffMs } from '../kit/back-off.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Reachability } from './reachability.ts';

/** Attempts begin no closer together than this while the last one has failed. */
const spacingMs = 250;

/** An attempt of this age gets another beside it: a host that wakes up does not hear what was sent before. In milliseconds. */
const staleMs = 2000;
const mostAtOnce = 2;

export interface ConnectAttemptsParts {
  /** For the waits of requests. */
  readonly clock: Clock;
  readonly reachability: Reachability;
  /**
   * Makes a connection for the next request; `kept` says whether there is one that waits. `onConnected` is called when the host
   * is connected to, before TLS. Rejects with a `ProxyError`.
   */
  readonly connect: (onConnected: () => void, kept: () => boolean) => Promise<void>;
}

/** What is known while attempts fail. */
interface Trouble {
  error: ProxyError;
  startedAt: number;
  /** How many attempts without a request were made, with the one that is to come. */
  probes: number;
  nextAt: number;
  timer: Timer;
  /** The latest shared attempt, while it is under way. */
  latest: Promise<void> | null;
  atOnce: number;
}

export class ConnectAttempts {
  readonly #parts: ConnectAttemptsParts;
  #trouble: Trouble | null = null;
  /** Ends the waits of those who share an attempt. */
  readonly #sharing = new Set<() => void>();
  readonly #closing = new AbortController();

  constructor(parts: ConnectAttemptsParts) {
    this.#parts = parts;
  }

  /**
   * Resolves as soon as it makes sense to connect: at once, unless the last attempt failed. Rejects with the error of the
   * shared attempt, with the error of the one before where the shared one takes long, or with the signal's reason.
   */
  async share(signal: AbortSignal): Promise<void> {
    const trouble = this.#trouble;
    if (trouble === null) return;
    const { clock, reachability } = this.#parts;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#forAll(trouble).then(resolve, reject);
    const late = clock.after(fixedBudgets.outOfReach.ms, () => reject(trouble.error));
    const over = reachability.begin();
    this.#sharing.add(resolve);
    try {
      await untilAborted(promise, signal);
    } finally {
      this.#sharing.delete(resolve);
      over();
      late.cancel();
    }
  }

  /**
   * Makes an attempt, and learns from it. `connect` calls its argument once the host is connected to, before TLS. An
   * aborted `signal` means that the attempt was given up.
   */
  async make<T>(connect: (onConnected: () => void) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { clock } = this.#parts;
    const startedAt = clock.now();
    let connected = false;
    try {
      const made = await connect(() => {
        connected = true;
      });
      connected = true;
      return made;
    } catch (error) {
      const failure = signal?.aborted ? givenUpAfter(clock.now() - startedAt) : error;
      if (!connected && failure instanceof ProxyError && isUnconnected(failure)) {
        this.#failed(failure, startedAt);
      }
      throw error;
    } finally {
      if (connected) this.#connected();
    }
  }

  close(): void {
    const message = 'The origin has been closed.';
    this.#closing.abort(new ProxyError('proxy_internal_response', message));
    this.#trouble?.timer.cancel();
  }

  /** The attempt that requests share now: the latest, or one that begins as soon as it may. */
  #forAll(trouble: Trouble): Promise<void> {
    const { connect, reachability } = this.#parts;
    const { clock } = reachability;
    const sinceLast = clock.now() - trouble.startedAt;
    if (trouble.latest !== null && (trouble.atOnce >= mostAtOnce || sinceLast < staleMs)) return trouble.latest;
    const rest = Math.max(0, spacingMs - sinceLast);
    trouble.startedAt = clock.now() + rest;
    trouble.atOnce += 1;
    const kept = () => this.#sharing.size > 0 || reachability.waitedFor;
    const attempt = sleep(clock, rest, this.#closing.signal)
      .then(() => this.make((onConnected) => connect(onConnected, kept)))
      .finally(() => {
        trouble.atOnce -= 1;
        if (trouble.latest === attempt) trouble.latest = null;
      });
    // Those who share it get the error.
    attempt.catch(() => {});
    trouble.latest = attempt;
    return attempt;
  }

  #connected(): void {
    const { reachability } = this.#parts;
    reachability.alive();
    if (this.#trouble === null) return;
    this.#trouble.timer.cancel();
    this.#trouble = null;
    for (const resolve of this.#sharing) resolve();
    reachability.wake();
  }

  #failed(error: ProxyError, startedAt: number): void {
    if (this.#closing.signal.aborted) return;
    if (this.#trouble === null) {
      this.#trouble = { error, startedAt, probes: 1, ...this.#nextProbe(1), latest: null, atOnce: 0 };
    }
    this.#trouble.error = error;
    this.#parts.reachability.failed({ error, startedAt, nextAt: this.#trouble.nextAt });
  }

  /** Sets the timer for the next attempt without a request. */
  #nextProbe(number: number): { nextAt: number; timer: Timer } {
    const { clock } = this.#parts.reachability;
    const pause = backOffMs(pauses.connectProbe, number);
    const timer = clock.after(pause, () => {
      const trouble = this.#trouble;
      if (trouble === null) return;
      trouble.probes += 1;
      Object.assign(trouble, this.#nextProbe(trouble.probes));
      void this.#forAll(trouble);
    });
    return { nextAt: clock.now() + pause, timer };
  }
}

/** Whether a failure says that the host can not be connected to. A reset does: it came in place of a connection. */
function isUnconnected({ type, row }: ProxyError): boolean {
  return row.isUnconnected === true || type === 'connection_terminated';
}

/** The error that stands for a client that left while it waited for a connection; `null` where it left early. */
function givenUpAfter(waited: number): ProxyError | null {
  if (waited < fixedBudgets.outOfReach.ms) return null;
  const message = `Could not connect within ${(waited / 1000).toFixed(1)} s.`;
  return new ProxyError('connection_timeout', message, { setting: 'connectTimeout' });
}
