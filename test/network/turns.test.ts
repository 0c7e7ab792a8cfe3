/** More titles than connections: whoever waits for a byte gets its turn, and nobody starves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exchange } from '../support/exchange.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';
import { networkRead } from './speed-case.ts';

/** With others waiting, a fetch gives its connection back after so many milliseconds of bytes. */
const timeSlice = 1000;

/** Milliseconds that a time slice may last longer, because a fetch looks up between two reads only. */
const slack = 200;

interface Account {
  readonly rateName: string;
  readonly rate: number;
  /** Milliseconds. */
  readonly headAfter: number;
  /** Connections that the origin allows. */
  readonly connections: number;
  readonly titles: number;
  /** Bytes of each title. */
  readonly size: number;
}

/** An origin with several titles, and the means to watch one: `/films/1.mp4`, `/films/2.mp4` … */
async function stageOf({ rate, headAfter, connections, titles, size }: Account) {
  const films = Array.from({ length: titles }, (_, index) => film(size + index, index + 1));
  const rig = await virtualRig({
    films: Object.fromEntries(films.map((movie, index) => [`/${index + 1}.mp4`, movie])),
    origin: { headAfter },
    relay: { rate },
    mount: { maxConnections: connections },
  });
  const watch = (title: number, range = '0-'): Exchange => {
    const movie = films[title - 1] ?? film(0);
    return rig.player({ film: movie }).get(`/films/${title}.mp4`, { range });
  };
  return { rig, watch, films };
}

/** Lets time pass until all are complete; returns the longest that any of them went without a byte. */
async function longestSilence(rig: VirtualRig, exchanges: readonly Exchange[]): Promise<number> {
  const seen = exchanges.map(({ times, bodyBytes }) => ({ bytes: bodyBytes, at: times.firstBodyAt ?? times.sentAt }));
  let longest = 0;
  while (exchanges.some(({ outcome }) => outcome === null)) {
    await rig.clock.advance(slack / 2);
    const stuckSince = Math.min(...seen.filter((_, index) => exchanges[index]?.outcome === null).map(({ at }) => at));
    assert.ok(rig.clock.now() - stuckSince < 60_000, `nothing has come since ${stuckSince} ms`);
    for (const [index, exchange] of exchanges.entries()) {
      const last = seen[index];
      if (last === undefined || last.bytes === exchange.bodyBytes) continue;
      longest = Math.max(longest, rig.clock.now() - last.at);
      Object.assign(last, { bytes: exchange.bodyBytes, at: rig.clock.now() });
    }
  }
  for (const exchange of exchanges) assert.equal(await exchange.done(), 'complete');
  return longest;
}

/** Nothing failed, at most so many connections at once, each byte fetched once but for a read at each seam. */
async function close(rig: VirtualRig, { titles, connections }: Account, seams = 0): Promise<void> {
  assert.deepEqual([rig.eventsOf('own-error'), rig.eventsOf('bug'), rig.eventsOf('retry')], [[], [], []]);
  assert.ok(rig.network.relay.open <= connections);
  for (let title = 1; title <= titles; title += 1) {
    const twice = rig.fetchedTwice(`/${title}.mp4`);
    assert.ok(twice.length <= seams && twice.every(({ start, end }) => end - start <= networkRead), String(twice));
  }
  await rig.close();
  await rig.clock.settle();
  assert.deepEqual([rig.network.relay.open, rig.origin.open, rig.clock.pending], [0, 0, 0]);
}

const accounts: readonly Account[] = [
  ['350 KB/s', 350_000, 3_500_003] as const,
  ['1.75 MB/s', 1_750_000, 8_000_003] as const,
  ['12 MB/s', 12_000_000, 20_000_003] as const,
  ['unlimited rate', Number.POSITIVE_INFINITY, 12_000_003] as const,
].flatMap(([rateName, rate, size]) =>
  [0, 1000, 5000].map((headAfter) => ({ rateName, rate, headAfter, size, titles: 4, connections: 3 })),
);

describe('a fourth title', () => {
  for (const account of accounts.flatMap((one) => [one, { ...one, connections: 1 }])) {
    const { rateName, headAfter, connections } = account;
    const name = `${rateName}, head after ${headAfter / 1000} s, ${connections === 1 ? 'one connection' : 'three connections'}`;
    it(`${name}: has its first byte a few time slices after it is asked for, behind three whole downloads`, async () => {
      const { rig, watch } = await stageOf(account);
      const downloads = [watch(1), watch(2), watch(3)];
      await rig.clock.advance(headAfter + 500);
      const fourth = watch(4);
      const before = connections === 1 ? 3 : 1;
      const silence = await longestSilence(rig, [...downloads, fourth]);
      const most = before * (timeSlice + headAfter + slack) + headAfter + slack;
      assert.ok((fourth.firstByteAfter ?? Infinity) <= most, `its first byte came after ${fourth.firstByteAfter} ms`);
      assert.ok(silence <= most, `a film stood still for ${silence} ms`);
      await close(rig, account);
    });
  }
});

describe('an account of one connection', () => {
  const account = { rateName: '350 KB/s', rate: 350_000, headAfter: 0, connections: 1, titles: 3, size: 14_000_003 };

  it('350 KB/s, head after 0 s: three viewers share it to the end of films that last for minutes', async () => {
    const { rig, watch } = await stageOf(account);
    const silence = await longestSilence(rig, [watch(1), watch(2), watch(3)]);
    assert.ok(silence <= 2 * (timeSlice + slack) + slack, `a film stood still for ${silence} ms`);
    assert.ok(rig.clock.now() >= 120_000, `all was over at ${rig.clock.now()} ms`);
    await close(rig, account);
  });

  it('350 KB/s, head after 1 s: three viewers of one film stand at three places', async () => {
    const one = { ...account, titles: 1, size: 7_000_003, headAfter: 1000 };
    const { rig, watch } = await stageOf(one);
    const viewers = [watch(1), watch(1, '2000000-'), watch(1, '5000000-')];
    const silence = await longestSilence(rig, viewers);
    assert.ok(silence <= 2 * (timeSlice + 1000 + slack) + 1000 + slack, `the film stood still for ${silence} ms`);
    await close(rig, one, 2);
  });

  it('350 KB/s, head after 0 s: a title is seen at once while another, paused, holds its connection', async () => {
    const { rig, watch, films } = await stageOf(account);
    const paused = rig.player({ film: films[0] ?? film(0), rate: 100_000 });
    const first = paused.get('/films/1.mp4', { range: '0-' });
    await rig.clock.advanceUntil(first.received(1000));
    paused.pause();
    const second = watch(2);
    await rig.clock.advanceUntil(second.received(1));
    assert.ok((second.firstByteAfter ?? Infinity) <= timeSlice + slack, `after ${second.firstByteAfter} ms`);
    assert.equal(await rig.clock.advanceUntil(second.done()), 'complete');
    paused.resume();
    assert.equal(await rig.clock.advanceUntil(first.done()), 'complete');
    paused.leave();
    await close(rig, account);
  });
});
