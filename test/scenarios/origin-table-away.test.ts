/** "What a viewer gets", fourth part: origins that move, have no end, are out of reach, or have nothing any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { day, movie, partSize, rowIn, states, whole } from '../faults/row.ts';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

for (const state of states) {
  describe(`a film behind signed addresses that is ${state}`, () => {
    it('is one object under its own address, however often it is signed anew', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ signedFor: 60_000 });
      assert.deepEqual(await row.gets(), whole);
      await row.rig.clock.advance(120_000);
      assert.deepEqual(await row.gets(), whole);
      assert.deepEqual(row.rig.fetchedTwice('/film.mp4'), []);
      await row.close();
    });

    it('plays on past the end of its signature, from the missing byte', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ signedFor: 1000, rate: 100_000, cutAfter: 250_000 });
      assert.deepEqual(await row.gets(), whole);
      const statuses = row.heard.map(([, , status]) => status);
      const [refused, resolved] = [403, 302].map((status) => statuses.filter((each) => each === status).length);
      assert.equal(refused, Math.max(0, (resolved ?? 0) - 1), 'an address that is over is asked once');
      assert.deepEqual(row.rig.fetchedTwice('/film.mp4'), []);
      await row.close();
    });
  });

  for (const [what, by] of [
    ['refuses connections', 'ECONNREFUSED'],
    ['can not be reached', 'EHOSTUNREACH'],
    ['has a name that nobody resolves', 'EAI_AGAIN'],
    ['has no such name any more', 'ENOTFOUND'],
  ] as const) {
    describe(`an origin that ${what}, with a film that is ${state}`, () => {
      const gone = async () => {
        const row = await rowIn(state);
        row.rig.network.down = true;
        row.rig.network.downBy = by;
        row.rig.network.relay.cut();
        return row;
      };

      it('lets all play that is present, at once, seeks inside it too', async () => {
        const row = await gone();
        const there = { cold: 0, 'partly present': partSize, complete: movie.size }[state];
        for (let start = 0; start < there; start += 60_000) {
          const viewer = row.view({ range: `${start}-${Math.min(start + 99_999, there - 1)}` });
          const [status, outcome, bytes] = await row.got(viewer);
          assert.deepEqual([status, outcome, bytes], [206, 'complete', Math.min(100_000, there - start)]);
          assert.equal(viewer.firstByteAfter, 0);
        }
        await row.close();
      });

      it('lets all play that is present after a restart, without any network', async () => {
        const row = await gone();
        await row.rig.restart();
        if (state === 'complete') assert.deepEqual(await row.gets(), whole);
        if (state === 'partly present') {
          assert.deepEqual(await row.gets({ range: '1000-200000' }), [206, 'complete', 199_001]);
        }
        await row.close();
      });

      it('is waited for within the budget beyond that, then it is a 502 or 504', async () => {
        const row = await gone();
        const viewer = row.view({ range: '900000-' });
        const [status, outcome] = await row.got(viewer);
        if (state === 'complete') assert.deepEqual([status, outcome], [206, 'complete']);
        else {
          assert.deepEqual([status, outcome], [by === 'EAI_AGAIN' ? 504 : 502, 'complete']);
          const waited = (viewer.times.headAt ?? Number.NaN) - viewer.times.sentAt;
          assert.ok(waited > 27_000 && waited <= 30_000, `it was waited for ${waited} ms`);
        }
        await row.close();
      });

      it('that comes back within the budget plays, as if it had been slow', async () => {
        const row = await gone();
        const viewer = row.view();
        await row.rig.clock.advance(20_000);
        row.rig.network.down = false;
        assert.deepEqual(await row.got(viewer), whole);
        assert.deepEqual(row.rig.fetchedTwice('/film.mp4'), []);
        await row.close();
      });
    });
  }

  describe(`an origin that says nothing, with a film that is ${state}`, () => {
    it('is waited for within the budget beyond what is present, then it is a 504', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
      const viewer = row.view({ range: '900000-' });
      const [status, outcome] = await row.got(viewer);
      if (state === 'complete') assert.deepEqual([status, outcome], [206, 'complete']);
      else {
        assert.deepEqual([status, outcome], [504, 'complete']);
        assert.equal((viewer.times.headAt ?? Number.NaN) - viewer.times.sentAt, 30_000);
      }
      await row.close();
    });
  });

  for (const status of [404, 410]) {
    describe(`an origin that answers ${status}, with a film that is ${state}`, () => {
      it('has what is present played while it is fresh, and says so of the rest', async () => {
        const row = await rowIn(state);
        row.rig.origin.always({ status });
        if (state === 'partly present') assert.deepEqual(await row.gets({ range: '0-99' }), [206, 'complete', 100]);
        const [got] = await row.gets({ range: '900000-' });
        assert.equal(got, state === 'complete' ? 206 : status);
        await row.close();
      });

      it('has nothing of it played any more when it was asked whether that is current', async () => {
        const row = await rowIn(state);
        row.rig.origin.always({ status });
        await row.rig.clock.advance(2 * day);
        await row.gets({ range: '0-99' });
        await row.rig.clock.advance(60_000);
        assert.equal((await row.gets({ range: '0-99' }))[0], status);
        await row.close();
      });

      it('has what is present played for good where keepDeleted says so', async () => {
        const row = await rowIn(state, { mount: { keepDeleted: true } });
        row.rig.origin.always({ status });
        for (let visit = 0; visit < 3; visit += 1) {
          await row.rig.clock.advance(2 * day);
          const [got] = await row.gets({ range: '0-99' });
          assert.equal(got, state === 'cold' ? status : 206);
          await row.rig.clock.advance(60_000);
        }
        if (state === 'complete') assert.deepEqual(await row.gets(), whole);
        await row.close();
      });
    });
  }

  for (const status of [401, 403, 500]) {
    it(`an origin that answers ${status} is not taken for one that has nothing: a film that is ${state} plays`, async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ status });
      await row.rig.clock.advance(2 * day);
      for (let visit = 0; visit < 2; visit += 1) {
        const [got] = await row.gets({ range: '0-99' });
        assert.equal(got, state === 'cold' ? status : 206);
        await row.rig.clock.advance(60_000);
      }
      await row.close();
    });
  }
}

describe('a stream without end', () => {
  const radio: Behaviour = {
    framing: 'close',
    ignoreRange: true,
    rate: 16_000,
    fields: { etag: null, 'last-modified': null, 'content-type': 'audio/mpeg', 'icy-name': 'Radio' },
  };
  const station = film(1_000_000_000);

  for (const connections of [1, 32]) {
    it(`has several listeners on one origin connection (of ${connections}), and is not stored`, async () => {
      const mount = { maxConnections: connections };
      const rig = await virtualRig({ films: station, origin: radio, mount, settings: { drainTimeout: '0s' } });
      const players = Array.from({ length: 4 }, () => rig.player());
      const listeners = [];
      for (const player of players) {
        listeners.push(player.get('/films/radio', { film: null }));
        await rig.clock.advance(3000);
      }
      for (const { status, bodyBytes, outcome } of listeners) {
        assert.deepEqual([status, outcome], [200, null]);
        assert.ok(bodyBytes > 30_000, `${bodyBytes} bytes`);
      }
      assert.deepEqual([rig.origin.requests.length, rig.origin.open], [1, 1]);
      for (const player of players) player.leave();
      await rig.clock.advance(60_000);
      assert.equal(rig.origin.open, 0, 'nobody listens, and nothing is fetched');
      const again = rig.get('/films/radio', { film: null });
      await rig.clock.advanceUntil(again.received(1000));
      assert.equal(rig.origin.requests.length, 2, 'nothing of it was stored');
      assert.deepEqual(rig.eventsOf('bug'), []);
      await rig.close();
      await rig.clock.advance(1000);
      assert.equal(rig.clock.pending, 0);
    });
  }

  it('that is cut ends for its listeners, and plays again for the next', async () => {
    const rig = await virtualRig({ films: station, origin: radio });
    const listener = rig.get('/films/radio', { film: null });
    await rig.clock.advance(1000);
    rig.network.relay.cut();
    await rig.clock.advanceUntil(() => listener.outcome !== null);
    assert.equal(listener.outcome, 'cut');
    const again = rig.get('/films/radio', { film: null });
    await rig.clock.advanceUntil(again.received(10_000));
    await rig.close();
  });
});
