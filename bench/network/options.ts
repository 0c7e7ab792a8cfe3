/** The options of `npm run network`. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { films } from './films.ts';
import { operations } from './operations.ts';
import { starts } from './origin.ts';
import { players } from './players.ts';
import { links } from './profiles.ts';
import type { Case } from './results.ts';
import { type Way, ways } from './ways.ts';

export const options = {
  check: { type: 'boolean', default: false },
  only: { type: 'string', default: '' },
  runs: { type: 'string', default: '' },
  results: { type: 'string', default: join(tmpdir(), 'firstbyte-network-results.jsonl') },
  report: { type: 'boolean', default: false },
  /** Set by the command itself. */
  work: { type: 'string', default: '' },
} as const;

const axes = {
  link: Object.keys(links),
  start: Object.keys(starts),
  film: Object.keys(films),
  player: Object.keys(players),
  operation: Object.keys(operations),
};

/** The ways that have one of the words; `null` where none does. */
export function pickedWays(words: readonly string[]): readonly Way[] | null {
  const wanted = ways.filter((way) => words.includes(way));
  return wanted.length > 0 ? wanted : null;
}

/** Words that name nothing. */
export function unknownWords(words: readonly string[]): readonly string[] {
  const known: string[] = [...Object.values(axes).flat(), ...ways];
  return words.filter((word) => !known.includes(word));
}

/** Whether a case has one of the words of each kind of which there are any. */
export function isPicked(one: Case, words: readonly string[]): boolean {
  return Object.entries(axes).every(([axis, names]) => {
    const wanted = words.filter((word) => names.includes(word));
    return wanted.length === 0 || wanted.includes(one[axis as keyof Case]);
  });
}
