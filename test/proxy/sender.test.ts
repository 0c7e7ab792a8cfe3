import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { describe, it, test } from 'node:test';
import { FillFailed } from '../../src/cache/read-session.ts';
import { SendBuffer } from '../../src/proxy/send-buffer.ts';
import { Sender } from '../../src/proxy/sender.ts';
import { StalledClients } from '../../src/proxy/stalled-clients.ts';
import { bump } from '../support/activity.ts';
import { type Film, film } from '../support/film.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { ScriptedReader } from './scripted-reader.ts';

const KiB = 1024;
const movie = film(3_000_001);

/** A client that takes a write when it is told to; `quick` takes all at once. */
class ScriptedClient extends Writable {
  readonly #film: Film;
  #written: ((error?: Error | null) => void) | null = null;
  /** What it was given last, which the system may still look at. */
  #taking: { readonly at: number; readonly bytes: Buffer } | null = null;
  quick = true;
  received = 0;

  constructor(movie: Film) {
    super({ highWaterMark: 1 });
    this.#film = movie;
  }

  /** Throws away what is written, and says no word: as a reply does whose socket is destroyed, or half closed. */
  deafen(): void {
    this.write = () => false;
  }

  override _write(bytes: Buffer, _encoding: string, written: () => void): void {
    this.#taking = { at: this.received, bytes };
    this.received += bytes.length;
    this.#written = written;
    bump();
    if (this.quick) setImmediate(() => this.takeOn());
  }

  /** As a socket does, it fails what is being written. */
  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    this.takeOn(new Error('destroyed'));
    destroyed(error);
  }

  /** Fails where the bytes are others than when they were written. */
  takeOn(error: Error | null = null): void {
    const [written, taking] = [this.#written, this.#taking];
    this.#written = this.#taking = null;
    if (taking !== null) this.#film.assertBytes(taking.at, taking.bytes);
    written?.(error);
  }
}

interface Stage {
  readonly reader?: ScriptedReader;
  readonly lends?: boolean;
  readonly most?: number;
}

function sender({ reader = new ScriptedReader(movie), lends = true, most = 1000 }: Stage = {}) {
  const clock = new VirtualClock();
  const client = new ScriptedClient(movie);
  const gone = new AbortController();
  const stalled = new StalledClients(most);
  let sent = 0;
  const send = async () => {
    using sender = new Sender({
      reader: reader.reader,
      client,
      lends,
      files: null,
      length: movie.size,
      clock,
      stalled,
      patience: { first: 10_000, next: 5000 },
      signal: gone.signal,
      onSent: (bytes) => {
        sent += bytes;
      },
    });
    await sender.begin();
    await sender.send();
  };
  const done = send();
  done.catch(() => {});
  const listeners = () => getEventListeners(gone.signal, 'abort').length;
  return { reader, client, clock, gone, stalled, done, sent: () => sent, listeners };
}

test('the first bytes go out with their head at once, and not when the turn is over', async (t) => {
  const waiting = Promise.withResolvers<number>();
  const server = createServer((_, response) => {
    const [clock, { signal }] = [new VirtualClock(), new AbortController()];
    const parts = { client: response, lends: true, clock, stalled: new StalledClients(1), signal, onSent() {} };
    response.writeHead(200, { 'content-length': 1000 });
    new SendBuffer(parts, () => {}).send(
      { bytes: movie.bytesAt(0, 1000), release() {} },
      { source: 'memory', start: 0 },
    );
    waiting.resolve(response.socket?.writableLength ?? -1);
    response.end();
  });
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const reply = await fetch(`http://127.0.0.1:${port}/`);
  movie.assertBytes(0, Buffer.from(await reply.arrayBuffer()));
  assert.equal(await waiting.promise, 0);
});

describe('a sender', () => {
  it('gives every byte once, in order, and gives every buffer back', async () => {
    const { reader, client, clock, done, sent } = sender();
    await done;
    await clock.settle();
    assert.deepEqual([client.received, sent(), reader.held, clock.pending], [movie.size, movie.size, 0, 0]);
  });

  it('waits for bytes to land, and passes each on as it lands', async () => {
    const { reader, client, clock, done } = sender({ reader: new ScriptedReader(movie, 0) });
    for (const landed of [1, 7, 300_000, 300_001, movie.size]) {
      await clock.settle();
      reader.land(landed);
      await clock.settle();
      assert.equal(client.received, landed);
    }
    await done;
  });

  it('reads ahead for a quick client, and holds a megabyte at most', async () => {
    const { reader, done } = sender();
    await done;
    assert.ok(reader.mostHeld > 256 * KiB && reader.mostHeld <= 1024 * KiB, `${reader.mostHeld} bytes`);
  });

  for (const start of [0, 200 * KiB]) {
    it(`that has begun at ${start} holds nothing of the store for a client that pauses, and leaves it 256 KiB`, async () => {
      const reader = new ScriptedReader(movie);
      reader.position = start;
      const { client, clock, gone, stalled } = sender({ reader });
      client.received = start;
      client.quick = false;
      await clock.advance(250);
      assert.deepEqual([reader.held, stalled.count], [0, 1]);
      const { takes } = reader;
      await clock.advance(3_600_000);
      assert.equal(reader.held, 0);
      assert.ok(reader.ceded > 0 && reader.ceded <= 256 * KiB, `${reader.ceded} bytes`);
      assert.deepEqual([reader.takes, clock.pending], [takes, 0], 'it sleeps');
      gone.abort();
      client.destroy();
    });
  }

  it('goes on where a paused client goes on', async () => {
    const { reader, client, clock, done, stalled } = sender();
    client.quick = false;
    await clock.advance(60_000);
    for (let pieces = 0; pieces < 3; pieces += 1) {
      client.takeOn();
      await clock.advance(10_000);
      assert.equal(reader.held, 0);
      assert.ok(reader.ceded <= 256 * KiB, `${reader.ceded} bytes`);
    }
    client.quick = true;
    client.takeOn();
    await done;
    await clock.settle();
    assert.deepEqual([client.received, reader.held, reader.ceded, stalled.count], [movie.size, 0, 0, 0]);
  });

  it('gives a copy to a stream of which nobody knows how long it looks at its bytes', async () => {
    const { reader, client, clock, done } = sender({ lends: false });
    client.quick = false;
    await clock.advance(250);
    assert.deepEqual([reader.held, reader.ceded], [0, 0]);
    client.quick = true;
    client.takeOn();
    await done;
    assert.equal(client.received, movie.size);
  });

  it('of a paused client slows no other', async () => {
    const slow = sender();
    slow.client.quick = false;
    await slow.clock.advance(1000);
    const quick = sender();
    await quick.done;
    await quick.clock.settle();
    assert.equal(quick.client.received, movie.size);
    slow.gone.abort();
    slow.client.destroy();
  });

  it('has fetched again what the store could not read, and goes on behind it', async () => {
    const reader = new ScriptedReader(movie);
    reader.failures.add(256 * KiB);
    const { client, done, clock } = sender({ reader });
    await done;
    await clock.settle();
    assert.deepEqual([client.received, reader.held, reader.failures.size], [movie.size, 0, 0]);
  });

  it('has the rest of a short read in the next ones', async () => {
    const reader = new ScriptedReader(movie);
    reader.shortTo = 100_000;
    const { client, done, clock } = sender({ reader });
    await done;
    await clock.settle();
    assert.deepEqual([client.received, reader.held], [movie.size, 0]);
  });

  for (const lends of [true, false]) {
    for (const [what, leave] of [
      ['says that its writes failed', ({ client }) => client.destroy()],
      ['throws them away without a word', () => {}],
    ] as const satisfies readonly (readonly [string, (stage: { client: ScriptedClient }) => void])[]) {
      for (const after of [0, 1, 10, 250, 60_000]) {
        it(`ends ${after} ms after its beginning when the client, which ${what}, has gone (${lends})`, async () => {
          const { reader, client, clock, gone, done, listeners, stalled } = sender({ lends });
          client.quick = false;
          if (after > 0) await clock.advance(after);
          const reason = new Error('gone');
          leave({ client });
          client.deafen();
          await clock.settle();
          gone.abort(reason);
          await assert.rejects(done, reason);
          await clock.settle();
          const { takes } = reader;
          await clock.advance(60_000);
          assert.deepEqual([reader.takes, reader.held, stalled.count], [takes, 0, 0]);
          if (lends && after > 0) assert.ok(reader.ceded > 0, 'what was not written is left to its socket');
          assert.deepEqual([clock.pending, listeners()], [0, 0]);
        });
      }
    }
  }

  it('whose client can not be written to gives everything back, and ends every read', async () => {
    const { reader, client, clock, done, listeners } = sender();
    const error = new Error('more than was announced');
    client.write = () => {
      reader.starves = true;
      throw error;
    };
    await assert.rejects(done, error);
    await clock.settle();
    assert.deepEqual([reader.held, clock.pending, listeners()], [0, 0, 0]);
    assert.ok(reader.signals.length > 0 && reader.signals.every(({ aborted }) => aborted));
  });

  it('that is over before its head went out gives the first bytes back', async () => {
    const reader = new ScriptedReader(movie);
    const gone = new AbortController();
    {
      using begun = new Sender({
        reader: reader.reader,
        client: new PassThrough(),
        lends: true,
        files: null,
        length: null,
        clock: new VirtualClock(),
        stalled: new StalledClients(1),
        patience: { first: 1000, next: 1000 },
        signal: gone.signal,
        onSent: () => {},
      });
      await begun.begin();
      assert.ok(reader.held > 0);
    }
    await new Promise(setImmediate);
    assert.deepEqual([reader.held, getEventListeners(gone.signal, 'abort').length], [0, 0]);
  });

  it('holds nothing while its client throws everything away and has not gone yet', async () => {
    const { reader, client, clock, gone, done } = sender();
    client.deafen();
    await clock.advance(250);
    assert.equal(reader.held, 0);
    gone.abort(new Error('gone'));
    await assert.rejects(done);
  });

  for (const [what, start] of [
    ['a clean answer before the head', 0],
    ['a cut in its midst', 512 * KiB],
  ] as const) {
    it(`that gets no memory to read into ends within its time, for ${what}`, async () => {
      const reader = new ScriptedReader(movie);
      reader.starves = start === 0;
      const { client, clock, done, listeners } = sender({ reader });
      if (start > 0) {
        client.quick = false;
        await clock.advance(250);
        reader.starves = true;
        client.takeOn();
      }
      await clock.advance(start === 0 ? 9_999 : 4_999);
      assert.equal(listeners() > 0, true, 'it waits');
      await clock.advance(1);
      await assert.rejects(done, (error) => {
        assert.ok(error instanceof FillFailed && error.failure.kind === 'error' && error.budgetSpent);
        const { type, setting, message } = error.failure.error;
        assert.deepEqual([type, setting], ['proxy_internal_response', 'bufferMemory']);
        assert.match(message, /^No memory to read from disk came free within (10|5)\.0 s\.$/);
        return true;
      });
      assert.deepEqual([reader.held, clock.pending, listeners()], [0, 0, 0]);
    });
  }

  it('that fails has given everything before it says so', async () => {
    const { reader, client, clock, done } = sender({ reader: new ScriptedReader(movie, 300_000) });
    client.quick = false;
    await clock.settle();
    const error = new Error('no more');
    reader.fail(error);
    for (const received of [256 * KiB, 300_000]) {
      await clock.advance(10_000);
      assert.equal(client.received, received);
      client.takeOn();
    }
    await assert.rejects(done, error);
    await clock.settle();
    assert.deepEqual([reader.held, clock.pending], [0, 0]);
  });

  it('ends when the client goes while nothing is there to give', async () => {
    const { gone, done, clock } = sender({ reader: new ScriptedReader(movie, 1000) });
    await clock.settle();
    const reason = new Error('gone');
    gone.abort(reason);
    await assert.rejects(done, reason);
  });

  it('can be ended where its client takes nothing, and not where it goes on', async () => {
    const { client, clock, stalled, done } = sender({ most: 1 });
    client.quick = false;
    await clock.advance(20_000);
    client.quick = true;
    client.takeOn();
    await done;
    await clock.advance(20_000);
    const [one, other] = [new PassThrough(), new PassThrough()];
    stalled.add(one);
    stalled.add(other);
    assert.deepEqual([client.destroyed, one.destroyed, other.destroyed], [false, true, false]);

    const paused = sender({ most: 1 });
    paused.client.quick = false;
    await paused.clock.advance(20_000);
    paused.stalled.add(other);
    assert.equal(paused.client.destroyed, true);
    paused.gone.abort(new Error('gone'));
    await assert.rejects(paused.done);
  });
});
