/**
 * In whose words an entry asks its origin: those of the newest viewer.
 *
 * Targets that mean the same bytes may differ in a token, and tokens expire. A target that was never seen before is
 * taken for the fresher one; a viewer who comes back with an older one changes nothing for the others, and neither does
 * one whose target the origin refuses. So a viewer gets what another's token opens: that is what an operator chooses
 * with `ignoreQuery`, and without it all viewers of an entry have the same target. What an origin says of a token that
 * it refuses is for nobody else.
 */
import type { ConnectionSlots } from '../fill/connection-slots.ts';
import type { Fields } from '../http/fields.ts';
import type { Origin, OriginReply, OriginRequest } from '../origin/origin.ts';
import { Trails } from './trails.ts';

/** More targets than this are not remembered. */
const mostEarlier = 64;

export class Asking {
  /** What is forwarded of a client's fields: the same for all, since it is part of the identity. */
  readonly fields: Fields;
  readonly trails = new Trails();
  #target: string;
  readonly #earlier = new Set<string>();
  /** The last that the origin took. */
  #proven: string | null = null;

  constructor(target: string, fields: Fields) {
    this.#target = target;
    this.fields = fields;
  }

  /** Path and query to ask for, as the newest viewer sent them. */
  get target(): string {
    return this.#target;
  }

  /** A viewer has come with this target. */
  hear(target: string): void {
    if (target !== this.#target && !this.#earlier.has(target)) this.#become(target);
  }

  /** The origin; where it refuses a target, it is asked for a newer one, and for the one that it took last. */
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

/** A refusal without what the origin says to the one viewer whose token it was. */
function toAll({ status, fields: said }: OriginReply): OriginReply {
  let rest: Buffer | null = Buffer.from('The origin refuses the token.\n');
  const fields: Fields = [
    ['content-type', 'text/plain; charset=utf-8'],
    ['cache-control', 'no-store'],
    ['content-length', String(rest.length)],
    ...said.filter(([name]) => name === 'www-authenticate'),
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
