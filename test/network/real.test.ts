/**
 * A telling dozen of the speed matrix in real time: real sockets, the disk store, the real daemon.
 *
 * Only facts are asserted: bytes, order, what was fetched. How long anything takes is measured in `bench/`.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { film } from '../support/film.ts';
import { realStage } from './real-stage.ts';

const block = 256 * 1024;

function sizeOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** How many bytes of one are in the other. */
function sharedSize(ones: readonly ByteRange[], others: readonly ByteRange[]): number {
  const shared = ones.flatMap((one) =>
    others.map((other) => Math.min(one.end, other.end) - Math.max(one.start, other.start)),
  );
  return shared.reduce((sum, size) => sum + Math.max(0, size), 0);
}

describe('in real time', { concurrency: 4 }, () => {
  it('64 KB/s, head after 1 s: the first byte is out while the rest of the film is still on its way', async (test) => {
    const movie = film(64_007);
    const stage = await realStage(test, { film: movie, origin: { headAfter: 1000 }, relay: { rate: 64_000 } });
    const exchange = await stage.get('0-');
    await exchange.received(1);
    assert.ok(sizeOf(stage.fetched) < movie.size / 2, `${sizeOf(stage.fetched)} bytes were fetched by then`);
    await stage.completed(exchange, movie.size);
    assert.ok(stage.firstAt('fill-first-byte') < stage.firstAt('fill-done'));
    assert.deepEqual([exchange.status, stage.origin.requests.length], [206, 1]);
    stage.assertRight();
  });

  it('350 KB/s, head after 1 s: a client without Range gets 200 and the whole film', async (test) => {
    const movie = film(350_003);
    const stage = await realStage(test, {
      film: movie,
      origin: { headAfter: 1000 },
      relay: { rate: 350_000, delay: 20 },
    });
    const exchange = await stage.get(null);
    await stage.completed(exchange, movie.size);
    assert.deepEqual([exchange.status, exchange.field('content-length')], [200, '350003']);
    stage.assertRight();
  });

  it('350 KB/s, head after 0 s: a second client costs the origin nothing', async (test) => {
    const movie = film(500_009);
    const stage = await realStage(test, { film: movie, relay: { rate: 350_000 } });
    const first = await stage.get('0-');
    await first.received(100_000);
    const second = await stage.get('0-');
    await Promise.all([stage.completed(first, movie.size), stage.completed(second, movie.size)]);
    assert.equal(stage.origin.requests.length, 1);
    assert.deepEqual(stage.fetched, [{ start: 0, end: movie.size }]);
    stage.assertRight();
  });

  it('1.75 MB/s, head after 0 s: a tail probe comes before the middle of the film', async (test) => {
    const movie = film(3_000_017);
    const stage = await realStage(test, { film: movie, relay: { rate: 1_750_000 } });
    const head = await stage.get('0-');
    await head.received(1000);
    const tail = await stage.get('-100000');
    await stage.completed(tail, 100_000);
    assert.ok(head.bodyBytes < 2_800_000, `${head.bodyBytes} bytes of the film came before its tail`);
    await stage.completed(head, movie.size);
    stage.assertRight({ seams: 1 });
  });

  it('1.75 MB/s, head after 0.5 s: a seek to 70 % is served there, and back again', async (test) => {
    const movie = film(8_000_009);
    const stage = await realStage(test, { film: movie, origin: { headAfter: 500 }, relay: { rate: 1_750_000 } });
    const player = await stage.player();
    const begun = await stage.get('0-', player);
    await begun.received(100_000);
    player.leave();
    const sought = await stage.get('5600000-6200000');
    await sought.received(1);
    const asked = stage.origin.requests.map(({ fields }) => fields.find(([name]) => name === 'range')?.[1]);
    assert.ok(asked[1]?.startsWith('bytes=5600000-'), asked.join());
    await stage.completed(sought, 600_001);
    const back = await stage.get('50000-150000');
    await stage.completed(back, 100_001);
    stage.assertRight({ seams: 1 });
  });

  it('12 MB/s, head after 1 s: a client that has gone leaves its bytes to the next one', async (test) => {
    const movie = film(12_000_017);
    const stage = await realStage(test, { film: movie, origin: { headAfter: 1000 }, relay: { rate: 12_000_000 } });
    const player = await stage.player();
    const begun = await stage.get('0-', player);
    await begun.received(3_000_000);
    player.leave('reset');
    await stage.completed(await stage.get('0-'), movie.size);
    stage.assertRight();
  });

  it('1.75 MB/s, head after 0 s: after a restart in the middle whole blocks are not fetched again', async (test) => {
    const movie = film(4_000_037);
    const stage = await realStage(test, { film: movie, relay: { rate: 1_750_000 } });
    const begun = await stage.get('0-');
    await begun.received(2_000_000);
    await stage.restart();
    assert.equal(await begun.done(), 'cut');
    const whole = { start: 0, end: Math.floor(begun.bodyBytes / block) * block };
    await stage.completed(await stage.get('0-'), movie.size);
    assert.equal(sharedSize([whole], stage.fetched), 0, JSON.stringify(stage.fetched));
    stage.assertRight();
  });

  it('unlimited rate, head after 0 s: a finished film outlives a restart, and its origin is not needed', async (test) => {
    const movie = film(20_000_003);
    const stage = await realStage(test, { film: movie });
    await stage.completed(await stage.get('0-'), movie.size);
    await stage.restart();
    stage.origin.close();
    stage.relay.close();
    await stage.completed(await stage.get('0-'), movie.size);
    await stage.completed(await stage.get('-1000'), 1000);
    assert.deepEqual(stage.fetched, []);
    stage.assertRight();
  });

  it('1.75 MB/s, head after 0 s: a connection that is cut in mid-film is healed inside the reply', async (test) => {
    const movie = film(2_000_003);
    const fault = (connection: number) => (connection === 1 ? { after: 700_000, cut: 'reset' as const } : null);
    const stage = await realStage(test, { film: movie, relay: { rate: 1_750_000, fault } });
    const exchange = await stage.get('0-');
    await stage.completed(exchange, movie.size);
    const heals = stage.events.filter((event) => event.type === 'retry').map(({ kind, cause }) => [kind, cause]);
    assert.deepEqual(heals, [['heal', 'cut']]);
    stage.assertRight();
  });

  it('350 KB/s, head after 0 s: an origin that falls silent in mid-film is asked again', async (test) => {
    const movie = film(400_009);
    const fault = (connection: number) => (connection === 1 ? { after: 150_000, stall: Infinity } : null);
    // Longer than a busy machine keeps this process waiting, which would be a stall as well.
    const settings = { stallTimeout: '3s' };
    const stage = await realStage(test, { film: movie, relay: { rate: 350_000, fault }, settings });
    await stage.completed(await stage.get('0-'), movie.size);
    const heals = stage.events.filter((event) => event.type === 'retry').map(({ kind, cause }) => [kind, cause]);
    assert.deepEqual(heals, [['heal', 'stall']]);
    stage.assertRight();
  });

  it('105 KB/s, head after 1 s: the status line begins byte by byte, and the film follows', async (test) => {
    const movie = film(50_021);
    const settings = { patience: '200ms', patienceInterval: '200ms' };
    const stage = await realStage(test, {
      film: movie,
      origin: { headAfter: 1000 },
      relay: { rate: 105_000 },
      settings,
    });
    const exchange = await stage.get('0-');
    await stage.completed(exchange, movie.size);
    const [first] = exchange.headReads;
    assert.ok((first?.text.length ?? 9) < 9, `the first read was ${first?.text}`);
    const seen = exchange.headReads.map(({ text }) => text).join('');
    assert.ok(seen.startsWith('HTTP/1.1 206 '), seen.slice(0, 20));
    stage.assertRight();
  });

  it('350 KB/s, head after 0.1 s: three places of one film share one connection', async (test) => {
    const movie = film(900_001);
    const stage = await realStage(test, {
      film: movie,
      origin: { headAfter: 100 },
      relay: { rate: 350_000 },
      mount: { maxConnections: 1 },
    });
    const places = [await stage.get('0-'), await stage.get('300000-'), await stage.get('600000-')];
    for (const [index, exchange] of places.entries()) await stage.completed(exchange, movie.size - index * 300_000);
    stage.assertRight({ seams: 2 });
  });

  it('12 MB/s, head after 0 s: ten clients of one cold film cost its origin one film', async (test) => {
    const movie = film(6_000_011);
    const stage = await realStage(test, { film: movie, relay: { rate: 12_000_000 } });
    const exchanges = await Promise.all(Array.from({ length: 10 }, () => stage.get('0-')));
    await Promise.all(exchanges.map((exchange) => stage.completed(exchange, movie.size)));
    assert.equal(stage.origin.requests.length, 1);
    stage.assertRight();
  });
});
