/**
 * Small objects that are stored whole and that nobody has open, over real sockets, sent by the system and read and
 * written: whatever the client asks for and however it behaves, it gets what the origin has.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { findSystemCalls } from '../../src/system-calls.ts';
import { type Film, film } from '../support/film.ts';
import { type RealStage, realStage } from './real-stage.ts';

const MiB = 1024 * 1024;
const { calls } = await findSystemCalls();

const poster = film(64 * 1024 + 11, 2);
const subtitles = film(300, 3);
const segment = film(MiB, 4);

/** Of so many that nobody uses, those that were used first are closed. */
const others = Array.from({ length: 70 }, (_, number): [string, Film] => [
  `/other-${number}.jpg`,
  film(2000, 10 + number),
]);

const films: Record<string, Film> = {
  '/poster.jpg': poster,
  '/subtitles.srt': subtitles,
  '/segment.ts': segment,
  ...Object.fromEntries(others),
};

/** All of them stored, and those that have names of their own closed. */
async function stored(t: TestContext, sendfile: 'on' | 'off'): Promise<RealStage> {
  const stage = await realStage(t, { film: poster, films, settings: { sendfile } });
  const player = await stage.player();
  for (const [path, content] of Object.entries(films))
    await stage.completed(player.get(`/films${path}`, { film: content }), content.size);
  return stage;
}

/** The fills of whose bytes something has gone out since `from` of the events. */
function fillsSince(stage: RealStage, from: number): (number | null)[] {
  const sent = stage.events.slice(from).flatMap((event) => (event.type === 'bytes-sent' ? [event.fill] : []));
  return [...new Set(sent)];
}

for (const sendfile of ['on', 'off'] as const) {
  const skip = sendfile === 'on' && calls === null ? 'the system has no such calls here' : false;
  describe(`with sendfile ${sendfile},`, { skip }, () => {
    it('small objects, their parts and their heads arrive, and the origin is not asked', async (t) => {
      const stage = await stored(t, sendfile);
      const player = await stage.player();
      const from = stage.events.length;
      for (const [path, content] of Object.entries(films).slice(0, 3)) {
        const { size } = content;
        for (const [options, status, bytes] of [
          [{}, 200, size],
          [{ range: '0-0' }, 206, 1],
          [{ range: '100-' }, 206, size - 100],
          [{ range: '-7' }, 206, 7],
          [{ range: `${size}-` }, 416, null],
          [{ method: 'HEAD' }, 200, 0],
          [{ fields: { 'if-none-match': '*' } }, 304, 0],
        ] as const) {
          const exchange = player.get(`/films${path}`, { ...options, film: status === 416 ? null : content });
          assert.equal(await exchange.done(), 'complete');
          assert.equal(exchange.status, status);
          if (bytes !== null) assert.equal(exchange.bodyBytes, bytes);
          assert.match(exchange.field('cache-status') ?? '', /^firstbyte/);
        }
      }
      assert.equal(fillsSince(stage, from).includes(null), sendfile === 'on');
      if (sendfile === 'on') assert.deepEqual(fillsSince(stage, from), [null]);
      assert.equal(stage.events.slice(from).filter(({ type }) => type === 'fill-first-byte').length, 0);
    });

    it('several parts of one arrive in one body', async (t) => {
      const stage = await stored(t, sendfile);
      const player = await stage.player({ film: film(1) });
      const exchange = player.get('/films/poster.jpg', { range: '10-4009,60000-65000', film: null });
      assert.equal(await exchange.done(), 'complete');
      assert.equal(exchange.bodyBytes, Number(exchange.field('content-length')));
      for (const [start, end] of [
        [10, 4010],
        [60_000, 65_001],
      ] as const) {
        const head = `Content-Range: bytes ${start}-${end - 1}/${poster.size}\r\n\r\n`;
        const at = exchange.content.indexOf(head, 0, 'latin1') + head.length;
        poster.assertBytes(start, exchange.content.subarray(at, at + end - start));
      }
    });

    it('a client that takes nothing for a while gets all of what it has asked for', async (t) => {
      const stage = await stored(t, sendfile);
      const player = await stage.player();
      player.pause();
      const asked = Array.from({ length: 30 }, () => player.get('/films/segment.ts', { film: segment }));
      const other = await stage.player();
      // Others go on, and what it waits for is opened for it.
      for (let turn = 0; turn < 20; turn += 1)
        await stage.completed(other.get('/films/poster.jpg', { film: poster }), poster.size);
      player.resume();
      for (const exchange of asked) await stage.completed(exchange, segment.size);
      stage.assertRight();
    });
  });
}
