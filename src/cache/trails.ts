/**
 * The proxies through which the waiting requests of an entry have come. Each request to the origin names them (RFC 9110
 * §7.6.3), so that a cache that requests from itself by way of others notices: in a loop, any of the waiting requests
 * may be its own.
 *
 * A request under way can't be told which further requests have come to wait for its answer. Two caches that start to
 * request from each other at the same moment would wait for each other, each with a request that names only itself. So
 * when a request comes by a trail that the request under way has not named, one byte is requested beside it under all
 * names. If that request leads back here, the loop is the answer to all. It uses a free connection, or is not sent.
 */
import { ProxyError } from '../errors.ts';
import type { ConnectionSlots } from '../fill/connection-slots.ts';
import { fieldsWhere } from '../http/fields.ts';
import { joined, type Trail } from '../http/via.ts';
import type { Origin, OriginReply, OriginRequest } from '../origin/origin.ts';

/** A request that has no answer yet. */
interface Underway {
  readonly request: OriginRequest;
  /** The members of trails that it has named, or a request beside it. */
  readonly named: Set<string>;
  /** Ends it with what the request beside it found out. */
  readonly abort: AbortController;
  /** Requests beside it, which end with it. */
  readonly beside: Set<AbortController>;
}

/** Fields that ask for a part of a representation, or under a condition. */
const partial = /^(range|if-.*)$/;

export class Trails {
  readonly #present = new Set<Trail>();
  readonly #underway = new Set<Underway>();
  #review = (): void => {};

  /** A request that came by this trail waits, until the returned function is called. */
  accompany(trail: Trail): () => void {
    if (trail.length === 0) return () => {};
    const own = [...trail];
    this.#present.add(own);
    this.#review();
    return () => this.#present.delete(own);
  }

  /** The origin, whose requests name all waiting trails. Each entry has one. */
  through(origin: Origin, slots: Pick<ConnectionSlots, 'acquireNow'>): Origin {
    // At once, and not one after another: requests that look would wait for each other.
    this.#review = () => {
      const trail = joined(this.#present);
      const unaware = [...this.#underway].find(({ named }) => trail.some((member) => !named.has(keyOf(member))));
      if (unaware !== undefined) void lookBeside(origin, slots, unaware, trail);
    };
    return {
      name: origin.name,
      open: (request, signal) => this.#open(origin, request, signal),
      close: () => origin.close(),
    };
  }

  async #open(origin: Origin, request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const trail = joined(this.#present);
    const abort = new AbortController();
    const underway = { request, named: new Set(trail.map(keyOf)), abort, beside: new Set<AbortController>() };
    this.#underway.add(underway);
    try {
      return await origin.open(withTrail(request, trail), AbortSignal.any([signal, abort.signal]));
    } finally {
      this.#underway.delete(underway);
      for (const each of underway.beside) each.abort(isAnswered);
    }
  }
}

const isAnswered = new Error('the request is answered');

/** Requests one byte of the target of a request under way, and ends that request where this shows a loop. */
async function lookBeside(
  origin: Origin,
  slots: Pick<ConnectionSlots, 'acquireNow'>,
  { request, named, abort, beside }: Underway,
  trail: Trail,
): Promise<void> {
  const needless = new AbortController();
  const slot = slots.acquireNow({ urgency: () => 'background', contended: () => needless.abort() });
  if (slot === null) return;
  beside.add(needless);
  for (const member of trail) named.add(keyOf(member));
  const { target, resolved } = request;
  const fields = [...fieldsWhere(request.fields, (name) => !partial.test(name)), ['range', 'bytes=0-0'] as const];
  try {
    const alike = withTrail({ target, fields, ...(resolved && { resolved }) }, trail);
    const reply = await origin.open(alike, needless.signal);
    reply.body.cancel();
  } catch (error) {
    // Other failures say nothing about the request under way; a bug ends it.
    const says = !(error instanceof ProxyError) || error.type === 'proxy_loop_detected';
    if (says && !needless.signal.aborted) abort.abort(error);
  } finally {
    beside.delete(needless);
    slot.release();
  }
}

function withTrail(request: OriginRequest, trail: Trail): OriginRequest {
  return { ...request, fields: [...request.fields, ...trail] };
}

function keyOf(member: Trail[number]): string {
  return member.join();
}
