/** How far a fill runs ahead: fast origins, paused films, players that leave at once, and films larger than 4 GiB. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { type RigOptions, virtualRig } from '../support/rig.ts';
import { networkRead, SpeedCase } from './speed-case.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** What one client may hold unread: one delivery of 256 KiB, and what its connection takes. */
const heldForClient = 256 * 1024 + 2 * networkRead;

/** What a connection in memory and a relay of 64 KiB hold between the origin and firstbyte. */
const onTheWay = 7 * 64 * 1024;

async function stageOf(size: number, options: Partial<RigOptions> = {}): Promise<SpeedCase> {
  const movie = film(size);
  return new SpeedCase(await virtualRig({ films: movie, ...options }), movie);
}

/** Where the one reader stands (at the end when it has left), and the end of what is present, as the control API tells. */
async function positions({ rig, film }: SpeedCase): Promise<{ reader: number; fetched: number }> {
  const seen = rig.player().get('/-/api/v1/fills', { film: null });
  await rig.clock.settle();
  type Report = { readers: { position: number }[]; present: [start: number, end: number][] };
  const { fills } = JSON.parse(seen.text) as { fills: Report[] };
  const [fill] = fills;
  return { reader: fill?.readers[0]?.position ?? film.size, fetched: fill?.present.at(-1)?.[1] ?? 0 };
}

describe('the read-ahead window', () => {
  for (const [name, rate] of [
    ['12 MB/s', 12_000_000],
    ['unlimited rate', Number.POSITIVE_INFINITY],
  ] as const) {
    it(`${name}, head after 0 s: an origin never outruns its reader by more than the window and one read`, async () => {
      const readAhead = 2 * mebibyte;
      const stage = await stageOf(8_000_009, { relay: { rate }, settings: { readAhead: '2MiB' } });
      const { clock, origin } = stage.rig;
      const exchange = stage.get('0-', stage.player({ rate: 100_000 }));
      let furthest = 0;
      while (exchange.outcome === null) {
        await clock.advance(500);
        const { reader, fetched } = await positions(stage);
        furthest = Math.max(furthest, fetched - reader);
        assert.ok(fetched <= reader + readAhead + networkRead, `${fetched} was fetched for a reader at ${reader}`);
        assert.ok(reader <= exchange.bodyBytes + heldForClient, `${reader} was taken by ${exchange.bodyBytes}`);
      }
      assert.ok(furthest >= readAhead - networkRead, `it ran ${furthest} bytes ahead at most`);
      await stage.completed(exchange, 8_000_009);
      assert.ok(origin.bytesGiven < 8_000_009 + origin.connections * onTheWay, `${origin.bytesGiven} bytes were given`);
      await stage.close();
    });
  }

  it('unlimited rate, head after 0 s: of a film of 10 GB whose player left after one byte comes one window at most', async () => {
    for (const range of [null, '0-', '5000000000-']) {
      const stage = await stageOf(10_000_000_019);
      const player = stage.player({ rate: 1 });
      const exchange = stage.get(range, player);
      await stage.received(exchange, 1);
      player.leave('reset');
      await stage.rig.clock.advance(120_000);
      const most = 64 * mebibyte + heldForClient + networkRead;
      assert.ok(stage.fetched <= most, `${stage.fetched} bytes came for nobody`);
      assert.ok(stage.rig.origin.bytesGiven <= most + onTheWay, `${stage.rig.origin.bytesGiven} bytes were given`);
      assert.equal(stage.rig.origin.open, 0);
      await stage.close();
    }
  });

  it('12 MB/s, head after 1 s: of a film of 10 GB whose player left after one byte comes next to nothing', async () => {
    const stage = await stageOf(10_000_000_019, { origin: { headAfter: 1000 }, relay: { rate: 12_000_000 } });
    const player = stage.player();
    await stage.received(stage.get('0-', player), 1);
    player.leave('reset');
    await stage.rig.clock.advance(120_000);
    assert.ok(stage.fetched <= 2 * networkRead, `${stage.fetched} bytes came for nobody`);
    assert.equal(stage.rig.origin.open, 0);
    await stage.close();
  });

  it('unlimited rate, head after 0 s: whoever asks for one byte of 10 GB costs the origin one block', async () => {
    for (const range of ['0-0', '9999999999-9999999999', '-1']) {
      const stage = await stageOf(10_000_000_019);
      await stage.completed(stage.get(range), 1);
      await stage.rig.clock.advance(120_000);
      assert.ok(stage.fetched <= 256 * 1024, `${stage.fetched} bytes came for ${range}`);
      await stage.close();
    }
  });
});

describe('a film larger than 4 GiB', () => {
  const size = 5 * gibibyte + 7;
  const ranges: ReadonlyArray<readonly [string, number]> = [
    ['4294967290-4294967305', 16],
    [`${4 * gibibyte - 1}-${4 * gibibyte}`, 2],
    [`${5 * gibibyte}-`, 7],
    ['-100000', 100_000],
    ['5000000000-5000299999', 300_000],
  ];
  for (const [range, length] of ranges) {
    it(`350 KB/s, head after 1 s: gives ${range}, cold and again`, async () => {
      const stage = await stageOf(size, { origin: { headAfter: 1000 }, relay: { rate: 350_000 } });
      const cold = stage.get(range);
      await stage.completed(cold, length);
      assert.match(cold.field('content-range') ?? '', new RegExp(`/${size}$`));
      const again = stage.get(range);
      await stage.completed(again, length);
      assert.equal(again.times.endAt, again.times.sentAt);
      await stage.restart();
      await stage.completed(stage.get(range), length);
      await stage.close();
    });
  }
});

describe('a paused film', () => {
  const size = 6_000_011;

  /** A player that has read for a second at film speed, and stopped. */
  async function paused(sendTimeout: number) {
    const stage = await stageOf(size, { origin: { sendTimeout }, settings: { readAhead: '1MiB' } });
    const player = stage.player({ rate: 100_000 });
    const exchange = stage.get('0-', player);
    await stage.rig.clock.advance(1000);
    player.pause();
    const { clock, origin, network } = stage.rig;
    return { stage, player, exchange, clock, origin, network };
  }

  it('unlimited rate, head after 0 s: plays on after ten minutes, though its origin cuts after 3 s without progress', async () => {
    const { stage, player, exchange, clock, origin } = await paused(3000);
    await clock.advance(600_000);
    assert.deepEqual([exchange.outcome, origin.requests.length, origin.open], [null, 1, 0]);
    assert.ok(stage.fetched <= exchange.bodyBytes + heldForClient + mebibyte + networkRead);
    player.resume();
    await stage.completed(exchange, size);
    await stage.close();
  });

  it('unlimited rate, head after 0 s: plays on at once where its origin has just cut', async () => {
    const { stage, player, exchange, clock } = await paused(3000);
    await clock.advance(3000);
    player.rate = Number.POSITIVE_INFINITY;
    player.resume();
    await stage.completed(exchange, size);
    assert.ok(clock.now() < 4100, `the film ended at ${clock.now()} ms`);
    const heals = stage.rig.eventsOf('retry').map(({ kind, cause, delay }) => [kind, cause, delay]);
    assert.deepEqual(heals, [['heal', 'cut', 0]]);
    await stage.close();
  });

  it('unlimited rate, head after 0 s: its connection is closed after restTimeout, before the origin would', async () => {
    const { stage, player, exchange, clock, origin, network } = await paused(60_000);
    await clock.advance(3500);
    // The second one was opened for a seek.
    assert.deepEqual([origin.open, network.relay.open], [2, 2]);
    await clock.advance(1500);
    assert.deepEqual([origin.open, network.relay.open], [1, 1]);
    await clock.advance(600_000);
    assert.deepEqual([origin.open, network.relay.open], [0, 0]);
    assert.equal(origin.requests.length, 1);
    player.resume();
    await stage.completed(exchange, size);
    assert.deepEqual(stage.rig.eventsOf('retry'), []);
    await stage.close();
  });
});
