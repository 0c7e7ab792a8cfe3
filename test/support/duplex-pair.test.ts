import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Client as UndiciClient } from 'undici';
import { duplexPair, type PairedSocket } from './duplex-pair.ts';
import { film } from './film.ts';
import { Tap } from './tap.ts';
import { VirtualClock } from './virtual-clock.ts';

const clock = new VirtualClock();

/** Notes what a socket ends with. */
function ending(socket: PairedSocket): string[] {
  const seen: string[] = [];
  socket.on('end', () => seen.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => seen.push(error.code ?? error.message));
  socket.on('close', () => seen.push('close'));
  return seen;
}

describe('a duplex pair', () => {
  it('carries bytes both ways, as copies', async () => {
    const [client, server] = duplexPair();
    const bytes = Buffer.from('question');
    client.write(bytes, () => bytes.fill(0));
    server.write('answer');
    await clock.settle();
    assert.deepEqual([String(server.read()), String(client.read())], ['question', 'answer']);
    assert.deepEqual([client.bytesWritten, server.bytesRead], [8, 8]);
  });

  it('holds 64 KiB for an end that does not read, then makes the writer wait', async () => {
    const [client, server] = duplexPair();
    let written = false;
    client.write(Buffer.alloc(1_000_000), () => {
      written = true;
    });
    await clock.settle();
    assert.deepEqual([server.readableLength, written], [64 * 1024, false]);
    server.read();
    await clock.settle();
    assert.deepEqual([server.readableLength, written], [64 * 1024, false]);
    server.resume();
    await clock.settle();
    assert.deepEqual([server.bytesRead, written], [1_000_000, true]);
  });

  it('ends one direction and keeps the other', async () => {
    const [client, server] = duplexPair();
    const answer = text(client);
    client.end('question');
    assert.equal(await text(server), 'question');
    server.end('answer');
    assert.equal(await answer, 'answer');
  });

  it('shows a destroyed end as the end of the stream, and fails to write to it', async () => {
    const [client, server] = duplexPair();
    const seen = ending(server.resume());
    client.destroy();
    await clock.settle();
    assert.deepEqual(seen, ['end']);
    server.write('to nobody');
    await clock.settle();
    assert.deepEqual(seen, ['end', 'EPIPE', 'close']);
  });

  it('shows an end that was destroyed with bytes unread as a reset', async () => {
    const [client, server] = duplexPair();
    const seen = ending(server.resume());
    server.write('unread');
    await clock.settle();
    client.destroy();
    await clock.settle();
    assert.deepEqual(seen, ['ECONNRESET', 'close']);
  });

  it('resets, though nothing was unread', async () => {
    const [client, server] = duplexPair();
    const seen = ending(client.resume());
    server.resetAndDestroy();
    await clock.settle();
    assert.deepEqual(seen, ['ECONNRESET', 'close']);
  });

  it("says 'close' in a turn after the one in which it was destroyed or reset, as a socket of the kernel does", async () => {
    for (const broken of ['by itself', 'by the other'] as const) {
      const [client, server] = duplexPair();
      server.on('error', () => {});
      let closed = false;
      server.once('close', () => {
        closed = true;
      });
      if (broken === 'by itself') server.destroy();
      else client.resetAndDestroy();
      while (!server.destroyed) await setImmediate();
      await Promise.resolve();
      assert.deepEqual([server.destroyed, server.writable, closed], [true, false, false]);
      await clock.settle();
      assert.equal(closed, true);
    }
  });

  it('delivers what was written before the end that follows it', async () => {
    const [client, server] = duplexPair();
    server.write('last words');
    server.destroySoon();
    assert.equal(await text(client), 'last words');
  });

  it('serves as the socket of node:http on both sides, connection after connection and reply after reply', async () => {
    const server = createServer((request, response) => response.end(`you asked for ${request.url}`));
    for (const target of ['/one', '/two']) {
      const [near, far] = duplexPair();
      server.emit('connection', far);
      const request = get({ path: target, createConnection: () => near as never });
      const [response] = await once(request, 'response');
      assert.equal(await text(response), `you asked for ${target}`);
    }
    server.close();
  });

  it('serves as the socket of undici, with a large body and a kept connection', async () => {
    const long = film(1_000_000);
    let connections = 0;
    const server = createServer((_, response) => response.end(long.bytesAt(0, long.size)));
    const client = new UndiciClient('http://origin.test', {
      connect: (_, connected) => {
        const [near, far] = duplexPair();
        connections += 1;
        server.emit('connection', far);
        queueMicrotask(() => connected(null, near as never));
      },
    });
    for (let request = 0; request < 3; request += 1) {
      const { body } = await client.request({ method: 'GET', path: '/' });
      long.assertBytes(0, Buffer.from(await body.arrayBuffer()));
    }
    assert.equal(connections, 1);
    await client.destroy();
    server.close();
  });
});

describe('a tap', () => {
  it('gives what is there, no more than asked for, and null at the end', async () => {
    const [client, server] = duplexPair();
    const tap = new Tap(client);
    server.end('abcdef');
    assert.deepEqual([String(await tap.pull(4)), String(await tap.pull(4)), await tap.pull(4)], ['abcd', 'ef', null]);
  });

  it('waits for the first byte', async () => {
    const [client, server] = duplexPair();
    const pulled = new Tap(client).pull(10);
    await clock.settle();
    server.write('x');
    assert.equal(String(await pulled), 'x');
  });

  it('rejects where the stream breaks', async () => {
    const [client, server] = duplexPair();
    const pulled = new Tap(client).pull(10);
    server.resetAndDestroy();
    await assert.rejects(pulled, { code: 'ECONNRESET' });
    const [other] = duplexPair();
    const closed = new Tap(other).pull(10);
    other.destroy();
    await assert.rejects(closed, /closed before its end/);
  });
});
