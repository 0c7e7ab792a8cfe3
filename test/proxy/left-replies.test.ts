/** Replies over sockets as they are: whatever becomes of the connection, and when, nothing stays lent, no byte is wrong. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { ClientConnection } from '../../src/proxy/client-connection.ts';
import { Sender } from '../../src/proxy/sender.ts';
import { StalledClients } from '../../src/proxy/stalled-clients.ts';
import { bump } from '../support/activity.ts';
import { duplexPair, type PairedSocket } from '../support/duplex-pair.ts';
import { film } from '../support/film.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { ScriptedReader } from './scripted-reader.ts';

const movie = film(2_000_001);

/** The two ends of a connection on which a reply is under way. */
interface Ends {
  readonly client: PairedSocket;
  readonly server: PairedSocket;
}

const leavings: readonly (readonly [what: string, leave: (ends: Ends) => void])[] = [
  ['is reset', ({ client }) => client.resetAndDestroy()],
  ['is closed over unread bytes', ({ client }) => client.destroy()],
  ['is closed by half, and then whole', ({ client }) => void client.end().once('finish', () => client.destroy())],
  ['is closed by half, and stays so', ({ client }) => client.end()],
  ['is destroyed here', ({ server }) => server.destroy()],
  ['is destroyed here by an error', ({ server }) => server.destroy(new Error('read ECONNRESET'))],
  ['takes everything and never says so, until it is reset', deafThenReset],
];

function deafThenReset({ client, server }: Ends): void {
  server.deafen();
  setImmediate(() => {
    bump();
    setImmediate(() => {
      bump();
      client.resetAndDestroy();
    });
  });
}

/** One reply of the film over a connection in memory, as `exchange` gives it. */
function reply() {
  const clock = new VirtualClock();
  const reader = new ScriptedReader(movie);
  const stalled = new StalledClients(1000);
  const { promise: ended, resolve: end } = Promise.withResolvers<unknown>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    begin();
    const { gone } = new ClientConnection(request.socket as Duplex, clock);
    using sender = new Sender({
      reader: reader.reader,
      client: response,
      lends: true,
      files: null,
      length: movie.size,
      clock,
      stalled,
      patience: { first: 10_000, next: 10_000 },
      signal: gone,
      onSent: bump,
    });
    try {
      await sender.begin();
      response.writeHead(200, { 'content-length': movie.size });
      await sender.send();
      response.end();
      end('whole');
    } catch (error) {
      response.destroy();
      end(error);
    }
  });
  const [client, far] = duplexPair();
  client.on('error', () => {});
  server.emit('connection', far);
  client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  let received = -1;
  const read = (limit: number) => {
    client.on('data', (bytes: Buffer) => {
      const head = received === -1 ? bytes.indexOf('\r\n\r\n') + 4 : 0;
      received = Math.max(0, received);
      movie.assertBytes(received, bytes.subarray(head));
      received += bytes.length - head;
      if (received >= limit) client.pause().removeAllListeners('data');
    });
  };
  return { clock, reader, stalled, client, server: far, begun, ended, read, received: () => received };
}

describe('a reply whose connection', () => {
  it('is read to its end is whole, and nothing is lent', async () => {
    const { clock, reader, ended, read, received } = reply();
    read(movie.size);
    assert.equal(await ended, 'whole');
    await clock.settle();
    assert.deepEqual([received(), reader.held, reader.ceded, clock.pending], [movie.size, 0, 0, 0]);
  });

  for (const [what, leave] of leavings) {
    for (const after of [0, 1, 100_000, 700_000, movie.size - 1]) {
      it(`${what} after ${after} bytes gives everything back`, async () => {
        const { clock, reader, stalled, ended, read, ...ends } = reply();
        read(after);
        await clock.settle();
        leave(ends);
        await clock.settle();
        await clock.advance(1000);
        await ended;
        const { takes } = reader;
        await clock.advance(60_000);
        assert.deepEqual([reader.takes, reader.held, stalled.count, clock.pending], [takes, 0, 0, 0]);
      });
    }

    it(`${what} at any turn of the event loop gives everything back`, async () => {
      for (let turns = 0; turns < 40; turns += 1) {
        const { clock, reader, stalled, begun, ended, read, ...ends } = reply();
        read(movie.size);
        await begun;
        for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
        leave(ends);
        await clock.advance(1000);
        await ended;
        await clock.settle();
        assert.deepEqual([reader.held, stalled.count, clock.pending], [0, 0, 0], `after ${turns} turns`);
      }
    });
  }

  it('takes nothing holds nothing of the store, for an hour', async () => {
    const { clock, reader, stalled, client, ended } = reply();
    await clock.advance(3_600_000);
    assert.deepEqual([reader.held, stalled.count, clock.pending], [0, 1, 0]);
    assert.ok(reader.ceded <= 256 * 1024, `${reader.ceded} bytes`);
    client.resetAndDestroy();
    await ended;
    assert.deepEqual([reader.held, stalled.count], [0, 0]);
  });
});
