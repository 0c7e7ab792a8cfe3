import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldValue } from '../../src/http/fields.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const block = 256 * 1024;
const segment = 16 * 1024 * 1024;

/** Every way to ask for a film of that size, and what must come. */
async function check(rig: VirtualRig, size: number, asks: ReadonlyArray<readonly [string | null, number, number]>) {
  for (const [range, status, bytes] of asks) {
    const exchange = rig.get('/films/film.mp4', range === null ? {} : { range });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete', `${range}`);
    assert.deepEqual([exchange.status, exchange.bodyBytes], [status, bytes], `${range} of ${size}`);
    assert.equal(exchange.field('content-length'), String(bytes), `${range} of ${size}`);
  }
}

function asksFor(size: number): Array<readonly [string | null, number, number]> {
  if (size === 0) return [[null, 200, 0]];
  return [
    [null, 200, size],
    ['0-', 206, size],
    [`${size - 1}-`, 206, 1],
    ['-1', 206, 1],
    [`0-${size + 5}`, 206, size],
    [`${size >> 1}-`, 206, size - (size >> 1)],
    ['0-0', 206, 1],
  ];
}

describe('a film', () => {
  for (const size of [0, 1, 64 * 1024 - 1, 1_000_003, block, block - 1, block + 1, 4 * block, segment, segment + 1]) {
    it(`of ${size} bytes is the same cold, joined, cached and after a restart`, async () => {
      const movie = film(size);
      const rig = await virtualRig({ films: movie, origin: { headAfter: 50 } });
      const [first, joined] = [rig.get('/films/film.mp4'), rig.get('/films/film.mp4')];
      for (const exchange of [first, joined]) {
        assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
        assert.deepEqual(
          [exchange.status, exchange.bodyBytes, exchange.field('content-length')],
          [200, size, `${size}`],
        );
      }
      assert.equal(rig.origin.requests.length, 1);
      await check(rig, size, asksFor(size));
      assert.deepEqual([rig.origin.requests.length, rig.fetchedTwice('/film.mp4')], [1, []]);
      await rig.restart();
      await check(rig, size, asksFor(size));
      assert.deepEqual([rig.origin.requests.length, rig.fetched('/film.mp4')], [1, []]);
      const unknown = rig.eventsOf('bug').length;
      assert.equal(unknown, 0);
      await rig.close();
    });
  }

  for (const size of [1, 1_000_003, 4 * block]) {
    it(`of ${size} bytes is whole when it was brought in by a range for all of it`, async () => {
      const rig = await virtualRig({ films: film(size) });
      await check(rig, size, [
        [`0-${size - 1}`, 206, size],
        [null, 200, size],
        ['-1', 206, 1],
      ]);
      assert.equal(rig.origin.requests.length, 1);
      await rig.restart();
      await check(rig, size, [[null, 200, size]]);
      assert.equal(rig.origin.requests.length, 1);
      await rig.close();
    });
  }

  for (const size of [1, 64 * 1024 - 1, 1_000_003]) {
    it(`of ${size} bytes that begins at its end has its end and its length right`, async () => {
      const rig = await virtualRig({ films: film(size) });
      const exchange = rig.get('/films/film.mp4', { range: `${size - 1}-` });
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual(
        [exchange.status, exchange.bodyBytes, exchange.field('content-range')],
        [206, 1, `bytes ${size - 1}-${size - 1}/${size}`],
      );
      const past = rig.get('/films/film.mp4', { range: `${size}-` });
      assert.equal(await rig.clock.advanceUntil(past.done()), 'complete');
      assert.deepEqual([past.status, past.field('content-range')], [416, `bytes */${size}`]);
      await rig.close();
    });
  }

  it('of more than 4 GiB has its last byte, its length and its offsets right', async () => {
    const size = 6 * 2 ** 30 + 7;
    const rig = await virtualRig({ films: film(size), settings: { readAhead: '1MiB' } });
    const offset = 2 ** 32 + 4095;
    for (const [range, bytes, text] of [
      [`${offset}-${offset + 99_999}`, 100_000, `bytes ${offset}-${offset + 99_999}/${size}`],
      [`${size - 1}-`, 1, `bytes ${size - 1}-${size - 1}/${size}`],
      ['-70000', 70_000, `bytes ${size - 70_000}-${size - 1}/${size}`],
      ['0-9', 10, `bytes 0-9/${size}`],
      [`${2 ** 32 - 1}-${2 ** 32}`, 2, `bytes ${2 ** 32 - 1}-${2 ** 32}/${size}`],
    ] as const) {
      const exchange = rig.get('/films/film.mp4', { range });
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete', range);
      assert.deepEqual([exchange.status, exchange.bodyBytes, exchange.field('content-range')], [206, bytes, text]);
    }
    const whole = rig.player({ rate: 1_000_000 });
    const exchange = whole.get('/films/film.mp4');
    await rig.clock.advanceUntil(exchange.received(1_000_000));
    assert.equal(exchange.field('content-length'), String(size));
    whole.leave();
    assert.deepEqual(rig.fetchedTwice('/film.mp4'), []);
    await rig.close();
  });
});

describe('a file that is longer than any number tells', () => {
  for (const total of ['9007199254740993', '99999999999999999999999']) {
    it(`gives its parts by one request each, where its whole is said to be ${total} bytes`, async () => {
      const rig = await virtualRig({ films: film(1_000_000) });
      rig.origin.always(({ fields }) => {
        const [, first = '0', last = '999999'] = /^bytes=(\d+)-(\d+)?$/.exec(fieldValue(fields, 'range') ?? '') ?? [];
        return { fields: { 'content-range': `bytes ${first}-${last}/${total}` } };
      });
      const exchange = rig.get('/films/film.mp4', { range: '0-999' });
      await rig.clock.advanceUntil(() => exchange.bodyBytes >= 1000);
      assert.ok(exchange.status === 206 || exchange.status === 200);
      const asked = rig.origin.requests.map(({ fields }) => fieldValue(fields, 'range'));
      assert.ok(!asked.includes(null), 'none is asked for plainly');
      assert.equal(asked.filter((range) => range?.startsWith('bytes=0-')).length, 1);
      await rig.close();
    });
  }
});

it('a place that turns out to lie past the end is not asked for any longer than its player waits', async () => {
  const movie = film(100_000);
  const rig = await virtualRig({ films: movie });
  rig.origin.next({ headAfter: Number.POSITIVE_INFINITY });
  const late = rig.player();
  late.get('/films/film.mp4', { range: '500000-' });
  await rig.clock.advance(1000);
  const view = rig.get('/films/film.mp4', { range: '0-' });
  assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
  late.leave();
  await rig.clock.advance(20_000);
  const { fetches, slots, connections } = rig.daemon.lent();
  assert.deepEqual({ fetches, slots, connections }, { fetches: 0, slots: 0, connections: 0 });
  await rig.close();
});
