/** Every rate with every head: six things that players do, on virtual time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client } from '../support/client.ts';
import { VirtualNetwork } from '../support/virtual-network.ts';
import { networkRead, relayTick, speedCase } from './speed-case.ts';
import { type Speed, speeds } from './speeds.ts';

/** The same request past firstbyte: a connection of its own through the same network. */
async function direct({ rate, headAfter, film }: Speed, range: string) {
  const network = new VirtualNetwork({ films: film, origin: { headAfter }, relay: { rate } });
  const near = network.relay.connect((far) => network.origin.accept(far));
  const exchange = new Client(near, { clock: network.clock, film }).get('/film.mp4', { range });
  assert.equal(await network.clock.advanceUntil(exchange.done()), 'complete');
  network.close();
  return exchange.times;
}

/** Milliseconds after which a connection that nobody needs is closed: the longer, the later its head came. */
function restOf({ headAfter }: Speed): number {
  return Math.max(5000, 2 * headAfter) + 1000;
}

/** Milliseconds for which a connection whose body has ended is kept for the next request. */
const warm = 30_000;

describe('cold start', () => {
  for (const speed of speeds) {
    it(`${speed.name}: every byte comes when it would have come without firstbyte`, async () => {
      const stage = await speedCase(speed);
      const exchange = stage.get('0-');
      await stage.completed(exchange, speed.film.size);
      const { firstBodyAt, endAt } = await direct(speed, '0-');
      assert.deepEqual([exchange.times.firstBodyAt, exchange.times.endAt], [firstBodyAt, endAt]);
      assert.deepEqual([exchange.status, stage.rig.origin.requests.length], [206, 1]);
      await stage.close();
    });
  }
});

describe('tail probe', () => {
  for (const speed of speeds) {
    it(`${speed.name}: the index at the end comes early, and the film goes on from the beginning`, async () => {
      const stage = await speedCase(speed);
      const { size } = speed.film;
      const head = stage.get('0-');
      await stage.received(head, 1000);
      const tailSize = Math.floor(size / 20);
      const tail = stage.get(`${size - tailSize}-`);
      await stage.completed(tail, tailSize);
      const own = speed.headAfter + (tailSize / speed.rate) * 2000 + 5 * relayTick;
      assert.ok((tail.times.endAt ?? 0) - tail.times.sentAt <= own, `the tail took until ${tail.times.endAt} ms`);
      await stage.completed(head, size);
      const suffix = stage.get(`-${tailSize}`);
      await stage.completed(suffix, tailSize);
      assert.equal(suffix.times.endAt, suffix.times.sentAt);
      await stage.close({ seams: 1 });
    });
  }
});

describe('seek to 70 %', () => {
  for (const speed of speeds) {
    it(`${speed.name}: plays there after one head at most, and what was left out is fetched when it is asked for`, async () => {
      const stage = await speedCase(speed, speed.longFilm);
      const { size } = speed.longFilm;
      const player = stage.player({ rate: Math.min(speed.rate, size / 4) });
      const begun = stage.get('0-', player);
      await stage.received(begun, Math.floor(size / 10));
      player.leave();
      const from = Math.floor(size * 0.7);
      const seeker = stage.player({ rate: Math.min(speed.rate, size / 4) });
      const sought = stage.get(`${from}-`, seeker);
      await stage.received(sought, Math.floor(size / 10));
      const after = sought.firstByteAfter ?? Number.NaN;
      assert.ok(after <= speed.headAfter + 10 * relayTick, `the seek took ${after} ms`);
      seeker.leave();
      await stage.rig.clock.advance(restOf(speed));
      // Two gaps are left: on the way to the end the film runs into what the seek has brought, and past it.
      const back = stage.get('0-');
      await stage.completed(back, size);
      await stage.close({ seams: 1 });
    });
  }
});

describe('second client', () => {
  for (const speed of speeds) {
    it(`${speed.name}: whoever comes later has the same bytes as early, and costs the origin nothing`, async () => {
      const stage = await speedCase(speed);
      const { size } = speed.film;
      const first = stage.get('0-');
      await stage.rig.clock.advance(speed.headAfter / 2);
      const waiting = stage.get(null);
      await stage.received(first, Math.floor(size / 3));
      const late = stage.get('0-');
      await stage.received(late, 1);
      assert.equal(late.firstByteAfter, 0);
      for (const exchange of [first, waiting, late]) await stage.completed(exchange, size);
      assert.equal(waiting.times.firstBodyAt, first.times.firstBodyAt);
      assert.deepEqual([waiting.times.endAt, late.times.endAt], [first.times.endAt, first.times.endAt]);
      assert.equal(stage.rig.origin.requests.length, 1);
      await stage.close();
    });
  }
});

describe('client gone', () => {
  for (const speed of speeds) {
    it(`${speed.name}: the origin is left alone soon after, and the next client begins where the last one ended`, async () => {
      const stage = await speedCase(speed, speed.film, { settings: { readAhead: '128KiB' } });
      const { size } = speed.film;
      const { clock, network, origin } = stage.rig;
      const rate = Math.min(speed.rate, 1_000_000);
      const early = stage.player({ rate });
      stage.get('0-', early);
      await clock.advance(speed.headAfter / 2);
      early.leave('reset');
      await clock.advance(speed.headAfter === 0 ? 0 : 1);
      const player = stage.player({ rate });
      const begun = stage.get('0-', player);
      await stage.received(begun, Math.floor(size / 4));
      player.leave('reset');
      await clock.settle();
      const fetched = stage.fetched;
      await clock.advance(restOf(speed) + warm);
      assert.deepEqual([network.relay.open, origin.open], [0, 0], 'the connection is closed when it has rested');
      assert.ok(stage.fetched - fetched <= networkRead, `${stage.fetched - fetched} bytes came for nobody`);
      assert.ok(stage.fetched < size);
      await stage.completed(stage.get('0-'), size);
      await stage.close();
    });
  }
});

describe('restart in the middle', () => {
  for (const speed of speeds) {
    it(`${speed.name}: the player sees the cut, and what had come is not fetched again`, async () => {
      const settings = { drainTimeout: '0s', readAhead: '128KiB' };
      const stage = await speedCase(speed, speed.film, { settings });
      const { size } = speed.film;
      const begun = stage.get('0-', stage.player({ rate: Math.min(speed.rate, 1_000_000) }));
      await stage.received(begun, Math.floor(size / 2));
      await stage.restart();
      assert.equal(await stage.rig.clock.advanceUntil(begun.done()), 'cut');
      const again = stage.get('0-');
      await stage.received(again, 1);
      assert.equal(again.firstByteAfter, 0);
      await stage.completed(again, size);
      await stage.completed(stage.get('-1000'), 1000);
      assert.equal(stage.rig.origin.requests.length, 2);
      await stage.close();
    });
  }
});
