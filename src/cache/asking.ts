/**
 * In whose words an entry asks its origin: those of the newest viewer.
 *
 * Targets that mean the same bytes may differ in a token, and tokens expire. A target that was never seen before is
 * taken for the fresher one; a viewer who comes back with an older one changes nothing for the others, and neither does
 * one whose target the origin refuses.
 */
import type { Fields } from '../http/fields.ts';
import type { Origin, OriginReply, OriginRequest } from '../origin/origin.ts';

/** More targets than this are not remembered. */
const mostEarlier = 64;

export class Asking {
  /** What is forwarded of a client's fields: the same for all, since it is part of the identity. */
  readonly fields: Fields;
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

  /** The origin; where it refuses the newest target, it is asked for the one that it took before. */
  through(origin: Origin): Origin {
    return {
      name: origin.name,
      open: (request, signal) => this.#open(origin, request, signal),
      close: () => origin.close(),
    };
  }

  async #open(origin: Origin, request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const reply = await origin.open(request, signal);
    const { status } = reply;
    if (status < 400) this.#proven = request.target;
    const proven = this.#proven;
    if ((status !== 401 && status !== 403) || proven === null || proven === request.target) return reply;
    reply.body.cancel();
    if (this.#target === request.target) this.#become(proven);
    return origin.open({ ...request, target: proven, onConnected: () => {} }, signal);
  }

  #become(target: string): void {
    this.#earlier.delete(target);
    this.#earlier.add(this.#target);
    const [oldest] = this.#earlier;
    if (this.#earlier.size > mostEarlier && oldest !== undefined) this.#earlier.delete(oldest);
    this.#target = target;
  }
}
