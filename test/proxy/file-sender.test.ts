/** Bodies that the system sends from files, over real sockets: whatever its calls say, the client gets every byte once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import type { ByteSource } from '../../src/events.ts';
import { ClientConnection } from '../../src/proxy/client-connection.ts';
import { FileSender } from '../../src/proxy/file-sender.ts';
import { Sender } from '../../src/proxy/sender.ts';
import { StalledClients } from '../../src/proxy/stalled-clients.ts';
import { findSystemCalls, type SystemCalls } from '../../src/system-calls.ts';
import { Client } from '../support/client.ts';
import { type Film, film } from '../support/film.ts';
import { ScriptedReader } from './scripted-reader.ts';

const MiB = 1024 * 1024;
const movie = film(20 * MiB + 3);
const { errno } = constants;

const found = await findSystemCalls();
const skip = found.calls === null ? `no system calls: ${found.reason}` : false;

interface Played {
  readonly client: Client;
  /** Bytes sent, by their source. */
  readonly sent: Record<ByteSource, number>;
  readonly reader: ScriptedReader;
  /** Resolves with the error that ended the reply; with `null` where it came to its end. */
  readonly ended: Promise<unknown>;
}

interface Options {
  /** In place of some of the system's. */
  readonly calls?: Partial<SystemCalls>;
  readonly of?: Film;
  readonly length?: number | null;
  readonly onCall?: () => void;
}

/** One reply of the film, from a file that is open. */
async function play(t: TestContext, { calls = {}, of = movie, length = of.size, onCall }: Options): Promise<Played> {
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-sender-'));
  const file = await open(join(directory, 'film'), 'w+');
  for (let at = 0; at < of.size; at += MiB) await file.write(of.bytesAt(at, at + MiB));
  const reader = new ScriptedReader(of);
  reader.descriptor = file.fd;
  const system = { ...(found.calls as SystemCalls), ...calls };
  const noted: SystemCalls = {
    ...system,
    sendFile(...given) {
      onCall?.();
      return system.sendFile(...given);
    },
  };
  const sent = { 'page-cache': 0, store: 0, memory: 0, 'pass-through': 0 };
  const { promise: ended, resolve: end } = Promise.withResolvers<unknown>();
  const answer = async (response: ServerResponse) => {
    const { gone } = new ClientConnection(response.req.socket, systemClock);
    using sender = new Sender({
      reader: reader.reader,
      client: response,
      lends: true,
      files: FileSender.to(response, noted),
      length,
      clock: systemClock,
      stalled: new StalledClients(1000),
      patience: { first: 10_000, next: 10_000 },
      signal: gone,
      onSent: (bytes, source) => {
        sent[source] += bytes;
      },
    });
    try {
      await sender.begin();
      response.writeHead(200, length === null ? {} : { 'content-length': length });
      await sender.send();
      sender.assertWhole();
      response.end(sender.last);
      end(null);
    } catch (error) {
      response.destroy();
      end(error);
    }
  };
  const server = createServer((_, response) => void answer(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await Client.connect((server.address() as AddressInfo).port, { clock: systemClock, film: of });
  t.after(async () => {
    client.leave();
    server.close();
    await ended;
    await file.close();
    await rm(directory, { recursive: true });
  });
  return { client, sent, reader, ended };
}

/** All of the film arrives, and every byte of it is counted once. */
async function arrives({ client, sent, ended }: Played): Promise<void> {
  const exchange = client.get('/film');
  assert.deepEqual([await exchange.done(), exchange.bodyBytes, await ended], ['complete', movie.size, null]);
  const total = Object.values(sent).reduce((sum, bytes) => sum + bytes, 0);
  assert.equal(total, movie.size);
}

describe('what is in the page cache', { skip }, () => {
  it('goes out by the system, but for the few bytes that wait for room', async (t) => {
    const played = await play(t, {});
    await arrives(played);
    assert.ok(played.sent['page-cache'] > 0.95 * movie.size, JSON.stringify(played.sent));
    assert.equal(played.reader.takes, 0);
  });

  for (const size of [4096, 65_536]) {
    it(`is looked for once in a reply of ${size} bytes`, async (t) => {
      const small = film(size);
      let looks = 0;
      const isCached: SystemCalls['isCached'] = (...given) => {
        looks += 1;
        return (found.calls as SystemCalls).isCached(...given);
      };
      const { client, ended } = await play(t, { of: small, calls: { isCached } });
      const exchange = client.get('/film');
      assert.deepEqual([await exchange.done(), exchange.bodyBytes, await ended], ['complete', size, null]);
      assert.equal(looks, 1);
    });
  }

  it('goes out whole where the system takes a few bytes at a time', async (t) => {
    const calls = found.calls as SystemCalls;
    const few = Math.ceil(movie.size / 1001);
    const played = await play(t, {
      calls: { sendFile: (socket, file, offset, count) => calls.sendFile(socket, file, offset, Math.min(count, few)) },
    });
    await arrives(played);
    assert.ok(played.sent['page-cache'] > 0.8 * movie.size);
  });

  for (const [name, code] of [
    ['EAGAIN', errno.EAGAIN],
    ['EINTR', errno.EINTR],
  ] as const) {
    it(`goes on by the system after ${name}`, async (t) => {
      const calls = found.calls as SystemCalls;
      let turn = 0;
      const sendFile: SystemCalls['sendFile'] = (...given) => {
        turn += 1;
        return turn % 2 === 0 ? -code : calls.sendFile(...given);
      };
      const played = await play(t, { calls: { sendFile } });
      await arrives(played);
      assert.ok(played.sent['page-cache'] > 0.9 * movie.size);
      assert.equal(played.reader.takes, 0);
    });
  }

  for (const name of ['EPIPE', 'EIO', 'EINVAL', 'EOPNOTSUPP', 'ENOMEM', 'the end of the file'] as const) {
    it(`is read and written to its end after ${name}`, async (t) => {
      const calls = found.calls as SystemCalls;
      let turn = 0;
      const sendFile: SystemCalls['sendFile'] = (...given) => {
        turn += 1;
        if (turn < 3) return calls.sendFile(...given);
        return name === 'the end of the file' ? 0 : -errno[name];
      };
      const played = await play(t, { calls: { sendFile } });
      await arrives(played);
      assert.equal(turn, 3, 'the system is not asked again');
      assert.ok(played.sent['page-cache'] > 0 && played.sent.store > MiB);
    });
  }

  it('that the system does not vouch for is read and written', async (t) => {
    const played = await play(t, { calls: { isCached: () => false } });
    await arrives(played);
    assert.deepEqual([played.sent['page-cache'], played.sent.store], [0, movie.size]);
  });

  it('goes out by the system as far as it is there, and the rest after it has been read', async (t) => {
    const cold = { start: 5 * MiB, end: 6 * MiB };
    const isCached = (_: number, offset: number, count: number) => offset + count <= cold.start || offset >= cold.end;
    const played = await play(t, { calls: { isCached } });
    await arrives(played);
    assert.equal(played.reader.takes, (cold.end - cold.start) / (256 * 1024));
    assert.ok(played.sent['page-cache'] > 0.9 * (movie.size - MiB));
  });

  it('is not sent in a body of chunks, past its frames', async (t) => {
    const played = await play(t, { length: null });
    await arrives(played);
    assert.equal(played.sent['page-cache'], 0);
  });

  it('never goes out before the head, also where the first bytes were lost a moment before', async (t) => {
    const small = film(9000);
    let looks = 0;
    const isCached = () => {
      looks += 1;
      if (looks === 1) {
        queueMicrotask(() => {
          played.reader.present = 0;
        });
      }
      return true;
    };
    const played = await play(t, { calls: { isCached }, of: small });
    const exchange = played.client.get('/film');
    while (looks < 1) await new Promise(setImmediate);
    for (const present of [1, 700, small.size]) {
      played.reader.land(present);
      for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    }
    assert.deepEqual([await exchange.done(), exchange.bodyBytes, await played.ended], ['complete', small.size, null]);
  });

  it('waits for a client that takes nothing, without asking the system again and again', async (t) => {
    let calls = 0;
    const played = await play(t, {
      onCall: () => {
        calls += 1;
      },
    });
    const exchange = played.client.get('/film');
    await exchange.received(1);
    played.client.pause();
    let before = -1;
    for (let looks = 0; looks < 100 && before !== calls; looks += 1) {
      before = calls;
      // A client that takes nothing makes no event to wait for.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(calls, before, 'it has come to rest');
    assert.ok(exchange.bodyBytes < movie.size);
    played.client.resume();
    assert.deepEqual([await exchange.done(), exchange.bodyBytes], ['complete', movie.size]);
    assert.ok(calls > before);
  });

  it('ends with its client, who leaves in the middle', async (t) => {
    for (const how of ['end', 'reset', 'half'] as const) {
      const played = await play(t, {});
      const exchange = played.client.get('/film');
      played.client.leaveAt(3 * MiB, how);
      await exchange.done();
      assert.equal(((await played.ended) as Error | null)?.name, 'ClientGone', how);
      await new Promise(setImmediate);
      assert.equal(played.reader.held, 0);
    }
  });

  it('leaves others their turn after each MiB, however quick its client is', async (t) => {
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    const at: number[] = [];
    const played = await play(t, { calls: { sendFile: (_, __, ___, count) => count }, onCall: () => at.push(turns) });
    turn();
    played.client.send('GET /film HTTP/1.1\r\nhost: a\r\n\r\n', null);
    await played.ended;
    isOver = true;
    assert.ok(at.length >= 20);
    assert.deepEqual(
      at.filter((each, index) => index > 1 && each === at[index - 2]),
      [],
    );
  });
});
