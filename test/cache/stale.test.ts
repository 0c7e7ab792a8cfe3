import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cacheKey, objectName } from '../../src/cache/cache-key.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { answerWith, refusal } from '../scenarios/answers.ts';
import { film } from '../support/film.ts';
import { filmFields } from '../support/film-fields.ts';
import { fillIt, stage } from './stage.ts';

const movie = film(600_000);

/** The fields of a whole film with a directive to caches. */
const controlled = (value: string) => [...filmFields(movie, 206), ['cache-control', value] as const];

describe('what is stale', () => {
  for (const [what, answer, served] of [
    ['304', 304, 'kept'],
    ['206 of the same version', 206, 'kept'],
    ['200 of the same version', 200, 'taken from it'],
    ['503', 503, 'kept'],
    ['a refused connection', 'refused', 'kept'],
    ['404', 404, 'gone'],
  ] as const) {
    it(`and was said to be fresh for a time is asked about first: after ${what} it is ${served}`, async () => {
      const set = stage({ film: movie });
      await fillIt(set, controlled('max-age=60'));
      await set.clock.advance(60_001);
      const viewer = set.view();
      const question = await set.asked();
      assert.equal(question.field('if-none-match'), '"film-600000-1"');
      assert.equal(viewer.bytes, 0);
      if (answer === 'refused') question.refuse(refusal());
      else if (answer === 503 || answer === 404) answerWith(question, answer);
      else question.head(answer, [...filmFields(movie, answer), ['cache-control', 'max-age=60']]);
      await set.clock.settle();
      if (served === 'taken from it') {
        assert.deepEqual([viewer.bytes, question.live], [0, true]);
        question.bytes(movie.size).end();
        await set.clock.settle();
      }
      if (served === 'gone') assert.equal(viewer.failure.kind, 'answer');
      else assert.equal(viewer.outcome, 'whole');
      assert.deepEqual([set.origin.requests.length, question.live], [2, false]);
    });
  }

  it('is fresh again after a 304, with its fresher fields', async () => {
    const set = stage({ film: movie });
    await fillIt(set, controlled('max-age=60'));
    await set.clock.advance(60_001);
    const viewer = set.view();
    (await set.asked()).head(304, [...filmFields(movie, 304), ['cache-control', 'max-age=600'], ['x-new', 'yes']]);
    await set.clock.settle();
    assert.ok(viewer.session?.representation.fields.some(([name, value]) => name === 'x-new' && value === 'yes'));
    await set.clock.advance(500_000);
    set.view();
    await set.clock.settle();
    assert.equal(set.origin.requests.length, 2);
  });

  it('and must be revalidated fails where nobody can be asked', async () => {
    const set = stage({ film: movie });
    await fillIt(set, controlled('max-age=60, must-revalidate'));
    await set.clock.advance(60_001);
    const viewer = set.view();
    (await set.asked()).refuse(refusal());
    await set.clock.settle();
    assert.equal(viewer.error.status, 504);
  });

  it('and asked about in silence is served after firstByteTimeout', async () => {
    const set = stage({ film: movie, policy: { firstByteTimeout: 3000 } });
    await fillIt(set, controlled('max-age=60'));
    await set.clock.advance(60_001);
    const before = set.clock.now();
    const viewer = set.view();
    await set.clock.advance(3000);
    assert.deepEqual([viewer.outcome, viewer.firstAt, set.origin.live.length], ['whole', before + 3000, 0]);
  });

  it('is asked about by Last-Modified where there is no entity tag', async () => {
    const set = stage({ film: movie });
    await fillIt(
      set,
      controlled('max-age=60').filter(([name]) => name !== 'etag'),
    );
    await set.clock.advance(60_001);
    set.view();
    const question = await set.asked();
    assert.deepEqual(
      [question.field('if-none-match'), question.field('if-modified-since')],
      [null, 'Wed, 01 Jan 2025 00:00:00 GMT'],
    );
  });

  it('keeps nobody who has left, while it is asked about', async () => {
    const set = stage({ film: movie });
    await fillIt(set, controlled('max-age=60'));
    await set.clock.advance(60_001);
    const viewer = set.view();
    await set.asked();
    viewer.leave();
    await set.clock.settle();
    assert.equal(viewer.outcome, 'left');
  });

  it('gives its connection back after it was asked about', async () => {
    const set = stage({ film: movie, maxConnections: 1 });
    await fillIt(set, controlled('max-age=60'));
    await set.clock.advance(60_001);
    set.view();
    (await set.asked()).head(304, filmFields(movie, 304));
    await set.clock.settle();
    const other = set.view(0, null, '/other');
    (await set.asked()).head().bytes(movie.size).end();
    await set.clock.settle();
    assert.equal(other.outcome, 'whole');
  });

  it('and has changed twice does not lose the newest version to a late answer', async () => {
    const store = createMemoryStore();
    const set = stage({ film: movie, store });
    const stored = set.view(0, 262_144);
    (await set.asked()).head().bytes(262_144).end();
    await set.clock.settle();
    assert.equal(stored.outcome, 'whole');
    await set.clock.advance(2 * 86_400_000);
    // Served at once, and asked about behind; before that is answered a seek meets the new version.
    set.view(0, 1000);
    const question = await set.asked();
    const next = film(700_000, 2);
    const seek = set.view(500_000, 500_100);
    const changed = await set.asked();
    changed.head(200, filmFields(next, 200));
    const fresh = await set.asked();
    seek.leave();
    fresh.head(206, filmFields(next, 206, 500_000, 524_288)).bytes(next.bytesAt(500_000, 524_288));
    await set.clock.settle();
    question.head(200, filmFields(next, 200));
    await set.clock.settle();
    const kept = await store.find(objectName(cacheKey('films', '/film.mp4')), () => {});
    assert.equal(kept?.representation.length, 700_000, 'the new version is still the stored one');
  });

  it('and turns out to be for one client does not lose the newest version to a late answer', async () => {
    const set = stage({ film: movie });
    await fillIt(set);
    await set.clock.advance(2 * 86_400_000);
    set.view(0, 1000);
    const question = await set.asked();
    await set.cache.entries()[0]?.purge();
    await fillIt(set);
    question.head(304, [...filmFields(movie, 304), ['cache-control', 'private']]);
    await set.clock.settle();
    const kept = await set.store.find(objectName(cacheKey('films', '/film.mp4')), () => {});
    assert.ok(kept !== null);
  });

  it('and comes in still keeps the length that becomes known while it is asked about', async () => {
    const set = stage({ film: movie });
    const whole = filmFields(movie, 200).filter(([name]) => name !== 'content-length' && name !== 'accept-ranges');
    const first = set.view();
    const request = await set.asked();
    request.head(200, [...whole, ['transfer-encoding', 'chunked'], ['cache-control', 'no-cache']]).bytes(300_000);
    await set.clock.advance(2000);
    const second = set.view();
    const question = await set.asked();
    request.bytes(300_000).end();
    await set.clock.settle();
    question.head(304, [['cache-control', 'no-cache']]);
    await set.clock.settle();
    assert.deepEqual([first.outcome, second.outcome, set.origin.requests.length], ['whole', 'whole', 2]);
    const kept = await set.store.find(objectName(cacheKey('films', '/film.mp4')), () => {});
    assert.equal(kept?.representation.length, movie.size);
  });

  for (const answer of [304, 404, 'another version'] as const) {
    it(`stays as it is where firstbyte stops while it is asked about, and ${answer} comes then`, async () => {
      const set = stage({ film: movie });
      await fillIt(set, controlled('no-cache'));
      await set.clock.advance(2000);
      const viewer = set.view();
      const question = await set.asked();
      const closing = set.cache.close();
      await set.clock.settle();
      if (answer === 404) answerWith(question, 404);
      else if (answer === 304) question.head(304, filmFields(movie, 304));
      else question.head(200, filmFields(film(700_000, 2), 200));
      await set.clock.advanceUntil(closing);
      await set.clock.settle();
      assert.equal(viewer.error.status, 503);
      assert.deepEqual([set.origin.requests.length, question.live], [2, false]);
      const kept = await set.store.find(objectName(cacheKey('films', '/film.mp4')), () => {});
      assert.equal(kept?.representation.length, movie.size);
    });
  }

  for (const how of ['purged', 'paused', 'closed'] as const) {
    it(`and has changed keeps no connection to the new version, in whichever moment it is ${how}`, async () => {
      for (let moments = 0; moments < 12; moments += 1) {
        const set = stage({ film: movie });
        await fillIt(set, controlled('no-cache'));
        await set.clock.advance(2000);
        const viewer = set.view();
        const question = await set.asked();
        question.head(200, filmFields(film(700_000, 2), 200));
        for (let passed = 0; passed < moments; passed += 1) await null;
        const [entry] = set.cache.entries();
        if (how === 'purged') await entry?.purge();
        else if (how === 'closed') await set.cache.close();
        else entry?.current?.pause();
        viewer.leave();
        await set.clock.advance(10_000);
        assert.equal(question.live, false, `after ${moments} moments`);
      }
    });
  }
});
