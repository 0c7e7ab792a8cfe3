import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Reader } from '../../src/fill/reader.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Lost, Store } from '../../src/store/store.ts';
import { type Stage, stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';

const movie = film(1_000_000);
const never = new AbortController().signal;

/** A reader of a film of which the first 600,000 bytes are there. */
async function reading(): Promise<{ set: Stage; reader: Reader; lose: Lost }> {
  const inner = createMemoryStore();
  let lose: Lost = () => assert.fail('no object was made');
  const store: Store = {
    find: (...given) => inner.find(...given),
    create: (name, representation, label, lost) => {
      lose = lost;
      return inner.create(name, representation, label, lost);
    },
    remove: (name) => inner.remove(name),
    list: () => inner.list(),
    close: () => inner.close(),
  };
  const set = stage({ film: movie, store });
  const session = set.cache
    .open('films', '/film.mp4')
    ?.openSession({ start: 0, end: null }, () => ({ start: 0, end: null }), never);
  assert.ok(session !== undefined);
  (await set.asked()).head().bytes(600_000);
  const { reader } = await set.clock.advanceUntil(Promise.resolve(session));
  assert.ok(reader instanceof Reader);
  await set.clock.settle();
  return { set, reader, lose };
}

describe('a reader', () => {
  it('moves on past what it takes, in pieces of at most 256 KiB', async () => {
    const { reader } = await reading();
    const taken = [];
    for (let one = reader.take(never); one !== null; one = reader.take(never))
      taken.push([one.start, one.end, one.source]);
    assert.deepEqual(taken, [
      [0, 262_144, 'memory'],
      [262_144, 524_288, 'memory'],
      [524_288, 600_000, 'memory'],
    ]);
    assert.equal(reader.position, 600_000);
  });

  it('stops where it was told to, and says that it is at its end', async () => {
    const { reader } = await reading();
    reader.aim({ start: 100, end: 150 });
    assert.equal(await reader.arrival(never), 'bytes');
    const taken = reader.take(never);
    assert.deepEqual([taken?.start, taken?.end], [100, 150]);
    assert.deepEqual([reader.take(never), await reader.arrival(never)], [null, 'end']);
  });

  it('turns to another range of what is there without a request', async () => {
    const { set, reader } = await reading();
    reader.take(never);
    reader.aim({ start: 500_000, end: null });
    assert.equal(reader.take(never)?.start, 500_000);
    assert.equal(set.origin.requests.length, 1);
  });

  it('goes back where what it took did not come', async () => {
    const { reader } = await reading();
    reader.take(never);
    reader.rewind(1000);
    const again = reader.take(never);
    assert.deepEqual([again?.start, again?.end], [1000, 262_144]);
  });

  it('that goes back to where it began has had nothing: it waits for a first byte', async () => {
    const { reader } = await reading();
    reader.take(never);
    assert.equal(reader.begun, true);
    reader.rewind(1000);
    assert.equal(reader.begun, true);
    reader.rewind(0);
    assert.equal(reader.begun, false);
  });

  it('has fetched again what the store has lost, and nothing else', async () => {
    const { set, reader, lose } = await reading();
    set.origin.requests[0]?.bytes(400_000).end();
    await set.clock.settle();
    assert.equal(set.fill().state.phase, 'complete');
    reader.take(never);
    lose({ start: 1000, end: 2000 });
    assert.equal(set.fill().state.phase, 'paused');
    reader.rewind(1000);
    const arrival = reader.arrival(never);
    const request = await set.asked();
    assert.deepEqual([reader.position, request.offset, request.until], [1000, 1000, 2000]);
    request.head().bytes(1000).end();
    assert.equal(await set.clock.advanceUntil(arrival), 'bytes');
    assert.equal(reader.take(never)?.start, 1000);
    assert.equal(set.fill().state.phase, 'complete');
  });

  it('that leaves twice has left once', async () => {
    const { set, reader } = await reading();
    reader.leave();
    reader.leave();
    assert.deepEqual(set.fill().readers, []);
  });

  it('whose wait is broken off gets the reason, and leaves no wait behind', async () => {
    const { set, reader } = await reading();
    reader.aim({ start: 600_000, end: null });
    const gone = new AbortController();
    const arrival = reader.arrival(gone.signal);
    assert.equal(set.fill().waiters, 1);
    gone.abort(new Error('the player has gone'));
    await assert.rejects(arrival, /the player has gone/);
    assert.equal(set.fill().waiters, 0);
  });
});
