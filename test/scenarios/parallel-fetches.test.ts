/** Several fetches of one title side by side, where one connection brings less than its player takes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type StageOptions, stage } from '../cache/stage.ts';
import { tailedFilm } from '../support/boxed-films.ts';
import { film } from '../support/film.ts';
import { never } from '../support/never.ts';
import { pause } from '../support/pause.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { answerAll, answerFew, answerSlowly, answerWith } from './answers.ts';

const long = film(200_000_000);
const { film: boxed } = tailedFilm(200 * 1024 * 1024, 140_000, 240_000);

/** A film at an origin that gives each connection so many bytes a second, and takes 60 ms to answer. */
const capped = (rate: number, options: Partial<StageOptions> = {}) =>
  stage({
    film: long,
    origin: (clock) => ScriptedOrigin.serving(long, { clock, rate, headAfter: 60 }),
    parallelFetches: 8,
    ...options,
  });

const bytesOf = (ranges: Iterable<{ start: number; end: number }>) =>
  [...ranges].reduce((sum, { start, end }) => sum + end - start, 0);

describe('a player that one connection starves', () => {
  it('gets several times as much by several, at a few requests each, and next to no byte twice', async () => {
    const { view, clock, origin } = capped(300_000);
    const viewer = view();
    let most = 0;
    for (let second = 0; second < 20; second += 1) {
      await clock.advance(1000);
      most = Math.max(most, origin.live.length);
    }
    assert.ok(viewer.bytes > 3 * 20 * 300_000, `${viewer.bytes} bytes`);
    assert.ok(most > 3 && most <= 8, `${most} at once`);
    assert.ok(origin.requests.length <= 2 + 7 * most, `${origin.requests.length} requests`);
    const twice = bytesOf(origin.fetchedTwice);
    assert.ok(twice < 200_000, `${twice} bytes twice`);
    viewer.leave();
  });

  it('is begun to be helped before two seconds are over', async () => {
    const { view, clock, origin } = capped(300_000);
    const viewer = view();
    await clock.advance(2000);
    assert.ok(origin.live.length > 2, `${origin.live.length} at once`);
    viewer.leave();
  });

  it('gets what follows a seek by several at once, once that has helped', async () => {
    const { view, clock, origin } = capped(300_000);
    const first = view();
    await clock.advance(20_000);
    first.leave();
    const before = origin.requests.length;
    const viewer = view(150_000_000);
    await clock.advance(10);
    assert.ok(origin.requests.length - before > 2, 'several are asked for before a byte has come');
    await clock.advance(1000);
    assert.ok(viewer.bytes > 400_000, `${viewer.bytes} bytes a second after the seek`);
    viewer.leave();
  });

  it('leaves nothing open when it goes', async () => {
    const { view, clock, origin } = capped(300_000);
    const viewer = view();
    await clock.advance(10_000);
    viewer.leave();
    await clock.advance(120_000);
    assert.equal(origin.live.length, 0);
  });

  it('has one connection where the origin allows one', async () => {
    const { view, clock, origin } = capped(300_000, { maxConnections: 1 });
    const viewer = view();
    for (let tick = 0; tick < 100; tick += 1) {
      await clock.advance(100);
      assert.ok(origin.live.length <= 1);
    }
    viewer.leave();
  });

  for (const refusal of [429, 503]) {
    it(`has one connection, and no failure, where the origin answers ${refusal} to each second one`, async () => {
      const { view, clock, origin, eventsOf } = stage({ film: long, parallelFetches: 8 });
      void answerAll(origin, async (request) => {
        if (origin.live.length > 1) return answerWith(request, refusal);
        const end = request.until ?? long.size;
        request.head(206);
        while (request.live && request.position < end) {
          await pause(clock, 50, never);
          await request.wanted();
          request.bytes(Math.min(16_384, end - request.position));
        }
        request.end();
      });
      const viewer = view();
      await clock.advance(30_000);
      assert.ok(viewer.bytes > 0.9 * 30_000 * 327, `${viewer.bytes} bytes`);
      assert.deepEqual([viewer.outcome, eventsOf('retry')], [null, []]);
      assert.ok(origin.requests.length < 12, `${origin.requests.length} requests`);
      viewer.leave();
    });
  }

  for (const share of [0.15, 0.4, 0.8]) {
    it(`to ${share} of what its film needs has as many as it takes, and no more once it has far more than it shows`, async () => {
      const needs = boxed.size / 240;
      const { view, clock, origin } = stage({
        film: boxed,
        origin: (clock) => ScriptedOrigin.serving(boxed, { clock, rate: share * needs, headAfter: 60 }),
        parallelFetches: 8,
      });
      const viewer = view();
      await clock.advance(30_000);
      const before = viewer.bytes;
      let most = 0;
      for (let second = 0; second < 15; second += 1) {
        await clock.advance(1000);
        most = Math.max(most, origin.live.length);
      }
      const brought = (viewer.bytes - before) / (15 * needs);
      assert.ok(brought > 0.9 * Math.min(1.5, 8 * share), `${brought} times what it needs`);
      assert.ok(brought < 1.5 + 2 * share, `${brought} times what it needs`);
      assert.ok(most <= 1 + Math.ceil(1.5 / share), `${most} at once`);
      viewer.leave();
    });
  }

  it('gives way to another viewer who waits for a connection', async () => {
    const { view, clock, origin } = capped(300_000, { maxConnections: 4 });
    const viewer = view();
    await clock.advance(10_000);
    assert.ok(origin.live.length > 2, `${origin.live.length} at once`);
    const other = view(0, null, '/other.mp4');
    await clock.advance(1000);
    assert.ok(other.bytes > 0, 'it has bytes within a second');
    assert.ok(origin.live.length <= 4);
    viewer.leave();
    other.leave();
  });
});

describe('a player that stands at a piece whose connection has become slow', () => {
  for (const rate of [0, 20_000, 100_000]) {
    it(`gets the later half of it by another, where it brings ${rate} bytes a second more`, async () => {
      const { view, clock, origin } = stage({ film: long, parallelFetches: 8, maxConnections: 8 });
      let begun = 0;
      void answerAll(origin, async (request) => {
        begun += 1;
        const fadesAfter = begun % 4 === 3 ? 200_000 : Number.POSITIVE_INFINITY;
        const end = request.until ?? long.size;
        const { position } = request;
        await pause(clock, 60, never);
        request.head(206);
        while (request.live && request.position < end) {
          await pause(clock, 50, never);
          await request.wanted();
          const now = request.position - position < fadesAfter ? 300_000 : rate;
          if (request.live && now > 0) request.bytes(Math.min(now / 20, end - request.position));
        }
        request.end();
      });
      const viewer = view();
      let [longest, since, seen] = [0, 0, 0];
      for (let tick = 0; tick < 300; tick += 1) {
        await clock.advance(100);
        if (viewer.bytes - seen > 16_000) [since, seen] = [tick, viewer.bytes];
        longest = Math.max(longest, tick - since);
      }
      assert.ok(viewer.bytes > 30 * 300_000, `${viewer.bytes} bytes`);
      assert.ok(longest <= 30, `nothing for ${longest / 10} s`);
      assert.deepEqual(viewer.outcome, null);
      viewer.leave();
    });
  }
});

describe('a seek over a long way, on which each connection begins slowly', () => {
  /** An origin as far as over a satellite, where a viewer has watched for a while and one connection was enough. */
  async function far(options: Partial<StageOptions> = {}) {
    const there = stage({
      film: long,
      origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: 2_000_000, connectAfter: 300, headAfter: 300 }),
      parallelFetches: 8,
      ...options,
    });
    const viewer = there.view();
    await there.clock.advanceUntil(() => viewer.bytes >= 8_000_000);
    viewer.leave();
    const before = there.origin.requests.length;
    return { ...there, asked: () => there.origin.requests.slice(before) };
  }

  it('begins on several at once, in pieces that are each as long as the first round trips bring', async () => {
    const { view, clock, asked } = await far();
    const viewer = view(100_000_000);
    await clock.advance(10);
    assert.equal(asked().length, 20, 'twelve more than run side by side afterwards');
    for (const { offset, until } of asked()) assert.equal((until ?? 0) - offset, 40 * 1024);
    await clock.advance(3000);
    assert.ok(viewer.bytes > 2_000_000, `${viewer.bytes} bytes`);
    viewer.leave();
  });

  it('does so for who opens a film and goes on from a place in it at once', async () => {
    const there = stage({
      film: boxed,
      origin: (clock) => ScriptedOrigin.serving(boxed, { clock, rate: 2_000_000, connectAfter: 300, headAfter: 300 }),
      parallelFetches: 8,
    });
    const { view, clock, origin } = there;
    const head = view();
    await clock.advanceUntil(() => head.bytes >= 64 * 1024);
    head.leave();
    const index = view(boxed.size - 140_000);
    await clock.advanceUntil(() => index.bytes === 140_000);
    index.leave();
    await clock.advance(50);
    const before = origin.requests.length;
    const viewer = view(150_000_000);
    await clock.advance(10);
    const asked = origin.requests.slice(before);
    assert.ok(asked.length >= 12, `${asked.length} requests`);
    for (const { offset } of asked) assert.ok(offset >= 150_000_000 && offset < 151_048_576, `${offset}`);
    await clock.advance(3000);
    assert.ok(viewer.bytes > 2_000_000, `${viewer.bytes} bytes`);
    viewer.leave();
  });

  it('brings who leaves again at once no more than the window of a scan', async () => {
    const { view, clock, asked, origin } = await far();
    const viewer = view(100_000_000);
    await clock.advanceUntil(() => viewer.bytes > 0);
    viewer.leave();
    await clock.advance(5000);
    assert.ok(bytesOf(asked().map(({ offset: start, position: end }) => ({ start, end }))) <= 2 ** 20);
    assert.equal(origin.live.length, 0);
  });

  for (const [most, refusal] of [
    [4, 429],
    [4, 503],
    [1, 503],
    [1, null],
    [2, null],
    [4, null],
  ] as const) {
    const beyond = refusal === null ? 'lets all beyond wait' : `answers ${refusal} to all beyond`;
    it(`goes on by those that there may be, where the origin has ${most} at a time and ${beyond}`, async () => {
      const { view, clock, origin, eventsOf } = stage({ film: long, parallelFetches: 8 });
      void answerFew(origin, clock, { most, refusal });
      const first = view();
      await clock.advance(30_000);
      assert.ok(first.bytes >= 8_000_000, `${first.bytes} bytes`);
      first.leave();
      const before = origin.requests.length;
      const viewer = view(100_000_000);
      await clock.advance(30_000);
      assert.ok(viewer.bytes > 0.7 * 28_000 * 1000, `${viewer.bytes} bytes`);
      assert.deepEqual([viewer.outcome, eventsOf('retry')], [null, []]);
      assert.ok(
        refusal === null || origin.requests.length - before < 30,
        `${origin.requests.length - before} requests`,
      );
      viewer.leave();
    });
  }

  for (const maxConnections of [2, 4])
    it(`gets as much by ${maxConnections} as by one, where the origin allows no more`, async () => {
      const gotBy = async (maxConnections: number) => {
        const { view, clock, origin } = stage({ film: long, parallelFetches: 8, maxConnections });
        void answerSlowly(origin, clock, { roundTrip: 300, rate: 3_000_000 });
        const first = view();
        await clock.advanceUntil(() => first.bytes >= 8_000_000);
        first.leave();
        const viewer = view(100_000_000);
        await clock.advance(5000);
        viewer.leave();
        return viewer.bytes;
      };
      const [alone, together] = [await gotBy(1), await gotBy(maxConnections)];
      assert.ok(together > 0.9 * alone, `${together} bytes, and not ${alone}`);
    });

  it('begins on one where the origin allows one', async () => {
    const { view, clock, asked, origin } = await far({ maxConnections: 1 });
    const viewer = view(100_000_000);
    await clock.advance(1000);
    assert.deepEqual([asked().length, origin.live.length], [1, 1]);
    viewer.leave();
  });
});

describe('a player that one connection feeds', () => {
  it('has one, and the one that takes over before its range ends', async () => {
    const { view, clock, origin } = capped(4_000_000);
    const viewer = view();
    for (let tick = 0; tick < 100; tick += 1) {
      await clock.advance(100);
      assert.ok(origin.live.length <= 2);
    }
    viewer.leave();
  });

  for (const needs of [80_000, 270_000])
    it(`slowly, with 1.25 times what its film needs (${needs} bytes a second), has one after a seek, too`, async () => {
      const { film: shown } = tailedFilm(240 * needs, 140_000, 240_000);
      const { view, clock, origin } = stage({
        film: shown,
        origin: (clock) => ScriptedOrigin.serving(shown, { clock, rate: 1.25 * needs, headAfter: 60 }),
        parallelFetches: 8,
      });
      for (const place of [0, 0.8, 0.1]) {
        const viewer = view(Math.floor(place * shown.size));
        // What a player asks for before it shows a picture comes in parts.
        await clock.advance(place === 0 ? 3000 : 100);
        for (let tick = 0; tick < 200; tick += 1) {
          await clock.advance(100);
          assert.ok(origin.live.length <= 2, `${origin.live.length} at once`);
        }
        assert.ok(viewer.bytes <= 1.3 * 24 * needs, `${viewer.bytes} bytes`);
        viewer.leave();
        await clock.advance(10);
      }
    });
});
