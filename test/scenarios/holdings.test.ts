/** What is held, seen and steered while it is played: on the whole way from player to origin. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Holding } from '../../src/admin/holding.ts';
import type { HoldingQuery } from '../../src/admin/holding-page.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, withRig } from '../support/rig.ts';

const movie = film(1_000_000);
const quiet = { add() {}, expect() {} };

async function rows(rig: VirtualRig, query: HoldingQuery = {}): Promise<readonly Holding[]> {
  const page = await rig.daemon.holdings.page(query);
  assert.ok(page !== 'no such cursor');
  return page.objects;
}

async function onlyRow(rig: VirtualRig): Promise<Holding> {
  const [row, ...others] = await rows(rig);
  assert.ok(row !== undefined && others.length === 0);
  return row;
}

async function whole(rig: VirtualRig, target: string): Promise<void> {
  assert.equal(await rig.clock.advanceUntil(rig.get(target).done()), 'complete');
}

describe('an object', () => {
  it('is one row, live while it comes in, stored when nobody has it open', () =>
    withRig({ films: movie }, async (rig) => {
      rig.origin.always({ rate: 100_000 });
      rig.get('/films/a.mp4?token=hidden');
      await rig.clock.advance(2000);
      const live = await onlyRow(rig);
      assert.deepEqual([live.origin, live.path, live.length, live.state], ['films', '/a.mp4', movie.size, 'filling']);
      assert.match(live.reason, /^downloading for/);
      assert.ok(live.bytes > 150_000 && live.bytes < 250_000);
      const sight = await rig.daemon.holdings.one(live.id);
      assert.equal(sight?.fill?.readers.length, 1);
      assert.equal(sight?.waitedFor[0]?.start, sight?.present[0]?.end);
      await rig.clock.advance(60_000);
      const stored = await onlyRow(rig);
      assert.deepEqual([stored.id, stored.state, stored.reason], [live.id, 'complete', 'complete']);
      assert.deepEqual((await rig.daemon.holdings.one(live.id))?.durable, [{ start: 0, end: movie.size }]);
      assert.ok(!JSON.stringify(await rows(rig)).includes('hidden'));
    }));

  it('is found after a restart, as it was', () =>
    withRig({ films: movie }, async (rig) => {
      await whole(rig, '/films/a.mp4');
      const { id } = await onlyRow(rig);
      assert.ok(await rig.daemon.holdings.pin(id, true));
      await rig.restart();
      const row = await onlyRow(rig);
      assert.deepEqual([row.id, row.bytes, row.pinned], [id, movie.size, true]);
    }));

  it('that is purged while it is played is read on through what is there, and found by nobody', () =>
    withRig({ films: movie, settings: { readAhead: '200KiB' } }, async (rig) => {
      rig.origin.always({ rate: 1_000_000 });
      const player = rig.player({ rate: 10_000 });
      const watching = player.get('/films/a.mp4');
      await rig.clock.advance(2000);
      const row = await onlyRow(rig);
      const heldThen = row.bytes;
      assert.ok(await rig.daemon.holdings.remove(row.id));
      assert.deepEqual(await rows(rig), []);
      assert.ok(!(await rig.daemon.holdings.remove(row.id)));
      rig.origin.always({});
      const before = rig.origin.requests.length;
      const other = rig.get('/films/a.mp4');
      assert.equal(await rig.clock.advanceUntil(other.done()), 'complete');
      assert.equal(rig.origin.requests.length, before + 1);
      assert.equal(await rig.clock.advanceUntil(watching.done()), 'cut');
      // What it got was right, byte for byte: the player checks that.
      assert.ok(watching.bodyBytes <= heldThen && watching.bodyBytes > heldThen - 64 * 1024, `${watching.bodyBytes}`);
      assert.equal((await onlyRow(rig)).bytes, movie.size);
      await rig.restart();
      assert.equal((await onlyRow(rig)).bytes, movie.size);
    }));

  it('that is purged is gone after a restart', () =>
    withRig({ films: movie }, async (rig) => {
      await whole(rig, '/films/a.mp4');
      await rig.daemon.holdings.remove((await onlyRow(rig)).id);
      await rig.restart();
      assert.deepEqual(await rows(rig), []);
    }));

  it('that is purged before its first byte came is fetched anew for who waits', () =>
    withRig({ films: movie }, async (rig) => {
      rig.origin.next({ headAfter: 5000 });
      const waiting = rig.get('/films/a.mp4');
      await rig.clock.advance(1000);
      assert.ok(await rig.daemon.holdings.remove((await onlyRow(rig)).id));
      assert.equal(await rig.clock.advanceUntil(waiting.done()), 'complete');
      assert.ok(rig.clock.now() < 4000);
    }));

  it('is purged with all that lie below a path, and nothing else is', () =>
    withRig({ films: movie }, async (rig) => {
      for (const path of ['/a/1.mp4', '/a/2.mp4', '/ab.mp4', '/b.mp4']) await whole(rig, `/films${path}`);
      const { holdings } = rig.daemon;
      assert.deepEqual(await holdings.removeAll({ origin: 'films', prefix: '/a/' }), { removed: 2, bytes: 2e6 });
      assert.deepEqual(await holdings.removeAll({ origin: 'other', prefix: '/' }), { removed: 0, bytes: 0 });
      assert.deepEqual(
        (await rows(rig)).map(({ path }) => path),
        ['/ab.mp4', '/b.mp4'],
      );
      assert.deepEqual(await holdings.removeAll('all'), { removed: 2, bytes: 2e6 });
      assert.deepEqual(await rows(rig), []);
    }));

  it('gives out its bytes where all of them are stored, and none of them otherwise', () =>
    withRig({ films: movie }, async (rig) => {
      rig.origin.always({ rate: 100_000 });
      const exchange = rig.get('/films/a.mp4');
      await rig.clock.advance(2000);
      const { id } = await onlyRow(rig);
      assert.equal(await rig.daemon.holdings.content(id), null);
      await rig.clock.advanceUntil(exchange.done());
      const content = await rig.daemon.holdings.content(id);
      assert.ok(typeof content === 'object' && content !== null);
      assert.equal(content.length, movie.size);
      let position = 0;
      for (let bytes = await content.next(); bytes; bytes = await content.next()) {
        movie.assertBytes(position, Buffer.from(bytes));
        position += bytes.length;
      }
      assert.equal(position, movie.size);
      await content.close();
    }));

  it('that nobody has open is not held open by looking at it', () =>
    withRig({ films: movie }, async (rig) => {
      rig.origin.always({ rate: 100_000 });
      await rig.play('/films/a.mp4', { range: '0-99999' });
      await rig.clock.advance(120_000);
      const row = await onlyRow(rig);
      assert.deepEqual([row.state, row.reason], ['idle', 'incomplete; nobody is playing it']);
      const sight = await rig.daemon.holdings.one(row.id);
      assert.deepEqual([sight?.fill, sight?.durable[0]?.start], [null, 0]);
    }));
});

describe('the list of what is held', () => {
  it('asks the store once for many looks, and again after something has happened', async () => {
    const store = createMemoryStore();
    let lists = 0;
    const counted = {
      find: store.find.bind(store),
      create: store.create.bind(store),
      remove: store.remove.bind(store),
      close: store.close.bind(store),
      pin: store.pin.bind(store),
      verify: store.verify.bind(store),
      usage: store.usage.bind(store),
      nextToGo: store.nextToGo.bind(store),
      list() {
        lists += 1;
        return store.list();
      },
    };
    await withRig({ films: movie, store: counted }, async (rig) => {
      await whole(rig, '/films/a.mp4');
      for (let looks = 0; looks < 100; looks += 1) await rows(rig);
      await rig.clock.advance(60_000);
      const then = lists;
      for (let looks = 0; looks < 100; looks += 1) await rows(rig);
      await rig.clock.advance(60_000);
      await rows(rig);
      assert.ok(lists - then <= 1, `${lists - then}`);
      const { id } = await onlyRow(rig);
      const before = lists;
      await rig.daemon.holdings.pin(id, true);
      assert.ok((await onlyRow(rig)).pinned);
      assert.ok((await rig.daemon.holdings.one(id))?.pinned);
      assert.ok(await rig.daemon.holdings.remove(id));
      assert.deepEqual(await rows(rig), []);
      assert.equal(lists, before, 'what is done with one object needs no list of all');
    });
  });
});

describe('a fill that its user pauses', () => {
  it('asks the origin for no more; what is there is served, what is not is 503 with the reason, until that is lifted', () =>
    withRig({ films: movie }, async (rig) => {
      rig.origin.always({ rate: 100_000 });
      const player = rig.player();
      const watching = player.get('/films/a.mp4');
      await rig.clock.advance(2000);
      const { id } = await onlyRow(rig);
      const fill = (await rig.daemon.holdings.one(id))?.fill;
      assert.ok(fill);
      assert.ok(rig.daemon.holdings.pause(fill.id));
      assert.ok(!rig.daemon.holdings.pause(fill.id));
      await rig.clock.advance(5000);
      const held = watching.bodyBytes;
      await rig.clock.advance(5000);
      assert.equal(watching.bodyBytes, held);
      player.leave();
      const asked = rig.origin.requests.length;
      // Nobody reads it for longer than an entry is kept open: it stays paused.
      await rig.clock.advance(120_000);
      const missing = await rig.play('/films/a.mp4', { range: '900000-' });
      assert.deepEqual([missing.status, missing.field('retry-after')], [503, '5']);
      assert.match(missing.text, /paused/);
      const there = rig.get('/films/a.mp4', { range: '0-99999' });
      assert.equal(await rig.clock.advanceUntil(there.done()), 'complete');
      assert.equal(rig.origin.requests.length, asked);
      const row = await onlyRow(rig);
      assert.deepEqual([row.state, row.reason], ['paused', 'paused by you']);
      assert.ok(rig.daemon.holdings.resume(fill.id));
      assert.ok(!rig.daemon.holdings.resume(fill.id));
      const later = rig.get('/films/a.mp4', { range: '900000-' });
      assert.equal(await rig.clock.advanceUntil(later.done()), 'complete');
    }));

  it('goes on in mid-reply where that is lifted in time', () =>
    withRig({ films: movie }, async (rig) => {
      rig.origin.always({ rate: 100_000 });
      const watching = rig.get('/films/a.mp4');
      await rig.clock.advance(2000);
      const fill = (await rig.daemon.holdings.one((await onlyRow(rig)).id))?.fill;
      assert.ok(fill && rig.daemon.holdings.pause(fill.id));
      await rig.clock.advance(30_000);
      assert.ok(rig.daemon.holdings.resume(fill.id));
      assert.equal(await rig.clock.advanceUntil(watching.done()), 'complete');
      assert.deepEqual(rig.fetchedTwice('/a.mp4'), []);
    }));

  it('may be paused while it waits for its head', () =>
    withRig({ films: movie }, async (rig) => {
      rig.origin.always({ headAfter: 2000 });
      const waiting = rig.get('/films/a.mp4');
      await rig.clock.advance(1000);
      const { id } = await onlyRow(rig);
      const fill = (await rig.daemon.holdings.one(id))?.fill;
      assert.ok(fill && rig.daemon.holdings.pause(fill.id));
      await rig.clock.advanceUntil(waiting.done());
      assert.equal(waiting.status, 503);
      assert.ok(rig.daemon.holdings.resume(fill.id));
      await whole(rig, '/films/a.mp4');
      assert.deepEqual(rig.eventsOf('bug'), []);
    }));

  it('is not there for a number that no fill has', () =>
    withRig({ films: movie }, async (rig) => {
      assert.deepEqual([rig.daemon.holdings.pause(9), rig.daemon.holdings.resume(9)], [false, false]);
    }));
});

describe('long work', () => {
  const work = (rig: VirtualRig, target: string, wanted: { start: number; end: number | null }[]) => {
    const made = rig.daemon.holdings.warm('films', target, wanted);
    assert.ok(typeof made === 'function', `it was refused: ${made}`);
    return made;
  };

  it('warms the whole, its head, or ranges, and tells how far it is', () =>
    withRig({ films: movie }, async (rig) => {
      const told: (number | null)[] = [];
      const progress = { add: (bytes: number) => told.push(bytes), expect: (total: number | null) => told.push(total) };
      const { signal } = new AbortController();
      const head = work(rig, '/a.mp4', [{ start: 0, end: 100_000 }]);
      assert.equal((await rig.clock.advanceUntil(head(progress, signal))).bytes, 100_000);
      assert.equal(told[0], 100_000);
      const ranges = work(rig, '/a.mp4', [
        { start: 500_000, end: 600_000 },
        { start: 990_000, end: 2_000_000 },
        { start: 3_000_000, end: 3_000_001 },
      ]);
      assert.equal((await rig.clock.advanceUntil(ranges(progress, signal))).bytes, 110_000);
      const all = work(rig, '/a.mp4', [{ start: 0, end: null }]);
      assert.equal((await rig.clock.advanceUntil(all(quiet, signal))).bytes, movie.size);
      const asked = rig.origin.requests.length;
      await whole(rig, '/films/a.mp4');
      assert.equal(rig.origin.requests.length, asked);
      assert.deepEqual(rig.fetchedTwice('/a.mp4'), []);
    }));

  it('that is given up asks for no more', () =>
    withRig({ films: movie }, async (rig) => {
      rig.origin.always({ rate: 100_000 });
      const abort = new AbortController();
      const warming = work(rig, '/a.mp4', [{ start: 0, end: null }])(quiet, abort.signal);
      await rig.clock.advance(2000);
      abort.abort(new Error('given up'));
      await assert.rejects(warming, /given up/);
      await rig.clock.advance(60_000);
      assert.ok(rig.bytesFetched < 400_000, `${rig.bytesFetched}`);
    }));

  it('is refused for a mount that there is not and for a target that is not served', () =>
    withRig({ films: movie }, async (rig) => {
      const { holdings } = rig.daemon;
      assert.equal(holdings.warm('none', '/a.mp4', []), 'no such origin');
      for (const target of ['a.mp4', '/../a.mp4', '/%2e%2e/a.mp4', '/a\\b']) {
        assert.equal(holdings.warm('films', target, []), 'no such target', target);
      }
      await rig.clock.advance(60_000);
      assert.deepEqual(await rows(rig), []);
    }));

  it('verifies what is stored, and brings in again what is bad', async () => {
    const store = createMemoryStore();
    const bad = { start: 262_144, end: 524_288 };
    let lose = (_: { start: number; end: number }) => {};
    // Memory is never bad by itself: this one says that it is.
    const lying = {
      find: store.find.bind(store),
      create: (...[name, representation, label, lost]: Parameters<typeof store.create>) => {
        lose = lost;
        return store.create(name, representation, label, lost);
      },
      remove: store.remove.bind(store),
      close: store.close.bind(store),
      list: store.list.bind(store),
      pin: store.pin.bind(store),
      usage: store.usage.bind(store),
      nextToGo: store.nextToGo.bind(store),
      async verify(_: string, progress: (bytes: number) => void) {
        progress(movie.size);
        lose(bad);
        return { checked: movie.size, bad: [bad] };
      },
    };
    await withRig({ films: movie, store: lying }, async (rig) => {
      await whole(rig, '/films/a.mp4');
      const { signal } = new AbortController();
      const { id } = await onlyRow(rig);
      const repairing = rig.daemon.holdings.verify([id, 'ff'], true)(quiet, signal);
      assert.deepEqual(await rig.clock.advanceUntil(repairing), {
        objects: 1,
        bytes: movie.size,
        bad: 262_144,
        repaired: 262_144,
        unknown: ['ff'],
      });
      assert.deepEqual(rig.fetchedTwice('/a.mp4'), [bad]);
      const only = await rig.clock.advanceUntil(rig.daemon.holdings.verify(null, false)(quiet, signal));
      assert.deepEqual([only.bad, only.repaired], [262_144, 0]);
    });
  });
});
