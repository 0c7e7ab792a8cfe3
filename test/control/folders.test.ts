/** The files below a folder through the control API, where its server or its client is of no help. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const token = 'open-sesame-open-sesame';
const asked = { film: null, fields: { authorization: `Bearer ${token}` } };

async function silentRig() {
  const rig = await virtualRig({ films: film(1000), settings: { token } });
  rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
  return rig;
}

test('a client that leaves before a folder is listed is no bug, and the origin is asked no more', async () => {
  const rig = await silentRig();
  const client = rig.player();
  client.get('/-/api/v1/files?origin=films&folder=/', asked);
  await rig.clock.advance(1000);
  client.leave('reset');
  await rig.clock.advance(1000);
  assert.deepEqual(rig.eventsOf('bug'), []);
  await rig.assertNothingLent();
  await rig.close();
});

test('a folder that is never listed is 502, in time for a command that waits', async () => {
  const rig = await silentRig();
  const exchange = rig.player().get('/-/api/v1/files?origin=films&folder=/', asked);
  assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
  assert.equal(exchange.status, 502);
  assert.match(exchange.text, /The origin has not listed this folder within 50 s\./);
  await rig.close();
});
