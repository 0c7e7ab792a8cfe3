/** What is lent, counted: it moves while somebody is there, and is nothing half a minute after. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lent } from '../../src/lent.ts';
import { film } from '../support/film.ts';
import { assertNothingLent } from '../support/lent.ts';
import { virtualRig } from '../support/rig.ts';

/** The longest that anything is kept for the next request, in milliseconds. */
const kept = 30_000;

/** Those of which there are any. */
function those(lent: Lent): string[] {
  return Object.entries(lent).flatMap(([thing, count]) => (count > 0 ? [thing] : []));
}

test('who plays has things lent, and half a minute after nothing is', async () => {
  const rig = await virtualRig({ films: film(40_000_000) });
  const { daemon, clock } = rig;
  assertNothingLent(daemon);
  const player = rig.player({ rate: 100_000 });
  player.get('/films/a.mkv');
  await clock.advance(3000);
  const expected = [
    'requests',
    'readers',
    'fetches',
    'slots',
    'connections',
    'entries',
    'objects',
    'timers',
    'listeners',
    'stalled',
  ];
  assert.deepEqual(
    those(daemon.lent()).filter((thing) => !expected.includes(thing)),
    [],
  );
  for (const thing of ['requests', 'readers', 'fetches', 'slots', 'connections', 'entries', 'objects']) {
    assert.ok(those(daemon.lent()).includes(thing), thing);
  }
  player.leave();
  await clock.advance(kept + 6000);
  assertNothingLent(daemon);
  await rig.close();
});
