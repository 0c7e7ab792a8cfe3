/** Late heads and trickles, with the default budgets: whoever waits long enough sees the film. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { relayTick, SpeedCase, speedCase } from './speed-case.ts';
import { speeds } from './speeds.ts';

const beginning = 'HTTP/1.1 ';

/** What a client sees by then of a head that comes so late: one byte after 5 s, then one every 10 s. */
function patienceBytes(headAfter: number) {
  return [5000, 15_000, 25_000]
    .map((at, index) => ({ at, text: beginning.charAt(index) }))
    .filter(({ at }) => at < headAfter || at === 25_000);
}

describe('patience', () => {
  for (const speed of speeds.filter(({ headAfter, rate }) => headAfter === 25_000 && rate !== Infinity)) {
    it(`${speed.name}: the status line begins with a byte at 5, 15 and 25 s, and the rest follows`, async () => {
      const stage = await speedCase(speed);
      const exchange = stage.get('0-');
      await stage.completed(exchange, speed.film.size);
      const [first, second, third, rest] = exchange.headReads;
      assert.deepEqual([first, second, third], patienceBytes(25_000));
      assert.ok(rest?.text.startsWith('P/1.1 206 '), rest?.text);
      assert.equal(rest?.at, exchange.times.firstBodyAt);
      await stage.close();
    });
  }

  it('unlimited rate, head after 25 s: a head that comes in the same instant as a patience byte is whole', async () => {
    for (const headAfter of [4999, 5000, 5001, 14_999, 15_000, 15_001, 25_000]) {
      const movie = film(100_000);
      const stage = new SpeedCase(await virtualRig({ films: movie, origin: { headAfter } }), movie);
      const exchange = stage.get('0-');
      await stage.completed(exchange, movie.size);
      const seen = exchange.headReads.map(({ text }) => text).join('');
      assert.ok(seen.startsWith('HTTP/1.1 206 '), `a head after ${headAfter} ms began with ${seen.slice(0, 20)}`);
      assert.equal(exchange.times.headAt, headAfter);
      await stage.close();
    }
  });

  it('16 KB/s, head after 25 s: a player that waits for the head on one connection gets its next reply on it, too', async () => {
    const movie = film(40_000);
    const network = { origin: { headAfter: 25_000 }, relay: { rate: 16_000 } };
    const stage = new SpeedCase(await virtualRig({ films: movie, ...network }), movie);
    const player = stage.player();
    await stage.completed(stage.get('0-', player), movie.size);
    const again = stage.get('100-199', player);
    await stage.completed(again, 100);
    assert.ok(again.headReads[0]?.text.startsWith('HTTP/1.1 206 '));
    await stage.close();
  });
});

describe('a trickle', () => {
  it('1 B/s, head after 0 s: one byte a second for three minutes trips no budget, and each goes out as it comes', async () => {
    const movie = film(180);
    const stage = new SpeedCase(await virtualRig({ films: movie, origin: { rate: 1 } }), movie);
    const exchange = stage.get('0-');
    for (let second = 1; second <= 180; second += 1) {
      await stage.rig.clock.advance(second * 1000 - stage.rig.clock.now());
      assert.equal(exchange.bodyBytes, second);
    }
    assert.deepEqual([exchange.outcome, stage.rig.origin.requests.length], ['complete', 1]);
    assert.deepEqual(stage.rig.eventsOf('retry'), []);
    await stage.close();
  });

  it('1 B/s, head after 29 s: a trickle that begins just before the first budget ends goes on, too', async () => {
    const movie = film(180);
    const stage = new SpeedCase(await virtualRig({ films: movie, origin: { headAfter: 28_000, rate: 1 } }), movie);
    const exchange = stage.get('0-');
    await stage.completed(exchange, movie.size);
    assert.deepEqual([exchange.firstByteAfter, exchange.times.endAt], [29_000, 208_000]);
    assert.deepEqual([stage.rig.origin.requests.length, stage.rig.eventsOf('retry')], [1, []]);
    await stage.close();
  });

  it('0.11 B/s, head after 0 s: a byte every nine seconds is no stall', async () => {
    const movie = film(20);
    const stage = new SpeedCase(await virtualRig({ films: movie, origin: { rate: 1 / 9 } }), movie);
    const exchange = stage.get('0-');
    await stage.completed(exchange, movie.size);
    const { endAt } = exchange.times;
    assert.ok(Math.abs((endAt ?? 0) - 180_000) < relayTick, `the end came at ${endAt} ms`);
    assert.deepEqual([stage.rig.origin.requests.length, stage.rig.eventsOf('retry')], [1, []]);
    await stage.close();
  });

  it('1 B/s, head after 0 s: a seek to the end of a trickle is served beside it', async () => {
    const movie = film(40_000);
    const stage = new SpeedCase(await virtualRig({ films: movie, origin: { rate: 1 } }), movie);
    const begun = stage.get('0-');
    await stage.received(begun, 5);
    const tail = stage.get('39990-');
    await stage.completed(tail, 10);
    assert.equal((tail.times.endAt ?? 0) - tail.times.sentAt, 10_000);
    assert.equal(begun.bodyBytes, 15);
    await stage.close();
  });
});
