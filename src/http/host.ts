/**
 * The host that a request names (RFC 9112 §3.2): how it may be written, and whether a stranger could point it here.
 *
 * Browsers tell pages apart by host names, and the owner of a name may let it resolve to any address (DNS rebinding). So
 * firstbyte answers only under names that no public name server can give to a stranger, and under those that the operator
 * has named.
 */
import { isIP, isIPv6 } from 'node:net';
import { recalled } from '../kit/remembered.ts';

/** Never delegated in public (RFC 6761, RFC 6762, RFC 8375, ICANN on `internal`, `home` and the like). */
const localSuffixes = ['.localhost', '.local', '.lan', '.home', '.internal', '.home.arpa'];

/**
 * The name or the address that `written` names, in lower case, without brackets, port and final dot; `null` where it is
 * empty or no valid `uri-host [ ":" port ]`. A comma would be two hosts in one, and is none.
 */
export function readHost(written: string): string | null {
  const [, literal, name, port = ''] = /^(?:\[([^\]]*)\]|([^[\]:]*))(?::(\d*))?$/.exec(written) ?? [];
  if (Number(port) > 65_535) return null;
  // Clients write the zone of a link-local address, though it means nothing here (RFC 6874 §4).
  if (literal !== undefined) return isIPv6(literal.replace('%25', '%')) ? literal.toLowerCase() : null;
  if (name === undefined || !/^(?:[\w.~!$&'()*+;=-]|%[\da-f]{2})+$/i.test(name)) return null;
  return name.toLowerCase().replace(/(?<=.)\.$/, '');
}

/** Whether a `name` (lower case, no final dot) can only mean something in a private network: no public name server has it. */
export function isLocalName(name: string): boolean {
  if (!/^[\w-]+(?:\.[\w-]+)*$/.test(name)) return false;
  return !name.includes('.') || localSuffixes.some((suffix) => name.endsWith(suffix));
}

/** Whether no page of a stranger can have this host: what `readHost` gave. */
export const isUnmistakable = recalled(
  (host: string): boolean => host.includes(':') || isIP(host) !== 0 || isLocalName(host),
);

/** Whether a host is one of `allowed`: names, and `*.` before a name for all below it; in lower case. */
export function isAllowedHost(host: string, allowed: readonly string[]): boolean {
  return allowed.some((name) => (name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name));
}
