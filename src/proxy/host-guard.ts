/** The host names under which firstbyte answers, on every listener; the log names each other one once. */
import { hostname } from 'node:os';
import { isAllowedHost, isUnmistakable } from '../http/host.ts';
import { type Rejection, rejection } from './rejection.ts';

/** The log names this many. */
const mostTold = 32;

export class HostGuard {
  readonly #allowed: readonly string[];
  readonly #onForeign: (host: string) => void;
  readonly #told = new Set<string>();

  /** @param onForeign called with each name that is refused, the first time */
  constructor(allowed: readonly string[], onForeign: (host: string) => void) {
    this.#allowed = allowed;
    this.#onForeign = onForeign;
  }

  /** `host` as `readHost` gave it; `null` for a request without one, as only HTTP/1.0 may be, and no web page's is. */
  judge(host: string | null): Rejection | null {
    if (host === null || isUnmistakable(host) || isAllowedHost(host, this.#allowed)) return null;
    // A machine may be called anew while this runs.
    if (host === hostname().toLowerCase().replace(/\.$/, '')) return null;
    if (!this.#told.has(host) && this.#told.size < mostTold) {
      this.#told.add(host);
      this.#onForeign(host);
    }
    const message = `firstbyte does not answer under the host name ${host}; if it is yours, add it to the setting allowHosts.`;
    return rejection(421, message);
  }
}
