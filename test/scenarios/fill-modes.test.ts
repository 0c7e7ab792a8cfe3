/** What is brought in beyond what is read: by an origin's `fill`, by warming, and what a user's pause keeps from it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage } from '../cache/stage.ts';
import { filled } from '../fill/filled.ts';
import { film } from '../support/film.ts';
import { filmFields } from '../support/film-fields.ts';
import { never } from '../support/never.ts';
import { virtualRig } from '../support/rig.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { answerAll, answerWith, refusal } from './answers.ts';

const mebibyte = 1024 * 1024;
const movie = film(40 * mebibyte + 7);
const policy = { readAhead: 4 * mebibyte } as const;

const stageOf = (options: Partial<Parameters<typeof stage>[0]> = {}) =>
  stage({
    film: movie,
    origin: (clock) => ScriptedOrigin.serving(movie, { clock, rate: 8 * mebibyte, headAfter: 50 }),
    ...options,
  });

describe('fill: window', () => {
  const unit = 256 * 1024;
  const tail = 37 * mebibyte + 5000;
  const isWhole = (offset: number) => offset % unit === 0 || offset === movie.size;

  it('finishes the units that are there in part when who has played is gone, so that they are found again', async () => {
    const { view, clock, origin } = stageOf({ policy });
    const index = view(tail);
    await clock.advanceUntil(index.over);
    const viewer = view(10 * mebibyte + 7);
    await clock.advanceUntil(() => viewer.bytes > 9 * mebibyte);
    viewer.leave();
    const asked = origin.requests.length;
    await clock.advance(0);
    assert.equal(origin.requests.length, asked, 'whoever seeks next has the link to himself');
    await clock.advance(120_000);
    assert.ok(
      origin.given.every(({ start, end }) => isWhole(start) && isWhole(end)),
      JSON.stringify(origin.given),
    );
    assert.deepEqual(origin.given.at(-1), { start: 37 * mebibyte, end: movie.size });
    assert.deepEqual([origin.fetchedTwice, clock.pending], [[], 0]);
  });

  it('finishes nothing of a scan', async () => {
    const { view, clock, origin } = stageOf({ policy });
    const index = view(tail, tail + 10_000);
    await clock.advanceUntil(index.over);
    await clock.advance(120_000);
    assert.equal(origin.given[0]?.start, tail);
  });

  it('finishes nothing at an origin that has just refused to give more', async () => {
    const set = stage({ film: movie, policy });
    const { view, clock, origin } = set;
    const viewer = view();
    const request = await set.asked();
    request.head().bytes(9 * mebibyte + 5);
    await clock.settle();
    request.cut();
    void answerAll(origin, (again) => answerWith(again, 410));
    await clock.advanceUntil(viewer.over);
    const asked = origin.requests.length;
    await clock.advance(120_000);
    assert.deepEqual([viewer.bytes, origin.requests.length, clock.pending], [9 * mebibyte + 5, asked, 0]);
  });
});

describe('fill: complete', () => {
  const complete = { ...policy, fill: 'complete' } as const;

  it('brings in the whole film once 8 MiB were read, also after the player has left, each byte once', async () => {
    const { view, clock, origin, fill, eventsOf } = stageOf({ policy: complete });
    const viewer = view(10 * mebibyte);
    await clock.advanceUntil(() => viewer.bytes > 9 * mebibyte);
    viewer.leave();
    await clock.advance(20_000);
    assert.deepEqual([fill().state.phase, origin.fetchedTwice], ['complete', []]);
    assert.deepEqual(origin.given, [{ start: 0, end: movie.size }]);
    assert.equal(eventsOf('fill-done').length, 1);
    await clock.advance(120_000);
    assert.equal(clock.pending, 0);
  });

  it('is no reason to go on for a scan', async () => {
    const { view, clock, origin } = stageOf({ policy: complete });
    const viewer = view();
    await clock.advanceUntil(() => viewer.bytes > 2 * mebibyte);
    viewer.leave();
    await clock.advance(60_000);
    assert.ok(origin.bytesGiven <= 3 * mebibyte + 64 * 1024);
    assert.equal(clock.pending, 0);
  });

  it('runs past readAhead while somebody watches slowly', async () => {
    const { view, clock, origin } = stageOf({ policy: complete });
    const viewer = view();
    viewer.pauseAt(9 * mebibyte);
    await clock.advance(20_000);
    assert.deepEqual(origin.given, [{ start: 0, end: movie.size }]);
    viewer.leave();
  });

  it('gives its connection up at once to who waits for a byte, and takes it again afterwards', async () => {
    const { view, clock, origin } = stageOf({ policy: complete, maxConnections: 1 });
    const viewer = view();
    await clock.advanceUntil(() => viewer.bytes > 9 * mebibyte);
    viewer.leave();
    await clock.advance(1000);
    assert.equal(origin.live.length, 1);
    const sentAt = clock.now();
    const other = view(0, 1000, '/other');
    await clock.advanceUntil(other.over);
    assert.ok((other.firstAt ?? 0) - sentAt <= 60, `its first byte came after ${(other.firstAt ?? 0) - sentAt} ms`);
    await clock.advance(30_000);
    assert.ok(origin.bytesGiven <= movie.size + 128 * 1024, `${origin.bytesGiven - movie.size} bytes for the other`);
    assert.deepEqual(origin.given, [{ start: 0, end: movie.size }]);
  });

  it('tries again after growing pauses where the origin fails, and no viewer hears of it', async () => {
    const { view, asked, clock, origin, eventsOf, fill } = stage({ film: movie, policy: complete });
    const viewer = view();
    (await asked()).head().bytes(13 * mebibyte);
    await clock.settle();
    assert.equal(viewer.bytes, 13 * mebibyte);
    viewer.leave();
    await clock.settle();
    const pauses: number[] = [];
    let at = clock.now();
    origin.requests[0]?.cut();
    for (let tries = 0; tries < 4; tries += 1) {
      const request = await clock.advanceUntil(origin.nextRequest());
      pauses.push(clock.now() - at);
      at = clock.now();
      request.refuse(refusal());
      await clock.settle();
    }
    assert.deepEqual(pauses, [2000, 4000, 8000, 16_000]);
    assert.deepEqual(eventsOf('fill-failed'), []);
    assert.equal(fill().state.phase, 'paused');
    // A viewer who comes now is served by a request of its own.
    const next = view(20 * mebibyte, 21 * mebibyte);
    for (let had = 20 * mebibyte; had < 21 * mebibyte; ) {
      const request = await asked();
      had = request.until ?? movie.size;
      request
        .head()
        .bytes(had - request.offset)
        .end();
      await clock.settle();
    }
    assert.equal(next.outcome, 'whole');
  });

  it('ends for good where the origin says that the film is gone, and leaves nothing behind', async () => {
    const { view, asked, clock, origin, cache } = stage({ film: movie, policy: complete });
    const viewer = view();
    (await asked()).head().bytes(13 * mebibyte);
    await clock.settle();
    viewer.leave();
    origin.requests[0]?.cut();
    answerWith(await clock.advanceUntil(origin.nextRequest()), 404);
    await clock.advance(600_000);
    assert.deepEqual([origin.requests.length, cache.fills().length, clock.pending], [2, 0, 0]);
  });
});

describe('fill: none', () => {
  it('brings what is read and one unit more, however long it plays', async () => {
    const { view, clock, origin } = stageOf({ policy: { fill: 'none' } });
    const viewer = view();
    viewer.pauseAt(12 * mebibyte);
    await clock.advance(30_000);
    assert.ok(origin.bytesGiven - viewer.bytes <= 320 * 1024, `${origin.bytesGiven - viewer.bytes} bytes ahead`);
    viewer.resume();
    await clock.advance(30_000);
    assert.deepEqual([viewer.outcome, origin.fetchedTwice], ['whole', []]);
  });
});

for (const fill of ['window', 'complete', 'none'] as const) {
  it(`fill: ${fill} is what an origin in the file can say`, async () => {
    const rig = await virtualRig({ films: movie, mount: { fill }, settings: { readAhead: '4MiB' } });
    const player = rig.player({ rate: 4 * mebibyte });
    const exchange = player.get('/films/film.mp4');
    await rig.clock.advanceUntil(exchange.received(12 * mebibyte));
    player.pause();
    await rig.clock.advance(20_000);
    const ahead = rig.bytesFetched - exchange.bodyBytes;
    const right = {
      window: ahead > 3 * mebibyte && ahead < 6 * mebibyte,
      complete: ahead > 25 * mebibyte,
      none: ahead < mebibyte,
    };
    assert.ok(right[fill], `${ahead} bytes ahead`);
    player.leave();
    await rig.close();
  });
}

describe('warming', () => {
  const { signal } = new AbortController();

  it('brings in what was asked for, with its progress, and no byte more than a unit', async () => {
    const { fill, clock, origin } = filled(movie, { rate: 8 * mebibyte });
    const seen: number[] = [];
    const ranges = [
      { start: 0, end: 2 * mebibyte },
      { start: 30 * mebibyte, end: 31 * mebibyte },
    ];
    const warmed = fill.warm(ranges, { signal, onProgress: ({ present }) => seen.push(present) });
    await clock.advanceUntil(warmed);
    assert.equal(seen.at(-1), 3 * mebibyte);
    assert.ok(seen.length > 10 && seen.every((present, index) => present >= (seen[index - 1] ?? 0)));
    assert.deepEqual(origin.given, ranges);
    await clock.advance(1000);
    assert.deepEqual([origin.live.length, clock.pending], [0, 0]);
  });

  it('of the whole ends when the whole is present, whose length it did not know', async () => {
    const { fill, clock, origin } = filled(movie, { rate: Number.POSITIVE_INFINITY });
    await clock.advanceUntil(fill.warm('whole', { signal }));
    assert.deepEqual([fill.phase, origin.given], ['complete', [{ start: 0, end: movie.size }]]);
    await clock.advanceUntil(fill.warm('whole', { signal }));
    assert.equal(origin.requests.length, 1);
  });

  for (const [status, fields] of [
    [200, [['content-length', '0'] as const]],
    [416, [['content-range', 'bytes */0'] as const]],
  ] as const) {
    it(`of the beginning ends where there is none, by a ${status}`, async () => {
      const { fill, clock, origin } = filled(film(0), null);
      const warmed = fill.warm([{ start: 0, end: mebibyte }], { signal });
      const request = await clock.advanceUntil(origin.nextRequest());
      request.head(status, [['etag', '"empty"'], ...fields]).end();
      await clock.advanceUntil(warmed);
      assert.deepEqual([fill.phase, origin.requests.length], ['complete', 1]);
    });
  }

  it('that is given up stops asking', async () => {
    const { fill, clock, origin } = filled(movie, { rate: mebibyte });
    const abort = new AbortController();
    const warmed = fill.warm('whole', { signal: abort.signal });
    await clock.advance(3000);
    abort.abort(new Error('given up'));
    await assert.rejects(warmed, /given up/);
    await clock.advance(1000);
    assert.deepEqual([origin.live.length, clock.pending], [0, 0]);
  });

  it('fails with what the origin says', async () => {
    const { fill, clock, origin } = filled(movie, null);
    const warmed = fill.warm('whole', { signal });
    warmed.catch(() => {});
    answerWith(await clock.advanceUntil(origin.nextRequest()), 404);
    await assert.rejects(clock.advanceUntil(warmed), ({ failure }) => failure.answer.status === 404);
  });
});

describe("a user's pause", () => {
  it('ends all requests; what is present is served, and whoever wants more is told 503', async () => {
    const { fill, clock, origin } = filled(movie, { rate: mebibyte });
    const { signal } = new AbortController();
    const warmed = fill.warm('whole', { signal });
    await clock.advance(3000);
    fill.pause();
    await clock.settle();
    assert.deepEqual([origin.live.length, fill.phase], [0, 'paused']);
    assert.equal(fill.engaged, true, 'it is remembered');
    const reader = fill.join({ position: 0, end: null });
    assert.equal(await reader.arrival(signal), 'bytes');
    reader.leave();
    const far = fill.join({ position: 30 * mebibyte, end: null });
    await assert.rejects(far.arrival(signal), ({ failure }) => failure.error.status === 503);
    far.leave();
    await clock.advance(60_000);
    assert.equal(origin.requests.length, 1);
    fill.resume();
    await clock.advanceUntil(warmed);
    assert.deepEqual([fill.phase, origin.fetchedTwice], ['complete', []]);
  });

  it('holds who is in mid-reply until it is lifted', async () => {
    const { fill, clock } = filled(movie, { rate: mebibyte });
    const { signal } = new AbortController();
    const reader = fill.join({ position: 0, end: null });
    await clock.advanceUntil(reader.arrival(signal));
    while (reader.take(never) !== null);
    fill.pause();
    const waiting = reader.arrival(signal);
    await clock.advance(30_000);
    fill.resume();
    assert.equal(await clock.advanceUntil(waiting), 'bytes');
    reader.leave();
    await clock.advance(10_000);
    assert.equal(clock.pending, 0);
  });
});

describe('who waits in mid-reply for a user to resume', () => {
  const { signal } = new AbortController();

  /** A fill that is paused while somebody waits, of a film under that tag. */
  async function waiting(etag: string) {
    const { fill, clock, origin } = filled(movie, null);
    const reader = fill.join({ position: 0, end: null });
    const arrival = reader.arrival(signal);
    const request = await clock.advanceUntil(origin.nextRequest());
    const fields = filmFields(movie, 200).filter(([name]) => name !== 'etag' && name !== 'last-modified');
    request.head(200, [...fields, ['etag', etag]]).bytes(100_000);
    await clock.advanceUntil(arrival);
    assert.ok(reader.take(never) !== null);
    const more = reader.arrival(signal);
    more.catch(() => {});
    fill.pause();
    await clock.settle();
    return { fill, clock, more };
  }

  it('is told when the fill ends', async () => {
    const { fill, clock, more } = await waiting('"film"');
    fill.supersede();
    await assert.rejects(clock.advanceUntil(more, { limit: 0 }), ({ failure }) => failure.kind === 'changed');
  });

  it('is told by that where the rest can not be asked for', async () => {
    const { fill, clock, more } = await waiting('W/"film"');
    fill.resume();
    await assert.rejects(clock.advanceUntil(more, { limit: 0 }), ({ failure }) => failure.kind === 'uncombinable');
  });
});

describe('requests a second', () => {
  it('are no more than maxRequestRate, and who waits for one is queued', async () => {
    const rig = await virtualRig({ films: movie, mount: { maxRequestRate: 2 } });
    const exchanges = Array.from({ length: 8 }, (_, index) =>
      rig.get('/films/film.mp4', { range: `${index * 4_000_000}-${index * 4_000_000 + 9}` }),
    );
    for (const exchange of exchanges) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    const times = rig.origin.requests.map(({ at }) => at);
    assert.ok(
      times.every((at, index) => index < 2 || at - (times[index - 2] ?? 0) >= 499),
      String(times),
    );
    assert.ok(rig.eventsOf('fill-first-byte').some(({ queued }) => queued >= 2000));
    await rig.close();
  });
});
