import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const movie = film(8_000_000);

describe('what may not be stored and cannot be asked for in parts', () => {
  it('is brought to each of two viewers by a request of its own, so that the quick one takes nothing from the slow', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 10_000_000 } });
    rig.origin.always({ fields: { 'cache-control': 'no-store', etag: null, 'last-modified': null } });
    const [slow, quick] = [rig.player(), rig.player()];
    const [paused, playing] = [slow.get('/films/film.mp4'), quick.get('/films/film.mp4')];
    slow.pause();
    assert.equal(await rig.clock.advanceUntil(playing.done()), 'complete');
    await rig.clock.advance(5000);
    slow.resume();
    assert.equal(await rig.clock.advanceUntil(paused.done()), 'complete');
    assert.deepEqual([paused.bodyBytes, playing.bodyBytes, rig.origin.requests.length], [8_000_000, 8_000_000, 2]);
    await rig.close();
  });

  it('keeps its one connection as long as its viewer pauses', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 10_000_000 } });
    rig.origin.always({ fields: { 'cache-control': 'no-store', etag: null, 'last-modified': null } });
    const player = rig.player();
    const exchange = player.get('/films/film.mp4');
    player.pause();
    await rig.clock.advance(600_000);
    player.resume();
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.bodyBytes, rig.origin.requests.length], [8_000_000, 1]);
    await rig.close();
  });

  it('comes in once for two viewers where it can be asked for in parts, and is not for one client', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 10_000_000 } });
    rig.origin.always({ fields: { 'content-type': 'text/html' } });
    const exchanges = [rig.get('/films/film.mp4'), rig.get('/films/film.mp4')];
    for (const exchange of exchanges) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(rig.origin.requests.length, 1);
    await rig.close();
  });
});
