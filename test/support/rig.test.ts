import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { film } from './film.ts';
import { virtualRig } from './rig.ts';
import { VirtualClock } from './virtual-clock.ts';

const movie = film(600_000);

describe('the rig', () => {
  it('plays a film through the whole of firstbyte, on virtual time', async () => {
    const rig = await virtualRig({ films: movie, origin: { headAfter: 3000 }, relay: { rate: 100_000, delay: 50 } });
    const exchange = rig.get('/films/film.mp4', { range: '0-' });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.bodyBytes], [206, 600_000]);
    assert.ok((exchange.firstByteAfter ?? 0) < 3250, `the first byte came after ${exchange.firstByteAfter} ms`);
    assert.ok(Math.abs(rig.clock.now() - 9200) < 100, `the film took ${rig.clock.now()} ms`);
    assert.deepEqual([rig.origin.requests.length, rig.fetchedTwice('/film.mp4')], [1, []]);
    assert.deepEqual(rig.fetched('/film.mp4'), [{ start: 0, end: 600_000 }]);
    await rig.clock.settle();
    assert.deepEqual(
      rig.eventsOf('request-done').map(({ status, bytes, outcome }) => [status, bytes, outcome]),
      [[206, 600_000, 'served']],
    );
    await rig.close();
  });

  it('keeps what was stored over a restart', async () => {
    const rig = await virtualRig({ films: movie });
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    await rig.restart();
    const again = rig.get('/films/film.mp4');
    assert.equal(await rig.clock.advanceUntil(again.done()), 'complete');
    assert.deepEqual([again.status, again.bodyBytes, rig.origin.requests.length], [200, 600_000, 1]);
    assert.deepEqual(rig.fetched('/film.mp4'), []);
    await rig.close();
  });

  it('takes settings as they are written, for the daemon and for the origin', async () => {
    const rig = await virtualRig({
      films: { '/one.mp4': movie, '/two.mp4': film(1000) },
      origin: { headAfter: 20_000 },
      settings: { queueTimeout: '7s', patience: 'off' },
      mount: { maxConnections: 1 },
    });
    const [first, second] = [rig.get('/films/one.mp4', { film: movie }), rig.get('/films/two.mp4')];
    assert.equal(await rig.clock.advanceUntil(second.done()), 'complete');
    assert.deepEqual([second.status, second.times.endAt], [503, 7000]);
    assert.equal(await rig.clock.advanceUntil(first.done()), 'complete');
    assert.deepEqual([first.status, first.times.headAt], [200, 20_000]);
    await rig.close();
  });

  it('leaves nothing behind when it is closed', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 10_000 } });
    const exchange = rig.get('/films/film.mp4');
    await rig.clock.advanceUntil(exchange.received(1000));
    await rig.close();
    await rig.clock.settle();
    assert.deepEqual([rig.network.relay.open, rig.origin.open, rig.clock.pending], [0, 0, 0]);
    assert.equal(await exchange.done(), 'cut');
  });

  it('is not closed in peace where something is lent, and says what and where', async () => {
    const loans = () => ({ objects: 0, buffers: 3, starved: 0, descriptors: 0 });
    const rig = await virtualRig({ films: movie, store: Object.assign(createMemoryStore(), { loans }) });
    assert.equal(await rig.clock.advanceUntil(rig.get('/films/film.mp4').done()), 'complete');
    await assert.rejects(rig.close(), /last player has gone is lent: 3 buffers/);
    await rig.stop();
  });

  it('keeps what is stored on a disk where it is given one, over a restart, in no time of its own', async (t) => {
    const cacheDir = join(await temporaryDirectory(t), 'cache');
    const rig = await virtualRig({ films: movie, cacheDir, clock: new VirtualClock(undefined, { files: true }) });
    assert.equal(await rig.clock.advanceUntil(rig.get('/films/film.mp4').done()), 'complete');
    await rig.restart();
    const before = rig.clock.now();
    assert.equal(await rig.clock.advanceUntil(rig.get('/films/film.mp4').done()), 'complete');
    assert.deepEqual([rig.clock.now(), rig.fetched('/film.mp4')], [before, []]);
    await rig.close();
  });
});
