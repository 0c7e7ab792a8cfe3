/**
 * A stored film that is stale costs one request and one wait, whatever the origin answers, for one viewer or five: what
 * it answers is what they get (RFC 9111 §4.3.3).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Row, rowIn, type State } from '../faults/row.ts';
import type { Behaviour } from '../support/behaviour.ts';
import type { Exchange, RequestOptions } from '../support/client.ts';
import { type Film, film } from '../support/film.ts';
import { etagOf } from '../support/film-fields.ts';
import { runs } from '../support/runs.ts';

const movie = film(800_000);
const next = film(800_000, 2);
/** Fresh for a minute, so that the origin is asked first after that. */
const fields = { 'cache-control': 'max-age=60' };
const slow = 2000;

/** A film that was stored, and is stale; the origin takes two seconds for every head. */
async function stale(state: State, mount: Record<string, unknown> = {}, own: Behaviour['fields'] = {}): Promise<Row> {
  const origin = { fields: { ...fields, ...own } };
  const row = await rowIn(state, { relay: { rate: 50_000_000 }, origin, mount }, movie);
  await row.rig.clock.advance(61_000);
  row.rig.origin.always({ ...origin, headAfter: slow });
  return row;
}

interface Got {
  readonly status: number | null;
  readonly outcome: string;
  readonly bytes: number;
}

/** What several who come at once get, and when the first byte of the body was there at the latest. */
async function get(row: Row, options: RequestOptions, viewers: number): Promise<{ all: Got[]; after: number }> {
  const views = Array.from({ length: viewers }, () => row.view(options));
  const all: Got[] = [];
  for (const view of views) {
    const [status, outcome, bytes] = await row.got(view);
    all.push({ status, outcome, bytes });
  }
  return { all, after: Math.max(...views.map((view) => view.firstByteAfter ?? 0)) };
}

function assertSoon(after: number): void {
  assert.ok(after >= slow && after <= slow + 50, `the first byte came after ${after} ms`);
}

const asks: ReadonlyArray<readonly [what: string, options: RequestOptions, status: number, bytes: number]> = [
  ['the whole', {}, 200, next.size],
  ['its beginning', { range: '0-' }, 206, next.size],
  ['two bytes', { range: '0-1' }, 206, 2],
  ['a range at 80 %', { range: '640000-' }, 206, 160_000],
  ['a short range at 80 %', { range: '640000-640099' }, 206, 100],
  ['its end', { range: '-1000' }, 206, 1000],
  [
    'what it has a part of, by its tag',
    { range: '640000-', fields: { 'if-range': '"film-800000-1"' } },
    200,
    next.size,
  ],
  ['what it has, by its tag', { fields: { 'if-none-match': '"film-800000-1"' } }, 200, next.size],
];

/** How origins may tell of another version. */
const manners: ReadonlyArray<readonly [what: string, behaviour: Behaviour, own: Behaviour['fields']]> = [
  ['', {}, {}],
  [' and ignores ranges', { ignoreRange: true }, {}],
  [' and knows dates only', {}, { etag: null }],
  [' and says no length', { ignoreRange: true, framing: 'chunked' }, {}],
];

describe('a stale film that has changed', () => {
  for (const state of ['complete', 'partly present'] as const) {
    for (const [how, behaviour, own] of manners) {
      for (const viewers of state === 'complete' ? [1, 5] : [5]) {
        for (const [what, options, status, bytes] of asks) {
          it(`at an origin that takes 2 s${how}: ${viewers} who want ${what} wait once, for one request (${state})`, async () => {
            const row = await stale(state, {}, own);
            const changed = { ...fields, ...own, 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' };
            row.rig.origin.always({ headAfter: slow, film: next, ...behaviour, fields: changed });
            const { all, after } = await get(row, { ...options, film: next }, viewers);
            // Nobody who has a part of unknown length can be given another.
            const expected = behaviour.framing === 'chunked' ? { status: 200, bytes: next.size } : { status, bytes };
            for (const got of all) assert.deepEqual(got, { ...expected, outcome: 'complete' });
            assert.equal(row.rig.origin.requests.length, 1);
            assertSoon(after);
            assert.deepEqual(await row.gets({ film: next }), [200, 'complete', next.size]);
            await row.close();
          });
        }
      }
    }
  }

  it('is asked for by what is wanted of it', async () => {
    const row = await stale('complete');
    row.rig.origin.always({ headAfter: slow, film: next, fields });
    assert.deepEqual(await row.gets({ range: '640000-', film: next }), [206, 'complete', 160_000]);
    const [asked] = row.rig.origin.requests;
    const sent = Object.fromEntries(asked?.fields ?? []);
    assert.deepEqual([sent['if-none-match'], sent.range], ['"film-800000-1"', 'bytes=640000-']);
    await row.close();
  });

  it('is given by one connection where there is no more, to five', async () => {
    const row = await stale('complete', { maxConnections: 1 });
    row.rig.origin.always({ headAfter: slow, film: next, fields });
    const { all, after } = await get(row, { film: next }, 5);
    for (const got of all) assert.deepEqual(got, { status: 200, outcome: 'complete', bytes: next.size });
    assert.equal(row.rig.origin.requests.length, 1);
    assertSoon(after);
    await row.close();
  });

  it('goes on where the first of five leaves before there is an answer, and when it is there', async () => {
    for (const leaveAfter of [1000, 2003]) {
      const row = await stale('complete');
      row.rig.origin.always({ headAfter: slow, film: next, fields });
      const player = row.rig.player();
      player.get('/films/film.mp4', { film: next });
      const others = [1, 2, 3, 4].map(() => row.view({ film: next }));
      await row.rig.clock.advance(leaveAfter);
      player.leave();
      for (const other of others) assert.deepEqual(await row.got(other), [200, 'complete', next.size]);
      assert.equal(row.rig.origin.requests.length, 1);
      await row.close();
    }
  });

  it('is cut in mid-body, and goes on', async () => {
    const row = await stale('complete');
    row.rig.origin.next({ film: next, cutAfter: 300_000, fields });
    row.rig.origin.always({ film: next, fields });
    assert.deepEqual(await row.gets({ film: next }), [200, 'complete', next.size]);
    await row.close();
  });

  it('is read on by those who read it, in its old version', async () => {
    const row = await rowIn('complete', { relay: { rate: 50_000_000 }, origin: { fields } }, movie);
    const player = row.rig.player();
    const old = player.get('/films/film.mp4', { film: movie });
    await row.rig.clock.advanceUntil(old.received(1));
    player.pause();
    await row.rig.clock.advance(61_000);
    row.rig.origin.always({ film: next, fields });
    assert.deepEqual(await row.gets({ film: next }), [200, 'complete', next.size]);
    player.resume();
    assert.deepEqual(await row.got(old), [200, 'complete', movie.size]);
    await row.close();
  });
});

describe('a stale film', () => {
  for (const status of [404, 410]) {
    for (const viewers of [1, 5]) {
      for (const options of [{}, { range: '640000-' }]) {
        it(`that is gone (${status}) is told so, to ${viewers} by one request (${options.range ?? 'whole'})`, async () => {
          const row = await stale('complete');
          row.rig.origin.always({ headAfter: slow, status });
          const text = `This is the origin's ${status}.\n`;
          const { all, after } = await get(row, options, viewers);
          for (const got of all) assert.deepEqual(got, { status, outcome: 'complete', bytes: text.length });
          assert.equal(row.rig.origin.requests.length, 1);
          assertSoon(after);
          assert.equal((await row.gets())[0], status);
          await row.close();
        });
      }
    }

    it(`that is gone (${status}) is kept where the operator says so`, async () => {
      const row = await stale('complete', { keepDeleted: true });
      row.rig.origin.always({ headAfter: slow, status });
      const { all } = await get(row, {}, 5);
      for (const got of all) assert.deepEqual(got, { status: 200, outcome: 'complete', bytes: movie.size });
      assert.equal(row.rig.origin.requests.length, 1);
      await row.close();
    });
  }

  for (const [what, behaviour] of [
    ['503', { status: 503 }],
    ['202', { status: 202 }],
    ['a reset', { hangUp: 'reset' }],
    ['silence', { headAfter: Number.POSITIVE_INFINITY }],
  ] as const) {
    it(`that nobody can tell of, because of ${what}, is served as it is`, async () => {
      const row = await stale('complete');
      row.rig.origin.always(behaviour);
      assert.deepEqual(await row.gets({ range: '640000-' }), [206, 'complete', 160_000]);
      row.rig.origin.always({ fields });
      assert.deepEqual(await row.gets(), [200, 'complete', movie.size]);
      await row.close();
    });
  }

  it('that is current is not brought in again', async () => {
    const row = await stale('complete');
    const { all, after } = await get(row, { range: '640000-' }, 5);
    for (const got of all) assert.deepEqual(got, { status: 206, outcome: 'complete', bytes: 160_000 });
    assert.deepEqual([row.heard.map(([, , status]) => status), row.rig.origin.bytesGiven], [[304], 0]);
    assertSoon(after);
    await row.close();
  });

  it('of an origin that knows no conditions, but tags, is not brought in again where a part of it comes', async () => {
    const row = await stale('complete');
    // It says 206 to the range, with the very tag.
    row.rig.origin.always({ headAfter: slow, ignoreConditions: true, fields });
    assert.deepEqual(await row.gets({ range: '640000-' }), [206, 'complete', 160_000]);
    assert.equal(row.rig.origin.requests.length, 1);
    assert.deepEqual(await row.gets(), [200, 'complete', movie.size]);
    assert.equal(row.rig.origin.requests.length, 1);
    await row.close();
  });

  for (const own of [{ etag: null }, { etag: 'W/"1"' }, { etag: '"same"' }]) {
    it(`is replaced by a full answer under the same name and length: ${JSON.stringify(own)}`, async () => {
      const row = await stale('complete', {}, own);
      const behaviour = { ignoreConditions: true, ignoreRange: true, fields: { ...fields, ...own } };
      row.rig.origin.always({ headAfter: slow, ...behaviour, film: next });
      const { all, after } = await get(row, { film: next }, 5);
      for (const got of all) assert.deepEqual(got, { status: 200, outcome: 'complete', bytes: next.size });
      assert.equal(row.rig.origin.requests.length, 1);
      assertSoon(after);
      await row.close();
    });
  }

  it('that contradicts itself when it is asked about is asked for once more, without a range', async () => {
    const row = await stale('complete');
    row.rig.origin.always({ film: next, success: 200, shift: 4096, fields });
    assert.deepEqual(await row.gets({ range: '640000-', film: next }), [206, 'complete', 160_000]);
    assert.deepEqual(
      row.heard.map(([range]) => range),
      ['640000-', ''],
    );
    await row.close();
  });

  it('is told another version by a 304: it is asked for anew, and never served as current', async () => {
    const row = await stale('complete');
    row.rig.origin.next({ status: 304, fields: { etag: '"other"' } });
    row.rig.origin.always({ film: next, fields });
    assert.deepEqual(await row.gets({ film: next }), [200, 'complete', next.size]);
    assert.deepEqual(
      row.heard.map(([, , status]) => status),
      [304, 206],
    );
    await row.close();
  });
});

describe('a film that is served at once, and asked about behind', () => {
  async function old(): Promise<Row> {
    const row = await rowIn('complete', { relay: { rate: 50_000_000 } }, movie);
    await row.rig.clock.advance(25 * 3_600_000);
    return row;
  }
  const isServed = async (row: Row, of: Film) =>
    assert.deepEqual(await row.gets({ film: of }), [200, 'complete', of.size]);

  it('is not brought in where it has changed and nobody reads it', async () => {
    const row = await old();
    row.rig.origin.always({ film: next });
    await isServed(row, movie);
    await row.rig.clock.advance(60_000);
    assert.equal(row.rig.origin.requests.length, 1);
    assert.ok(row.rig.bytesFetched < movie.size + 200_000, `${row.rig.bytesFetched} bytes came`);
    assert.equal(row.rig.network.relay.open, 0);
    await isServed(row, next);
    assert.equal(row.rig.origin.requests.length, 2);
    await row.close();
  });

  it('is read from the very answer by whoever comes a moment later', async () => {
    const row = await old();
    row.rig.origin.always({ film: next });
    await isServed(row, movie);
    await row.rig.clock.advance(1000);
    await isServed(row, next);
    assert.equal(row.rig.origin.requests.length, 1);
    await row.close();
  });

  it('stays where the origin knows no conditions, but says the same tag', async () => {
    const row = await old();
    row.rig.origin.always({ ignoreConditions: true });
    await isServed(row, movie);
    await row.rig.clock.advance(1000);
    await isServed(row, movie);
    assert.equal(row.rig.origin.requests.length, 1);
    assert.ok(row.rig.bytesFetched < movie.size + 200_000);
    await row.close();
  });

  it('keeps the coding of its own bytes where the same version is told to it in another', async () => {
    const row = await old();
    const coded = { 'content-encoding': 'gzip', 'content-md5': 'Q2hlY2sgSW50ZWdyaXR5IQ==' };
    row.rig.origin.always({ ignoreConditions: true, ignoreRange: true, framing: 'chunked', fields: coded });
    await isServed(row, movie);
    await row.rig.clock.advance(1000);
    const view = row.view();
    assert.deepEqual(await row.got(view), [200, 'complete', movie.size]);
    assert.deepEqual([view.field('content-encoding'), view.field('content-md5')], [null, null]);
    assert.equal(row.rig.origin.requests.length, 1);
    await row.close();
  });

  it('is gone for the next where it is gone', async () => {
    const row = await old();
    row.rig.origin.always({ status: 404 });
    await isServed(row, movie);
    await row.rig.clock.advance(1000);
    assert.equal((await row.gets())[0], 404);
    await row.close();
  });
});

describe('a stale film, by chance', () => {
  const versions = [movie, next, film(700_000, 3), film(900_000, 4)] as const;
  const some = { requiredKeys: [] };
  const own = {
    'cache-control': fc.constantFrom('max-age=60', 'private', 'no-store', 'no-cache', 'max-age=60, must-revalidate'),
  };
  const answer = fc.oneof(
    fc.record(
      {
        film: fc.constantFrom(...versions),
        success: fc.constantFrom(200, 203, 299),
        ignoreRange: fc.boolean(),
        ignoreConditions: fc.boolean(),
        ignoreIfRange: fc.boolean(),
        framing: fc.constantFrom('length', 'chunked'),
        cutAfter: fc.constantFrom(0, 100_000),
        headAfter: fc.constantFrom(0, 500),
        fields: fc.record(own, some),
      },
      some,
    ),
    // What is not the film.
    fc.record({
      status: fc.constantFrom(202, 204, 301, 304, 403, 404, 410, 412, 416, 500, 503),
      fields: fc.record(own, some),
    }),
    fc.constantFrom<Behaviour>({ hangUp: 'reset' }, { hangUp: 'end' }, { success: 200, shift: 4096 }),
  ) as fc.Arbitrary<Behaviour>;
  const options = fc.constantFrom<RequestOptions>(
    {},
    { range: '0-1' },
    { range: '640000-' },
    { range: '-1000' },
    { method: 'HEAD' },
  );

  const versionOf = (view: Exchange) => versions.find((one) => etagOf(one) === view.field('etag')) ?? null;

  /** As many bytes as the head promises; which ones is looked at as they come. */
  function assertWhole(view: Exchange, outcome: string): void {
    const status = view.status ?? 599;
    if (status >= 300 || status === 204 || view.field('content-type') !== 'video/mp4') return;
    const version = versionOf(view);
    assert.ok(version !== null, `${status} of no version`);
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(view.field('content-range') ?? '');
    const [start, end] = range === null ? [0, version.size] : [Number(range[1]), Number(range[2]) + 1];
    if (outcome === 'complete' && view.method === 'GET') assert.equal(view.bodyBytes, end - start);
  }

  it('is consistent in every reply, every reply ends, and the newest version is there in the end', async () => {
    const draws = fc.record({
      state: fc.constantFrom<State>('complete', 'partly present'),
      maxConnections: fc.constantFrom(1, 4),
      answers: fc.array(answer, { minLength: 1, maxLength: 10 }),
      rounds: fc.array(fc.array(options, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(draws, async ({ state, maxConnections, answers, rounds }) => {
        const row = await stale(state, { maxConnections });
        row.rig.origin.always({ film: next, fields });
        row.rig.origin.next(...answers);
        for (const round of rounds) {
          const views = round.map((each) => row.view({ ...each, film: versionOf }));
          for (const view of views) assertWhole(view, await row.rig.clock.advanceUntil(view.done()));
          await row.rig.clock.advance(61_000);
        }
        const all = rounds.reduce((sum, { length }) => sum + length, 0);
        assert.ok(
          row.rig.origin.requests.length <= answers.length + 12 * all,
          `${row.rig.origin.requests.length} requests`,
        );
        row.rig.origin.forgetNext();
        await row.rig.clock.advance(25 * 3_600_000);
        await row.got(row.view({ film: null }));
        await row.rig.clock.advance(61_000);
        assert.deepEqual(await row.gets({ film: next }), [200, 'complete', next.size]);
        await row.close();
      }),
      { numRuns: runs(60) },
    );
  });
});
