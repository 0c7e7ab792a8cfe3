/** What a player asks for when it opens a film is there before it asks, and costs the origin nothing more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RangeSet } from '../../src/bytes/range-set.ts';
import { ProxyError } from '../../src/errors.ts';
import { stage } from '../cache/stage.ts';
import { type FragmentedFilm, fragmentedFilm, tailedFilm } from '../support/boxed-films.ts';
import { film } from '../support/film.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { answerFew } from './answers.ts';

const mebibyte = 1024 * 1024;
const indexSize = 140_000;
const { film: boxed, index: boxedIndex } = tailedFilm(200 * mebibyte, indexSize, 240_000);

interface Scene extends Partial<Parameters<typeof stage>[0]> {
  readonly connectAfter?: number;
  readonly headAfter?: number;
  readonly rate?: number;
}

function scene({ connectAfter = 0, headAfter = 50, rate = 4_000_000, ...options }: Scene = {}) {
  const { film: shown = boxed } = options;
  const origin = (clock: Parameters<NonNullable<Scene['origin']>>[0]) =>
    ScriptedOrigin.serving(shown, { clock, rate, connectAfter, headAfter });
  return stage({ film: shown, origin, ...options });
}

/** Where each request at the origin began. */
const offsets = ({ requests }: ScriptedOrigin) => requests.map(({ offset }) => offset);

/** Opens the film as players do: the beginning, the index, and the beginning again. */
async function openFilm({ view, clock }: ReturnType<typeof scene>, target = '/film.mp4') {
  const head = view(0, null, target);
  head.pauseAt(32 * 1024);
  await clock.advanceUntil(() => head.bytes >= 32 * 1024);
  await clock.advance(20);
  head.leave();
  const indexAt = clock.now();
  const index = view(boxedIndex, null, target);
  await clock.advanceUntil(() => index.outcome === 'whole');
  const backAt = clock.now();
  const back = view(48, null, target);
  await clock.advanceUntil(() => back.bytes >= 300_000);
  return { back, indexMs: backAt - indexAt, backMs: clock.now() - backAt };
}

describe('the index of a film that lies behind the media', () => {
  it('is asked for as soon as the first bytes tell where it is, beside the beginning', async () => {
    const there = scene();
    const player = there.view();
    player.pauseAt(1);
    await there.clock.advanceUntil(() => there.origin.requests.length === 2);
    assert.deepEqual(offsets(there.origin), [0, boxedIndex]);
    assert.ok(there.clock.now() < 100, `after ${there.clock.now()} ms`);
    player.leave();
  });

  it('is not asked for once more by the player, who goes back to a beginning that went on meanwhile', async () => {
    const there = scene();
    const { back, indexMs, backMs } = await openFilm(there);
    back.leave();
    await there.clock.advance(1000);
    assert.deepEqual(offsets(there.origin), [0, boxedIndex]);
    assert.deepEqual(there.origin.fetchedTwice, []);
    // One connection after the other takes 50 ms for each head, and 110 ms for these bytes.
    assert.ok(indexMs < 75 && backMs < 60, `${indexMs} and ${backMs} ms`);
    assert.equal(there.origin.live.length, 0);
  });

  it('comes over several connections where the origin is far', async () => {
    const there = scene({ connectAfter: 300, headAfter: 300, parallelFetches: 8 });
    const player = there.view();
    player.pauseAt(1);
    await there.clock.advanceUntil(() => there.origin.requests.length > 5);
    const parts = [0, 1, 2, 3].map((number) => boxedIndex + number * 40 * 1024);
    assert.deepEqual(offsets(there.origin).slice(0, 5), [0, ...parts]);
    await there.clock.advance(2000);
    assert.equal(there.origin.requests.filter(({ offset }) => offset >= boxedIndex).length, 4);
    assert.deepEqual(there.origin.fetchedTwice, []);
    player.leave();
  });

  it('comes beside a beginning in pieces where the origin is far, as much as a player that looks gets anyway', async () => {
    const there = scene({ connectAfter: 300, headAfter: 300, rate: 100_000, parallelFetches: 8 });
    const player = there.view();
    player.pauseAt(32 * 1024);
    await there.clock.advance(900);
    assert.equal(there.origin.live.length, 24, 'four of the index, and as many as begin together');
    await there.clock.advance(4000);
    assert.ok(RangeSet.from(there.fill().present).covers({ start: 0, end: mebibyte }));
    assert.ok(there.origin.bytesGiven < mebibyte + indexSize + 200_000, `${there.origin.bytesGiven} bytes`);
    player.leave();
    await there.clock.advance(5000);
    assert.equal(there.origin.live.length, 0);
  });

  it('comes to who waits for it where the origin is far and refuses all but a few connections', async () => {
    for (const most of [1, 2, 4]) {
      const there = stage({ film: boxed, parallelFetches: 8 });
      void answerFew(there.origin, there.clock, { most, refusal: 503 });
      const head = there.view();
      head.pauseAt(32 * 1024);
      await there.clock.advance(3000);
      head.leave();
      const index = there.view(boxedIndex);
      await there.clock.advance(3000);
      assert.equal(index.outcome, 'whole', `with ${most}`);
      const back = there.view(48);
      await there.clock.advance(10_000);
      assert.ok(back.bytes > 6_000_000, `${back.bytes} bytes with ${most}`);
      assert.ok(there.origin.requests.length < 50, `${there.origin.requests.length} requests with ${most}`);
      back.leave();
    }
  });

  it('comes by one connection beside one where the origin is far, and one title has one', async () => {
    const there = scene({ connectAfter: 300, headAfter: 300, parallelFetches: 1 });
    const player = there.view();
    player.pauseAt(1);
    await there.clock.advance(5000);
    assert.deepEqual(offsets(there.origin), [0, boxedIndex]);
    player.leave();
  });

  it('costs a scan no byte that it would not have cost without', async () => {
    const costs = [];
    for (const fill of ['window', 'none'] as const) {
      const there = scene({ policy: { fill }, maxConnections: 4 });
      for (let title = 0; title < 20; title += 1) {
        const { back } = await openFilm(there, `/${title}`);
        back.leave();
        await there.clock.advance(1000);
      }
      assert.ok(
        there.origin.bytesGiven <= 20 * (mebibyte + 300_000 + indexSize),
        `${there.origin.bytesGiven / 20} bytes each`,
      );
      assert.equal(there.origin.live.length, 0);
      costs.push(there.origin.requests.length);
    }
    assert.ok((costs[0] ?? 0) <= (costs[1] ?? 0), `${costs} requests`);
  });

  it('is not asked for by the same time where the origin allows one connection', async () => {
    const there = scene({ maxConnections: 1 });
    const open = there.origin.open.bind(there.origin);
    let most = 0;
    there.origin.open = (...request) => {
      const reply = open(...request);
      most = Math.max(most, there.origin.live.length);
      return reply;
    };
    const { back } = await openFilm(there);
    back.leave();
    assert.equal(most, 1);
    assert.deepEqual(there.origin.fetchedTwice, []);
  });

  it('is left to the player where its request failed, and nobody hears of that', async () => {
    const there = stage({ film: boxed });
    const player = there.view();
    const head = await there.asked();
    head.head().bytes(64 * 1024);
    await there.clock.settle();
    (await there.asked()).refuse(new ProxyError('connection_terminated', 'The origin hung up.'));
    head.bytes(64 * 1024);
    await there.clock.advance(5000);
    assert.deepEqual([player.bytes, player.outcome, there.fill().state.phase], [128 * 1024, null, 'filling']);
    assert.deepEqual(offsets(there.origin), [0, boxedIndex]);
    const index = there.view(boxedIndex);
    (await there.asked()).head().bytes(indexSize).end();
    await there.clock.settle();
    assert.equal(index.outcome, 'whole');
    player.leave();
  });

  const unasked: Readonly<Record<string, { readonly scene: Scene; readonly start?: number; readonly end?: number }>> = {
    'for a request of the head alone': { scene: {}, end: 0 },
    'for a few bytes of the beginning': { scene: {}, end: 2 },
    'by who reads from the middle': { scene: {}, start: 100 * mebibyte },
    'where nothing is to be fetched ahead': { scene: { policy: { fill: 'none' } } },
    'where the cache keeps to the letter of HTTP': { scene: { mode: 'rfc9111' } },
    'of a film that comes whole in a moment': { scene: { film: tailedFilm(mebibyte, indexSize, 1000).film } },
    'of what is no film': { scene: { film: film(200 * mebibyte) } },
  };
  for (const [what, { scene: options, start = 0, end = null }] of Object.entries(unasked)) {
    it(`is not asked for ${what}`, async () => {
      const there = scene(options);
      const player = there.view(start, end);
      player.pauseAt(64 * 1024);
      await there.clock.advance(3000);
      assert.deepEqual(offsets(there.origin), [start]);
      player.leave();
    });
  }

  it('is left when the player has gone for good', async () => {
    const there = scene({ rate: 100_000 });
    const player = there.view();
    player.pauseAt(1);
    await there.clock.advanceUntil(() => there.origin.requests.length === 2);
    player.leave();
    await there.clock.advance(300);
    assert.equal(there.origin.live.length, 0);
    await there.clock.advance(60_000);
    assert.equal(there.clock.pending, 0);
  });
});

describe('the heads of the fragments of a film without an index in front', () => {
  /** Goes from each to the next, as ffmpeg does when it opens such a film; resolves with how long that took. */
  async function goThrough({ view, clock }: ReturnType<typeof scene>, { fragments, head }: FragmentedFilm) {
    const from = clock.now();
    for (const start of [0, ...fragments.slice(1)]) {
      const player = view(start);
      await clock.advanceUntil(() => player.bytes >= head);
      player.leave();
      await clock.settle();
    }
    return clock.now() - from;
  }

  it('come side by side, where an index at the end tells where they are', async () => {
    const fragmented = fragmentedFilm(60, true);
    const there = scene({ film: fragmented.film, rate: 20_000_000 });
    const took = await goThrough(there, fragmented);
    // 50 ms each by one after the other.
    assert.ok(took < 1000, `${took} ms`);
    assert.ok(there.origin.requests.length <= 65, `${there.origin.requests.length} requests`);
    assert.ok(there.origin.bytesGiven < 2.5 * mebibyte, `${there.origin.bytesGiven} bytes`);
    assert.deepEqual(there.origin.fetchedTwice, []);
    await there.clock.advance(10_000);
    assert.equal(there.origin.live.length, 0);
  });

  it('come one after the other where none does, and nothing more', async () => {
    const fragmented = fragmentedFilm(60, false);
    const there = scene({ film: fragmented.film, rate: 20_000_000 });
    const took = await goThrough(there, fragmented);
    assert.ok(took < 60 * 55, `${took} ms`);
    assert.ok(there.origin.requests.length <= 65, `${there.origin.requests.length} requests`);
    assert.ok(there.origin.bytesGiven < 2.5 * mebibyte, `${there.origin.bytesGiven} bytes`);
  });

  it('are nothing that is fetched for a player that reads on', async () => {
    const { film: shown } = fragmentedFilm(60, true);
    const there = scene({ film: shown });
    const player = there.view();
    player.rate = 500_000;
    await there.clock.advance(3000);
    assert.deepEqual(offsets(there.origin), [0]);
    player.leave();
  });

  it('keep nobody waiting who seeks to one and reads on', async () => {
    const { film: shown, fragments, head } = fragmentedFilm(60, true);
    const there = scene({ film: shown });
    there.view(0, 64 * 1024);
    await there.clock.advance(1000);
    const from = there.clock.now();
    const player = there.view(fragments[1]);
    await there.clock.advanceUntil(() => player.bytes >= head + 300_000);
    assert.ok(there.clock.now() - from < 350, `${there.clock.now() - from} ms`);
    player.leave();
  });
});

describe('what a player asks for when it opens a film, with `prefetch` off', () => {
  it('is fetched when the player asks for it', async () => {
    const there = scene({ policy: { prefetch: false } });
    const player = there.view();
    player.pauseAt(1);
    await there.clock.advance(10_000);
    assert.deepEqual(offsets(there.origin), [0]);
    player.leave();
  });
});
