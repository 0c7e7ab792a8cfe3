import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Holding } from '../../src/admin/holding.ts';
import { type HoldingQuery, type HoldingSort, holdingSorts, pageOf } from '../../src/admin/holding-page.ts';
import { fillPhases } from '../../src/events.ts';

const holdings = fc.uniqueArray(
  fc.record<Holding>({
    id: fc.stringMatching(/^[0-9a-f]{3}$/),
    origin: fc.constantFrom('films', 'music'),
    path: fc.constantFrom('/a', '/b', '/B%20c', '/%zz', '/ä'),
    length: fc.constant(10),
    bytes: fc.nat(3),
    state: fc.constantFrom(...fillPhases),
    reason: fc.constant(''),
    pinned: fc.boolean(),
    lastUsed: fc.nat(3),
    contentType: fc.constant(null),
    etag: fc.constant(null),
  }),
  { selector: ({ id }) => id, maxLength: 40 },
);

function page(from: readonly Holding[], query: HoldingQuery) {
  const found = pageOf(from, query);
  assert.ok(found !== 'no such cursor');
  return found;
}

/** All of them, page by page; `between` may change what is held. */
function walk(from: readonly Holding[], query: HoldingQuery, between = (held: readonly Holding[]) => held): Holding[] {
  const seen: Holding[] = [];
  let held = from;
  for (let cursor: string | undefined; ; ) {
    const { objects, next } = page(held, { ...query, cursor });
    seen.push(...objects);
    if (next === null) return seen;
    cursor = next;
    held = between(held);
  }
}

const keyOf = {
  path: ({ path, origin }: Holding) => `${path}\n${origin}`,
  used: ({ lastUsed }: Holding) => lastUsed,
  bytes: ({ bytes }: Holding) => bytes,
};

test('page by page, each is there once and in order, and the pages say how many there are', () => {
  fc.assert(
    fc.property(holdings, fc.constantFrom(...holdingSorts), fc.integer({ min: 1, max: 7 }), (held, sort, limit) => {
      const seen = walk(held, { sort, limit });
      assert.equal(new Set(seen.map(({ id }) => id)).size, held.length);
      const key = keyOf[sort.replace('-', '') as keyof typeof keyOf];
      for (const [index, one] of seen.slice(1).entries()) {
        const before = seen[index];
        if (before === undefined) continue;
        const [low, high] = sort.startsWith('-') ? [one, before] : [before, one];
        assert.ok(key(low) <= key(high));
      }
      const { total, bytes } = page(held, { sort, limit });
      assert.deepEqual([total, bytes], [held.length, held.reduce((sum, each) => sum + each.bytes, 0)]);
    }),
  );
});

test('what goes while somebody turns the pages makes nobody else come twice or be left out', () => {
  fc.assert(
    fc.property(holdings, fc.constantFrom(...holdingSorts), (held, sort) => {
      const gone = new Set<string>();
      const seen = walk(held, { sort, limit: 2 }, (rest) => {
        const [first] = rest;
        if (first) gone.add(first.id);
        return rest.slice(1);
      });
      assert.equal(new Set(seen.map(({ id }) => id)).size, seen.length);
      for (const { id } of held) assert.ok(gone.has(id) || seen.some((each) => each.id === id), id);
    }),
  );
});

test('a filter leaves what it asks for', () => {
  fc.assert(
    fc.property(holdings, fc.constantFrom(...fillPhases), fc.boolean(), (held, state, pinned) => {
      const query = { origin: 'films', state, pinned, limit: 1000 };
      const right = held.filter((each) => each.origin === 'films' && each.state === state && each.pinned === pinned);
      assert.deepEqual(new Set(page(held, query).objects), new Set(right));
    }),
  );
});

test('a part of a path is found encoded or not, in any case, and where it is no encoding at all', () => {
  const held = ['/Big%20Film.mkv', '/big/other.mkv', '/%zz-film.mkv'].map((path, id) => ({ path, id: String(id) }));
  const find = (q: string) => page(held as unknown as Holding[], { q }).objects.map(({ path }) => path);
  assert.deepEqual(find('big film'), ['/Big%20Film.mkv']);
  assert.deepEqual(find('g%20F'), ['/Big%20Film.mkv']);
  assert.deepEqual(find('ZZ-'), ['/%zz-film.mkv']);
  assert.deepEqual(find('film'), ['/%zz-film.mkv', '/Big%20Film.mkv']);
});

test('a cursor of another sorting, or none at all, is refused', () => {
  const held = ['/a', '/b'].map((path) => ({ path, origin: 'films', id: path, bytes: 1, lastUsed: 1 }));
  const { next } = page(held as unknown as Holding[], { limit: 1 });
  for (const [cursor, sort] of [
    [next ?? '', 'used'],
    [next ?? '', '-path'],
    ['x', 'path'],
    ['', 'path'],
    [Buffer.from('[]').toString('base64url'), 'path'],
    [Buffer.from('null').toString('base64url'), 'path'],
    [Buffer.from('["path",1,"a"]').toString('base64url'), 'path'],
  ] satisfies [string, HoldingSort][]) {
    assert.equal(pageOf(held as unknown as Holding[], { cursor, sort }), 'no such cursor', cursor);
  }
});
