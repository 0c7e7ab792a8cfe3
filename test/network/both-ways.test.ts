/**
 * Replies of what is stored, over real sockets, both ways: sent by the system from its page cache, and read and written.
 * Whatever the client asks for and however it behaves, it sees no difference.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { findSystemCalls } from '../../src/system-calls.ts';
import { film } from '../support/film.ts';
import { type RealStage, realStage } from './real-stage.ts';

const MiB = 1024 * 1024;
const movie = film(21 * MiB + 11);

const { calls } = await findSystemCalls();

/** A film that is stored, and whose blocks have been compared since the start. */
async function stored(t: TestContext, sendfile: 'on' | 'off', settings = {}): Promise<RealStage> {
  const stage = await realStage(t, { film: movie, settings: { sendfile, ...settings } });
  await stage.completed(await stage.get(null), movie.size);
  await stage.restart();
  await stage.completed(await stage.get(null), movie.size);
  return stage;
}

/** What has gone out of this process since `from` of the events, by its source. */
function sentSince(stage: RealStage, from: number): Record<string, number> {
  const sent: Record<string, number> = {};
  for (const event of stage.events.slice(from))
    if (event.type === 'bytes-sent') sent[event.source] = (sent[event.source] ?? 0) + event.bytes;
  return sent;
}

for (const sendfile of ['on', 'off'] as const) {
  const skip = sendfile === 'on' && calls === null ? 'the system has no such calls here' : false;
  describe(`with sendfile ${sendfile},`, { skip, concurrency: 2 }, () => {
    it('a whole film and its parts arrive, and are counted to the byte', async (t) => {
      const stage = await stored(t, sendfile);
      const from = stage.events.length;
      const ranges = [null, '0-0', '-1', '4095-4096', `${16 * MiB - 1}-${16 * MiB}`, `${5 * MiB + 1}-`, '0-262143'];
      const lengths = [movie.size, 1, 1, 2, 2, movie.size - 5 * MiB - 1, 262_144];
      const player = await stage.player();
      for (const [index, range] of ranges.entries()) {
        await stage.completed(await stage.get(range, player), lengths[index] ?? 0);
      }
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const sent = sentSince(stage, from);
      assert.equal(
        Object.values(sent).reduce((sum, bytes) => sum + bytes, 0),
        total,
      );
      const system = sent['page-cache'] ?? 0;
      if (sendfile === 'on') assert.ok(system > 0.95 * total, JSON.stringify(sent));
      else assert.equal(system, 0);
      const counted = stage.events.slice(from).filter((event) => event.type === 'request-done');
      assert.deepEqual(
        counted.map(({ bytes, outcome }) => [bytes, outcome]),
        lengths.map((bytes) => [bytes, 'served']),
      );
      stage.assertRight();
    });

    it('requests that are sent at once are answered in turn, HEAD among them', async (t) => {
      const stage = await stored(t, sendfile);
      const player = await stage.player();
      const asked = [
        player.get('/films/film.mp4'),
        player.get('/films/film.mp4', { method: 'HEAD' }),
        player.get('/films/film.mp4', { range: `${3 * MiB}-${4 * MiB}` }),
        player.get('/films/film.mp4', { range: '99999999-' }),
        player.get('/films/film.mp4', { range: '7-8' }),
      ];
      for (const exchange of asked) assert.equal(await exchange.done(), 'complete');
      assert.deepEqual(
        asked.map(({ status, bodyBytes }) => [status, bodyBytes]),
        [
          [200, movie.size],
          [200, 0],
          [206, MiB + 1],
          [416, asked[3]?.bodyBytes],
          [206, 2],
        ],
      );
    });

    it('several ranges arrive in one body, each in its frame', async (t) => {
      const stage = await stored(t, sendfile);
      const ranges = [
        { start: 10, end: 9010 },
        { start: 16 * MiB - 4000, end: 16 * MiB + 4000 },
        { start: movie.size - 9000, end: movie.size },
      ];
      const range = ranges.map(({ start, end }) => `${start}-${end - 1}`).join();
      const exchange = (await stage.player({ film: film(1) })).get('/films/film.mp4', { range, film: null });
      assert.equal(await exchange.done(), 'complete');
      assert.equal(exchange.bodyBytes, Number(exchange.field('content-length')));
      const body = exchange.content;
      for (const { start, end } of ranges) {
        const head = `Content-Range: bytes ${start}-${end - 1}/${movie.size}\r\n\r\n`;
        const at = body.indexOf(head, 0, 'latin1') + head.length;
        movie.assertBytes(start, body.subarray(at, at + end - start));
      }
    });

    it('a client of HTTP/1.0, and one that wants the connection closed, get all of it before its end', async (t) => {
      const stage = await stored(t, sendfile);
      for (const options of [{ version: '1.0' as const }, { fields: { connection: 'close' } }]) {
        const player = await stage.player();
        const exchange = player.get('/films/film.mp4', options);
        await stage.completed(exchange, movie.size);
        assert.equal(exchange.field('connection'), 'close');
      }
    });

    it('a film that is fetched while it is sent comes whole, after its bytes of patience', async (t) => {
      const stage = await realStage(t, {
        film: movie,
        origin: { headAfter: 1500 },
        settings: { sendfile, patience: '30ms', patienceInterval: '30ms' },
      });
      const exchange = await stage.get(null);
      await stage.completed(exchange, movie.size);
      assert.ok(exchange.headReads.length > 3, 'patience came before the head');
      stage.assertRight();
    });

    it('who leaves or stalls holds nothing up, and who reads slowly gets all of it', async (t) => {
      const stage = await stored(t, sendfile);
      const leaver = await stage.player();
      leaver.leaveAt(9 * MiB, 'reset');
      const left = leaver.get('/films/film.mp4');
      const staller = await stage.player();
      const stalled = staller.get('/films/film.mp4');
      await stalled.received(1);
      staller.pause();
      const slow = await stage.player({ rate: 40 * MiB });
      await stage.completed(slow.get('/films/film.mp4'), movie.size);
      assert.equal(await left.done(), 'left');
      assert.ok(stalled.bodyBytes < movie.size);
      staller.resume();
      await stage.completed(stalled, movie.size);
    });

    it('a reply that is under way at a stop goes on to its end', async (t) => {
      const stage = await stored(t, sendfile, { drainTimeout: '20s' });
      const player = await stage.player({ rate: 40 * MiB });
      const exchange = player.get('/films/film.mp4');
      await exchange.received(MiB);
      await Promise.all([stage.restart(), stage.completed(exchange, movie.size)]);
    });
  });
}
