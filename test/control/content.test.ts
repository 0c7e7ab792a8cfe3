/** The bytes of an object through the control API: the object is let go of, in whatever way the client goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const movie = film(3_000_000);

for (const [what, turns] of [
  ['before it is answered', 0],
  ['as it is answered', 3],
  ['in its midst', 60],
] as const) {
  for (const goodbye of ['reset', 'end'] as const) {
    test(`a client that leaves ${what} (${goodbye}) holds nothing open`, async () => {
      const store = createMemoryStore();
      const rig = await virtualRig({ films: movie, store, settings: { token: 'open-sesame-open-sesame' } });
      await rig.clock.advanceUntil(rig.get('/films/a.mp4').done());
      await rig.clock.advance(60_000);
      assert.equal(store.loans?.().objects, 0);
      const [id] = await idsOf(rig);
      const client = rig.player();
      client.pause();
      client.get(`/-/api/v1/objects/${id}/content`, {
        film: null,
        fields: { authorization: 'Bearer open-sesame-open-sesame' },
      });
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      if (turns > 50) assert.equal(store.loans?.().objects, 1, 'it is being read');
      client.leave(goodbye);
      await rig.clock.settle();
      await rig.clock.advance(1000);
      assert.equal(store.loans?.().objects, 0);
      await rig.close();
    });
  }
}

async function idsOf(rig: Awaited<ReturnType<typeof virtualRig>>): Promise<readonly string[]> {
  const page = await rig.daemon.holdings.page();
  assert.ok(page !== 'no such cursor');
  return page.objects.map(({ id }) => id);
}
