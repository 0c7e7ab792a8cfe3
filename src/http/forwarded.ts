/**
 * The addresses that a request came through, as the proxies on its way say it: `Forwarded` (RFC 7239 §4) and the older
 * `X-Forwarded-For`, to whose end each proxy adds the address of its client.
 */
import { type Fields, fieldsWhere } from './fields.ts';
import { plainAddress } from './ip-address.ts';

/** One hop: its address, or `null` where none is told or the text is malformed. */
export type Hop = string | null;

/** What each of the two fields says, the nearest hop last; `null` where a request has no such field. */
export interface ForwardedFor {
  readonly forwarded: readonly Hop[] | null;
  readonly xForwardedFor: readonly Hop[] | null;
}

export function forwardedFor(fields: Fields): ForwardedFor {
  return {
    forwarded: hopsOf(fields, 'forwarded', hopsOfForwarded),
    xForwardedFor: hopsOf(fields, 'x-forwarded-for', (line) => line.split(',').map((node) => addressOf(node.trim()))),
  };
}

/** Each line is read by itself: a quote that a client left open in one can't swallow the next, which a proxy wrote. */
function hopsOf(fields: Fields, wanted: string, read: (line: string) => readonly Hop[]): readonly Hop[] | null {
  const lines = fieldsWhere(fields, (name) => name === wanted);
  return lines.length === 0 ? null : lines.flatMap(([, line]) => read(line));
}

const token = "[\\w!#$%&'*+.^`|~-]+";
const quoted = '"(?:[^"\\\\]|\\\\.)*"';
const pair = new RegExp(`[\\t ]*(${token})=(${token}|${quoted})[\\t ]*([;,]|$)`, 'y');

/** A line that breaks the grammar counts as one unknown hop. */
function hopsOfForwarded(line: string): readonly Hop[] {
  const hops: Hop[] = [];
  let hop: Hop = null;
  pair.lastIndex = 0;
  for (;;) {
    const [, name = '', value = '', end] = pair.exec(line) ?? [];
    if (end === undefined) return [null];
    if (name.toLowerCase() === 'for') hop = addressOf(unquoted(value));
    if (end === ';') continue;
    hops.push(hop);
    hop = null;
    if (end === '') return hops;
  }
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}

/** A node (RFC 7239 §6), or what `X-Forwarded-For` has in its place: an address, in brackets or not, and a port. */
function addressOf(node: string): Hop {
  const [, literal, bare] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(node) ?? [];
  return plainAddress(literal ?? bare ?? node);
}
