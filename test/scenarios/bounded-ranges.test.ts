/** What is asked for at a time, once the origin is known to give ranges. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { etagOf, filmFields } from '../support/film-fields.ts';
import { ScriptedOrigin, type ScriptedRequest } from '../support/scripted-origin.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const long = film(200 * mebibyte);

/** A film of 200 MiB at 4 MiB/s, and an origin that takes 100 ms to answer. */
const slow = (options: Partial<Parameters<typeof stage>[0]> = {}) =>
  stage({
    film: long,
    origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: 4 * mebibyte, headAfter: 100 }),
    ...options,
  });

/** The sizes of ranges in KiB. */
const sizesOf = (requests: readonly ScriptedRequest[]) =>
  requests.map(({ offset, until }) => ((until ?? Number.POSITIVE_INFINITY) - offset) / kibibyte);

/** The first request of a fill, by somebody who wants the head alone: after it the origin is known. */
async function known(options: Partial<Parameters<typeof stage>[0]> = {}) {
  const staged = slow(options);
  const first = staged.view(0, 0);
  await staged.clock.advanceUntil(first.over);
  await staged.clock.advance(1000);
  return staged;
}

describe('a range', () => {
  it('is open-ended while nothing is known, so that what can not be combined comes by one body', async () => {
    const { view, clock, origin } = slow();
    const viewer = view();
    await clock.advance(5000);
    viewer.leave();
    assert.deepEqual(
      origin.requests.map(({ offset, until }) => [offset, until]),
      [[0, null]],
    );
  });

  it('is bounded from the second request on, and doubles while reading goes on, under If-Range', async () => {
    const { view, clock, origin } = await known();
    const viewer = view(64 * mebibyte);
    viewer.rate = 20 * mebibyte;
    await clock.advance(20_000);
    const [, ...ranges] = origin.requests;
    assert.ok(ranges.every((request) => request.field('if-range') === etagOf(long)));
    const sizes = sizesOf(ranges);
    // A head takes 100 ms here, which is worth 1.6 MB; until the reader plays its window is small.
    assert.ok((sizes[0] ?? 0) >= 256 && (sizes[0] ?? 0) <= 1600, `${sizes[0]} KiB`);
    assert.ok(Math.max(...sizes) > 8 * kibibyte && Math.max(...sizes) <= 16 * kibibyte, String(sizes));
    assert.ok(sizes.length < 30, `${sizes.length} requests`);
    for (const [index, { offset }] of ranges.entries()) {
      if (index > 0) assert.equal(offset, ranges[index - 1]?.until);
    }
    assert.deepEqual(origin.fetchedTwice, []);
    viewer.leave();
  });

  it('is asked for before the last one ends: bytes come as fast as by one request', async () => {
    const { view, clock, origin } = await known();
    const viewer = view(64 * mebibyte);
    await clock.advance(100 + 10_000);
    assert.ok(viewer.bytes >= 39.5 * mebibyte, `${viewer.bytes} bytes in 10 s at 4 MiB/s`);
    assert.ok(origin.live.length <= 2);
    viewer.leave();
  });

  it('is asked for after the last one has ended where one connection is allowed, and costs no more than its head', async () => {
    const { view, clock, origin, eventsOf } = await known({ maxConnections: 1 });
    let most = 0;
    const viewer = view(64 * mebibyte);
    for (let tick = 0; tick < 1000; tick += 1) {
      await clock.advance(10);
      most = Math.max(most, origin.live.length);
    }
    assert.equal(most, 1);
    assert.ok(viewer.bytes >= 33 * mebibyte, `${viewer.bytes} bytes in 10 s at 4 MiB/s`);
    assert.deepEqual(eventsOf('retry'), []);
    viewer.leave();
  });

  it('leaves a warm connection to whoever seeks away, where one more is allowed', async () => {
    const sparesAt = async (maxConnections: number) => {
      const { view, clock, origin } = await known({ maxConnections });
      const viewer = view(64 * mebibyte);
      await clock.advance(10_000);
      viewer.leave();
      return origin.requests.map(({ spare }) => spare);
    };
    const [one, three] = [await sparesAt(1), await sparesAt(3)];
    assert.ok(one.length > 3 && !one.includes(true), String(one));
    assert.ok(three.length > 3 && !three.includes(false), String(three));
  });

  it('that the origin refuses while the one before is under way is asked for after it, and never early again', async () => {
    const { view, clock, origin, eventsOf } = stage({ film: long });
    const whole = view(0, 0);
    (await clock.advanceUntil(origin.nextRequest())).head().bytes(1).end();
    await clock.advanceUntil(whole.over);
    const viewer = view(mebibyte);
    const first = await clock.advanceUntil(origin.nextRequest());
    await clock.advance(100);
    first.head().bytes(128 * kibibyte);
    await clock.advance(500);
    // Slowly enough that the next is asked for in time.
    const early = origin.nextRequest();
    for (let left = (first.until ?? 0) - first.position; left > 0; left -= 16 * kibibyte) {
      first.bytes(Math.min(left, 16 * kibibyte));
      await clock.advance(20);
      if (origin.requests.length > 2) break;
    }
    const second = await early;
    assert.ok(first.live && second.offset === first.until, 'the next was asked for early');
    second.head(429, []).end();
    await clock.settle();
    first.bytes((first.until ?? 0) - first.position).end();
    for (let count = 0; count < 3; count += 1) {
      const next = await clock.advanceUntil(origin.nextRequest());
      assert.deepEqual(origin.live.length, 1);
      next.head();
      await clock.advance(100);
      next.bytes((next.until ?? long.size) - next.position).end();
      await clock.settle();
    }
    assert.deepEqual([eventsOf('retry'), viewer.outcome, origin.fetchedTwice], [[], null, []]);
    viewer.leave();
  });

  it('goes on with its stride after a cut, from the missing byte', async () => {
    const { view, clock, origin } = await known();
    const viewer = view(64 * mebibyte);
    await clock.advance(12_000);
    const before = origin.requests.length;
    for (const request of origin.live) request.cut();
    await clock.advance(3000);
    const sizes = sizesOf(origin.requests.slice(before));
    assert.ok((sizes[0] ?? 0) >= 8 * kibibyte, `${sizes[0]} KiB after the cut`);
    assert.deepEqual(origin.fetchedTwice, []);
    assert.ok(viewer.bytes > 40 * mebibyte);
    viewer.leave();
  });

  it('goes on with its stride after a pause of ten minutes', async () => {
    const { view, clock, origin } = await known();
    const viewer = view(64 * mebibyte);
    await clock.advance(12_000);
    viewer.pause();
    await clock.advance(600_000);
    assert.equal(origin.live.length, 0);
    const before = origin.requests.length;
    viewer.resume();
    await clock.advance(10_000);
    const sizes = sizesOf(origin.requests.slice(before));
    assert.ok((sizes[0] ?? 0) >= 4 * kibibyte, `${sizes[0]} KiB after the pause`);
    viewer.leave();
  });

  it('is not asked for at the edge of the window before there is room for a worthwhile one', async () => {
    const readAhead = 8 * mebibyte;
    const { view, clock, origin } = await known({ policy: { readAhead } });
    const viewer = view(64 * mebibyte);
    viewer.rate = mebibyte;
    await clock.advance(60_000);
    const [, ...ranges] = origin.requests;
    const late = sizesOf(ranges.slice(-5, -1));
    assert.ok(
      late.every((size) => size >= kibibyte),
      `${late} KiB at the edge`,
    );
    // Nothing lies unread: a body that has come to its end is all that there is.
    viewer.pause();
    await clock.advance(6000);
    assert.equal(origin.live.length, 0);
    viewer.leave();
  });

  it('fills a gap exactly', async () => {
    const { view, clock, origin } = await known();
    const island = view(10 * mebibyte, 10 * mebibyte + 256 * kibibyte);
    await clock.advanceUntil(island.over);
    const before = origin.requests.length;
    const across = view(10 * mebibyte - 300 * kibibyte, 10 * mebibyte + 100 * kibibyte);
    await clock.advanceUntil(across.over);
    assert.deepEqual(
      origin.requests.slice(before).map(({ offset, until }) => [offset, until]),
      [[10 * mebibyte - 300 * kibibyte, 10 * mebibyte]],
    );
    assert.deepEqual(origin.fetchedTwice, []);
  });

  it('of a version that only a date tells apart is compared with the one before it, byte by byte, at each seam', async () => {
    const dated = (request: ScriptedRequest) => [
      ...filmFields(long, 206, request.offset, request.until).filter(([name]) => name !== 'etag'),
      ['date', 'Sat, 01 Nov 2025 00:00:00 GMT'] as const,
    ];
    const { view, clock, origin } = stage({ film: long });
    const first = view(0, 0);
    const head = await clock.advanceUntil(origin.nextRequest());
    head.head(206, dated(head)).bytes(1).end();
    await clock.advanceUntil(first.over);
    const viewer = view(mebibyte);
    for (let count = 0; count < 4; count += 1) {
      const request = await clock.advanceUntil(origin.nextRequest());
      assert.equal(request.offset, count === 0 ? mebibyte : viewer.bytes + mebibyte - 1024, 'it overlaps by 1 KiB');
      request.head(206, dated(request));
      await clock.settle();
      request.bytes((request.until ?? 0) - request.position).end();
      await clock.settle();
    }
    assert.equal(viewer.outcome, null);
    const request = await clock.advanceUntil(origin.nextRequest());
    const other = film(long.size, 2);
    request.head(206, dated(request)).bytes(other.bytesAt(request.offset, request.offset + 100_000));
    await clock.settle();
    assert.equal(viewer.failure.kind, 'changed');
  });
});
