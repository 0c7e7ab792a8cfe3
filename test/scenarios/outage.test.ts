import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(1_000_000);
const day = 86_400_000;

async function play(rig: VirtualRig, options: { range?: string } = {}) {
  const exchange = rig.get('/films/film.mp4', options);
  assert.equal(await rig.clock.advanceUntil(exchange.done(), { limit: 300_000 }), 'complete');
  return exchange;
}

describe('an outage', () => {
  for (const [what, trouble] of [
    ['refused connections', 'down'],
    ['503', 503],
    ['500', 500],
    ['403', 403],
    ['silence', 'silent'],
  ] as const) {
    it(`(${what}) is not taken for a deletion: the stored film plays, also when it is stale`, async () => {
      const rig = await virtualRig({ films: movie });
      await play(rig);
      if (trouble === 'down') rig.network.down = true;
      else if (trouble === 'silent') rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
      else rig.origin.always({ status: trouble });
      if (trouble === 'down') rig.network.relay.cut();
      for (let visit = 0; visit < 3; visit += 1) {
        await rig.clock.advance(2 * day);
        const exchange = await play(rig);
        assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
        assert.equal(exchange.times.headAt, exchange.times.sentAt, 'at once');
      }
      rig.network.down = false;
      rig.origin.always({});
      await rig.clock.advance(2 * day);
      await play(rig);
      await rig.clock.advance(60_000);
      assert.deepEqual(rig.fetched('/film.mp4'), [{ start: 0, end: movie.size }], 'nothing was fetched again');
      await rig.close();
    });
  }

  it('does not keep a film from being read to its end after a restart, without any network', async () => {
    const rig = await virtualRig({ films: movie });
    await play(rig);
    rig.network.down = true;
    rig.network.relay.cut();
    await rig.restart();
    const exchange = await play(rig);
    assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
    await rig.clock.advance(3 * day);
    await rig.restart();
    const late = await play(rig, { range: '999000-' });
    assert.deepEqual([late.status, late.bodyBytes, late.times.headAt], [206, 1000, late.times.sentAt]);
    await rig.close();
  });

  it('lets what is there of a film be played, and only what is missing fails', async () => {
    const rig = await virtualRig({ films: movie });
    await play(rig, { range: '0-262143' });
    rig.network.down = true;
    rig.network.relay.cut();
    const there = await play(rig, { range: '1000-200000' });
    assert.deepEqual([there.status, there.bodyBytes], [206, 199_001]);
    const missing = await play(rig, { range: '500000-' });
    assert.equal(missing.status, 502);
    await rig.close();
  });

  it('at the start keeps firstbyte from nothing: it starts, and plays when the network is there', async () => {
    const rig = await virtualRig({ films: movie });
    rig.network.down = true;
    const exchange = rig.get('/films/film.mp4');
    await rig.clock.advance(10_000);
    rig.network.down = false;
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
    await rig.close();
  });

  it('is told, where the origin forbids serving unasked what is stale', async () => {
    const rig = await virtualRig({
      films: movie,
      origin: { fields: { 'cache-control': 'max-age=60, must-revalidate' } },
    });
    await play(rig);
    rig.network.down = true;
    rig.network.relay.cut();
    await rig.clock.advance(30_000);
    assert.equal((await play(rig)).status, 200);
    await rig.clock.advance(60_000);
    const exchange = await play(rig);
    assert.equal(exchange.status, 504);
    assert.match(exchange.text, /forbids serving this unasked .* did not confirm it\. .*refused/);
    await rig.close();
  });

  it('is over when the origin says 404: a deletion is a deletion', async () => {
    const rig = await virtualRig({ films: movie });
    await play(rig);
    rig.origin.always({ status: 404 });
    await rig.clock.advance(2 * day);
    await play(rig);
    await rig.clock.advance(60_000);
    assert.equal((await play(rig)).status, 404);
    await rig.close();
  });
});

describe('media without explicit freshness', () => {
  for (const [what, settings, freshness] of [
    ['24 h by default', {}, day],
    ['as long as mediaFreshness says', { mediaFreshness: '10m' }, 600_000],
  ] as const) {
    it(`is fresh for ${what}, then served at once and asked about behind the reader's back`, async () => {
      const rig = await virtualRig({ films: movie, settings });
      await play(rig);
      await rig.clock.advance(freshness - 60_000);
      await play(rig);
      assert.equal(rig.origin.requests.length, 1);
      await rig.clock.advance(120_000);
      rig.origin.always({ headAfter: 5000 });
      const stale = await play(rig);
      assert.equal(stale.times.headAt, stale.times.sentAt);
      await rig.clock.advance(10_000);
      assert.equal(rig.origin.requests.length, 2);
      assert.deepEqual(rig.origin.requests[1]?.fields.filter(([name]) => name === 'if-none-match').length, 1);
      assert.equal(rig.origin.requests[1]?.status, 304);
      await play(rig);
      assert.equal(rig.origin.requests.length, 2, 'it is fresh again');
      await rig.close();
    });
  }

  it('that has changed since is a new fill, and nobody gets parts of both', async () => {
    const next = film(1_000_000, 2);
    const rig = await virtualRig({ films: movie });
    await play(rig);
    rig.origin.always({ film: next });
    await rig.clock.advance(2 * day);
    const old = await play(rig);
    assert.equal(old.bodyBytes, movie.size);
    await rig.clock.advance(60_000);
    const exchange = rig.get('/films/film.mp4', { film: next });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(exchange.bodyBytes, next.size);
    await rig.restart();
    const after = rig.get('/films/film.mp4', { film: next });
    assert.equal(await rig.clock.advanceUntil(after.done()), 'complete');
    await rig.close();
  });

  it('is asked about once, however many come at once', async () => {
    const rig = await virtualRig({ films: movie, origin: { fields: { 'cache-control': 'max-age=60' } } });
    await play(rig);
    await rig.clock.advance(120_000);
    rig.origin.always({ headAfter: 1000, fields: { 'cache-control': 'max-age=60' } });
    const many = Array.from({ length: 20 }, () => rig.get('/films/film.mp4'));
    for (const exchange of many) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(rig.origin.requests.length, 2);
    await rig.close();
  });
});
