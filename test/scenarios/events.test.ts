import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { assertMonotonic, finished } from './monotonic.ts';

const movie = film(1_000_000);

describe('the events of a film that plays', () => {
  it('tell its whole way, cold, in order, each time on one monotonic clock', async () => {
    const rig = await virtualRig({ films: movie, origin: { headAfter: 3000, bodyAfter: 500 }, relay: { delay: 50 } });
    await rig.clock.advance(10);
    const exchange = rig.get('/films/film.mp4?token=secret', { range: '1000-' });
    await finished(rig, exchange);
    assertMonotonic(rig.events);
    assert.deepEqual(
      rig.eventsOf('fill-state').map(({ from, to }) => `${from} ${to}`),
      ['idle queued', 'queued starting', 'starting filling', 'filling paused'],
    );
    const [first, ...more] = rig.eventsOf('fill-first-byte');
    assert.ok(first !== undefined && more.length === 0);
    const { at, headAt, landedAt, storedAt, ...named } = first;
    assert.deepEqual(named, {
      type: 'fill-first-byte',
      fill: 1,
      origin: 'films',
      path: '/film.mp4',
      offset: 1000,
      attempt: 1,
      queued: 0,
      startedAt: 10,
      connectedAt: 110,
    });
    assert.ok(headAt >= 3210 && headAt < 3230 && landedAt >= 3710 && landedAt < 3730, `${headAt} ${landedAt}`);
    assert.deepEqual([storedAt, at], [landedAt, landedAt]);
    const [done] = rig.eventsOf('request-done');
    assert.ok(done !== undefined);
    assert.deepEqual(
      [done.origin, done.path, done.method, done.status, done.outcome, done.cache, done.range, done.bytes],
      ['films', '/film.mp4', 'GET', 206, 'served', 'miss', { start: 1000, end: movie.size }, movie.size - 1000],
    );
    assert.deepEqual(
      [done.timeline.acceptedAt, done.timeline.headOutAt, done.timeline.firstByteOutAt],
      [10, landedAt, landedAt],
    );
    const [wait] = rig.eventsOf('first-byte-wait');
    assert.deepEqual([wait?.outcome, wait?.duration, wait?.origin], ['served', landedAt - 10, 'films']);
    const landed = rig.eventsOf('bytes-landed').reduce((sum, { bytes }) => sum + bytes, 0);
    const sent = rig.eventsOf('bytes-sent').reduce((sum, { bytes }) => sum + bytes, 0);
    assert.deepEqual([landed, sent], [movie.size - 1000, movie.size - 1000]);
    assert.doesNotMatch(JSON.stringify(rig.events), /secret|token/);
    await rig.close();
  });

  it('say that it is whole, and how long that took', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 500_000 } });
    await finished(rig, rig.get('/films/film.mp4'));
    const [done, ...more] = rig.eventsOf('fill-done');
    assert.ok(done !== undefined && more.length === 0);
    assert.deepEqual([done.fill, done.origin, done.path, done.length], [1, 'films', '/film.mp4', movie.size]);
    assert.ok(Math.abs(done.duration - 2000) < 50, `${done.duration}`);
    assert.equal(done.duration, done.at);
    await rig.close();
  });

  it('come for tiny and empty files as for large ones', async () => {
    for (const size of [1, 2, 0]) {
      const rig = await virtualRig({ films: film(size), origin: { headAfter: 700 } });
      await finished(rig, rig.get('/films/film.mp4'));
      const first = rig.eventsOf('fill-first-byte');
      assert.equal(first.length, size === 0 ? 0 : 1, `${size}`);
      if (size > 0) assert.deepEqual([first[0]?.offset, (first[0]?.landedAt ?? 0) >= 700], [0, true]);
      assert.deepEqual(
        rig.eventsOf('fill-done').map(({ length }) => length),
        [size],
      );
      assert.deepEqual(
        rig.eventsOf('request-done').map(({ status, bytes, outcome }) => [status, bytes, outcome]),
        [[200, size, 'served']],
      );
      assertMonotonic(rig.events);
      await rig.close();
    }
  });

  it('come for what is gone on with after a restart', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 1_000_000 } });
    await finished(rig, rig.get('/films/film.mp4', { range: '0-262143' }));
    await rig.restart();
    await finished(rig, rig.get('/films/film.mp4'));
    assert.deepEqual(
      rig.eventsOf('fill-first-byte').map(({ offset, attempt }) => [offset, attempt]),
      [
        [0, 1],
        [262_144, 1],
      ],
    );
    assert.deepEqual(
      rig.eventsOf('request-done').map(({ cache, bytes }) => [cache, bytes]),
      [
        ['miss', 262_144],
        ['partial', movie.size],
      ],
    );
    await rig.close();
  });

  it('say that a warm connection needed no connecting', async () => {
    const rig = await virtualRig({ films: { '/a': film(1000, 1), '/b': film(1000, 2) }, relay: { delay: 20 } });
    await finished(rig, rig.get('/films/a', { film: null }));
    await finished(rig, rig.get('/films/b', { film: null }));
    const [cold, warm] = rig.eventsOf('fill-first-byte');
    assert.notEqual(cold?.connectedAt, null);
    assert.equal(warm?.connectedAt, null);
    await rig.close();
  });

  it('say hit, miss and partial as it was when the request came', async () => {
    const rig = await virtualRig({ films: movie });
    await finished(rig, rig.get('/films/film.mp4', { range: '0-99999' }));
    await finished(rig, rig.get('/films/film.mp4', { range: '0-99' }));
    await finished(rig, rig.get('/films/film.mp4', { range: '0-' }));
    await finished(rig, rig.get('/films/film.mp4', { range: '999999-' }));
    assert.deepEqual(
      rig.eventsOf('request-done').map(({ cache }) => cache),
      ['miss', 'hit', 'partial', 'hit'],
    );
    assert.equal(rig.eventsOf('first-byte-wait').length, 1, 'who finds it there does not wait');
    await rig.close();
  });

  it('say where the bytes came from', async () => {
    const rig = await virtualRig({ films: movie, origin: { fields: { 'cache-control': 'no-store' } } });
    await finished(rig, rig.get('/films/film.mp4'));
    assert.deepEqual(new Set(rig.eventsOf('bytes-sent').map(({ source }) => source)), new Set(['pass-through']));
    assert.equal(rig.eventsOf('request-done')[0]?.cache, 'pass');
    await rig.close();
  });

  it('say that a 304 and a redirect to the folder were served, as what their clients wanted', async () => {
    const rig = await virtualRig({ films: movie });
    const first = rig.get('/films/film.mp4');
    await finished(rig, first);
    const etag = first.field('etag') ?? '';
    for (const [path, fields, status] of [
      ['/films/film.mp4', { 'if-none-match': etag }, 304],
      ['/films', {}, 308],
    ] as const) {
      const exchange = await rig.play(path, { fields, film: null });
      assert.equal(exchange.status, status);
      assert.equal(rig.eventsOf('request-done').at(-1)?.outcome, 'served');
    }
    await rig.close();
  });
});
