/** What is lent, as tests look at it. */
import assert from 'node:assert/strict';
import type { Daemon } from '../../src/daemon.ts';
import { nothingLent } from '../../src/lent.ts';

/** Fails with whatever is lent still. */
export function assertNothingLent(daemon: Pick<Daemon, 'lent'>): void {
  assert.deepEqual(daemon.lent(), nothingLent);
}
