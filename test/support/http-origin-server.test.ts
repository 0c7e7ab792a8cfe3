import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client, type ClientOptions } from './client.ts';
import { duplexPair } from './duplex-pair.ts';
import { film } from './film.ts';
import { type Behaviour, HttpOriginServer } from './http-origin-server.ts';
import { VirtualClock } from './virtual-clock.ts';

const movie = film(300_000);
const otherVersion = film(300_000, 2);

/** An origin with one film, and a player that is connected to it. */
function stage(behaviour: Behaviour = {}) {
  const clock = new VirtualClock();
  const origin = new HttpOriginServer({ clock, films: movie, behaviour });
  const player = (options: Partial<ClientOptions> = {}) => {
    const [near, far] = duplexPair();
    origin.accept(far);
    return new Client(near, { clock, film: movie, ...options });
  };
  return { clock, origin, player };
}

describe('an HTTP origin for tests', () => {
  const ranges: ReadonlyArray<readonly [string | undefined, number, number, string | null]> = [
    [undefined, 200, 300_000, null],
    ['0-', 206, 300_000, 'bytes 0-299999/300000'],
    ['100-199', 206, 100, 'bytes 100-199/300000'],
    ['-1', 206, 1, 'bytes 299999-299999/300000'],
    ['299999-400000', 206, 1, 'bytes 299999-299999/300000'],
    ['300000-', 416, 26, 'bytes */300000'],
  ];
  for (const [range, status, length, contentRange] of ranges) {
    it(`answers ${range ?? 'no range'} with ${status} and the right bytes`, async () => {
      const { clock, origin, player } = stage();
      const exchange = player().get('/film', range === undefined ? {} : { range });
      assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual(
        [exchange.status, exchange.bodyBytes, exchange.field('content-range')],
        [status, length, contentRange],
      );
      assert.equal(origin.requests[0]?.complete, true);
    });
  }

  it('dates its answers by the clock', async () => {
    const { clock, player } = stage();
    await clock.advance(1000);
    const exchange = player().get('/film', { method: 'HEAD' });
    await clock.advanceUntil(exchange.done());
    assert.equal(exchange.field('date'), 'Thu, 01 Jan 2026 00:00:01 GMT');
    assert.deepEqual([exchange.field('content-length'), exchange.bodyBytes], ['300000', 0]);
  });

  it('gives the whole film where If-Range names another version', async () => {
    const { clock, player } = stage();
    const exchange = player().get('/film', { range: '5-9', fields: { 'if-range': '"other"' } });
    await clock.advanceUntil(exchange.done());
    assert.deepEqual([exchange.status, exchange.bodyBytes], [200, 300_000]);
  });

  it('knows several films by their paths, and no other', async () => {
    const clock = new VirtualClock();
    const origin = new HttpOriginServer({ clock, films: { '/one': film(10), '/two': film(20) } });
    const [near, far] = duplexPair();
    origin.accept(far);
    const player = new Client(near, { clock });
    const asked = ['/one', '/two?token=1', '/three'].map((target) => player.get(target));
    await clock.advanceUntil(Promise.all(asked.map((exchange) => exchange.done())));
    assert.deepEqual(
      asked.map(({ status, bodyBytes }) => [status, bodyBytes]),
      [
        [200, 10],
        [200, 20],
        [404, 26],
      ],
    );
    assert.deepEqual([origin.given('/two'), origin.connections], [[{ start: 0, end: 20 }], 1]);
  });

  it('counts what went out twice', async () => {
    const { clock, origin, player } = stage();
    const first = player();
    const asked = [first.get('/film', { range: '0-99' }), first.get('/film', { range: '90-109' })];
    await clock.advanceUntil(Promise.all(asked.map((exchange) => exchange.done())));
    assert.deepEqual(origin.fetchedTwice(), [{ start: 90, end: 100 }]);
    assert.deepEqual([origin.given(), origin.bytesGiven], [[{ start: 0, end: 110 }], 120]);
  });

  it('is silent before its head, then slow', async () => {
    const { clock, player } = stage({ headAfter: 3000, bodyAfter: 2000, rate: 100_000 });
    const exchange = player().get('/film');
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
    const { headAt, firstBodyAt, endAt } = exchange.times;
    assert.deepEqual([headAt, firstBodyAt], [3000, 5010]);
    assert.ok(Math.abs((endAt ?? 0) - 8000) < 1, `ended at ${endAt}`);
  });

  it('misbehaves once for each time it is told to', async () => {
    const { clock, origin, player } = stage();
    origin.next({ status: 503, fields: { 'retry-after': '2' } }, {});
    const one = player();
    const asked = [one.get('/film'), one.get('/film'), one.get('/film')];
    await clock.advanceUntil(Promise.all(asked.map((exchange) => exchange.done())));
    assert.deepEqual(
      asked.map(({ status }) => status),
      [503, 200, 200],
    );
    assert.equal(asked[0]?.field('retry-after'), '2');
  });

  const cuts: ReadonlyArray<readonly [string, Behaviour, number | null, number]> = [
    ['hangs up without a head', { hangUp: 'end' }, null, 0],
    ['resets without a head', { hangUp: 'reset' }, null, 0],
    ['cuts a body', { cutAfter: 70_000 }, 206, 70_000],
    ['cuts a body before its first byte', { cutAfter: 0 }, 206, 0],
    ['cuts a chunked body', { cutAfter: 70_000, framing: 'chunked' }, 206, 70_000],
  ];
  for (const [what, behaviour, status, bytes] of cuts) {
    it(`${what}, which its client calls cut`, async () => {
      const { clock, origin, player } = stage(behaviour);
      const exchange = player().get('/film', { range: '0-' });
      assert.equal(await clock.advanceUntil(exchange.done()), 'cut');
      await clock.settle();
      assert.deepEqual([exchange.status, exchange.bodyBytes, origin.open], [status, bytes, 0]);
    });
  }

  it('resets in mid-body', async () => {
    const { clock, player } = stage({ cutAfter: 70_000, cutBy: 'reset' });
    const exchange = player().get('/film');
    assert.equal(await clock.advanceUntil(exchange.done()), 'cut');
  });

  it('stalls in mid-body and never comes back', async () => {
    const { clock, origin, player } = stage({ stallAfter: 70_000 });
    const one = player();
    const exchange = one.get('/film');
    await clock.advance(3_600_000);
    assert.deepEqual([exchange.bodyBytes, exchange.outcome, origin.open], [70_000, null, 1]);
    one.leave();
    await clock.settle();
    assert.equal(origin.open, 0);
  });

  it('cuts a reader that has not moved for its send timeout, and no other', async () => {
    const { clock, player } = stage({ sendTimeout: 3000 });
    const [patient, stuck] = [player({ rate: 10_000 }), player()];
    const [slow, paused] = [patient.get('/film'), stuck.get('/film')];
    stuck.pause();
    await clock.advance(10_000);
    stuck.resume();
    assert.equal(await clock.advanceUntil(paused.done()), 'cut');
    assert.equal(await clock.advanceUntil(slow.done()), 'complete');
  });

  it('lies as it is told', async () => {
    const { clock, origin, player } = stage();
    const one = player({ film: otherVersion });
    origin.next(
      { ignoreRange: true, film: otherVersion },
      { fields: { 'content-range': 'bytes 6-10/99', etag: null } },
    );
    const whole = one.get('/film', { range: '5-9' });
    const wrong = one.get('/film', { range: '5-9', film: null });
    await clock.advanceUntil(Promise.all([whole.done(), wrong.done()]));
    assert.deepEqual([whole.status, whole.bodyBytes], [200, 300_000]);
    assert.deepEqual([wrong.status, wrong.field('content-range'), wrong.field('etag')], [206, 'bytes 6-10/99', null]);
  });

  it('tells the end of a body in chunks, or by closing', async () => {
    for (const framing of ['chunked', 'close'] as const) {
      const { clock, player } = stage({ framing });
      const exchange = player().get('/film');
      assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.field('content-length'), exchange.bodyBytes], [null, 300_000]);
      assert.equal(exchange.field('transfer-encoding') === 'chunked', framing === 'chunked');
    }
  });
});
