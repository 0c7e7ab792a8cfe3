/** No more than so many bytes a second, shared evenly. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/clock.ts';
import type { OriginBody } from '../../src/origin/origin.ts';
import { RateAllowance, RateLimitedOrigin } from '../../src/origin/rate-limited-origin.ts';
import { originContract } from '../../src/testing/origin-contract.ts';
import { Film } from '../support/film.ts';
import { runs } from '../support/runs.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { contractBench, originAt } from './bench.ts';
import { RawServer } from './raw-server.ts';

originContract('rate-limited', async () => {
  const server = await RawServer.listen();
  return contractBench(new RateLimitedOrigin(originAt(server.port), 10_000_000_000, systemClock), server);
});

const film = new Film(10_000_000, 3);

/** Somebody who takes whatever it gets; `taken` is what came, and when. */
interface Taker {
  readonly taken: { readonly at: number; readonly bytes: Buffer }[];
  readonly body: OriginBody;
  readonly over: Promise<void>;
  total(): number;
}

class Bench {
  readonly clock: VirtualClock;
  readonly inner: ScriptedOrigin;
  readonly #origin: RateLimitedOrigin;

  constructor(rate: number | null | RateAllowance, readSize = 64 * 1024, clock = new VirtualClock()) {
    this.clock = clock;
    this.inner = ScriptedOrigin.serving(film, { clock: this.clock, readSize });
    this.#origin = new RateLimitedOrigin(this.inner, rate, this.clock);
  }

  set rate(rate: number | null) {
    this.#origin.rate = rate;
  }

  close(): Promise<void> {
    return this.#origin.close();
  }

  async take(signal = new AbortController().signal): Promise<Taker> {
    const { body } = await this.clock.advanceUntil(this.#origin.open({ target: '/a', fields: [] }, signal));
    const taken: Taker['taken'] = [];
    const over = (async () => {
      for (let bytes = await body.read(); bytes !== null; bytes = await body.read()) {
        taken.push({ at: this.clock.now(), bytes: Buffer.from(bytes) });
      }
    })();
    over.catch(() => {});
    return { taken, body, over, total: () => taken.reduce((sum, { bytes }) => sum + bytes.length, 0) };
  }
}

suite('a rate', () => {
  test('that several origins have together holds for all of them, evenly, and one that is closed ends no other', async () => {
    const clock = new VirtualClock();
    const total = new RateAllowance(1_000_000, clock);
    const benches = [new Bench(total, 64 * 1024, clock), new Bench(total, 64 * 1024, clock)];
    const [one, other] = await Promise.all(benches.map((bench) => bench.take()));
    await clock.advance(4000);
    const [first, second] = [one?.total() ?? 0, other?.total() ?? 0];
    assert.ok(first + second <= 4_250_000 && first + second > 3_900_000, `${first} + ${second}`);
    assert.ok(Math.abs(first - second) < 300_000, `${first} and ${second}`);
    await benches[0]?.close();
    await clock.advance(2000);
    assert.ok((other?.total() ?? 0) > second + 900_000, `${other?.total()} after ${second}`);
    await benches[1]?.close();
  });

  test('holds over any time, but for a quarter of a second that was saved up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 2_000_000 }),
        fc.integer({ min: 4096, max: 65_536 }),
        async (rate, size) => {
          const bench = new Bench(rate, size);
          const taker = await bench.take();
          await bench.clock.advance(1000);
          const { taken } = taker;
          for (const [first, { at: from }] of taken.entries()) {
            let bytes = 0;
            for (const { at, bytes: piece } of taken.slice(first)) {
              bytes += piece.length;
              assert.ok(bytes <= (rate * (at - from)) / 1000 + rate / 4 + 1, `${bytes} bytes in ${at - from} ms`);
            }
          }
          assert.ok(taker.total() >= Math.min(film.size, rate) * 0.9, `only ${taker.total()} of ${rate}`);
          taker.body.cancel();
        },
      ),
      { numRuns: runs(15) },
    );
  });

  test('lets the right bytes through, all of them, and the end', async () => {
    const bench = new Bench(4_000_000);
    const taker = await bench.take();
    await bench.clock.advanceUntil(taker.over);
    film.assertBytes(0, Buffer.concat(taker.taken.map(({ bytes }) => bytes)));
    assert.equal(taker.total(), film.size);
    assert.ok(Math.abs(bench.clock.now() - 2250) < 60, `${bench.clock.now()} ms for 10 MB at 4 MB/s`);
    assert.equal(bench.clock.pending, 0);
  });

  test('may change, be lifted and be set again while a body is under way', async () => {
    const bench = new Bench(1_000_000);
    const taker = await bench.take();
    await bench.clock.advance(1000);
    bench.rate = 100_000;
    const slow = taker.total();
    await bench.clock.advance(10_000);
    assert.ok(Math.abs(taker.total() - slow - 1_000_000) < 100_000, `${taker.total() - slow}`);
    bench.rate = null;
    await bench.clock.advanceUntil(taker.over);
    assert.ok(bench.clock.now() < 11_100);
    assert.equal(taker.total(), film.size);
    film.assertBytes(0, Buffer.concat(taker.taken.map(({ bytes }) => bytes)));
  });

  test('that there was none of may be set', async () => {
    const bench = new Bench(null, 4096);
    bench.rate = 1_000_000;
    const taker = await bench.take();
    await bench.clock.advanceUntil(taker.over);
    assert.ok(Math.abs(bench.clock.now() - film.size / 1000) < 500, `${bench.clock.now()}`);
  });

  test('is shared evenly, also by one who comes later', async () => {
    const bench = new Bench(1_000_000);
    const first = await bench.take();
    await bench.clock.advance(2000);
    const before = first.total();
    const second = await bench.take();
    await bench.clock.advance(4000);
    const [a, b] = [first.total() - before, second.total()];
    assert.ok(Math.abs(a - b) < 120_000, `${a} and ${b}`);
    assert.ok(Math.abs(a + b - 4_000_000) < 100_000);
    for (const { body } of [first, second]) body.cancel();
  });

  test('is shared evenly by bytes, however small the reads are in which they come', async () => {
    const clock = new VirtualClock();
    const inner = new ScriptedOrigin(film);
    const origin = new RateLimitedOrigin(inner, 1_000_000, clock);
    const totals = [0, 0];
    const bodies: OriginBody[] = [];
    for (const [index, size] of [65_536, 1000].entries()) {
      const opened = origin.open({ target: '/a', fields: [] }, new AbortController().signal);
      const request = (await inner.nextRequest()).head(200);
      for (let given = 0; given < 3_000_000; given += size) request.bytes(size);
      const { body } = await opened;
      bodies.push(body);
      void (async () => {
        for (;;) totals[index] = (totals[index] ?? 0) + ((await body.read())?.length ?? 0);
      })().catch(() => {});
    }
    await clock.advance(2000);
    // What was saved up went to the first, before the second was there.
    assert.ok(Math.abs((totals[0] ?? 0) - 250_000 - (totals[1] ?? 0)) < 100_000, String(totals));
    for (const body of bodies) body.cancel();
  });

  test('saves up no more than a quarter of a second while nobody reads', async () => {
    const bench = new Bench(1_000_000);
    await bench.clock.advance(10_000);
    const taker = await bench.take();
    await bench.clock.settle();
    assert.ok(taker.total() <= 250_000, String(taker.total()));
    taker.body.cancel();
  });

  test('is all for one where the other does not read', async () => {
    const bench = new Bench(1_000_000);
    const idle = await bench.clock.advanceUntil(bench.take());
    idle.body.cancel();
    const taker = await bench.take();
    await bench.clock.advance(3000);
    assert.ok(taker.total() > 2_900_000, String(taker.total()));
    taker.body.cancel();
  });

  test('takes no more than one read from the network while nothing may be given', async () => {
    const bench = new Bench(1000);
    const taker = await bench.take();
    await bench.clock.advance(1000);
    assert.equal(bench.inner.requests[0]?.bytesRead, 64 * 1024);
    taker.body.cancel();
  });
});

suite('who waits for a turn', () => {
  test('is told at once of an abort', async () => {
    const bench = new Bench(1000);
    const abort = new AbortController();
    const taker = await bench.take(abort.signal);
    await bench.clock.advance(500);
    abort.abort(new Error('enough'));
    await assert.rejects(taker.over, /enough/);
    assert.equal(bench.clock.pending, 0);
  });

  test('is told at once that the body was given up', async () => {
    const bench = new Bench(1000);
    const taker = await bench.take();
    await bench.clock.advance(500);
    taker.body.cancel();
    await assert.rejects(taker.over, { name: 'AbortError' });
    assert.equal(bench.clock.pending, 0);
    assert.ok(bench.inner.requests[0]?.cancelled);
    await assert.rejects(taker.body.read(), { name: 'AbortError' });
  });
});

suite('a body that waits for its bytes', () => {
  for (const [how, end] of [
    ['its request is given up', ({ stop }) => stop.abort(new Error('gone'))],
    ['it is cancelled', ({ body }) => body.cancel()],
    ['the origin is closed', ({ bench }) => void bench.close()],
  ] as const satisfies [string, (ends: { bench: Bench; stop: AbortController; body: OriginBody }) => void][]) {
    test(`waits no longer when ${how}, and leaves no timer`, async () => {
      const bench = new Bench(1000);
      const stop = new AbortController();
      const { body, over } = await bench.take(stop.signal);
      over.catch(() => {});
      await bench.clock.advance(2000);
      end({ bench, stop, body });
      const at = bench.clock.now();
      await assert.rejects(bench.clock.advanceUntil(over));
      assert.equal(bench.clock.now(), at);
      body.cancel();
      assert.ok(bench.inner.requests.every(({ live }) => !live));
      await bench.clock.settle();
      assert.equal(bench.clock.pending, 0);
    });
  }
});
