import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FillFailed } from '../../src/fill/failure.ts';
import type { Fields } from '../../src/http/fields.ts';
import { stage } from '../cache/stage.ts';
import { type Film, film } from '../support/film.ts';
import { filmFields, lastModified } from '../support/film-fields.ts';
import { never } from '../support/never.ts';
import { pause } from '../support/pause.ts';
import type { ScriptedRequest } from '../support/scripted-origin.ts';
import { answerAll } from './answers.ts';

const movie = film(1_000_000);

/** The fields of an origin that gives no entity tag. */
function dated(version: Film, start: number, end: number | null = null): Fields {
  return filmFields(version, 206, start, end).filter(([name]) => name !== 'etag');
}

/** The same of one that gives no ranges. */
function whole(version: Film): Fields {
  const fields = filmFields(version, 200).filter(([name]) => name !== 'etag');
  return [...fields, ['date', 'Sat, 01 Nov 2025 00:00:00 GMT']];
}

/** A viewer from `start` on, whose connection is cut at `position`, and the request that follows. */
async function cutAt(position: number, start = 0) {
  const set = stage({ film: movie });
  const viewer = set.view(start);
  const first = await set.asked();
  first
    .head(206, [...dated(movie, start), ['date', 'Sat, 01 Nov 2025 00:00:00 GMT']])
    .bytes(position - start)
    .cut();
  await set.clock.settle();
  const second = await set.asked();
  return { ...set, viewer, second };
}

function answer(request: ScriptedRequest, version: Film): void {
  const { offset, until } = request;
  const fields: Fields = [...dated(version, offset, until), ['date', 'Sat, 01 Nov 2025 00:00:00 GMT']];
  request
    .head(206, fields)
    .bytes(version.bytesAt(offset, until ?? version.size))
    .end();
}

describe('a version that is told from others by its date only', () => {
  it('is asked for again from a little before the missing byte, and plays on where that is the same', async () => {
    const { second, viewer, clock, origin } = await cutAt(300_001);
    assert.deepEqual([second.offset, second.field('if-range')], [300_001 - 1024, lastModified]);
    answer(second, movie);
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes, origin.requests.length], ['whole', 1_000_000, 2]);
  });

  for (const present of [1, 8, 1023, 1024, 1025])
    it(`is compared also where only ${present} bytes are there, and never mixed with another`, async () => {
      const { second, viewer, clock } = await cutAt(500_000 + present, 500_000);
      assert.equal(second.offset, 500_000 + Math.max(0, present - 1024));
      answer(second, film(1_000_000, 2));
      await clock.settle();
      assert.ok(viewer.outcome instanceof FillFailed);
      assert.deepEqual([viewer.outcome.failure.kind, viewer.bytes], ['changed', present]);
    });

  it('is never mixed with another of the same date and length: the reply is cut', async () => {
    const { second, viewer, clock } = await cutAt(300_001);
    answer(second, film(1_000_000, 2));
    await clock.settle();
    assert.ok(viewer.outcome instanceof FillFailed);
    assert.deepEqual([viewer.outcome.failure.kind, viewer.bytes], ['changed', 300_001]);
  });

  it('is asked for from its start where no more than that had come', async () => {
    const { second, viewer, clock, origin } = await cutAt(100);
    assert.equal(second.offset, 0);
    answer(second, movie);
    void answerAll(origin, (request) => answer(request, movie));
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 1_000_000]);
  });

  it('is asked for no more than once where the origin gives it from its start alone, and plays on where that is the same', async () => {
    const { second, viewer, clock, origin } = await cutAt(300_001);
    second.head(200, whole(movie)).bytes(1_000_000).end();
    await clock.advance(100_000);
    assert.deepEqual([viewer.outcome, viewer.bytes, origin.requests.length], ['whole', 1_000_000, 2]);
  });

  it('is cut where the origin gives another from its start', async () => {
    const { second, viewer, clock, origin } = await cutAt(300_001);
    const other = film(1_000_000, 2);
    second.head(200, whole(other)).bytes(other.bytesAt(0, 1_000_000)).end();
    await clock.advance(100_000);
    assert.ok(viewer.outcome instanceof FillFailed);
    assert.deepEqual([viewer.outcome.failure.kind, viewer.bytes, origin.requests.length], ['changed', 300_001, 2]);
  });

  it('is cut there also where what came before is gone by then, because it may not be stored', async () => {
    const [long, other] = [film(5_000_000), film(5_000_000, 2)];
    const { view, asked, clock } = stage({ film: long });
    const give = async (version: Film, end: number) => {
      const request = await asked();
      request.head(200, [...whole(long), ['cache-control', 'no-store']]);
      while (request.position < end) {
        request.bytes(version.bytesAt(request.position, Math.min(request.position + 65_536, end)));
        await clock.settle();
      }
      return request;
    };
    const viewer = view();
    (await give(long, 4_000_001)).cut();
    await clock.settle();
    (await give(other, long.size)).end();
    await clock.settle();
    assert.deepEqual([viewer.failure.kind, viewer.bytes], ['changed', 4_000_001]);
  });
});

describe('pieces of a version that is told from others by its date only', () => {
  const block = 256 * 1024;
  const other = film(1_000_000, 2);

  it('are compared where one ends at what another reader had before', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const later = view(block, 2 * block);
    answer(await asked(), movie);
    await clock.settle();
    const earlier = view(0, block);
    answer(await asked(), other);
    await clock.settle();
    assert.deepEqual([later.outcome, earlier.bytes, origin.requests.length], ['whole', 0, 3], 'it is asked for anew');
    answer(await asked(), movie);
    await clock.settle();
    assert.deepEqual([earlier.outcome, earlier.bytes], ['whole', block]);
  });

  it('are compared, before a reader crosses to the other, where a read of a body from the start ends right there', async () => {
    const { view, asked, clock, cache, origin } = stage({ film: other });
    const warmed = cache.open(origin.name, '/film.mp4')?.warm([{ start: block, end: 2 * block }], () => {}, never);
    answer(await asked(), movie);
    await warmed;
    const viewer = view(1);
    const second = await asked();
    second.head(200, whole(other)).bytes(other.bytesAt(0, block));
    await clock.settle();
    second.bytes(other.bytesAt(block, other.size)).end();
    await clock.settle();
    void answerAll(origin, (request) => answer(request, other));
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 999_999], 'it is asked for anew');
  });

  it('are compared where the origin gives less than was asked for, up to where another begins', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const later = view(block, 2 * block);
    answer(await asked(), movie);
    await clock.settle();
    const earlier = view(0);
    (await asked())
      .head(206, [...dated(movie, 0, block), ['date', 'Sat, 01 Nov 2025 00:00:00 GMT']])
      .bytes(other.bytesAt(0, block))
      .end();
    await clock.advance(100);
    assert.deepEqual([later.outcome, earlier.bytes, origin.requests.length], ['whole', 0, 3]);
    void answerAll(origin, (request) => answer(request, movie));
    await clock.settle();
    assert.deepEqual([earlier.outcome, earlier.bytes], ['whole', 1_000_000]);
  });

  for (const isLaterFirst of [true, false])
    it(`are compared where both were asked for before anything was known, and the ${isLaterFirst ? 'later' : 'earlier'} one comes first`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie });
      const viewers = [view(500_000), view(0)];
      const asks = [await asked(), await asked()];
      if (!isLaterFirst) {
        viewers.reverse();
        asks.reverse();
      }
      const [first, second] = asks;
      assert.ok(first !== undefined && second !== undefined);
      answer(first, movie);
      await clock.settle();
      answer(second, other);
      await clock.settle();
      const again = await asked();
      answer(again, other);
      await clock.settle();
      assert.deepEqual([viewers[0]?.bytes, viewers[1]?.bytes], [500_000, 0]);
      answer(await asked(), movie);
      void answerAll(origin, (request) => answer(request, movie));
      await clock.settle();
      assert.deepEqual([viewers[1]?.outcome, viewers[1]?.bytes], ['whole', isLaterFirst ? 1_000_000 : 500_000]);
    });

  /** A player that one connection starves, of a film that is another one from `replacedAt` on, and the same by `fields`. */
  function starving(replacedAt: number, fields: (version: Film, start: number, end: number) => Fields) {
    const [long, longOther] = [film(20_000_000), film(20_000_000, 2)];
    const set = stage({ film: long, parallelFetches: 8 });
    const { clock, origin } = set;
    void answerAll(origin, async (request) => {
      await pause(clock, 60, never);
      const version = clock.now() < replacedAt ? long : longOther;
      const end = request.until ?? long.size;
      request.head(206, [...fields(long, request.offset, end), ['date', 'Sat, 01 Nov 2025 00:00:00 GMT']]);
      while (request.live && request.position < end) {
        await pause(clock, 50, never);
        await request.wanted();
        request.bytes(version.bytesAt(request.position, Math.min(end, request.position + 15_000)));
      }
      request.end();
    });
    return { ...set, viewer: set.view() };
  }

  for (const tag of [null, 'W/"a"', 'a'])
    it(`are compared where they come side by side${tag === null ? '' : `, beside the tag ${tag}`}`, async () => {
      const tags: Fields = tag === null ? [] : [['etag', tag]];
      for (let replacedAt = 750; replacedAt < 3000; replacedAt += 500) {
        const { viewer, clock } = starving(replacedAt, (...part) => [...dated(...part), ...tags]);
        await clock.advanceUntil(() => viewer.outcome !== null);
        assert.equal(viewer.failure.kind, 'changed');
      }
    });

  it('come side by side as those of a strong tag do, by as many requests', async () => {
    const strong = starving(Number.POSITIVE_INFINITY, (version, ...part) => filmFields(version, 206, ...part));
    const weak = starving(Number.POSITIVE_INFINITY, dated);
    for (const { clock } of [strong, weak]) await clock.advance(10_000);
    const [most, least] = [strong, weak].map(({ viewer, origin }) => [viewer.bytes, origin.requests.length] as const);
    assert.ok(most !== undefined && least !== undefined);
    assert.ok(least[0] > 0.9 * most[0], `${least[0]} bytes, and not ${most[0]}`);
    assert.ok(least[1] < 1.1 * most[1], `${least[1]} requests, and not ${most[1]}`);
    for (const { viewer } of [strong, weak]) viewer.leave();
  });
});

describe('a version that is told from others by its date only, once it has turned out to be another', () => {
  it('is asked for anew, although nobody has asked before it was put away', async () => {
    const { second, viewer, clock, view, origin } = await cutAt(300_001);
    answer(second, film(1_000_000, 2));
    await clock.settle();
    assert.equal(viewer.failure.kind, 'changed');
    await clock.advance(600_000);
    view(0, 1000).leave();
    await clock.settle();
    assert.equal(origin.requests.length, 3);
  });

  it('is asked for anew after a restart', async () => {
    const { second, viewer, clock, cache, store } = await cutAt(300_001);
    answer(second, film(1_000_000, 2));
    await clock.settle();
    assert.equal(viewer.failure.kind, 'changed');
    await clock.advanceUntil(cache.close());
    const again = stage({ film: movie, store, clock });
    again.view(0, 1000).leave();
    await clock.settle();
    assert.equal(again.origin.requests.length, 1);
  });
});
