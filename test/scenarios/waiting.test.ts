import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { filmFields } from '../support/film-fields.ts';
import { pause } from '../support/pause.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { answerAll, answerWith, refusal } from './answers.ts';

const movie = film(1_000_000);

describe('nobody waits for ever', () => {
  it('where a reader wants more than there is, and the length is told only at the end', async () => {
    const { view, asked, clock } = stage({ film: movie });
    const viewer = view(0, 5_000_000);
    const fields = filmFields(movie, 200).filter(([name]) => name !== 'content-length');
    (await asked())
      .head(200, [...fields, ['transfer-encoding', 'chunked']])
      .bytes(1_000_000)
      .end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 1_000_000]);
  });

  it('where a seek lies past the end of a body whose length was not told', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const head = view();
    const fields = filmFields(movie, 200).filter(([name]) => name !== 'content-length');
    const request = (await asked()).head(200, [...fields, ['transfer-encoding', 'chunked']]).bytes(500_000);
    await clock.settle();
    const beyond = view(2_000_000);
    await clock.advance(1000);
    request.bytes(500_000).end();
    await clock.advance(120_000);
    assert.equal(head.outcome, 'whole');
    assert.notEqual(beyond.outcome, null);
    assert.equal(origin.live.length, 0);
  });

  it('for a slow disk: a byte that has landed goes out at once', async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    const store = slowStore(() => pause(clock, 60_000, signal));
    const { view, asked, origin } = stage({ film: movie, store, clock });
    const viewer = view();
    const request = await asked();
    request.head().bytes(1);
    await clock.settle();
    assert.deepEqual([viewer.bytes, viewer.firstAt], [1, 0]);
    request.bytes(999_999).end();
    await clock.advance(60_000);
    assert.deepEqual([viewer.outcome, origin.requests.length], ['whole', 1], 'a slow disk is no stalled origin');
  });

  const hung = () => new Promise<never>(() => {});
  for (const [what, makeStore] of [
    ['takes none of its bytes', () => slowStore(hung)],
    ['makes no object for it', () => storeThatMakesFirst(hung)],
  ] as const) {
    it(`for a connection that another title had, while the disk ${what}`, async () => {
      const { view, asked, clock } = stage({ film: movie, store: makeStore(), maxConnections: 1 });
      const first = view();
      (await asked()).head().bytes(1);
      await clock.settle();
      first.leave();
      const other = view(0, null, '/other');
      await clock.advance(10_000);
      (await asked()).head().bytes(1);
      await clock.settle();
      assert.equal(other.bytes, 1);
      other.leave();
    });
  }

  it('behind a whole film of gigabytes, where the account allows one connection', async () => {
    const huge = film(5_000_000_000);
    const { view, clock } = stage({
      film: huge,
      maxConnections: 1,
      policy: { readAhead: 16 * 1024 * 1024 },
      origin: (clock) => ScriptedOrigin.serving(huge, { clock, rate: 2_000_000, headAfter: 100 }),
    });
    const whole = view();
    await clock.advance(5000);
    const small = view(4_000_000_000, 4_000_001_000);
    await clock.advance(4000);
    assert.equal(small.outcome, 'whole');
    await clock.advance(2000);
    const { bytes } = whole;
    await clock.advance(4000);
    assert.ok(whole.bytes - bytes > 5_000_000, 'and the film goes on');
    whole.leave();
  });

  it('because the first who asked has left: before the head, in the body, in the queue, between two tries', async () => {
    for (const when of ['head', 'body', 'queue', 'retry'] as const) {
      const { view, asked, clock, origin } = stage({ film: movie, maxConnections: 1 });
      const blocking = when === 'queue' ? view(0, null, '/other') : null;
      const blocked = blocking === null ? null : await asked();
      const first = view();
      const request = when === 'queue' ? null : await asked();
      if (when === 'body') request?.head().bytes(100_000);
      if (when === 'retry') request?.refuse(refusal());
      await clock.advance(20);
      const second = view();
      await clock.advance(10);
      first.leave();
      await clock.settle();
      blocked?.head().bytes(movie.size).end();
      const last = when === 'queue' || when === 'retry' ? await clock.advanceUntil(origin.nextRequest()) : request;
      if (when !== 'body') last?.head();
      last?.bytes(movie.size - (last?.position ?? 0)).end();
      await clock.advance(100);
      assert.deepEqual([first.outcome, second.outcome, second.bytes], ['left', 'whole', movie.size], when);
      assert.equal(origin.requests.length, when === 'head' || when === 'body' ? 1 : 2, when);
    }
  });
});

describe('time', () => {
  it('is no limit while bytes come: a film that takes three hours plays to its end', async () => {
    const { view, clock, origin } = stage({
      film: movie,
      origin: (clock) => ScriptedOrigin.serving(movie, { clock, rate: 90, readSize: 800 }),
    });
    const viewer = view();
    await clock.advance(11_200_000);
    assert.deepEqual([viewer.outcome, origin.requests.length], ['whole', 1]);
    assert.ok((viewer.endAt ?? 0) > 3 * 3_600_000);
  });

  it('that one title takes delays no other', async () => {
    const { view, clock, origin } = stage({ film: movie, maxConnections: 11 });
    const silent = view(0, null, '/silent');
    void answerAll(origin, (request) => {
      if (request.target !== '/silent') request.head().bytes(movie.size).end();
    });
    await clock.settle();
    const others = Array.from({ length: 10 }, (_, index) => view(0, null, `/${index}`));
    await clock.settle();
    assert.deepEqual(new Set(others.map(({ outcome, endAt }) => `${outcome} ${endAt}`)), new Set(['whole 0']));
    assert.equal(silent.outcome, null);
  });
});

describe('many at once', () => {
  it('ask a slow origin once, however long it takes', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const viewers = [];
    for (let second = 0; second < 29; second += 1) {
      viewers.push(view(), view());
      await clock.advance(1000);
    }
    (await asked()).head().bytes(movie.size).end();
    await clock.settle();
    assert.deepEqual(new Set(viewers.map(({ outcome }) => outcome)), new Set(['whole']));
    assert.equal(origin.requests.length, 1);
  });

  it('warn of no leak of listeners', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const { view, asked, clock } = stage({ film: movie });
    const viewers = Array.from({ length: 300 }, () => view());
    const request = await asked();
    request.head();
    for (let read = 0; read < 50; read += 1) {
      request.bytes(20_000);
      await clock.settle();
    }
    process.removeListener('warning', note);
    assert.ok(viewers.every(({ outcome }) => outcome === 'whole'));
    assert.deepEqual(warnings, []);
  });

  it('of a thousand titles that are not there leave nothing behind', async () => {
    const { view, clock, origin, cache } = stage({ film: movie, maxConnections: 8 });
    void answerAll(origin, (request) => answerWith(request, 404));
    const viewers = Array.from({ length: 1000 }, (_, index) => view(0, null, `/${index}`));
    await clock.settle();
    assert.ok(viewers.every(({ failure }) => failure.kind === 'answer'));
    await clock.advance(120_000);
    assert.deepEqual([cache.fills().length, clock.pending, origin.live.length], [0, 0, 0]);
  });

  it('that come and go as they please leave nothing behind', async () => {
    const { view, clock, origin, cache } = stage({
      film: movie,
      maxConnections: 3,
      policy: { readAhead: 300_000 },
      origin: (clock) => ScriptedOrigin.serving(movie, { clock, rate: 400_000, headAfter: 150 }),
    });
    let place = 11;
    const staying = [];
    for (let count = 0; count < 200; count += 1) {
      place = (place * 48_271) % 2_147_483_647;
      const viewer = view(place % movie.size, null, `/${place % 5}`);
      await clock.advance(place % 300);
      if (place % 3 > 0) viewer.leave();
      else staying.push(viewer);
    }
    await clock.advance(600_000);
    assert.deepEqual(new Set(staying.map(({ outcome }) => outcome)), new Set(['whole']));
    assert.deepEqual([cache.fills().length, clock.pending, origin.live.length], [0, 0, 0]);
  });
});

/** A store whose first object is what `make` gives. */
function storeThatMakesFirst(make: () => Promise<never>): Store {
  const inner = createMemoryStore();
  let made = 0;
  return {
    find: (...given) => inner.find(...given),
    create: (...given) => {
      made += 1;
      return made === 1 ? make() : inner.create(...given);
    },
    remove: (name) => inner.remove(name),
    list: () => inner.list(),
    close: () => inner.close(),
  };
}

/** A store whose writers wait as long as `wait` says. */
function slowStore(wait: () => Promise<void>): Store {
  const inner = createMemoryStore();
  return {
    find: (name, lost) => inner.find(name, lost),
    create: async (...given) => {
      const object = await inner.create(...given);
      return {
        name: object.name,
        durable: [],
        ahead: object.ahead ?? Number.POSITIVE_INFINITY,
        representation: object.representation,
        write(offset, bytes) {
          object.write(offset, bytes);
          return wait();
        },
        read: (...given) => object.read(...given),
        attend: (playheads) => object.attend?.(playheads),
        describe: (described) => object.describe(described),
        commit: () => object.commit(),
        close: () => object.close(),
      };
    },
    remove: (name) => inner.remove(name),
    list: () => inner.list(),
    close: () => inner.close(),
  };
}
