/**
 * Which URL (with which token) to request from the origin: the newest that a client sent.
 *
 * Targets of one entry have the same bytes and may differ in a token (`ignoreQuery`), and tokens expire. A target that
 * no client has sent before is the newer one. A client that comes back with an older one changes nothing for the others,
 * and neither does a client whose target the origin refuses. So a client gets what the token of another opens: that is
 * what an operator chooses with `ignoreQuery`; without it all clients of an entry send the same target. What an origin
 * says about a token that it refuses is for no other client.
 */

import type { ConnectionSlots } from '../fill/connection-slots.ts';
import { type Fields, fieldsWhere } from '../http/fields.ts';
import type { Origin, OriginReply, OriginRequest } from '../origin/origin.ts';
import { Trails } from './trails.ts';

/** So many earlier targets are remembered. */
const mostEarlier = 64;

export class UpstreamTarget {
  /** The forwarded fields. All clients of the entry have the same, because these fields are part of its identity. */
  readonly fields: Fields;
  readonly trails = new Trails();
  /** What the newest client says beside them, for work that is for no client in particular. */
  #said: Fields = [];
  #target: string;
  readonly #earlier = new Set<string>();
  /** The last target that the origin accepted. */
  #proven: string | null = null;

  constructor(target: string, fields: Fields) {
    this.#target = target;
    this.fields = fields;
  }

  /** Path and query to request, as the newest client sent them. */
  get target(): string {
    return this.#target;
  }

  get said(): Fields {
    return this.#said;
  }

  /** A client has requested this target, and says so much beside the forwarded fields. */
  offer(target: string, said: Fields): void {
    this.#said = said;
    if (target !== this.#target && !this.#earlier.has(target)) this.#become(target);
  }

  /** Wraps the origin. After a refusal, the newest target is requested, then the last that the origin accepted. */
  through(origin: Origin, slots: Pick<ConnectionSlots, 'acquireNow'>): Origin {
    const told = this.trails.through(origin, slots);
    return {
      name: origin.name,
      open: (request, signal) => this.#open(told, request, signal),
      close: () => origin.close(),
    };
  }

  async #open(origin: Origin, request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const reply = await origin.open(request, signal);
    if (!isRefusal(reply)) return this.#proves(request, reply);
    const refused = new Set([request.target]);
    for (let target = this.#other(refused); target !== null; target = this.#other(refused)) {
      reply.body.cancel();
      const again = { ...request, target, onConnected: () => {} };
      const other = await origin.open(again, signal);
      if (!isRefusal(other)) {
        if (refused.has(this.#target)) this.#become(target);
        return this.#proves(again, other);
      }
      other.body.cancel();
      refused.add(target);
    }
    if (this.#earlier.size === 0) return reply;
    reply.body.cancel();
    return toAll(reply);
  }

  #proves({ target }: OriginRequest, reply: OriginReply): OriginReply {
    if (reply.status < 400) this.#proven = target;
    return reply;
  }

  #other(refused: ReadonlySet<string>): string | null {
    return [this.#target, this.#proven].find((target) => target !== null && !refused.has(target)) ?? null;
  }

  #become(target: string): void {
    this.#earlier.delete(target);
    this.#earlier.add(this.#target);
    const [oldest] = this.#earlier;
    if (this.#earlier.size > mostEarlier && oldest !== undefined) this.#earlier.delete(oldest);
    this.#target = target;
  }
}

function isRefusal({ status }: OriginReply): boolean {
  return status === 401 || status === 403;
}

/** A refusal, without what the origin says to the client whose token it was. */
function toAll({ status, fields: said }: OriginReply): OriginReply {
  let rest: Buffer | null = Buffer.from('The origin refuses the token.\n');
  const fields: Fields = [
    ['content-type', 'text/plain; charset=utf-8'],
    ['cache-control', 'no-store'],
    ['content-length', String(rest.length)],
    ...fieldsWhere(said, (name) => name === 'www-authenticate'),
  ];
  const body = {
    read: () => {
      const bytes = rest;
      rest = null;
      return Promise.resolve(bytes);
    },
    cancel() {},
  };
  return { status, fields, body, closeDelimited: false };
}
