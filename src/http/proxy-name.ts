/** The name of this proxy in structured fields (RFC 9651), and how its remarks are written there. */
import { Token } from 'structured-headers';

/** Our member in `Cache-Status`, `Proxy-Status`, and `Via` of replies; of requests it is a pseudonym of one process. */
export const proxyName = new Token('firstbyte');

/** `text` as a String can carry it (RFC 9651 §3.3.3): whatever is not printable ASCII becomes a question mark. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '?');
}

/** How the names of its own cookies begin; they are for itself alone. */
export const ownCookie = 'firstbyte-';
