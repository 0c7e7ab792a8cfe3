/** What one turn saw, and what of it must not be. */

import type { Outside } from './stage.ts';
import type { Seen } from './viewer.ts';

export interface Turn {
  /** By the parts of the operation. */
  readonly seen: Readonly<Record<string, Seen>>;
  readonly outside: Outside;
  /** Why the turn says nothing, or that firstbyte held a wrong byte. */
  readonly trouble: string | null;
}

/** Errors of the player and of firstbyte, and wrong bytes; empty where all is well. */
export function wrongWith({ seen, outside, trouble }: Turn): readonly string[] {
  const failures = Object.entries(seen).flatMap(([part, { failure }]) =>
    failure === null ? [] : [`${part}: ${failure}`],
  );
  const bugs = outside.bugs > 0 ? [`${outside.bugs} bugs`] : [];
  return [...failures, ...outside.ownErrors, ...bugs, ...(trouble === null ? [] : [trouble])];
}
