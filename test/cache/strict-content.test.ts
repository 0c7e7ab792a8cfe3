/** The content of answers in strict mode: several bodies of one come in, are given up, or are not taken by the store. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FillFailed, type ReadSession } from '../../src/cache/read-session.ts';
import { ProxyError } from '../../src/errors.ts';
import type { Fields } from '../../src/http/fields.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { film } from '../support/film.ts';
import { filmFields } from '../support/film-fields.ts';
import { never } from '../support/never.ts';
import type { ScriptedRequest } from '../support/scripted-origin.ts';
import { type Stage, type StageOptions, stage } from './stage.ts';

const movie = film(3_000_000);
const fresh = ['cache-control', 'max-age=60'] as const;

function strict(options: Partial<StageOptions> = {}): Stage {
  return stage({ film: movie, mode: 'rfc9111', ...options });
}

function ask({ cache }: Stage, start = 0, end: number | null = null): Promise<ReadSession> {
  const fields: Fields = end === null ? [] : [['range', `bytes=${start}-${end - 1}`]];
  const request = { method: 'GET', fields, content: null, trail: [] };
  const session = cache.forward('films', '/film.mp4', request, ({ length }) => ({ start, end: end ?? length }), never);
  assert.ok(session !== null);
  return session;
}

/** Reads to the end; resolves with how many bytes came, all of them right, or with what it failed with. */
async function read(opening: Promise<ReadSession>): Promise<number | FillFailed> {
  const session = await opening;
  let bytes = 0;
  try {
    while ((await session.reader.arrival(never)) === 'bytes') {
      const taken = session.reader.take(never);
      const slice = await taken?.slice;
      if (taken === null || slice === undefined) continue;
      movie.assertBytes(taken.start, slice.bytes);
      bytes += slice.bytes.length;
      slice.release();
    }
    return bytes;
  } catch (error) {
    if (error instanceof FillFailed) return error;
    throw error;
  } finally {
    session.leave();
  }
}

function part(request: ScriptedRequest): ScriptedRequest {
  return request.head(206, [...filmFields(movie, 206, request.offset, request.until), fresh]);
}

describe('the content of an answer in strict mode', () => {
  it('that was given up is not taken for whole, where only its framing would have told its end', async () => {
    const set = strict();
    const opening = ask(set);
    const request = await set.asked();
    const whole = filmFields(movie, 200).filter(([name]) => name !== 'content-length');
    request.head(200, [...whole, ['transfer-encoding', 'chunked'], fresh]);
    request.bytes(1_500_000).bytes(1_500_000).end();
    const slow = await opening;
    await set.clock.settle();
    // It is so far ahead of its only client that no more is read of it.
    assert.equal(request.bytesRead, 1_500_000);
    slow.leave();
    await set.clock.settle();
    assert.ok(request.cancelled);
    const second = read(ask(set));
    (await set.asked()).head(200).bytes(movie.size).end();
    assert.equal(await set.clock.advanceUntil(second), movie.size);
  });

  it('comes to each who waits for a part of it, where several come in at once', async () => {
    const set = strict();
    const first = read(ask(set, 0, 100_000));
    part(await set.asked())
      .bytes(100_000)
      .end();
    assert.equal(await set.clock.advanceUntil(first), 100_000);
    const ranges = [
      [100_000, 200_000],
      [300_000, 400_000],
    ] as const;
    const readers: Promise<number | FillFailed>[] = [];
    const requests: ScriptedRequest[] = [];
    for (const [start, end] of ranges) {
      readers.push(read(ask(set, start, end)));
      requests.push(part(await set.asked()).bytes(10_000));
      await set.clock.settle();
    }
    for (const request of requests) {
      request.bytes(90_000).end();
      await set.clock.settle();
    }
    assert.deepEqual(await set.clock.advanceUntil(Promise.all(readers)), [100_000, 100_000]);
  });

  it('ends with an error where the store takes no more of it and does not say why', async () => {
    const store = createMemoryStore();
    const create = store.create.bind(store);
    store.create = async (...given) => {
      const object = await create(...given);
      const write = object.write.bind(object);
      object.write = (offset, bytes) => {
        void write(offset, bytes);
        return new Promise(() => {});
      };
      return object;
    };
    const set = strict({ store, policy: { healTimeout: 5000 } });
    const reading = read(ask(set));
    (await set.asked())
      .head(200, [...filmFields(movie, 200), fresh])
      .bytes(500_000)
      .bytes(2_500_000)
      .end();
    const failed = await set.clock.advanceUntil(reading);
    assert.ok(failed instanceof FillFailed && failed.failure.kind === 'error');
    assert.ok(failed.failure.error instanceof ProxyError);
    assert.deepEqual([failed.failure.error.setting, set.clock.now()], ['healTimeout', 5000]);
  });
});
