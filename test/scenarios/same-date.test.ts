import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FillFailed } from '../../src/fill/failure.ts';
import type { Fields } from '../../src/http/fields.ts';
import { stage } from '../cache/stage.ts';
import { type Film, film } from '../support/film.ts';
import { filmFields, lastModified } from '../support/film-fields.ts';
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
});
