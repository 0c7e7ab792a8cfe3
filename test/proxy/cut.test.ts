/** What happens to a reply whose head is out when the rest can't be had, or is not wanted any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const movie = film(600_000);
/** Nothing can be healed without a validator. */
const cut: Behaviour = { cutAfter: 300_000, fields: { etag: null, 'last-modified': null } };
const endless: Behaviour = { ...cut, framing: 'chunked', ignoreRange: true };

describe('a reply that cannot be completed', () => {
  for (const [what, origin, version, framing] of [
    ['with a length', cut, '1.1', 'content-length'],
    ['in chunked coding', endless, '1.1', 'transfer-encoding'],
    ['with a length in HTTP/1.0', cut, '1.0', 'content-length'],
    ['that would end with its connection', endless, '1.0', null],
  ] as const) {
    it(`${what} is cut, and never ends cleanly`, async () => {
      const rig = await virtualRig({ films: movie, origin });
      const player = rig.player();
      const exchange = player.get('/films/film.mp4', { version });
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
      await rig.clock.settle();
      const names = exchange.fields.map(([name]) => name);
      const framings = ['content-length', 'transfer-encoding'].filter((name) => names.includes(name));
      assert.deepEqual(framings, framing === null ? [] : [framing]);
      assert.deepEqual([exchange.status, exchange.bodyBytes, player.connected], [200, 300_000, false]);
      assert.deepEqual(
        rig.eventsOf('request-done').map(({ status, outcome, bytes }) => [status, outcome, bytes]),
        [[200, 'cut', 300_000]],
      );
      assert.deepEqual([rig.eventsOf('own-error').length, rig.eventsOf('bug').length], [0, 0]);
      await rig.close();
    });
  }

  it('is cut between the parts of a multipart body, too', async () => {
    const rig = await virtualRig({ films: movie, origin: { cutAfter: 1000, fields: cut.fields ?? {} } });
    const exchange = rig.get('/films/film.mp4', { range: '0-9,590000-', film: null });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
    await rig.close();
  });
});

describe('a client that has gone', () => {
  for (const [what, version, origin] of [
    ['with a length', '1.1', {}],
    ['that would end with its connection', '1.0', { framing: 'chunked', ignoreRange: true }],
  ] as const) {
    it(`and still reads, is never given an end that looks like that of a reply ${what}`, async () => {
      const rig = await virtualRig({ films: movie, origin: { ...origin, rate: 100_000 } });
      const player = rig.player();
      const exchange = player.get('/films/film.mp4', { version });
      await rig.clock.advanceUntil(exchange.received(20_000));
      player.leave('half');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
      await rig.close();
    });
  }

  for (const how of ['end', 'reset'] as const) {
    it(`(${how}) ends the reading, and soon the fetching`, async () => {
      const rig = await virtualRig({ films: movie, relay: { rate: 10_000 } });
      const player = rig.player();
      const exchange = player.get('/films/film.mp4');
      await rig.clock.advanceUntil(exchange.received(20_000));
      player.leave(how);
      await rig.clock.advance(20_000);
      const taken = rig.origin.bytesGiven;
      await rig.clock.advance(40_000);
      assert.equal(rig.origin.bytesGiven, taken);
      assert.deepEqual(
        rig.eventsOf('request-done').map(({ status, outcome }) => [status, outcome]),
        [[200, 'gone']],
      );
      await rig.close();
    });
  }

  it('gives its connection to whoever queues for it', async () => {
    const rig = await virtualRig({ films: movie, mount: { maxConnections: 1 } });
    rig.origin.next({ headAfter: Number.POSITIVE_INFINITY });
    const player = rig.player();
    player.get('/films/1.mp4');
    await rig.clock.advance(3000);
    player.leave();
    await rig.clock.settle();
    const other = await rig.play('/films/2.mp4');
    assert.deepEqual([other.status, other.firstByteAfter], [200, 0]);
    await rig.close();
  });

  it('while other requests of its own wait for their turns leaves nothing of any', async () => {
    const rig = await virtualRig({ films: movie, origin: { headAfter: 10_000 } });
    const player = rig.player();
    player.get('/films/1.mp4');
    player.get('/films/2.mp4');
    player.get('/films/3.mp4');
    await rig.clock.advance(1000);
    player.leave();
    await rig.clock.settle();
    assert.deepEqual(
      rig.eventsOf('request-done').map(({ outcome }) => outcome),
      ['gone', 'gone', 'gone'],
    );
    assert.equal(rig.origin.requests.length, 1);
    await rig.close();
  });
});

describe('a client that pauses for an hour', () => {
  it('slows no other, and then has the rest', async () => {
    const rig = await virtualRig({ films: film(2_000_000), relay: { rate: 1_000_000 } });
    const paused = rig.player({ film: film(2_000_000) });
    const exchange = paused.get('/films/film.mp4');
    await rig.clock.advanceUntil(exchange.received(1));
    paused.pause();
    const other = rig.get('/films/film.mp4');
    const outcome = await rig.clock.advanceUntil(other.done());
    assert.ok(rig.clock.now() < 2500, `the other one had it after ${rig.clock.now()} ms`);
    await rig.clock.advance(3_600_000);
    assert.deepEqual([outcome, exchange.outcome], ['complete', null]);
    paused.resume();
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    await rig.close();
  });
});
