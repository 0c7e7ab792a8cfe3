/**
 * An origin behind a breaker: every request tells the breaker how it went, and is let through or turned away by it.
 *
 * While the origin is not known to be reachable, one request at a time finds out whether a connection comes about; the
 * others wait for what it meets with, and share it.
 */
import type { Clock } from '../clock.ts';
import { ProxyError, type ProxyErrorType } from '../errors.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Breaker } from './breaker.ts';
import type { Origin, OriginBody, OriginReply, OriginRequest } from './origin.ts';

/** Who gave up a connection attempt earlier than this, in milliseconds, has learnt nothing about the origin. */
const shortestTrial = 3000;

/** How a request fails that has not reached its origin; what is missing here says nothing about that. */
const unreached: ReadonlySet<ProxyErrorType> = new Set([
  'dns_timeout',
  'dns_error',
  'destination_ip_unroutable',
  'connection_refused',
  'connection_terminated',
  'connection_timeout',
  'connection_read_timeout',
  'http_response_timeout',
  'tls_protocol_error',
  'tls_certificate_error',
  'tls_alert_received',
]);

/** With a connection there, only these still say that the origin is out of reach: others are of a redirect's host. */
const silent: ReadonlySet<ProxyErrorType> = new Set([
  'connection_terminated',
  'connection_read_timeout',
  'http_response_timeout',
]);

/** What those learn who wait for a trial: the way is free, it is not, or nothing. */
type Finding = 'free' | ProxyError | 'nothing';

export function createGuardedOrigin(origin: Origin, breaker: Breaker, clock: Clock): Origin {
  return new GuardedOrigin(origin, breaker, clock);
}

class GuardedOrigin implements Origin {
  readonly #origin: Origin;
  readonly #breaker: Breaker;
  readonly #clock: Clock;
  #trial: Promise<Finding> | null = null;

  constructor(origin: Origin, breaker: Breaker, clock: Clock) {
    this.#origin = origin;
    this.#breaker = breaker;
    this.#clock = clock;
  }

  get name(): string {
    return this.#origin.name;
  }

  async open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    for (;;) {
      signal.throwIfAborted();
      this.#breaker.admit(request.committed ?? false);
      if (this.#breaker.state.phase === 'closed') return this.#ask(request, signal);
      if (this.#trial === null) return this.#tryOut(request, signal);
      const finding = await untilAborted(this.#trial, signal);
      if (finding instanceof ProxyError) throw finding;
      if (finding === 'free') return this.#ask(request, signal);
    }
  }

  close(): Promise<void> {
    return this.#origin.close();
  }

  async #tryOut(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const trial = Promise.withResolvers<Finding>();
    this.#trial = trial.promise;
    const onConnected = () => {
      trial.resolve('free');
      request.onConnected?.();
    };
    let finding: Finding = 'nothing';
    try {
      const reply = await this.#ask({ ...request, onConnected }, signal);
      finding = 'free';
      return reply;
    } catch (error) {
      if (error instanceof ProxyError && !signal.aborted && unreached.has(error.type)) finding = error;
      throw error;
    } finally {
      this.#trial = null;
      trial.resolve(finding);
    }
  }

  async #ask(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const startedAt = this.#clock.now();
    let connected = false;
    const onConnected = () => {
      connected = true;
      request.onConnected?.();
    };
    try {
      const reply = await this.#origin.open({ ...request, onConnected }, signal);
      this.#breaker.reached();
      return { ...reply, body: this.#listened(reply.body) };
    } catch (error) {
      const cause = signal.aborted ? this.#givenUp(startedAt, connected) : failureOf(error, connected);
      if (cause !== null) this.#breaker.failed(cause, startedAt);
      throw error;
    }
  }

  /** What it means that a request was given up, by whomever. */
  #givenUp(startedAt: number, connected: boolean): ProxyErrorType | null {
    const waited = this.#clock.now() - startedAt;
    if (connected) return waited >= this.#breaker.enough ? 'connection_read_timeout' : null;
    return waited >= Math.min(shortestTrial, this.#breaker.enough) ? 'connection_timeout' : null;
  }

  #listened(body: OriginBody): OriginBody {
    return {
      read: async () => {
        const bytes = await body.read();
        if (bytes !== null) this.#breaker.reached();
        return bytes;
      },
      cancel: () => body.cancel(),
    };
  }
}

function failureOf(error: unknown, connected: boolean): ProxyErrorType | null {
  if (!(error instanceof ProxyError)) return null;
  return (connected ? silent : unreached).has(error.type) ? error.type : null;
}
