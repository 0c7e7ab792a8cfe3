/** The invariants of ARCHITECTURE.md, one test or more each, in its words and its order. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Store, StoreObject } from '../../src/store/store.ts';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { filmFields } from '../support/film-fields.ts';
import { virtualRig } from '../support/rig.ts';
import { FailingStore } from './failing-store.ts';

const movie = film(1_000_000);

describe('1. a wrong byte is never served', () => {
  it('not from an origin that lies about the place of its bytes', async () => {
    const { view, asked, clock } = stage({ film: movie });
    const viewer = view(500_000);
    for (const status of [206, 200]) {
      (await asked())
        .head(status, filmFields(movie, 206, 0, 500_000))
        .bytes(movie.bytesAt(0, 500_000))
        .end();
      await clock.settle();
      assert.equal(viewer.bytes, 0);
    }
    assert.equal(viewer.error.type, 'http_protocol_error');
  });

  it('not after the origin changed', async () => {
    const { view, asked, clock } = stage({ film: movie });
    const viewer = view();
    (await asked()).head().bytes(400_000).cut();
    await clock.settle();
    const other = film(1_000_000, 2);
    (await asked()).head(200, filmFields(other, 200)).bytes(other.bytesAt(0, 1_000_000)).end();
    await clock.settle();
    assert.deepEqual([viewer.failure.kind, viewer.bytes], ['changed', 400_000]);
  });

  it('not after firstbyte was ended without warning', async () => {
    const store = createMemoryStore();
    const options = { films: movie, store, relay: { rate: 1_000_000 } };
    // The first one is never stopped: the second finds what happened to be committed.
    const first = await virtualRig(options);
    await first.clock.advanceUntil(first.get('/films/film.mp4', { range: '0-262143' }).done());
    await first.clock.advanceUntil(first.get('/films/film.mp4').received(700_001));
    const second = await virtualRig(options);
    const again = second.get('/films/film.mp4');
    assert.equal(await second.clock.advanceUntil(again.done()), 'complete');
    assert.equal(again.bodyBytes, movie.size);
    await second.close();
    await first.close();
  });
});

describe('2. a cut reply never ends cleanly', () => {
  for (const framing of ['length', 'chunked'] as const) {
    it(`where the origin frames its body by ${framing}: the connection is destroyed`, async () => {
      const rig = await virtualRig({
        films: movie,
        origin: { cutAfter: 300_000, framing, ignoreRange: true, fields: { etag: null, 'last-modified': null } },
      });
      const exchange = rig.get('/films/film.mp4');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
      assert.ok(exchange.status === 200 && exchange.bodyBytes <= 300_000);
      await rig.close();
    });
  }
});

describe('3. a fill never changes its representation', () => {
  it('a new validator is a new fill', async () => {
    const { view, asked, clock, cache, eventsOf } = stage({ film: movie });
    const keeper = view(0, 262_144);
    keeper.pause();
    (await asked()).head().bytes(262_144).end();
    await clock.settle();
    view(500_000);
    const other = film(2_000_000, 2);
    (await asked()).head(200, filmFields(other, 200));
    (await asked()).head(206, filmFields(other, 206, 500_000));
    await clock.settle();
    assert.deepEqual(
      cache
        .fills()
        .map(({ id, length }) => [id, length])
        .sort(),
      [
        [1, 1_000_000],
        [2, 2_000_000],
      ],
    );
    assert.ok(eventsOf('fill-state').some(({ fill, to }) => fill === 2 && to === 'filling'));
    keeper.resume();
    await clock.settle();
    assert.equal(keeper.outcome, 'whole');
  });
});

describe('4. write before present, present before wake, data durable before the manifest', () => {
  it('whoever is woken finds the byte written, and the event of landing comes after', async () => {
    const steps: string[] = [];
    const inner = createMemoryStore();
    const watched = (object: StoreObject): StoreObject => ({
      name: object.name,
      durable: object.durable,
      ahead: object.ahead ?? Number.POSITIVE_INFINITY,
      representation: object.representation,
      write(offset, bytes) {
        steps.push('written');
        return object.write(offset, bytes);
      },
      read(...given) {
        steps.push('read');
        return object.read(...given);
      },
      attend: (playheads) => object.attend?.(playheads),
      describe: (representation) => object.describe(representation),
      commit: () => {
        steps.push('committed');
        return object.commit();
      },
      close: () => object.close(),
    });
    const store: Store = {
      find: async (name, lost) => {
        const object = await inner.find(name, lost);
        return object === null ? null : watched(object);
      },
      create: async (...given) => watched(await inner.create(...given)),
      remove: (name) => inner.remove(name),
      list: () => inner.list(),
      close: () => inner.close(),
    };
    const { view, asked, clock, events, fill } = stage({ film: film(2), store });
    view();
    const request = await asked();
    request.head().bytes(1);
    await clock.settle();
    assert.deepEqual([steps, fill().present], [['written', 'read'], [{ start: 0, end: 1 }]]);
    assert.equal(events.filter(({ type }) => type === 'bytes-landed').length, 1);
    request.bytes(1).end();
    await clock.settle();
    assert.deepEqual(
      steps.filter((step) => step !== 'read'),
      ['written', 'written', 'committed'],
    );
    assert.equal(steps[0], 'written');
  });

  it('what was not committed is not believed after a restart', async () => {
    const store = createMemoryStore();
    const first = stage({ film: movie, store });
    const viewer = first.view();
    (await first.asked()).head().bytes(600_000);
    await first.clock.settle();
    assert.equal(viewer.bytes, 600_000);
    // The process ends here: nothing was committed.
    const second = stage({ film: movie, store });
    second.view();
    assert.equal((await second.asked()).offset, 0);
  });
});

describe('5. where someone waits, the fill is not idle', () => {
  it('and every wait ends: with bytes, an end, an error or its deadline', async () => {
    const { view, asked, clock, fill, origin } = stage({ film: movie });
    const viewer = view();
    await clock.settle();
    assert.deepEqual([fill().waiters, fill().state.phase], [1, 'starting']);
    (await asked()).head().bytes(500_000);
    await clock.settle();
    assert.deepEqual([viewer.bytes, fill().waiters, fill().state.phase], [500_000, 1, 'filling']);
    // From here on the origin is silent for ever.
    await clock.advance(600_000);
    assert.ok(viewer.outcome instanceof Error);
    assert.ok((viewer.endAt ?? 0) <= 90_000, `it waited until ${viewer.endAt} ms`);
    assert.deepEqual([origin.live.length, clock.pending], [0, 0]);
  });

  it('also where the fetch that was to bring the byte ended for another reason', async () => {
    const { view, asked, clock, fill } = stage({ film: movie, policy: { readAhead: 262_144 } });
    const first = view();
    first.pause();
    (await asked()).head().bytes(262_144);
    await clock.advance(60_000);
    first.resume();
    await clock.settle();
    assert.deepEqual([fill().waiters, fill().fetches.length], [1, 1]);
    for (let had = 262_144; had < movie.size; ) {
      const request = await asked();
      assert.equal(request.offset, had);
      had = request.until ?? movie.size;
      request
        .head()
        .bytes(had - request.offset)
        .end();
      await clock.settle();
    }
    assert.equal(first.outcome, 'whole');
  });
});

describe('6. no reply head before the first byte asked for is present or a final answer is known', () => {
  it('the head waits for the first byte of the asked range', async () => {
    const rig = await virtualRig({
      films: movie,
      origin: { headAfter: 1000, bodyAfter: 9000 },
      settings: { patience: 'off' },
    });
    const exchange = rig.get('/films/film.mp4', { range: '700000-' });
    await rig.clock.advance(9999);
    assert.equal(exchange.times.firstByteAt, null);
    await rig.clock.advance(10);
    assert.deepEqual([exchange.status, exchange.times.headAt], [206, exchange.times.firstBodyAt]);
    await rig.close();
  });

  it('so what fails before it is still a clean status', async () => {
    const rig = await virtualRig({ films: movie, origin: { bodyAfter: 9000, cutAfter: 0, cutBy: 'reset' } });
    rig.origin.next({ bodyAfter: 2000, cutAfter: 0 });
    rig.origin.always({ status: 404 });
    const exchange = rig.get('/films/film.mp4');
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(exchange.status, 404);
    await rig.close();
  });

  it('patience bytes are not a head', async () => {
    const rig = await virtualRig({ films: movie, origin: { headAfter: 25_000 } });
    const exchange = rig.get('/films/film.mp4');
    await rig.clock.advance(24_000);
    assert.deepEqual([exchange.headReads.map(({ text }) => text).join(''), exchange.status], ['HT', null]);
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
    await rig.close();
  });
});

describe('7. a slow reader slows nobody, and a fast origin is held at the window', () => {
  it('a paused player holds at most 256 KiB and what its connection holds', async () => {
    const long = film(20_000_000);
    const rig = await virtualRig({ films: long, settings: { readAhead: '1MiB' } });
    const paused = rig.player();
    const stuck = paused.get('/films/film.mp4');
    paused.pause();
    await rig.clock.advanceUntil(stuck.received(1));
    await rig.clock.advance(1000);
    assert.ok(stuck.bodyBytes < 256 * 1024, 'it took no more than the first read');
    const quick = rig.get('/films/film.mp4');
    assert.equal(await rig.clock.advanceUntil(quick.done()), 'complete');
    await rig.clock.advance(3_600_000);
    const sent = rig.eventsOf('bytes-sent').reduce((sum, { bytes }) => sum + bytes, 0) - long.size;
    assert.ok(sent - stuck.bodyBytes <= 640 * 1024, `${sent - stuck.bodyBytes} bytes are under way to a paused player`);
    paused.resume();
    assert.equal(await rig.clock.advanceUntil(stuck.done()), 'complete');
    assert.deepEqual([stuck.bodyBytes, rig.fetchedTwice('/film.mp4')], [long.size, []]);
    await rig.close();
  });

  for (const [what, size, settings] of [
    ['a small window', 20_000_000, { readAhead: '1MiB', restTimeout: '2s' }],
    ['every setting as it is by default', 70_000_000, {}],
  ] as const) {
    it(`a film paused for ten minutes survives an origin that cuts after 3 s without progress, with ${what}`, async () => {
      const long = film(size);
      const rig = await virtualRig({ films: long, origin: { sendTimeout: 3000 }, settings });
      const player = rig.player();
      const exchange = player.get('/films/film.mp4');
      player.pause();
      await rig.clock.advance(600_000);
      assert.ok(exchange.outcome === null && exchange.bodyBytes < 1024 * 1024, 'it is paused');
      player.resume();
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.bodyBytes, rig.fetchedTwice('/film.mp4')], [long.size, []]);
      await rig.close();
    });
  }
});

describe('8. every wait on the network takes an AbortSignal', () => {
  it('so that nothing goes on for a client that has left', async () => {
    const rig = await virtualRig({
      films: movie,
      origin: { headAfter: Number.POSITIVE_INFINITY },
      settings: { maxConnections: 1 },
    });
    const players = ['/films/1', '/films/2'].map((target) => {
      const player = rig.player();
      player.get(target);
      return player;
    });
    await rig.clock.advance(1000);
    for (const player of players) player.leave();
    await rig.clock.advance(120_000);
    assert.deepEqual([rig.network.relay.open, rig.origin.requests.length], [0, 1]);
    await rig.close();
    await rig.clock.settle();
    assert.equal(rig.clock.pending, 0);
  });
});

describe('9. the representation is the one owner of the length', () => {
  it('reader and filler end at the same byte where the length becomes known only at the end', async () => {
    const { view, asked, clock, fill } = stage({ film: movie });
    const viewer = view();
    const fields = filmFields(movie, 200).filter(([name]) => name !== 'content-length');
    const request = (await asked()).head(200, [...fields, ['transfer-encoding', 'chunked']]);
    request.bytes(1_000_000);
    await clock.settle();
    assert.deepEqual([viewer.outcome, fill().length, fill().waiters], [null, null, 1]);
    request.end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, fill().length, fill().waiters], ['whole', 1_000_000, 0]);
  });
});

describe('10. trouble with the store never stops playback', () => {
  it('a disk that is full from the middle of a film on is gone past', async () => {
    const store = new FailingStore();
    const rig = await virtualRig({ films: movie, store, relay: { rate: 500_000 } });
    const exchange = rig.get('/films/film.mp4');
    await rig.clock.advanceUntil(exchange.received(300_000));
    store.fail('write rejects', 'write throws', 'create', 'commit', 'close');
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(exchange.bodyBytes, movie.size);
    await rig.close();
  });
});

describe('11. no origin is asked twice for a byte that is present', () => {
  it('neither by many readers, nor by seeks, nor after a restart', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 1_000_000 } });
    const ranges = ['0-', '0-', '900000-', '0-99', '500000-599999', '-1'];
    const exchanges = ranges.map((range) => rig.get('/films/film.mp4', { range }));
    for (const exchange of exchanges) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    const taken = rig.fetchedTwice('/film.mp4').reduce((sum, { start, end }) => sum + end - start, 0);
    assert.ok(taken <= 3 * 64 * 1024, `${taken} bytes twice: more than what was under way at each meeting`);
    assert.deepEqual(rig.fetched('/film.mp4'), [{ start: 0, end: movie.size }]);
    await rig.restart();
    for (const range of ranges) {
      assert.equal(await rig.clock.advanceUntil(rig.get('/films/film.mp4', { range }).done()), 'complete');
    }
    assert.deepEqual(rig.fetched('/film.mp4'), []);
    await rig.close();
  });
});
