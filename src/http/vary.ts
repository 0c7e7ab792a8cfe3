/** Which of several stored answers a request may get: `Vary` (RFC 9111 §4.1). Pure. */
import { remembered } from '../kit/remembered.ts';
import { type Fields, fieldValue, listMembers } from './fields.ts';
import type { Representation } from './representation.ts';

/** The names of request fields, in lower case, by which an answer was chosen; `null` where nothing repeats the choice (`*`). */
export const variedBy = remembered((fields: Fields): readonly string[] | null => {
  const names = listMembers(fieldValue(fields, 'vary') ?? '').map((name) => name.toLowerCase());
  return names.includes('*') ? null : [...new Set(names)].sort();
});

/**
 * The same as far as it may tell media apart: a strong validator names one film, whoever asks for it, and `User-Agent` and
 * `Origin` say who asks; players report on themselves by `CMCD-` fields (CTA-5004). A representation that nothing repeats is never asked about.
 */
export function mediaVariedBy({ fields, validator }: Pick<Representation, 'fields' | 'validator'>): readonly string[] {
  const names = variedBy(fields) ?? [];
  if (names.length === 0) return names;
  const told = names.filter((name) => !name.startsWith('cmcd-'));
  return validator?.strong ? told.filter((name) => name !== 'user-agent' && name !== 'origin') : told;
}

/** What a request says in the fields called `names`: equal for requests that are to get the same answer. */
export function selecting(names: readonly string[], request: Fields): Fields {
  return names.flatMap((name) => {
    const value = fieldValue(request, name);
    return value === null ? [] : [[name, normal(name, value)] as const];
  });
}

export function sameSelection(one: Fields, other: Fields): boolean {
  return one.length === other.length && (one.length === 0 || JSON.stringify(one) === JSON.stringify(other));
}

/** Lists whose members are compared without regard to case (RFC 9110 §8.4.1, RFC 4647 §2). */
const caseless: ReadonlySet<string> = new Set(['accept-charset', 'accept-encoding', 'accept-language']);

/** What is known to mean the same is written in one way: space around commas and semicolons, and case where it has no meaning. */
function normal(name: string, value: string): string {
  const spaced = value.includes('"') ? value.trim() : value.trim().replace(/[ \t]*([,;])[ \t]*/g, '$1');
  return caseless.has(name) ? spaced.toLowerCase() : spaced;
}
