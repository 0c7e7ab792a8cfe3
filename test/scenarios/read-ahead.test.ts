import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';

const mebibyte = 1024 * 1024;
const long = film(150 * mebibyte);

/** An origin without a limit. */
function stageOf(policy: Record<string, number> = {}) {
  return stage({ film: long, policy, origin: (clock) => ScriptedOrigin.serving(long, { clock }) });
}

describe('the read-ahead window', () => {
  for (const [what, policy, readAhead] of [
    ['64 MiB by default', {}, 64 * mebibyte],
    ['what readAhead says', { readAhead: mebibyte }, mebibyte],
  ] as const) {
    it(`of a reader that has read 8 MiB is ${what}, and a fast origin outruns it by no more than a buffer`, async () => {
      const { view, clock, origin } = stageOf(policy);
      const viewer = view();
      viewer.pauseAt(8 * mebibyte);
      await clock.advance(1000);
      const ahead = origin.bytesGiven - viewer.bytes;
      assert.ok(ahead >= readAhead - mebibyte && ahead <= readAhead + 64 * 1024, `${ahead} bytes ahead`);
      await clock.advance(600_000);
      assert.ok(origin.bytesGiven - viewer.bytes <= readAhead + 64 * 1024);
      viewer.leave();
    });
  }

  it('slides with the reader, and no byte is fetched twice', async () => {
    const { view, clock, origin } = stageOf({ readAhead: 4 * mebibyte });
    const viewer = view();
    viewer.pause();
    await clock.advance(60_000);
    viewer.resume();
    await clock.advance(10_000);
    assert.deepEqual([viewer.outcome, viewer.bytes, origin.fetchedTwice], ['whole', long.size, []]);
  });
});

describe('a fetch at the edge of its window', () => {
  for (const [what, policy, restTimeout] of [
    ['5 s', {}, 5000],
    ['as long as restTimeout says', { restTimeout: 250 }, 250],
  ] as const) {
    it(`keeps its connection for ${what}, then gives it up`, async () => {
      const { view, clock, origin } = stageOf({ ...policy, readAhead: mebibyte });
      const viewer = view();
      viewer.pause();
      await clock.advance(restTimeout - 1);
      assert.equal(origin.live.length, 1);
      await clock.advance(1);
      assert.equal(origin.live.length, 0);
      viewer.leave();
    });
  }

  it('goes on over the same connection where the reader moves in time', async () => {
    const { view, clock, origin } = stageOf({ readAhead: mebibyte });
    const viewer = view();
    viewer.pause();
    await clock.advance(4000);
    viewer.resume();
    await clock.advance(1000);
    assert.deepEqual([viewer.outcome, origin.requests.length], ['whole', 1]);
  });

  it('is not taken for a stalled origin, where restTimeout is longer than stallTimeout', async () => {
    const { view, clock, origin } = stageOf({ readAhead: mebibyte, restTimeout: 60_000 });
    const viewer = view();
    viewer.pause();
    await clock.advance(50_000);
    assert.equal(origin.live.length, 1);
    viewer.resume();
    await clock.advance(1000);
    assert.deepEqual([viewer.outcome, origin.requests.length], ['whole', 1]);
  });

  it('is opened again from its place, under If-Range, after a pause of ten minutes', async () => {
    const { view, clock, origin } = stageOf({ readAhead: mebibyte });
    const viewer = view();
    viewer.pause();
    await clock.advance(600_000);
    const given = origin.bytesGiven;
    viewer.resume();
    await clock.advance(1000);
    assert.deepEqual([viewer.outcome, origin.fetchedTwice], ['whole', []]);
    const [, ...again] = origin.requests;
    assert.equal(again[0]?.offset, given);
    assert.ok(again.every((request) => request.field('if-range') !== null));
  });

  it('is ended soon after its last reader has left', async () => {
    const { view, clock, origin } = stage({
      film: long,
      origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: 1_000_000 }),
    });
    const viewer = view();
    await clock.advance(2000);
    viewer.leave();
    await clock.advance(6000);
    assert.equal(origin.live.length, 0);
    assert.ok(origin.bytesGiven < 10_000_000, `${origin.bytesGiven} bytes for a reader that had left`);
    await clock.advance(60_000);
    assert.equal(clock.pending, 0);
  });

  it('pulls no gigabytes for a read of one byte', async () => {
    const { view, clock, origin } = stageOf();
    const viewer = view(0, 1);
    await clock.advance(60_000);
    assert.equal(viewer.outcome, 'whole');
    assert.ok(origin.bytesGiven <= mebibyte, `${origin.bytesGiven} bytes`);
  });
});

describe('a slow or paused reader', () => {
  it('slows nobody', async () => {
    const { view, clock } = stage({
      film: film(20 * mebibyte),
      policy: { readAhead: mebibyte },
      origin: (clock) => ScriptedOrigin.serving(film(20 * mebibyte), { clock, rate: 2 * mebibyte }),
    });
    const paused = view();
    paused.pause();
    const quick = view();
    await clock.advance(11_000);
    assert.deepEqual([quick.outcome, quick.bytes], ['whole', 20 * mebibyte]);
    paused.resume();
    await clock.advance(100);
    assert.equal(paused.outcome, 'whole');
  });
});

describe('a scan of a library', () => {
  it('costs the origin about what it reads of each title, and keeps no connection', async () => {
    const { view, clock, origin } = stage({
      film: long,
      maxConnections: 4,
      origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: 12_000_000, headAfter: 30 }),
    });
    for (let title = 0; title < 50; title += 1) {
      const probe = view(0, null, `/${title}`);
      await clock.advanceUntil(() => probe.bytes >= 65_536);
      probe.leave();
    }
    await clock.advance(60_000);
    assert.ok(origin.bytesGiven < 50 * 4 * 65_536, `${origin.bytesGiven} bytes for 50 probes of 64 KiB`);
    assert.equal(origin.live.length, 0);
  });
});
