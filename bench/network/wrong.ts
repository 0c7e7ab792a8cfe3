/** What one turn saw, and what of it must not be. */

import type { Outside } from './stage.ts';
import type { Seen } from './viewer.ts';

export interface Turn {
  /** By the parts of the operation. */
  readonly seen: Readonly<Record<string, Seen>>;
  readonly outside: Outside;
  /** Why the operation could not be done. */
  readonly trouble: string | null;
}

/** Errors of the player and of firstbyte, and wrong bytes; empty where all is well. */
export function wrongWith({ seen, outside, trouble }: Turn): readonly string[] {
  const failures = Object.entries(seen).flatMap(([part, { failure }]) =>
    failure === null ? [] : [`${part}: ${failure}`],
  );
  const { ownErrors, bugs, wrongByte } = outside;
  const others = [bugs > 0 ? `${bugs} bugs` : null, wrongByte, trouble].filter((what) => what !== null);
  return [...failures, ...ownErrors, ...others];
}
