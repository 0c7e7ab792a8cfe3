/**
 * The proxies that a request has passed: `Via` (RFC 9110 §7.6.3), and `CDN-Loop` (RFC 8586), which proxies leave alone that
 * replace `Via`. By these a cache finds out that it requests from itself.
 *
 * Both fields come from strangers: only well-formed members go on to an origin, and no more than an origin accepts.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Fields, fieldValue, listMembers, someField } from './fields.ts';

/** The proxies that a request has passed: `via` and `cdn-loop`, a member each. */
export type Trail = Fields;

const names = ['via', 'cdn-loop'] as const;

/** Of a longer trail the newest members go on, for each field; in bytes. */
const longestTrail = 1024;

export function isTrailField(name: string): boolean {
  return name === 'via' || name === 'cdn-loop';
}

export function trailOf(fields: Fields): Trail {
  if (!someField(fields, isTrailField)) return [];
  return names.flatMap((name) =>
    listMembers(withoutComments(fieldValue(fields, name) ?? ''))
      .filter((member) => /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(member))
      .map((member) => [name, member] as const),
  );
}

/** Several trails as one: requests that came by any of them wait for the same answer. */
export function joined(trails: Iterable<Trail>): Trail {
  const members = new Map<string, Trail[number]>();
  for (const trail of trails) for (const member of trail) members.set(member.join(), member);
  return [...members.values()];
}

/** The fields of a request that goes on: `trail` with the proxy that is called `pseudonym` at its end. */
export function trailFields(trail: Trail, pseudonym: string): Fields {
  const own = { via: `1.1 ${pseudonym}`, 'cdn-loop': pseudonym };
  return names.map((name) => {
    let value = own[name];
    for (const [field, member] of trail.toReversed()) {
      if (field !== name) continue;
      if (member.length + 2 + value.length > longestTrail) break;
      value = `${member}, ${value}`;
    }
    return [name, value] as const;
  });
}

/**
 * Whether a request with these fields, as `node:http` joins them, has passed the proxy that is called `pseudonym`, which is
 * like no other word.
 */
export function hasPassed(fields: IncomingHttpHeaders, pseudonym: string): boolean {
  return names.some((name) =>
    String(fields[name] ?? '')
      .toLowerCase()
      .includes(pseudonym),
  );
}

/** Comments may hold commas, parentheses in pairs, and anything behind a backslash (RFC 9110 §5.6.5). */
function withoutComments(value: string): string {
  let depth = 0;
  let plain = '';
  for (let at = 0; at < value.length; at += 1) {
    const letter = value.charAt(at);
    if (letter === '(') depth += 1;
    else if (letter === ')' && depth > 0) depth -= 1;
    else if (depth === 0) plain += letter;
    else if (letter === '\\') at += 1;
  }
  return plain;
}
