/** Who looks into a film costs little; who plays it has all that it needs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';

const mebibyte = 1024 * 1024;
const long = film(400 * mebibyte);

const rates = [
  ['25 MB/s', 25_000_000],
  ['without a limit', Number.POSITIVE_INFINITY],
] as const;

const stageOf = (rate: number, options: Partial<Parameters<typeof stage>[0]> = {}) =>
  stage({ film: long, origin: (clock) => ScriptedOrigin.serving(long, { clock, rate, headAfter: 20 }), ...options });

describe('a scan', () => {
  for (const [what, rate] of rates) {
    it(`that leaves after 2 MiB has cost 3 MiB at most, of an origin ${what}`, async () => {
      for (const start of [0, 360 * mebibyte]) {
        const { view, clock, origin } = stageOf(rate);
        const viewer = view(start);
        viewer.rate = 20 * mebibyte;
        viewer.pauseAt(2 * mebibyte);
        await clock.advance(1000);
        assert.equal(viewer.bytes, 2 * mebibyte);
        viewer.leave();
        await clock.settle();
        assert.equal(origin.live.length, 0, 'nothing lingers');
        await clock.advance(60_000);
        assert.ok(origin.bytesGiven <= 3 * mebibyte + 64 * 1024, `${origin.bytesGiven} bytes`);
      }
    });
  }

  it('of 1,000 titles, head and tail, pulls no library and keeps no connection', async () => {
    const { view, clock, origin } = stageOf(Number.POSITIVE_INFINITY, { maxConnections: 4 });
    const probed = 128 * 1024;
    for (let title = 0; title < 1000; title += 1) {
      for (const start of [0, long.size - probed]) {
        const probe = view(start, null, `/${title}`);
        probe.pauseAt(probed);
        await clock.advanceUntil(() => probe.bytes >= probed);
        probe.leave();
        await clock.settle();
      }
    }
    assert.equal(origin.live.length, 0);
    assert.ok(origin.bytesGiven <= 1000 * (2 * probed + mebibyte), `${origin.bytesGiven / 1000} bytes a title`);
    await clock.advance(120_000);
    assert.equal(clock.pending, 0);
  });

  it('that leaves in mid-body of a silent origin does not keep its connection', async () => {
    const { view, asked, clock, origin } = stage({ film: long });
    const viewer = view();
    (await asked()).head().bytes(100_000);
    await clock.settle();
    viewer.leave();
    await clock.settle();
    assert.equal(origin.live.length, 0);
  });

  it('of whose range little is missing reads it to its end, so that the connection can be used again', async () => {
    const { view, asked, clock, origin } = stage({ film: long });
    const viewer = view(0, 256 * 1024);
    const request = (await asked()).head().bytes(192 * 1024 + 1);
    await clock.settle();
    viewer.leave();
    await clock.settle();
    assert.equal(request.live, true);
    request.bytes(64 * 1024 - 1).end();
    await clock.settle();
    assert.deepEqual([request.cancelled, request.aborted, request.bytesRead], [false, false, 256 * 1024]);
    assert.equal(origin.live.length, 0);
  });

  it('of whose range little is missing, and comes slowly, keeps its connection from nobody who waits', async () => {
    const small = film(60_000);
    const { view, clock, origin } = stage({
      film: small,
      maxConnections: 1,
      origin: (clock) => ScriptedOrigin.serving(small, { clock, rate: 500, readSize: 100 }),
    });
    const first = view();
    await clock.advance(8000);
    first.leave();
    const second = view(0, 1000, '/other.mp4');
    await clock.advance(1000);
    assert.deepEqual(
      origin.live.map(({ target }) => target),
      ['/other.mp4'],
    );
    await clock.advance(9000);
    assert.equal(second.outcome, 'whole');
  });

  it('that leaves before the first byte does not throw away what was waited for', async () => {
    const { view, asked, clock, origin } = stage({ film: long });
    const impatient = view();
    const request = await asked();
    await clock.advance(3000);
    impatient.leave();
    await clock.advance(4000);
    const second = view();
    request.head().bytes(1000);
    await clock.settle();
    assert.deepEqual([second.bytes, origin.requests.length], [1000, 1]);
    second.leave();
  });
});

describe('a film that plays', () => {
  it('has the whole of readAhead before it, from 8 MiB on', async () => {
    const { view, clock, origin } = stageOf(Number.POSITIVE_INFINITY);
    const viewer = view();
    viewer.rate = 2_000_000;
    await clock.advance(3000);
    assert.ok(origin.bytesGiven - viewer.bytes <= 4 * mebibyte, 'not yet');
    await clock.advance(3000);
    const ahead = origin.bytesGiven - viewer.bytes;
    assert.ok(ahead >= 60 * mebibyte && ahead <= 65 * mebibyte, `${ahead} bytes ahead`);
    viewer.leave();
  });

  it('so fast that readAhead lasts for five seconds has twenty before it', async () => {
    const fast = film(2000 * mebibyte);
    const { view, clock, origin } = stage({
      film: fast,
      origin: (clock) => ScriptedOrigin.serving(fast, { clock, rate: 100_000_000, headAfter: 20 }),
    });
    const viewer = view();
    viewer.rate = 12_500_000;
    await clock.advance(30_000);
    const ahead = origin.bytesGiven - viewer.bytes;
    assert.ok(ahead >= 0.75 * 250_000_000 && ahead <= 257 * mebibyte, `${ahead} bytes ahead`);
    viewer.leave();
  });

  it('keeps its connection for who comes back within restTimeout', async () => {
    const { view, clock, origin } = stageOf(4_000_000);
    const viewer = view();
    await clock.advanceUntil(() => viewer.bytes > 9 * mebibyte);
    viewer.leave();
    await clock.advance(4000);
    const again = view(viewer.bytes);
    await clock.advance(1000);
    assert.ok(again.bytes > 3_000_000);
    assert.equal(origin.requests.length, 1);
    again.leave();
  });
});

describe('twenty seeks of 2 MiB', () => {
  it('cost the origin no more than a tenth beyond what is read, each byte once', async () => {
    const { view, clock, origin } = stageOf(25_000_000);
    let place = 5;
    let read = 0;
    for (let seek = 0; seek < 20; seek += 1) {
      place = (place * 48_271) % 2_147_483_647;
      const viewer = view(Math.floor((place / 2_147_483_647) * 390 * mebibyte));
      await clock.advanceUntil(() => viewer.bytes >= 2 * mebibyte);
      viewer.leave();
      read += viewer.bytes;
      await clock.advance(500);
    }
    assert.deepEqual(origin.fetchedTwice, []);
    assert.ok(origin.bytesGiven <= 1.1 * read, `${origin.bytesGiven / read} bytes for each that was read`);
    assert.equal(origin.live.length, 0);
  });
});
