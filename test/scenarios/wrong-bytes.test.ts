import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FillFailed } from '../../src/cache/read-session.ts';
import type { Fields } from '../../src/http/fields.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { gaveNothing, type Store, type StoreObject } from '../../src/store/store.ts';
import { untilAborted } from '../../src/until-aborted.ts';
import { type Stage, stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { etagOf, filmFields } from '../support/film-fields.ts';
import type { ScriptedRequest } from '../support/scripted-origin.ts';
import { answerAll } from './answers.ts';

const movie = film(1_000_000);
/** Another version under the same target: as long, and not one byte the same. */
const other = film(1_000_000, 2);

/** The fields of a right 206, with some of them replaced; `null` takes a field away. */
function partOf(request: ScriptedRequest, own: Record<string, string | null> = {}, of = movie): Fields {
  const fields = filmFields(of, 206, request.offset, request.until).filter(([name]) => !(name in own));
  return [
    ...fields,
    ...Object.entries(own).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
  ];
}

function giveRest(request: ScriptedRequest, of = movie): void {
  request.bytes(of.bytesAt(request.offset, request.until ?? of.size)).end();
}

/** `base` with some of its members replaced. */
function over<T extends object>(base: T, own: Partial<T>): T {
  return new Proxy(base, {
    get(_, name) {
      const member: unknown = Reflect.get(name in own ? own : base, name);
      return typeof member === 'function' ? member.bind(base) : member;
    },
  });
}

/** The fields of a whole whose length only its framing tells. */
const chunked: Fields = [
  ...filmFields(movie, 200).filter(([name]) => name !== 'content-length'),
  ['transfer-encoding', 'chunked'],
];

/** Nothing of a lie must be stored: who comes later, to an honest origin, gets the right bytes. */
async function honestAfterwards({ clock, origin, view }: Stage): Promise<void> {
  void answerAll(origin, (request) => {
    request.head();
    giveRest(request);
  });
  const viewer = view();
  await clock.advance(1000);
  assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', movie.size]);
}

describe('an answer that lies about its place', () => {
  const lies: ReadonlyArray<readonly [string, (request: ScriptedRequest) => Fields]> = [
    ['another start', (request) => partOf(request, { 'content-range': 'bytes 0-499999/1000000' })],
    [
      'an end after the one asked for',
      (request) => partOf(request, { 'content-range': 'bytes 500000-1000000/1000001' }),
    ],
    ['no Content-Range', (request) => partOf(request, { 'content-range': null })],
    ['a malformed Content-Range', (request) => partOf(request, { 'content-range': 'bytes 500000-' })],
    ['an unknown unit', (request) => partOf(request, { 'content-range': 'blocks 500000-999999/1000000' })],
    ['a length that is not that of its range', (request) => partOf(request, { 'content-length': '499999' })],
    ['several parts', (request) => partOf(request, { 'content-type': 'multipart/byteranges; boundary=x' })],
    ['a coded part', (request) => partOf(request, { 'content-encoding': 'gzip' })],
  ];
  for (const [what, fields] of lies) {
    it(`by ${what} is neither served nor stored`, async () => {
      const set = stage({ film: movie });
      const viewer = set.view(500_000, 1_000_000);
      const request = await set.asked();
      request.head(206, fields(request));
      giveRest(request);
      const plain = await set.asked();
      assert.deepEqual([plain.field('range'), plain.field('if-range'), viewer.bytes], [null, null, 0]);
      plain.head(200).bytes(1_000_000).end();
      await set.clock.settle();
      assert.deepEqual([viewer.outcome, viewer.bytes, set.origin.requests.length], ['whole', 500_000, 2]);
      await honestAfterwards(set);
    });

    it(`by ${what} is an error where it has no other either`, async () => {
      const set = stage({ film: movie });
      const viewer = set.view(500_000, 1_000_000);
      for (let count = 1; count <= 2; count += 1) {
        const request = await set.asked();
        request.head(206, fields(request));
        giveRest(request);
      }
      await set.clock.settle();
      assert.equal(viewer.bytes, 0);
      assert.deepEqual([viewer.error.type, viewer.error.status, viewer.endAt], ['http_protocol_error', 502, 0]);
      await honestAfterwards(set);
    });
  }

  it('and is a 200 to a range in mid-file is read from its start, never put at the offset', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const viewer = view(500_000, 1_000_000);
    const request = await asked();
    request.head(200).bytes(1_000_000).end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes, origin.requests.length], ['whole', 500_000, 1]);
  });

  it('and is a 200 in the middle of a ranged fill is not spliced in, and not asked for again and again', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const head = view(0, 1000);
    (await asked()).head().bytes(262_144).end();
    await clock.settle();
    const seek = view(500_000, 1_000_000);
    void answerAll(origin, (request) => {
      if (origin.requests.length < 20) request.head(200).bytes(1_000_000).end();
    });
    await clock.advance(1000);
    assert.deepEqual([head.outcome, seek.outcome, seek.bytes, origin.requests.length], ['whole', 'whole', 500_000, 3]);
  });
});

describe('a body of another length than announced', () => {
  it('that is longer is cut off: nothing beyond the end is served or stored, and the film is not called whole', async () => {
    const set = stage({ film: movie });
    const viewer = set.view();
    const request = await set.asked();
    request.head().bytes(999_000);
    await set.clock.settle();
    request.bytes(Buffer.alloc(1001)).end();
    await set.clock.settle();
    assert.ok(viewer.bytes <= 1_000_000 && viewer.outcome !== 'whole', `${viewer.outcome}`);
    assert.deepEqual(set.eventsOf('fill-done'), []);
  });

  it('that is shorter is not called whole, and the missing part is fetched', async () => {
    const { view, asked, clock, eventsOf } = stage({ film: movie });
    const viewer = view();
    (await asked()).head(200).bytes(999_999).end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, eventsOf('fill-done').length], [null, 0]);
    const request = await asked();
    assert.equal(request.offset, 999_999);
    request.head().bytes(1).end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 1_000_000]);
  });

  it('that is empty does not end in a loop of requests', async () => {
    const { view, clock, origin } = stage({ film: movie });
    void answerAll(origin, (request) => void request.head().end());
    const viewer = view();
    await clock.advance(120_000);
    assert.ok(viewer.outcome instanceof Error, `it ended with ${viewer.outcome}`);
    assert.ok(origin.requests.length < 60, `${origin.requests.length} requests`);
  });

  it('and without a length at all ends where its framing says', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const viewer = view();
    const fields = filmFields(movie, 200).filter(([name]) => name !== 'content-length');
    (await asked())
      .head(200, [...fields, ['transfer-encoding', 'chunked']])
      .bytes(1_000_000)
      .end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 1_000_000]);
    const again = view();
    await clock.settle();
    assert.deepEqual([again.outcome, origin.requests.length], ['whole', 1]);
  });

  /** Somebody reads what comes without a length, of which the beginning is lost; and what asks for that again. */
  async function lost(bytes: number) {
    const set = stage({ film: movie });
    const viewer = set.view();
    const request = (await set.asked()).head(200, chunked).bytes(bytes);
    await set.clock.settle();
    set.cache.entries()[0]?.current?.lose({ start: 0, end: 100_000 });
    set.view(0, 50_000);
    return { set, viewer, request, again: await set.asked() };
  }

  it('and without one, that ends before the length that another answer has told, is gone on with', async () => {
    const { set, viewer, request, again } = await lost(300_000);
    again.head(206).bytes(100_000);
    await set.clock.settle();
    request.bytes(200_000).end();
    const rest = await set.asked();
    assert.deepEqual([viewer.outcome, rest.offset, set.fill().length], [null, 500_000, 1_000_000]);
    rest.head().bytes(500_000).end();
    await set.clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 1_000_000]);
  });

  it('and without one, that goes on past the length that another answer has told, is cut off', async () => {
    const { set, viewer, request, again } = await lost(300_000);
    const shorter = partOf(again, { etag: etagOf(movie) }, film(400_000));
    again.head(206, shorter).bytes(100_000);
    await set.clock.settle();
    request.bytes(200_000).end();
    await set.clock.settle();
    assert.deepEqual([viewer.bytes, viewer.error.type], [300_000, 'http_protocol_error']);
  });

  it('and without one, of which more is there than another answer tells of, is another version', async () => {
    const { set, viewer, again } = await lost(300_000);
    again.head(206, partOf(again, { etag: etagOf(movie), 'content-range': 'bytes 0-199999/200000' }, film(200_000)));
    await set.clock.settle();
    assert.deepEqual([viewer.bytes, viewer.failure.kind], [300_000, 'changed']);
    await honestAfterwards(set);
  });

  it('and without one, that ends before what an earlier one has brought, has not ended', async () => {
    const set = stage({ film: movie });
    const viewer = set.view();
    (await set.asked()).head(200, chunked).bytes(600_000).cut();
    (await set.asked()).head(200, chunked).bytes(500_000).end();
    await set.clock.settle();
    assert.equal(viewer.outcome, null);
    (await set.clock.advanceUntil(set.origin.nextRequest())).head(200, chunked).bytes(1_000_000).end();
    await set.clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes, set.fill().length], ['whole', 1_000_000, 1_000_000]);
  });

  it('and without a length, ended by the connection, is never stored as whole', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const viewer = view();
    const fields = filmFields(movie, 200).filter(([name]) => name !== 'content-length');
    (await asked()).head(200, fields).bytes(1_000_000).end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 1_000_000]);
    const again = view();
    await clock.settle();
    assert.deepEqual([again.outcome, origin.requests.length], [null, 2]);
  });

  it('and without a length, cut, is not called whole', async () => {
    const { view, asked, clock } = stage({ film: movie });
    const viewer = view();
    const fields = filmFields(movie, 200).filter(([name]) => name !== 'content-length');
    (await asked())
      .head(200, [...fields, ['transfer-encoding', 'chunked']])
      .bytes(500_000)
      .cut();
    await clock.advance(100_000);
    assert.notEqual(viewer.outcome, 'whole');
  });
});

describe('an origin whose film has changed', () => {
  /** Somebody has its first 256 KiB and seeks; `request` is for what is there. */
  async function sought() {
    const set = stage({ film: movie });
    const head = set.view(0, 262_144);
    (await set.asked()).head().bytes(262_144).end();
    await set.clock.settle();
    assert.equal(head.outcome, 'whole');
    const seek = set.view(500_000, 600_000);
    return { set, seek, request: await set.asked() };
  }

  it('is seen at a second fetch, and the two versions are never put together', async () => {
    const { set, seek, request } = await sought();
    assert.equal(request.field('if-range'), etagOf(movie));
    // If-Range fails: the whole of the other version.
    request.head(200, filmFields(other, 200)).bytes(other.bytesAt(0, 100_000));
    await set.clock.settle();
    assert.equal(seek.bytes, 0);
    const fresh = await set.asked();
    assert.deepEqual([fresh.field('if-range'), set.cache.fills().length >= 1], [null, true]);
    fresh.head(206, partOf(fresh, {}, other)).bytes(other.bytesAt(500_000, 600_000));
    await assert.rejects(seek.over, /not the film's/, 'it gets the new version, whole');
  });

  it('is seen even where it ignores If-Range and sends 206', async () => {
    const { set, seek, request } = await sought();
    request.head(206, partOf(request, {}, other));
    request.bytes(other.bytesAt(500_000, 600_000));
    await set.clock.settle();
    assert.equal(seek.bytes, 0, 'nothing of that answer is served');
    assert.equal((await set.asked()).field('if-range'), null);
  });

  it('is seen at a resume: bytes of it never follow those of the old one', async () => {
    for (const status of [200, 206] as const) {
      const set = stage({ film: movie });
      const viewer = set.view();
      (await set.asked()).head().bytes(400_000).cut();
      await set.clock.settle();
      const resumed = await set.asked();
      assert.deepEqual([resumed.offset, resumed.field('if-range')], [400_000, etagOf(movie)]);
      resumed.head(status, status === 200 ? filmFields(other, 200) : partOf(resumed, {}, other));
      resumed.bytes(other.bytesAt(status === 200 ? 0 : 400_000, 1_000_000)).end();
      await set.clock.settle();
      assert.deepEqual([viewer.failure.kind, viewer.bytes, viewer.endAt], ['changed', 400_000, 0]);
    }
  });

  it('is seen by another length under the same validator', async () => {
    const { set, seek, request } = await sought();
    request.head(206, partOf(request, { 'content-range': 'bytes 500000-786431/2000000' }));
    request.bytes(1000);
    await set.clock.settle();
    assert.equal(seek.bytes, 0);
  });

  it('gives what one read brings before bytes that are there as it came, also where more is read to compare these', async () => {
    const set = stage({ film: movie });
    const later = set.view(500_000, 600_000);
    const there = await set.asked();
    // A date proves little: bytes that meet are compared.
    there.head(206, partOf(there, { etag: null }));
    giveRest(there);
    await set.clock.settle();
    const earlier = set.view(400_000, 600_000);
    const request = await set.asked();
    request
      .head(206, partOf(request, { etag: null }))
      .bytes(99_900)
      .bytes(600)
      .bytes(524)
      .end();
    await set.clock.settle();
    assert.deepEqual([later.outcome, earlier.outcome, request.until], ['whole', 'whole', 501_024]);
  });

  const meetings = [
    { where: 'in a body from the start', ranges: false, there: 0, seek: 150_000, at: 0 },
    { where: 'before what it brings', ranges: true, there: 0, seek: 262_144, at: 261_120 },
    { where: 'behind what it brings', ranges: true, there: 262_144, seek: 200_000, at: 200_000 },
  ];
  for (const { where, ranges, there, seek, at } of meetings) {
    it(`is not taken without a look, where its fill ends while what it meets ${where} is compared`, async () => {
      const memory = createMemoryStore();
      const held = { until: Promise.resolve() };
      const create: Store['create'] = async (...given) => {
        const object = await memory.create(...given);
        const read: StoreObject['read'] = async (range, signal) => {
          await untilAborted(held.until, signal).catch((error: unknown) => {
            throw gaveNothing(error);
          });
          return object.read(range, signal);
        };
        return over(object, { read, readAhead: read });
      };
      const set = stage({ film: movie, store: over(memory, { create }) });
      // A date proves little: bytes that meet are compared.
      const undefinite = (request: ScriptedRequest) =>
        ranges
          ? request.head(206, partOf(request, { etag: null }))
          : request.head(
              200,
              filmFields(movie, 200).filter(([name]) => name !== 'etag' && name !== 'accept-ranges'),
            );
      const first = set.view(there, there + 100_000);
      const request = undefinite(await set.asked());
      if (ranges) giveRest(request);
      else request.bytes(100_000).cut();
      await set.clock.settle();
      assert.equal(first.outcome, 'whole');
      held.until = new Promise(() => {});
      const second = set.view(seek, seek + 100_000);
      if (!ranges) undefinite(await set.asked());
      const changed = await set.asked();
      assert.equal(changed.offset, at);
      const end = Math.min(at + 200_000, changed.until ?? movie.size);
      undefinite(changed).bytes(other.bytesAt(at, end));
      await set.clock.settle();
      assert.equal(changed.bytesRead, end - at);
      await set.clock.advanceUntil(set.cache.close());
      assert.ok(second.outcome instanceof FillFailed);
      await honestAfterwards(stage({ film: movie, store: memory }));
    });
  }

  it('is not taken either where a part of what it meets is lost before that is compared', async () => {
    const set = stage({ film: movie });
    const undefinite = (request: ScriptedRequest) => request.head(206, partOf(request, { etag: null }));
    const first = set.view(0, 100_000);
    giveRest(undefinite(await set.asked()));
    await set.clock.settle();
    assert.equal(first.outcome, 'whole');
    const second = set.view(262_144, 400_000);
    const changed = await set.asked();
    assert.equal(changed.offset, 261_120);
    set.cache.entries()[0]?.current?.lose({ start: 0, end: 261_220 });
    giveRest(undefinite(changed), other);
    const again = await set.asked();
    assert.deepEqual([second.bytes, again.offset], [0, 262_144]);
    giveRest(undefinite(again));
    await set.clock.settle();
    assert.equal(second.outcome, 'whole');
  });

  it('lets those who read what is there read it to its end', async () => {
    const set = stage({ film: movie });
    const reader = set.view(0, 262_144);
    reader.pause();
    (await set.asked()).head().bytes(262_144).end();
    await set.clock.settle();
    set.view(500_000, 600_000);
    const request = await set.asked();
    request.head(200, filmFields(other, 200)).bytes(other.bytesAt(0, 1000));
    await set.clock.settle();
    reader.resume();
    await set.clock.settle();
    assert.deepEqual([reader.outcome, reader.bytes], ['whole', 262_144]);
  });

  it('under every new fill is given up, in place of asking for ever', async () => {
    const set = stage({ film: movie });
    const viewer = set.view(0, 1000);
    (await set.asked()).head().bytes(262_144).end();
    await set.clock.settle();
    assert.equal(viewer.outcome, 'whole');
    let version = 2;
    void answerAll(set.origin, (request) => {
      version += 1;
      const now = film(1_000_000, version);
      if (request.field('if-range') === null) request.head(206, partOf(request, {}, now)).cut();
      else request.head(200, filmFields(now, 200));
    });
    const seek = set.view(500_000, 600_000);
    await set.clock.advance(60_000);
    assert.ok(seek.outcome instanceof Error, `it ended with ${seek.outcome}`);
    assert.ok(set.origin.requests.length < 40, `${set.origin.requests.length} requests`);
  });
});

describe('a film whose length no answer tells', () => {
  for (const [what, own] of [
    ['a tag', {}],
    ['a date, by which bytes that meet are compared', { etag: null }],
  ] as const) {
    it(`under ${what} ends where the origin has no more`, async () => {
      const set = stage({ film: movie });
      void answerAll(set.origin, (request) => {
        if (request.offset >= movie.size) {
          request
            .head(416, [
              ['content-range', `bytes */${movie.size}`],
              ['content-length', '0'],
            ])
            .end();
          return;
        }
        const end = Math.min(request.until ?? movie.size, movie.size);
        request.head(
          206,
          partOf(request, {
            ...own,
            'content-range': `bytes ${request.offset}-${end - 1}/*`,
            'content-length': `${end - request.offset}`,
          }),
        );
        request.bytes(movie.bytesAt(request.offset, end)).end();
      });
      const viewer = set.view();
      await set.clock.advance(200_000);
      assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', movie.size]);
    });
  }
});

describe('what can not be put together', () => {
  for (const [what, own] of [
    ['no validator', { etag: null, 'last-modified': null }],
    ['a weak one', { etag: 'W/"1"', 'last-modified': null }],
  ] as const) {
    it(`for ${what} is brought to each reader in a piece of its own`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie });
      const head = view();
      const first = await asked();
      first.head(206, partOf(first, own)).bytes(100_000);
      await clock.settle();
      const seek = view(800_000);
      const second = await asked();
      assert.equal(second.field('if-range'), null);
      second.head(206, partOf(second, own)).bytes(200_000).end();
      first.bytes(900_000).end();
      await clock.advance(1000);
      assert.deepEqual([head.outcome, seek.outcome, origin.requests.length], ['whole', 'whole', 2]);
    });
  }

  it('is a coded body: it is passed through whole, and not stored', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    for (let count = 1; count <= 2; count += 1) {
      const viewer = view();
      const fields: Fields = [...filmFields(movie, 200), ['content-encoding', 'gzip']];
      (await asked()).head(200, fields).bytes(1_000_000).end();
      await clock.settle();
      assert.deepEqual([viewer.outcome, origin.requests.length], ['whole', count]);
    }
  });
});
