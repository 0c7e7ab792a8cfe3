import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { etagOf } from '../support/film-fields.ts';
import { virtualRig } from '../support/rig.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';

const mebibyte = 1024 * 1024;
const long = film(400 * mebibyte);

/** A film of 400 MiB at 1 MiB/s, and an origin that takes 200 ms to answer. */
const slow = (policy = {}) =>
  stage({
    film: long,
    policy,
    origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: mebibyte, headAfter: 200 }),
  });

describe('a seek', () => {
  it('far past the frontier is answered by a fetch of its own, at once, under If-Range', async () => {
    const { view, clock, origin } = slow();
    view();
    await clock.advance(2000);
    const seek = view(280 * mebibyte);
    await clock.advance(300);
    assert.ok((seek.firstAt ?? Number.POSITIVE_INFINITY) <= 2250, `it came at ${seek.firstAt} ms`);
    assert.deepEqual(
      [origin.requests[1]?.offset, origin.requests[1]?.field('if-range')],
      [280 * mebibyte, etagOf(long)],
    );
  });

  it('just past the frontier waits for the fetch that will be there', async () => {
    const { view, clock, origin } = slow();
    view();
    await clock.advance(5000);
    const frontier = origin.bytesGiven;
    const seek = view(frontier + 100_000);
    await clock.advance(200);
    assert.deepEqual([origin.requests.length, seek.bytes > 0], [1, true]);
  });

  it('back to what is there costs the origin nothing', async () => {
    const { view, clock, origin } = slow();
    const viewer = view();
    await clock.advance(5000);
    const seek = view(mebibyte, 2 * mebibyte);
    await clock.advance(0);
    assert.deepEqual([seek.outcome, seek.firstAt, origin.requests.length], ['whole', 5000, 1]);
    assert.ok(viewer.bytes > 4 * mebibyte);
  });

  it('to the tail does not end the fetch of the head', async () => {
    const { view, clock, origin } = slow();
    const head = view();
    await clock.advance(1000);
    const [first] = origin.requests;
    const probe = view(long.size - 131_072);
    await clock.advance(1000);
    assert.deepEqual([probe.outcome, first?.live], ['whole', true]);
    const before = head.bytes;
    await clock.advance(1000);
    assert.ok(head.bytes - before > 0.9 * mebibyte, 'the head goes on at full speed');
    assert.deepEqual([origin.requests.length, origin.fetchedTwice], [2, []]);
  });

  it('to the tail that comes first does not keep the head from beginning', async () => {
    const { view, clock, origin } = slow();
    const tail = view(long.size - 1000);
    await clock.advance(100);
    const head = view();
    await clock.advance(1200);
    assert.equal(tail.outcome, 'whole');
    assert.ok(head.bytes > mebibyte / 2 && origin.requests.length === 2);
  });

  it('knows the length of the whole from its first answer', async () => {
    const { view, clock } = slow();
    const tail = view(long.size - 1000);
    await clock.advance(300);
    assert.equal(tail.session?.representation.length, long.size);
  });

  for (const order of ['after', 'before'] as const) {
    it(`of somebody who watched, who leaves the last place just ${order} it, has the link to itself`, async () => {
      const { view, clock, origin } = slow();
      const watched = view();
      await clock.advance(12_000);
      if (order === 'before') watched.leave();
      const seek = view(280 * mebibyte);
      await clock.advance(300);
      if (order === 'after') watched.leave();
      await clock.advance(100);
      assert.ok(seek.bytes > 0);
      assert.ok(origin.live.length > 0 && origin.live.every(({ offset }) => offset >= 280 * mebibyte));
      seek.leave();
    });
  }

  it('of a player that closes its connection first has the link to itself, too', async () => {
    const rig = await virtualRig({ films: long });
    rig.origin.always({ rate: mebibyte });
    const player = rig.player({});
    player.get('/films/film.mp4', { range: '0-' });
    await rig.clock.advance(12_000);
    player.leave('reset');
    await rig.clock.advance(10);
    const seek = rig.get('/films/film.mp4', { range: `${280 * mebibyte}-` });
    await rig.clock.advance(100);
    assert.ok(seek.bodyBytes > 0);
    const fills = rig.player({}).get('/-/api/v1/fills', { film: null });
    await rig.clock.advanceUntil(fills.done());
    const cursors: { position: number }[] = JSON.parse(fills.text).fills[0].cursors;
    assert.ok(cursors.length > 0 && cursors.every(({ position }) => position > 280 * mebibyte));
    await rig.close();
  });

  it('that is abandoned frees its connection', async () => {
    const { view, clock, origin } = slow();
    for (let count = 1; count <= 5; count += 1) {
      const seek = view(count * 50 * mebibyte);
      await clock.advance(500);
      seek.leave();
    }
    await clock.advance(10_000);
    assert.deepEqual([origin.live.length, origin.fetchedTwice], [0, []]);
    const places = new Set(origin.requests.map(({ offset }) => Math.floor(offset / (50 * mebibyte))));
    assert.equal(places.size, 5);
    assert.equal(clock.pending <= 1, true, 'only the entry waits to let go');
  });

  it('after seek on an account of one connection plays: the last one wins', async () => {
    const { view, clock, origin } = stage({
      film: long,
      maxConnections: 1,
      origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: mebibyte, headAfter: 200 }),
    });
    let last = view();
    for (let count = 1; count <= 6; count += 1) {
      await clock.advance(1500);
      last.leave();
      last = view(count * 50 * mebibyte);
    }
    await clock.advance(8000);
    assert.ok(last.firstAt !== null && last.firstAt - 9000 <= 6000, `its first byte came at ${last.firstAt} ms`);
    assert.ok(last.bytes > mebibyte && origin.live.length === 1);
  });

  it('meets the fetch of the head, and both parts make one whole, with one network read of overlap at most', async () => {
    const short = film(8 * mebibyte + 13);
    const { view, clock, origin, eventsOf } = stage({
      film: short,
      origin: (clock) => ScriptedOrigin.serving(short, { clock, rate: mebibyte, headAfter: 200 }),
    });
    const head = view();
    await clock.advance(500);
    const seek = view(6 * mebibyte + 1);
    await clock.advance(60_000);
    assert.deepEqual([head.outcome, seek.outcome], ['whole', 'whole']);
    assert.ok(origin.bytesGiven - short.size < 16 * 1024, `${origin.bytesGiven - short.size} bytes twice`);
    assert.deepEqual(
      eventsOf('fill-done').map(({ length }) => length),
      [short.size],
    );
    assert.deepEqual(origin.given, [{ start: 0, end: short.size }]);
  });

  it('whose own connection is slower than the fetch behind it gives that connection up', async () => {
    const short = film(1_000_000);
    const { view, asked, clock, origin } = stage({ film: short });
    const head = view();
    const first = await asked();
    first.head().bytes(100_000);
    await clock.advance(1000);
    const seek = view(500_000);
    const second = await asked();
    assert.equal(second.offset, 500_000);
    first.bytes(500_000);
    await clock.settle();
    assert.deepEqual([seek.bytes, second.live, first.live], [100_000, false, true]);
    first.bytes(400_000).end();
    await clock.settle();
    assert.deepEqual([head.outcome, seek.outcome, origin.requests.length], ['whole', 'whole', 2]);
  });

  it('of an origin that knows no ranges waits for the one body to come there', async () => {
    const short = film(4 * mebibyte);
    const { view, clock, origin } = stage({
      film: short,
      origin: (clock) => ScriptedOrigin.serving(short, { clock, rate: mebibyte, ranges: false }),
    });
    const head = view();
    await clock.advance(500);
    const seek = view(3 * mebibyte);
    await clock.advance(5000);
    assert.deepEqual(
      [head.outcome, seek.outcome, origin.requests.length, origin.fetchedTwice],
      ['whole', 'whole', 1, []],
    );
  });

  it('of an origin that knows no ranges, coming first, plays as well, from its one body', async () => {
    const short = film(4 * mebibyte);
    const { view, clock, origin } = stage({
      film: short,
      origin: (clock) => ScriptedOrigin.serving(short, { clock, rate: mebibyte, ranges: false }),
    });
    const seek = view(3 * mebibyte);
    await clock.advance(5000);
    assert.deepEqual([seek.outcome, seek.bytes, origin.requests.length], ['whole', mebibyte, 1]);
    const head = view();
    await clock.advance(0);
    assert.deepEqual([head.outcome, origin.requests.length], ['whole', 1]);
  });

  it('past the end is told so, cold as cached', async () => {
    const short = film(1000);
    const { view, clock, origin } = stage({ film: short, origin: (clock) => ScriptedOrigin.serving(short, { clock }) });
    const cold = view(1000, 2000);
    await clock.settle();
    assert.deepEqual(cold.failure, { kind: 'unsatisfiable', length: 1000 });
    const whole = view();
    await clock.settle();
    assert.deepEqual([whole.outcome, origin.requests.length], ['whole', 2]);
  });

  it('by an impatient player, back and forth a hundred times, fetches no byte twice and leaves nothing open', async () => {
    const { view, clock, origin, cache } = slow({ readAhead: 4 * mebibyte });
    let place = 7;
    for (let count = 0; count < 100; count += 1) {
      place = (place * 48_271) % 2_147_483_647;
      const viewer = view((place % 390) * mebibyte + (place % 1000));
      await clock.advance(place % 700);
      viewer.leave();
    }
    await clock.advance(120_000);
    assert.deepEqual([origin.fetchedTwice, origin.live.length, clock.pending, cache.fills().length], [[], 0, 0, 0]);
  });

  it('for a bounded range gives its connection back at once, to be used again', async () => {
    const short = film(8 * mebibyte);
    const rig = await virtualRig({ films: short, mount: { maxConnections: 1 }, relay: { delay: 20 } });
    for (const range of ['0-262143', '6000000-6000009', '3000000-3145727', '-1000']) {
      const exchange = rig.get('/films/film.mp4', { range });
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    }
    assert.ok(rig.clock.now() < 400, `it took ${rig.clock.now()} ms`);
    assert.equal(rig.origin.connections, 1);
    await rig.close();
  });
});
