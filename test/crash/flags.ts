/** Flags under which a round is played, by chance: what is tried under the usual ones alone hides what scarcity brings. */
import type { Chance } from '../faults/chance.ts';

export function flagsOf(chance: Chance): string[] {
  return [
    ...['--buffer-memory', chance.one(['1MiB', '1MiB', '2MiB', '48MiB'])],
    ...['--max-connections', chance.one(['1', '2', '32'])],
    ...['--read-ahead', chance.one(['64KiB', '256KiB', '1MiB', '64MiB'])],
    ...['--rest-timeout', chance.one(['0s', '5s'])],
    ...['--patience', chance.one(['off', '1s', '5s'])],
  ];
}
