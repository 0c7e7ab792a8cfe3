/**
 * Through whom those have come who wait at an entry. Each request to its origin says it (RFC 9110 §7.6.3), so that a
 * cache that asks itself by way of others finds out: in a loop any of those who wait may be the one who asks.
 */
import { joined, type Trail } from '../http/via.ts';
import type { Origin } from '../origin/origin.ts';

export class Trails {
  readonly #present = new Set<Trail>();

  /** Somebody is there who came by this trail, until what is returned is called. */
  accompany(trail: Trail): () => void {
    if (trail.length === 0) return () => {};
    const own = [...trail];
    this.#present.add(own);
    return () => this.#present.delete(own);
  }

  through(origin: Origin): Origin {
    return {
      name: origin.name,
      open: (request, signal) =>
        origin.open({ ...request, fields: [...request.fields, ...joined(this.#present)] }, signal),
      close: () => origin.close(),
    };
  }
}
