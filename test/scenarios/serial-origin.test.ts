/**
 * Origins that serve one connection at a time, until that is closed: a connection of ours that is idle, or whose body
 * nobody reads, keeps them from answering on another. They play as they do directly, once it is known what they are.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tailedFilm } from '../support/boxed-films.ts';
import type { Client } from '../support/client.ts';
import { type Film, film } from '../support/film.ts';
import { type RigOptions, type VirtualRig, virtualRig } from '../support/rig.ts';

const mebibyte = 1024 * 1024;
const front = film(300 * mebibyte);
const { film: tailed, index } = tailedFilm(300 * mebibyte, 140_000, 600_000);

/** As slowly as a small device gives, in bytes a second. */
const rate = 64 * 1024 * 33;

/** What our own connections may cost until it is known that there may be one, in milliseconds: a late answer. */
const lesson = ({ delay }: Kind) => 2000 + 8 * delay;

const ways = { near: 0, far: 60 };
const keepings = { 'keeps connections': 'keep-alive', 'closes each after its answer': 'close' };
const leavings = { 'leaves the last place first': 0, 'leaves the last place a moment later': 50 };
const watchings = { 'a moment': 300, 'a while': 2000 };

interface Kind {
  /** Milliseconds in each direction. */
  readonly delay: number;
  readonly connection: string;
}

/** What a request takes without firstbyte, in milliseconds: to connect, to ask, and the first piece of a body. */
const directMs = ({ delay }: Kind) => 4 * delay + 30;

/** Half of all combinations, in which any three of the four differences meet in each way that they can. */
function isPlayed({ delay, connection }: Kind, leavesAfter: number, watchMs: number): boolean {
  const choices = [delay > 0, connection === 'close', leavesAfter > 0, watchMs > 1000];
  return choices.filter(Boolean).length % 2 === 0;
}

/** `test` for each kind of such origins. */
function eachKind(test: (name: string, kind: Kind) => void): void {
  for (const [way, delay] of Object.entries(ways))
    for (const [keeping, connection] of Object.entries(keepings))
      test(`${way}, that ${keeping}`, { delay, connection });
}

async function withRig(
  { delay, connection }: Kind,
  { films = front, mount, origin, relay }: Partial<RigOptions>,
  run: (rig: VirtualRig) => Promise<void>,
): Promise<void> {
  const rig = await virtualRig({
    films,
    backlog: 5,
    origin: { rate, fields: { connection }, ...origin },
    relay: { delay, ...relay },
    settings: { parallelFetches: '8' },
    ...(mount && { mount }),
  });
  await run(rig);
  await rig.close();
}

/** Why a title gets as many connections as it gets. */
async function reasonIn(rig: VirtualRig): Promise<string> {
  const report = rig.player().get('/-/api/v1/origins', { film: null });
  await rig.clock.advanceUntil(report.done());
  return JSON.parse(report.text).origins[0].parallel.reason;
}

/** A player that asks for the rest from `start` on; `began` resolves with what its first byte took, in milliseconds. */
function play(rig: VirtualRig, target: string, start: number, shown: Film) {
  const player = rig.player({ film: shown });
  const exchange = player.get(target, { range: `${start}-` });
  return { player, exchange, began: () => began(rig, exchange) };
}

async function began(rig: VirtualRig, exchange: ReturnType<Client['get']>): Promise<number> {
  await rig.clock.advanceUntil(exchange.received(1), { limit: 60_000 });
  assert.equal(exchange.status, 206);
  return exchange.firstByteAfter ?? Number.POSITIVE_INFINITY;
}

/** What each of these places took, one after the other, for a player that watches each for a while. */
async function seekAll(
  rig: VirtualRig,
  shown: Film,
  places: readonly number[],
  { leavesAfter, watchMs }: { readonly leavesAfter: number; readonly watchMs: number },
): Promise<number[]> {
  const took: number[] = [];
  let last: Client | null = null;
  for (const place of places) {
    if (leavesAfter === 0) last?.leave();
    const { player, began: first } = play(rig, '/films/film.mp4', place, shown);
    if (leavesAfter > 0) await rig.clock.advance(leavesAfter);
    last?.leave();
    took.push(await first());
    await rig.clock.advance(watchMs);
    last = player;
  }
  last?.leave();
  return took;
}

const toAndFro = [100, 10, 200, 50, 290, 20, 150, 60, 250, 120].map((place) => place * mebibyte);

describe('an origin that serves one connection at a time', () => {
  eachKind((name, kind) => {
    for (const [leaving, leavesAfter] of Object.entries(leavings))
      for (const [watching, watchMs] of Object.entries(watchings)) {
        if (!isPlayed(kind, leavesAfter, watchMs)) continue;
        it(`${name}: answers ten seeks of a player that watches each place for ${watching} and ${leaving}`, () =>
          withRig(kind, {}, async (rig) => {
            const took = await seekAll(rig, front, [0, ...toAndFro], { leavesAfter, watchMs });
            assert.ok(Math.max(...took) <= directMs(kind) + lesson(kind), `${took} ms`);
            const slow = took.filter((ms) => ms > directMs(kind) + leavesAfter + 200);
            assert.ok(slow.length <= 2, `${took} ms: it was learned`);
            if (slow.length === 2) assert.equal(await reasonIn(rig), 'one at a time');
          }));

        it(`${name}: opens a film with its index at the end for a player that ${leaving}, and seeks (${watching})`, () =>
          withRig(kind, { films: tailed }, async (rig) => {
            const places = [0, index, 48, ...toAndFro.slice(0, 5), index, toAndFro[3] ?? 0];
            const took = await seekAll(rig, tailed, places, { leavesAfter, watchMs });
            // Far away several begin together, which once may be more than fit into such a server's queue: TCP asks for a
            // connection again after one second and after three (RFC 6298 §2).
            const [longest = 0, ...others] = took.toSorted((a, b) => b - a);
            assert.ok(longest <= directMs(kind) + lesson(kind) + (kind.delay > 0 ? 3000 : 0), `${took} ms`);
            assert.ok(Math.max(...others) <= directMs(kind) + lesson(kind), `${took} ms`);
          }));
      }

    it(`${name}: gives a player the index while its first request goes on`, () =>
      withRig(kind, { films: tailed }, async (rig) => {
        const head = play(rig, '/films/film.mp4', 0, tailed);
        await head.began();
        head.player.pause();
        await rig.clock.advance(1000);
        const tail = play(rig, '/films/film.mp4', index, tailed);
        const ms = await tail.began();
        assert.ok(ms <= directMs(kind) + lesson(kind), `${ms} ms`);
        await rig.clock.advanceUntil(tail.exchange.done(), { limit: 5000 });
        head.player.resume();
        const before = head.exchange.bodyBytes;
        await rig.clock.advance(10_000);
        assert.ok(head.exchange.bodyBytes - before > 8 * mebibyte, 'the first request goes on');
        head.player.leave();
      }));

    it(`${name}: feeds two players of two films`, () => {
      const films = { '/film.mp4': front, '/other.mp4': film(300 * mebibyte, 2) };
      return withRig(kind, { films }, async (rig) => {
        const shown = [
          { target: '/films/film.mp4', film: films['/film.mp4'] },
          { target: '/films/other.mp4', film: films['/other.mp4'] },
        ];
        const players: ReturnType<typeof play>[] = [];
        for (const each of shown) {
          const player = play(rig, each.target, 0, each.film);
          player.player.rate = 400_000;
          players.push(player);
          const ms = await player.began();
          // The first one has its time slice.
          assert.ok(ms <= directMs(kind) + lesson(kind) + 1000, `${ms} ms`);
          await rig.clock.advance(3000);
        }
        const before = players.map(({ exchange }) => exchange.bodyBytes);
        await rig.clock.advance(60_000);
        for (const [place, { exchange }] of players.entries()) {
          const bytes = exchange.bodyBytes - (before[place] ?? 0);
          assert.ok(bytes >= 0.9 * 60 * 400_000, `${bytes} bytes a minute for player ${place}`);
        }
        for (const { player } of players) player.leave();
      });
    });

    it(`${name}: plays while another film is warmed`, () => {
      const films = { '/film.mp4': front, '/other.mp4': film(30 * mebibyte, 2) };
      return withRig(kind, { films }, async (rig) => {
        const made = rig.daemon.holdings.warm('films', '/other.mp4', [{ start: 0, end: null }]);
        assert.ok(typeof made === 'function');
        const warming = made({ add() {}, expect() {} }, new AbortController().signal);
        await rig.clock.advance(3000);
        const took = await seekAll(rig, front, toAndFro.slice(0, 5), { leavesAfter: 0, watchMs: 500 });
        assert.ok(Math.max(...took) <= directMs(kind) + lesson(kind), `${took} ms`);
        await rig.clock.advanceUntil(warming, { limit: 60_000 });
      });
    });

    it(`${name}: answers what it is asked beside a film, and the film goes on`, () =>
      withRig(kind, { films: { '/film.mp4': front }, mount: { methods: ['PROPFIND', 'DELETE'] } }, async (rig) => {
        const viewer = play(rig, '/films/film.mp4', 0, front);
        viewer.player.rate = 300_000;
        await viewer.began();
        for (const method of ['HEAD', 'PROPFIND', 'DELETE', 'HEAD', 'PROPFIND']) {
          await rig.clock.advance(4000);
          const asked = rig.player({}).get(`/films/${method}.txt`, { method, film: null });
          const before = rig.clock.now();
          await rig.clock.advanceUntil(asked.done(), { limit: 60_000 });
          const ms = rig.clock.now() - before;
          // A film that plays has its time slice.
          assert.ok(ms <= directMs(kind) + lesson(kind) + 1000, `${method} took ${ms} ms`);
        }
        const before = viewer.exchange.bodyBytes;
        await rig.clock.advance(20_000);
        assert.ok(viewer.exchange.bodyBytes - before >= 0.9 * 20 * 300_000, 'it goes on');
        viewer.player.leave();
      }));

    it(`${name}: is strictly cached, and answers seeks`, () =>
      withRig(kind, { mount: { cache: 'rfc9111' } }, async (rig) => {
        // What follows a place that is on its way is waited for.
        const places = toAndFro.toSorted((a, b) => b - a);
        const took = await seekAll(rig, front, places, { leavesAfter: 50, watchMs: 300 });
        assert.ok(Math.max(...took) <= directMs(kind) + lesson(kind), `${took} ms`);
      }));
  });
});

describe('an origin that is late with every answer, and serves many connections at once', () => {
  for (const [way, delay] of Object.entries(ways))
    for (const headAfter of [900, 1200, 1700, 4000])
      it(`${way}, by ${headAfter} ms: is not taken for one that serves one, and two players disturb each other once`, async () => {
        const films = { '/film.mp4': front, '/other.mp4': film(300 * mebibyte, 2) };
        const rig = await virtualRig({ films, origin: { rate, headAfter }, relay: { delay } });
        const players: ReturnType<typeof play>[] = [];
        for (const [path, shown] of Object.entries(films)) {
          const player = play(rig, `/films${path}`, 0, shown);
          player.player.rate = 400_000;
          players.push(player);
          await player.began();
          await rig.clock.advance(3000);
        }
        await rig.clock.advance(60_000);
        const cut = rig.origin.requests.filter(({ bytes, complete }) => bytes > 0 && !complete);
        assert.ok(cut.length <= 4, `${cut.length} bodies were given up`);
        assert.notEqual(await reasonIn(rig), 'one at a time');
        for (const { player, exchange } of players) {
          assert.ok(exchange.bodyBytes >= 0.9 * 60 * 400_000, `${exchange.bodyBytes} bytes`);
          player.leave();
        }
        await rig.close();
      });
});
