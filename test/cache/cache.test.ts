import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cacheKey, objectName } from '../../src/cache/cache-key.ts';
import { EventBus } from '../../src/events.ts';
import { ConnectionSlots } from '../../src/fill/connection-slots.ts';
import { Parallelism } from '../../src/fill/parallelism.ts';
import { Reachability } from '../../src/origin/reachability.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { refusal } from '../scenarios/answers.ts';
import { FailingStore } from '../scenarios/failing-store.ts';
import { film } from '../support/film.ts';
import { filmFields } from '../support/film-fields.ts';
import { fillIt, type Stage, stage } from './stage.ts';

const movie = film(600_000);
const never = new AbortController().signal;

describe('the key of a request', () => {
  it('is its origin and its target with the query', () => {
    const keys = [
      cacheKey('a', '/x'),
      cacheKey('b', '/x'),
      cacheKey('a', '/x?q=1'),
      cacheKey('a', '/x?q=2'),
      cacheKey('a', '/X'),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it('gives a name from which nothing can be read', () => {
    const name = objectName(cacheKey('films', '/a.mp4?token=secret'));
    assert.match(name, /^[0-9a-f]{64}$/);
    assert.notEqual(name, objectName(cacheKey('films', '/a.mp4?token=other')));
  });
});

describe('the cache', () => {
  it('gives two requests of one tick the same entry, and knows no other origins', () => {
    const { cache } = stage({ film: movie });
    assert.equal(cache.open('films', '/a'), cache.open('films', '/a'));
    assert.notEqual(cache.open('films', '/a'), cache.open('films', '/b'));
    assert.equal(cache.open('other', '/a'), null);
  });

  it('does not take what came from elsewhere for what another server holds under the same name', async () => {
    const store = createMemoryStore();
    const first = stage({ film: movie, store, mount: { base: 'http://old.example/' } });
    await fillIt(first);
    await first.cache.close();
    const moved = stage({ film: movie, store, mount: { base: 'http://new.example/' } });
    await fillIt(moved);
    await moved.cache.close();
    const again = stage({ film: movie, store, mount: { base: 'http://old.example/' } });
    const viewer = again.view();
    await again.clock.settle();
    assert.deepEqual([viewer.outcome, again.origin.requests.length], ['whole', 0]);
  });

  it('asks for each query by itself', async () => {
    const { view, asked, origin } = stage({ film: movie });
    view(0, null, '/film?quality=1');
    view(0, null, '/film?quality=2');
    await asked();
    await asked();
    assert.deepEqual(
      origin.requests.map(({ target }) => target),
      ['/film?quality=1', '/film?quality=2'],
    );
  });

  it('shows its fills, without their queries', async () => {
    const { view, clock, fill } = stage({ film: movie });
    view(5, null, '/film.mp4?token=secret');
    await clock.settle();
    const { id, origin, path, state, length, fetches, readers, waiters } = fill();
    assert.deepEqual(
      [id, origin, path, length, waiters, readers],
      [1, 'films', '/film.mp4', null, 1, [{ position: 5, end: null, speed: 0, wait: { since: 0, until: 30_000 } }]],
    );
    assert.deepEqual(fetches, [
      { position: 5, until: null, speed: null, state: 'starting', attempt: 1, lastFailure: null, retryAt: null },
    ]);
    assert.deepEqual(state, { phase: 'starting', wait: { since: 0, until: 30_000 }, attempt: 1, lastFailure: null });
  });

  it('makes durable what can be when it is closed, and stops asking', async () => {
    const store = createMemoryStore();
    const first = stage({ film: movie, store });
    first.view();
    const request = await first.asked();
    request.head().bytes(300_000);
    await first.clock.settle();
    await first.cache.close();
    assert.equal(request.live, false);
    const second = stage({ film: movie, store });
    const viewer = second.view();
    assert.equal((await second.asked()).offset, 300_000);
    assert.equal(viewer.bytes, 300_000);
  });

  it('tells whoever waits when it is closed', async () => {
    const { view, clock, cache } = stage({ film: movie });
    const viewer = view();
    await clock.settle();
    await cache.close();
    await clock.settle();
    assert.deepEqual([viewer.error.type, viewer.error.status], ['proxy_internal_response', 503]);
    assert.equal(clock.pending, 0);
  });

  it('says what of a request was there', async () => {
    const set = stage({ film: movie });
    const cold = set.view(0, 262_144);
    const joined = set.view(0, 262_144);
    (await set.asked()).head().bytes(262_144).end();
    await set.clock.settle();
    const [hit, partial] = [set.view(0, 10), set.view(200_000)];
    await set.clock.settle();
    assert.deepEqual(
      [cold, joined, hit, partial].map(({ session }) => [session?.cache, session?.collapsed]),
      [
        ['miss', false],
        ['miss', true],
        ['hit', false],
        ['partial', false],
      ],
    );
  });
});

describe('an entry that nobody reads', () => {
  it('lets go of its object after 30 s, and finds it again', async () => {
    const set = stage({ film: movie });
    await fillIt(set);
    await set.clock.advance(29_999);
    assert.equal(set.cache.fills().length, 1);
    await set.clock.advance(1);
    assert.equal(set.cache.fills().length, 0);
    const viewer = set.view();
    await set.clock.settle();
    assert.deepEqual([viewer.outcome, set.origin.requests.length], ['whole', 1]);
  });

  it('stays as long as somebody comes in time', async () => {
    const set = stage({ film: movie });
    await fillIt(set);
    for (let visit = 0; visit < 5; visit += 1) {
      await set.clock.advance(20_000);
      set.view(0, 10);
      await set.clock.settle();
    }
    assert.equal(set.fill().id, 1);
  });

  it('is found again by who comes in the very moment of its letting go', async () => {
    const set = stage({ film: movie });
    await fillIt(set);
    const viewers: Array<ReturnType<Stage['view']>> = [];
    set.clock.after(30_000, () => viewers.push(set.view(), set.view(100)));
    await set.clock.advance(31_000);
    assert.deepEqual([viewers.map(({ outcome }) => outcome), set.origin.requests.length], [['whole', 'whole'], 1]);
  });
});

describe('an entry that nobody ever visits', () => {
  it('is let go of after as long as one that everybody has left', async () => {
    const { cache, clock, origin } = stage({ film: movie });
    assert.notEqual(cache.open(origin.name, '/nobody.mp4'), null);
    await clock.advance(29_999);
    assert.equal(cache.entries().length, 1);
    await clock.advance(1);
    assert.deepEqual([cache.entries().length, clock.pending], [0, 0]);
  });
});

describe('what was stored', () => {
  it('in part is gone on with under its strong validator', async () => {
    const store = createMemoryStore();
    const first = stage({ film: movie, store });
    first.view(0, 262_144);
    (await first.asked()).head().bytes(262_144).end();
    await first.clock.settle();
    await first.cache.close();
    const second = stage({ film: movie, store });
    const viewer = second.view();
    const request = await second.asked();
    assert.deepEqual([request.offset, request.field('if-range')], [262_144, '"film-600000-1"']);
    request
      .head()
      .bytes(movie.size - 262_144)
      .end();
    await second.clock.settle();
    assert.deepEqual([viewer.outcome, viewer.session?.cache], ['whole', 'partial']);
  });

  for (const [what, end] of [
    ['the last reader has left', 'left'],
    ['its fill has failed', 'failed'],
    ['it is whole', 'whole'],
  ] as const) {
    it(`outlives a process that is ended without warning after ${what}`, async () => {
      const store = createMemoryStore();
      const first = stage({ film: movie, store });
      const viewer = first.view();
      const request = await first.asked();
      request.head().bytes(300_000);
      await first.clock.settle();
      if (end === 'left') viewer.leave();
      if (end === 'failed') request.cut(refusal('http_protocol_error'));
      if (end === 'whole') request.bytes(300_000).end();
      await first.clock.advance(10_000);
      const second = stage({ film: movie, store });
      const again = second.view();
      await second.clock.settle();
      assert.equal(again.bytes, end === 'whole' ? 600_000 : 300_000);
    });
  }

  it('in part without one is begun anew, and whole without one is played', async () => {
    const fields = filmFields(movie, 206).filter(([name]) => name !== 'etag' && name !== 'last-modified');
    const store = createMemoryStore();
    const first = stage({ film: movie, store });
    first.view();
    (await first.asked()).head(206, fields).bytes(300_000);
    await first.clock.settle();
    await first.cache.close();
    const second = stage({ film: movie, store });
    const viewer = second.view();
    const request = await second.asked();
    assert.deepEqual([request.offset, viewer.bytes], [0, 0]);
    request.head(206, fields).bytes(movie.size).end();
    await second.clock.settle();
    await second.cache.close();
    const third = stage({ film: movie, store });
    const again = third.view();
    await third.clock.settle();
    assert.deepEqual([again.outcome, third.origin.requests.length], ['whole', 0]);
  });

  it('and can not be looked up is fetched', async () => {
    const store = new FailingStore();
    store.fail('find');
    await fillIt(stage({ film: movie, store }));
  });
});

describe('an entry', () => {
  it('asks for nothing where nothing is wanted of a known representation', async () => {
    const set = stage({ film: movie });
    await fillIt(set);
    const session = await set.cache.open('films', '/film.mp4')?.openSession({ start: 0, end: null }, () => null, never);
    assert.deepEqual([session?.cache, session?.representation.length, set.origin.requests.length], ['hit', 600_000, 1]);
    session?.leave();
  });
});

describe('a mount', () => {
  it('can be added, and taken away: no new request finds it, and it is let go of when its last reader has gone', async () => {
    const set = stage({ film: movie });
    const { cache, origin, clock } = set;
    const slots = new ConnectionSlots(1, 1);
    const reachability = new Reachability({ name: 'other', clock, events: new EventBus(), wait: 30_000 });
    const there = { origin, reachability, slots, parallelism: new Parallelism(clock, 1) };
    cache.mount('other', { ...there, mode: 'media', base: 'elsewhere', only: '/one%20film.mp4' });
    assert.equal(cache.open('other', '/two.mp4'), null);
    const entry = cache.open('other', '/one%20%66ilm.mp4?x=1');
    assert.ok(entry !== null && entry === cache.open('other', '/one%20film.mp4'));
    const visiting = entry.openSession({ start: 0, end: null }, () => ({ start: 0, end: null }), never);
    const asked = await set.asked();
    assert.equal(asked.target, '/one%20film.mp4');
    asked.head(206).bytes(movie.size).end();
    const session = await visiting;
    let gone = false;
    void cache.unmount('other').then(() => {
      gone = true;
    });
    assert.equal(cache.open('other', '/one%20film.mp4'), null);
    await clock.advance(120_000);
    assert.equal(gone, false);
    session.leave();
    await clock.advance(31_000);
    assert.equal(gone, true);
  });

  it('of which nothing is open is let go of at once', async () => {
    const { cache, origin } = stage({ film: movie });
    await cache.unmount(origin.name);
    assert.equal(cache.open(origin.name, '/film.mp4'), null);
    await cache.unmount('none');
  });
});
