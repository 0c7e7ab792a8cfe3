import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { deliver } from '../../src/proxy/deliver.ts';
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
  #written: (() => void) | null = null;
  quick = true;
  received = 0;

  constructor(movie: Film) {
    super({ highWaterMark: 1 });
    this.#film = movie;
  }

  override _write(bytes: Buffer, _encoding: string, written: () => void): void {
    this.#film.assertBytes(this.received, bytes);
    this.received += bytes.length;
    bump();
    if (this.quick) setImmediate(written);
    else this.#written = written;
  }

  /** As a socket does, it ends its writes. */
  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    this.takeOn();
    destroyed(error);
  }

  takeOn(): void {
    const written = this.#written;
    this.#written = null;
    written?.();
  }
}

function delivery(reader = new ScriptedReader(movie)) {
  const clock = new VirtualClock();
  const client = new ScriptedClient(movie);
  const gone = new AbortController();
  const stalled = new StalledClients(clock);
  let sent = 0;
  const done = deliver({
    reader: reader.reader,
    client,
    clock,
    stalled,
    signal: gone.signal,
    onSent: (bytes) => {
      sent += bytes;
    },
  });
  done.catch(() => {});
  return { reader, client, clock, gone, stalled, done, sent: () => sent };
}

describe('a delivery', () => {
  it('gives every byte once, in order, and gives every buffer back', async () => {
    const { reader, client, clock, done, sent } = delivery();
    await done;
    await clock.settle();
    assert.deepEqual([client.received, sent(), reader.held, clock.pending], [movie.size, movie.size, 0, 0]);
  });

  it('waits for bytes to land, and passes each on as it lands', async () => {
    const { reader, client, clock, done } = delivery(new ScriptedReader(movie, 0));
    for (const landed of [1, 7, 300_000, 300_001, movie.size]) {
      await clock.settle();
      reader.land(landed);
      await clock.settle();
      assert.equal(client.received, landed);
    }
    await done;
  });

  it('reads ahead for a quick client, and holds a megabyte at most', async () => {
    const { reader, done } = delivery();
    await done;
    assert.ok(reader.mostHeld > 256 * KiB && reader.mostHeld <= 1024 * KiB, `${reader.mostHeld} bytes`);
  });

  for (const start of [0, 200 * KiB]) {
    it(`that has begun at ${start} holds no more than 256 KiB for a client that pauses`, async () => {
      const reader = new ScriptedReader(movie);
      reader.position = start;
      const { client, clock, gone } = delivery(reader);
      client.received = start;
      client.quick = false;
      await clock.advance(250);
      assert.ok(reader.held > 0 && reader.held <= 256 * KiB, `${reader.held} bytes`);
      const { takes } = reader;
      await clock.advance(3_600_000);
      assert.ok(reader.held > 0 && reader.held <= 256 * KiB, `${reader.held} bytes`);
      assert.deepEqual([reader.takes, clock.pending], [takes, 0], 'it sleeps');
      gone.abort();
      client.destroy();
    });
  }

  it('goes on where a paused client goes on', async () => {
    const { reader, client, clock, done } = delivery();
    client.quick = false;
    await clock.advance(60_000);
    for (let pieces = 0; pieces < 3; pieces += 1) {
      client.takeOn();
      await clock.advance(10_000);
      assert.ok(reader.held <= 256 * KiB, `${reader.held} bytes`);
    }
    client.quick = true;
    client.takeOn();
    await done;
    await clock.settle();
    assert.deepEqual([client.received, reader.held], [movie.size, 0]);
  });

  it('of a paused client slows no other', async () => {
    const slow = delivery();
    slow.client.quick = false;
    await slow.clock.advance(1000);
    const quick = delivery();
    await quick.done;
    await quick.clock.settle();
    assert.equal(quick.client.received, movie.size);
    slow.gone.abort();
    slow.client.destroy();
  });

  it('has fetched again what the store could not read, and goes on behind it', async () => {
    const reader = new ScriptedReader(movie);
    reader.failures.add(256 * KiB);
    const { client, done, clock } = delivery(reader);
    await done;
    await clock.settle();
    assert.deepEqual([client.received, reader.held, reader.failures.size], [movie.size, 0, 0]);
  });

  it('has the rest of a short read in the next ones', async () => {
    const reader = new ScriptedReader(movie);
    reader.shortTo = 100_000;
    const { client, done, clock } = delivery(reader);
    await done;
    await clock.settle();
    assert.deepEqual([client.received, reader.held], [movie.size, 0]);
  });

  it('ends when the client has gone: nothing more is read, and every buffer is given back', async () => {
    const { reader, client, clock, gone, done } = delivery();
    client.quick = false;
    await clock.advance(10);
    const reason = new Error('gone');
    gone.abort(reason);
    client.destroy();
    await assert.rejects(done, reason);
    await clock.settle();
    const { takes } = reader;
    await clock.advance(60_000);
    assert.deepEqual([reader.takes, reader.held, clock.pending], [takes, 0, 0]);
  });

  it('that fails has given everything before it says so', async () => {
    const { reader, client, clock, done } = delivery(new ScriptedReader(movie, 300_000));
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
    const { gone, done, clock } = delivery(new ScriptedReader(movie, 1000));
    await clock.settle();
    const reason = new Error('gone');
    gone.abort(reason);
    await assert.rejects(done, reason);
  });

  it('can be ended where its client takes nothing, and not where it goes on', async () => {
    const { client, clock, stalled, done } = delivery();
    client.quick = false;
    await clock.advance(20_000);
    client.quick = true;
    client.takeOn();
    await done;
    await clock.advance(20_000);
    stalled.endOne();
    assert.equal(client.destroyed, false);

    const paused = delivery();
    paused.client.quick = false;
    await paused.clock.advance(20_000);
    paused.stalled.endOne();
    assert.equal(paused.client.destroyed, true);
    paused.gone.abort(new Error('gone'));
    await assert.rejects(paused.done);
  });
});
