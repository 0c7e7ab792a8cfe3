/**
 * Through whom those have come who wait at an entry. Each request to its origin says it (RFC 9110 §7.6.3), so that a
 * cache that asks itself by way of others finds out: in a loop any of those who wait may be the one who asks.
 *
 * A request that is under way can't be told who else has come to wait for its answer. Two caches that begin at the same
 * moment to ask each other would wait for each other, each with a request that names only itself. So where somebody comes
 * by a trail that a request under way has not named, one byte is asked for beside it under all names; that this leads
 * back here is an answer for all. It takes a connection that is free, or does without.
 */
import { ProxyError } from '../errors.ts';
import type { ConnectionSlots } from '../fill/connection-slots.ts';
import { joined, type Trail } from '../http/via.ts';
import type { Origin, OriginReply, OriginRequest } from '../origin/origin.ts';

/** A request that has no answer yet. */
interface Underway {
  readonly request: OriginRequest;
  /** The members of trails that it, or one beside it, has named. */
  readonly named: Set<string>;
  /** Ends it with what was found out beside it. */
  readonly abort: AbortController;
  readonly answered: AbortController;
}

/** What asks for one part of a representation, or under a condition. */
const partial = /^(range|if-.*)$/;

export class Trails {
  readonly #present = new Set<Trail>();
  readonly #underway = new Set<Underway>();
  #review = (): void => {};

  /** Somebody is there who came by this trail, until what is returned is called. */
  accompany(trail: Trail): () => void {
    if (trail.length === 0) return () => {};
    const own = [...trail];
    this.#present.add(own);
    this.#review();
    return () => this.#present.delete(own);
  }

  /** The origin, told of all who are present. There is one for each entry. */
  through(origin: Origin, slots: Pick<ConnectionSlots, 'acquireNow'>): Origin {
    // Never after one another: those who look would wait for each other.
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
    const [abort, answered] = [new AbortController(), new AbortController()];
    const underway = { request, named: new Set(trail.map(keyOf)), abort, answered };
    this.#underway.add(underway);
    try {
      return await origin.open(withTrail(request, trail), AbortSignal.any([signal, abort.signal]));
    } finally {
      this.#underway.delete(underway);
      answered.abort();
    }
  }
}

/** Asks for one byte of what a request under way asks for; ends that where it is a loop. */
async function lookBeside(
  origin: Origin,
  slots: Pick<ConnectionSlots, 'acquireNow'>,
  { request, named, abort, answered }: Underway,
  trail: Trail,
): Promise<void> {
  const needless = new AbortController();
  const slot = slots.acquireNow({ urgency: () => 'background', contended: () => needless.abort() });
  if (slot === null) return;
  for (const member of trail) named.add(keyOf(member));
  const { target, resolved } = request;
  const fields = [...request.fields.filter(([name]) => !partial.test(name)), ['range', 'bytes=0-0'] as const];
  const signal = AbortSignal.any([answered.signal, needless.signal]);
  try {
    const reply = await origin.open(withTrail({ target, fields, ...(resolved && { resolved }) }, trail), signal);
    reply.body.cancel();
  } catch (error) {
    // Any other failure says nothing about the request under way; a bug is told by it.
    const says = !(error instanceof ProxyError) || error.type === 'proxy_loop_detected';
    if (says && !signal.aborted) abort.abort(error);
  } finally {
    slot.release();
  }
}

function withTrail(request: OriginRequest, trail: Trail): OriginRequest {
  return { ...request, fields: [...request.fields, ...trail] };
}

function keyOf(member: Trail[number]): string {
  return member.join();
}
