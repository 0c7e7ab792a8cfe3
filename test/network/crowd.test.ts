/**
 * Crowds on real sockets, from one address of loopback, and a viewer at another one: whatever the crowd does, the viewer
 * plays a cached film. The process may have 600 files open, which the crowd alone would use up.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { Firstbyte } from '../crash/firstbyte.ts';
import { absent } from '../programs.ts';
import { Client } from '../support/client.ts';
import { film } from '../support/film.ts';
import { HttpOriginServer } from '../support/http-origin-server.ts';

const movie = film(3_000_000);
const [crowdAt, viewerAt] = ['127.0.0.1', '127.0.0.2'];

/** Milliseconds; nobody who is served at all takes that long. */
const hangs = 60_000;

/** Plays the film, on a connection of its own, and returns after how many milliseconds its first byte came. */
async function view(port: number): Promise<number> {
  const startedAt = systemClock.now();
  const viewer = await Client.connect(
    { port, host: '127.0.0.1', localAddress: viewerAt },
    { clock: systemClock, film: movie },
  );
  const exchange = viewer.get('/films/film.mp4');
  const outcome = await Promise.race([exchange.done(), pause(hangs, 'it hangs', { ref: false })]);
  viewer.leave();
  assert.deepEqual([outcome, exchange.bodyBytes], ['complete', movie.size]);
  return (exchange.times.firstByteAt ?? Number.NaN) - startedAt;
}

/** So many connections of the crowd, each of which has said `sent` and reads nothing. */
async function crowd(test: TestContext, port: number, size: number, sent: string): Promise<Socket[]> {
  const sockets = await Promise.all(
    Array.from({ length: size }, async () => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: crowdAt });
      socket.on('error', () => {});
      socket.pause();
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
      socket.write(sent);
      return socket;
    }),
  );
  test.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

/** Resolves when nothing more goes out: what the crowd asked for has filled the kernel's buffers. */
async function quiet(port: number): Promise<void> {
  const viewer = await Client.connect({ port, host: '127.0.0.1', localAddress: viewerAt }, { clock: systemClock });
  const sent = async () => {
    const exchange = viewer.get('/-/metrics');
    await exchange.done();
    return exchange.text
      .split('\n')
      .filter((line) => line.startsWith('firstbyte_sent_bytes_total'))
      .join();
  };
  let [before, now] = ['', await sent()];
  while (now !== before) {
    await pause(500);
    [before, now] = [now, await sent()];
  }
  viewer.leave();
}

describe('a viewer at another address plays on', { skip: absent('prlimit', 'prlimit', '--version') }, () => {
  let firstbyte: Firstbyte;
  let origin: HttpOriginServer;
  let directory: string;
  let port: number;

  before(async () => {
    origin = new HttpOriginServer({ clock: systemClock, films: movie });
    directory = await mkdtemp(join(tmpdir(), 'firstbyte-crowd-'));
    const url = `http://127.0.0.1:${await origin.listen()}/`;
    firstbyte = await Firstbyte.start({ directory, origin: url, openFiles: 600 });
    port = Number(new URL(firstbyte.url).port);
    await view(port);
  });

  after(async () => {
    await firstbyte.stop();
    origin.close();
    await rm(directory, { recursive: true });
  });

  for (const [what, size, sent] of [
    ['700 idle connections', 700, ''],
    ['1000 heads that do not end', 1000, 'GET /films/film.mp4 HTTP/1.1\r\nhost: 127'],
    ['400 players that take nothing', 400, 'GET /films/film.mp4 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'],
  ] as const) {
    it(`beside ${what} of one address, where 600 files may be open`, async (test) => {
      await crowd(test, port, size, sent);
      await quiet(port);
      for (let count = 0; count < 5; count += 1) {
        const firstByteAfter = await view(port);
        test.diagnostic(`first byte after ${firstByteAfter.toFixed(1)} ms`);
      }
      assert.ok(firstbyte.descriptors < 600, `${firstbyte.descriptors} descriptors`);
      assert.ok(!firstbyte.log.includes('EMFILE'), firstbyte.log);
    });
  }
});
