import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProxyError } from '../../src/errors.ts';
import type { Fields } from '../../src/http/fields.ts';
import type { OriginBody } from '../../src/origin/origin.ts';
import { Coverage } from './coverage.ts';
import { film } from './film.ts';
import { ScriptedOrigin } from './scripted-origin.ts';
import { VirtualClock } from './virtual-clock.ts';

const signal = new AbortController().signal;
const ask = (...fields: Fields) => ({ target: '/film.mp4', fields });
const bytesFrom = (range: string) => ask(['range', `bytes=${range}`]);

async function readAll(body: OriginBody): Promise<Buffer> {
  const reads: Buffer[] = [];
  for (let bytes = await body.read(); bytes !== null; bytes = await body.read()) reads.push(Buffer.from(bytes));
  return Buffer.concat(reads);
}

describe('a scripted origin, told step by step', () => {
  it('connects, gives its head, one byte, the rest and the end when it is told', async () => {
    const origin = new ScriptedOrigin(film(1000));
    let connected = 0;
    const open = origin.open({ ...bytesFrom('990-'), onConnected: () => (connected += 1) }, signal);
    const request = await origin.nextRequest();
    assert.deepEqual([request.target, request.offset, request.until], ['/film.mp4', 990, null]);
    request.connected().head();
    const { status, fields, body } = await open;
    assert.deepEqual([status, connected], [206, 1]);
    assert.deepEqual(Object.fromEntries(fields)['content-range'], 'bytes 990-999/1000');
    const first = body.read();
    assert.equal(request.reading, true);
    request.bytes(1).bytes(9).end();
    assert.equal((await first)?.length, 1);
    origin.film.assertBytes(991, (await body.read()) ?? Buffer.alloc(0));
    assert.deepEqual([await body.read(), await body.read()], [null, null]);
    assert.deepEqual([request.live, request.cancelled, request.bytesRead], [false, false, 10]);
  });

  it('gives nothing before it is read', async () => {
    const origin = new ScriptedOrigin(film(1000));
    const open = origin.open(ask(), signal);
    const request = (await origin.nextRequest()).head(200).bytes(1000).end();
    const { body } = await open;
    assert.equal(origin.bytesGiven, 0);
    await body.read();
    assert.deepEqual([origin.bytesGiven, request.live], [1000, true]);
  });

  it('cuts after what it has given', async () => {
    const origin = new ScriptedOrigin(film(1000));
    const open = origin.open(ask(), signal);
    (await origin.nextRequest()).head(200).bytes(10).cut();
    const { body } = await open;
    assert.equal((await body.read())?.length, 10);
    await assert.rejects(body.read(), { type: 'connection_terminated' });
  });

  it('refuses', async () => {
    const origin = new ScriptedOrigin(film(1000));
    const open = origin.open(ask(), signal);
    (await origin.nextRequest()).refuse(new ProxyError('connection_refused', 'Nobody listens.'));
    await assert.rejects(open, { type: 'connection_refused' });
  });

  it('sees an abort before the head, and one in the body', async () => {
    const origin = new ScriptedOrigin(film(1000));
    const [early, late] = [new AbortController(), new AbortController()];
    const unanswered = origin.open(ask(), early.signal);
    const open = origin.open(ask(), late.signal);
    const [first, second] = [await origin.nextRequest(), await origin.nextRequest()];
    early.abort(new Error('too early'));
    await assert.rejects(unanswered, /too early/);
    second.head(200);
    const read = (await open).body.read();
    late.abort(new Error('too late'));
    await assert.rejects(read, /too late/);
    assert.deepEqual([first.aborted, second.aborted, origin.live.length], [true, true, 0]);
  });

  it('sees a cancelled body, whose pending read rejects', async () => {
    const origin = new ScriptedOrigin(film(1000));
    const open = origin.open(ask(), signal);
    const request = (await origin.nextRequest()).head(200);
    const { body } = await open;
    const read = body.read();
    body.cancel();
    await assert.rejects(read, { name: 'AbortError' });
    body.cancel();
    assert.deepEqual([request.cancelled, request.aborted, request.live], [true, false, false]);
  });

  it('knows which bytes were fetched twice', async () => {
    const origin = new ScriptedOrigin(film(1000));
    for (const range of ['0-99', '50-149', '500-']) {
      const open = origin.open(bytesFrom(range), signal);
      (await origin.nextRequest()).head().bytes(100).end();
      await readAll((await open).body);
    }
    assert.deepEqual(origin.fetchedTwice, [{ start: 50, end: 100 }]);
    assert.deepEqual(origin.given, [
      { start: 0, end: 150 },
      { start: 500, end: 600 },
    ]);
  });
});

describe('a scripted origin that serves by itself', () => {
  it('is silent, then gives the whole film at its rate', async () => {
    const clock = new VirtualClock();
    const origin = ScriptedOrigin.serving(film(1_000_000), { clock, headAfter: 3000, rate: 100_000 });
    const { status, body } = await clock.advanceUntil(origin.open(ask(), signal));
    assert.deepEqual([status, clock.now()], [200, 3000]);
    origin.film.assertBytes(0, await clock.advanceUntil(readAll(body)));
    assert.ok(Math.abs(clock.now() - 13_000) < 1, `took until ${clock.now()} ms`);
    assert.deepEqual(origin.fetchedTwice, []);
  });

  it('earns no burst while nobody reads', async () => {
    const clock = new VirtualClock();
    const origin = ScriptedOrigin.serving(film(1_000_000), { clock, rate: 100_000, readSize: 1000 });
    const { body } = await clock.advanceUntil(origin.open(ask(), signal));
    await clock.advanceUntil(body.read());
    await clock.advance(60_000);
    const before = clock.now();
    for (let count = 0; count < 10; count += 1) await clock.advanceUntil(body.read());
    assert.ok(clock.now() - before >= 90 - 1e-6, `ten reads took ${clock.now() - before} ms`);
  });

  const answers: ReadonlyArray<readonly [string, Fields, number, number]> = [
    ['an open range', [['range', 'bytes=900-']], 206, 100],
    ['a closed range', [['range', 'bytes=10-19']], 206, 10],
    ['a range past its end', [['range', 'bytes=990-2000']], 206, 10],
    ['a suffix', [['range', 'bytes=-5']], 206, 5],
    ['a range from its end', [['range', 'bytes=1000-']], 416, 0],
    [
      'If-Range that holds',
      [
        ['range', 'bytes=990-'],
        ['if-range', '"film-1000-1"'],
      ],
      206,
      10,
    ],
    [
      'If-Range that does not',
      [
        ['range', 'bytes=990-'],
        ['if-range', '"other"'],
      ],
      200,
      1000,
    ],
    ['If-None-Match', [['if-none-match', '"film-1000-1"']], 304, 0],
  ];
  for (const [what, fields, status, length] of answers) {
    it(`answers ${what} with ${status} and ${length} bytes`, async () => {
      const clock = new VirtualClock();
      const origin = ScriptedOrigin.serving(film(1000), { clock });
      const reply = await origin.open(ask(...fields), signal);
      assert.equal(reply.status, status);
      const bytes = await readAll(reply.body);
      assert.equal(bytes.length, length);
      origin.film.assertBytes(status === 206 ? (origin.requests[0]?.offset ?? -1) : 0, bytes);
    });
  }

  it('leaves no timer behind when it is given up', async () => {
    const clock = new VirtualClock();
    const origin = ScriptedOrigin.serving(film(1000), { clock, headAfter: 25_000 });
    const controller = new AbortController();
    const open = origin.open(ask(), controller.signal);
    await clock.advance(10);
    controller.abort(new Error('enough'));
    await assert.rejects(open, /enough/);
    assert.equal(clock.pending, 0);
  });
});

describe('coverage', () => {
  it('agrees with a count of each byte', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(12))), (given) => {
        const coverage = new Coverage();
        const counts = new Array<number>(60).fill(0);
        for (const [start, length] of given) {
          coverage.add(start, start + length);
          for (let at = start; at < start + length; at += 1) counts[at] = (counts[at] ?? 0) + 1;
        }
        const offsets = (ranges: readonly { start: number; end: number }[]) =>
          ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index));
        const atLeast = (times: number) => counts.flatMap((count, at) => (count >= times ? [at] : []));
        assert.deepEqual(offsets(coverage.given), atLeast(1));
        assert.deepEqual(offsets(coverage.twice), atLeast(2));
        assert.equal(
          coverage.total,
          counts.reduce((sum, count) => sum + count, 0),
        );
      }),
    );
  });
});
