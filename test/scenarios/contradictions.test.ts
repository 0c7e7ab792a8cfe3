/**
 * An origin whose answers contradict the question or themselves: whatever plays without firstbyte plays with it, byte
 * for byte, and where nothing proves which bytes came, none are served and none are kept.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Row, rowIn, type State, states } from '../faults/row.ts';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import { runs } from '../support/runs.ts';

const movie = film(400_000);
const whole = [200, 'complete', movie.size] as const;
const network = { relay: { rate: 50_000_000 } };

/** How a client asks; the second is how players begin that want to know the length first. */
const asks = [
  {},
  { range: '0-1' },
  { range: '0-' },
  { range: '300000-' },
  { range: '300000-300099' },
  { range: '-1000' },
];

/** What a client without firstbyte gets by a plain GET, or what it is promised: `bytes` of the film. */
function assertRight(row: Row, view: ReturnType<Row['view']>, range: string | undefined): void {
  const { status } = view;
  const total = movie.size;
  const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(range ?? '0-') ?? [];
  const start = first === '' ? total - Number(last) : Number(first);
  const end = first === '' || last === '' ? total : Number(last) + 1;
  const expected = status === 206 ? end - start : total;
  assert.equal(view.bodyBytes, expected, `${status} to ${range ?? 'everything'}`);
  if (status === 206) assert.equal(view.field('content-range'), `bytes ${start}-${end - 1}/${total}`);
  assert.deepEqual(row.rig.eventsOf('bug'), []);
}

/** Everything that is asked of an origin that always behaves like this. */
async function playsThrough(state: State, behaviour: Behaviour, statuses: readonly number[]): Promise<void> {
  const row = await rowIn(state, network, movie);
  row.rig.origin.always(behaviour);
  for (const options of asks) {
    const view = row.view(options);
    const [status, outcome] = await row.got(view);
    assert.equal(outcome, 'complete');
    assert.ok(status !== null && statuses.includes(status), `${status} to ${JSON.stringify(options)}`);
    assertRight(row, view, options.range);
  }
  const before = row.rig.origin.requests.length;
  assert.ok(before <= 3 * asks.length, `${before} requests`);
  row.rig.origin.always({});
  assert.deepEqual(await row.gets(), whole);
  assert.deepEqual(await row.gets({ range: '300000-' }), [206, 'complete', 100_000]);
  await row.close();
}

describe('an origin that says 200 of a part', () => {
  for (const [what, behaviour] of [
    ['that was asked for', { success: 200 }],
    ['that was asked for, in chunks', { success: 200, framing: 'chunked' }],
    ['other than the one that was asked for', { success: 200, shift: 4096 }],
    ['other than that, in chunks', { success: 200, shift: 4096, framing: 'chunked' }],
  ] as const) {
    for (const state of states) {
      it(`${what}, of a film that is ${state}, gives the film`, () => playsThrough(state, behaviour, [200, 206]));
    }
    for (const [names, fields] of [
      ['no validator', { etag: null, 'last-modified': null }],
      ['a date', { etag: null }],
      ['a weak tag', { etag: 'W/"1"' }],
    ] as const) {
      it(`${what}, and knows ${names}, gives the film`, () =>
        playsThrough('cold', { ...behaviour, fields }, [200, 206]));
    }
  }
});

/** Values of Content-Range that are not the whole of the film. */
const values = [
  'bytes 0-1/400000',
  'bytes 1-399999/400000',
  'bytes 300000-399999/400000',
  'bytes 0-499999/2000000',
  'bytes 0-399998/400000',
  'bytes 2000000-2999999/3000000',
  'bytes 0-399999/*',
  'bytes */400000',
  'bytes */*',
  'bytes 9-0/10',
  'bytes 0-',
  'items 0-399999/400000',
  'bytes 0-1/400000, bytes 0-1/400000',
  'nonsense',
];

describe('an origin that gives the whole and says that it is a part', () => {
  for (const value of values) {
    it(`by "${value}" gives the film`, async () => {
      const fields = { 'content-range': value };
      for (const state of ['cold', 'partly present'] as const) {
        await playsThrough(state, { ignoreRange: true, fields }, [200, 206]);
      }
    });
  }
});

const successes = Array.from({ length: 100 }, (_, index) => 200 + index);

describe('an origin that gives the film under another success', () => {
  it('gives it, whole, with that status, and it is not kept', async () => {
    const short = film(60_000);
    const passing = successes.filter((status) => ![200, 202, 204, 206].includes(status));
    const row = await rowIn('cold', network, short);
    for (const success of passing) {
      for (const [options, own] of [
        [{}, { ignoreRange: true }],
        [{ range: '30000-' }, {}],
        [{ range: '0-1' }, { shift: 4096 }],
        [{}, { framing: 'chunked' }],
      ] as const) {
        row.rig.origin.always({ success, ...own });
        const view = row.view(options);
        assert.deepEqual(await row.got(view), [success, 'complete', short.size]);
        assert.equal(view.field('content-range'), null);
      }
      row.rig.origin.requests.length = 0;
    }
    row.rig.origin.always({});
    assert.deepEqual(await row.gets(), [200, 'complete', short.size]);
    assert.equal(row.heard.length, 1, 'nothing of all that was kept');
    await row.close();
  });

  it('is never cut to a sentence of ours, and is cut where the origin cuts', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always({ success: 203, ignoreRange: true, cutAfter: 200_000 });
    const [status, outcome, bytes] = await row.gets();
    assert.deepEqual([status, outcome], [203, 'cut']);
    assert.ok(bytes <= 200_000);
    await row.close();
  });

  it('is answered for a HEAD', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always({ success: 203, ignoreRange: true });
    const view = row.view({ method: 'HEAD' });
    assert.deepEqual(await row.got(view), [203, 'complete', 0]);
    assert.equal(view.field('content-length'), String(movie.size));
    await row.close();
  });

  it('once, in the middle of a film that is kept in part, is never put to it', async () => {
    const row = await rowIn('partly present', network, movie);
    row.rig.origin.always({ success: 203, ignoreRange: true, film: film(movie.size, 2) });
    assert.deepEqual(await row.gets({ range: '0-99' }), [206, 'complete', 100]);
    const view = row.view({ range: '300000-', film: film(movie.size, 2) });
    assert.deepEqual(await row.got(view), [203, 'complete', movie.size]);
    row.rig.origin.always({});
    assert.deepEqual(await row.gets({ range: '300000-' }), [206, 'complete', 100_000]);
    assert.deepEqual(await row.gets(), whole);
    await row.close();
  });

  it('of 202 is asked again until it is there', async () => {
    for (const range of [undefined, '300000-']) {
      const row = await rowIn('cold', network, movie);
      row.rig.origin.next({ status: 202 }, { status: 202 }, { status: 202 });
      const [, outcome, bytes] = await row.gets(range === undefined ? {} : { range });
      assert.deepEqual([outcome, bytes], ['complete', range === undefined ? movie.size : 100_000]);
      await row.close();
    }
  });

  it('of 202 for ever is passed on as it is, when the wait is over', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always({ status: 202 });
    const view = row.view({ film: null });
    const [status, outcome] = await row.got(view);
    assert.deepEqual([status, outcome, view.text], [202, 'complete', "This is the origin's 202.\n"]);
    await row.close();
  });

  it('of 204 is passed on', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always({ status: 204 });
    assert.deepEqual(await row.gets(), [204, 'complete', 0]);
    await row.close();
  });
});

describe('an origin that answers', () => {
  for (const status of [304, 412]) {
    it(`${status} to If-Range only is asked without, and the film goes on`, async () => {
      const row = await rowIn('partly present', network, movie);
      row.rig.origin.next({ status });
      assert.deepEqual(await row.gets({ range: '300000-' }), [206, 'complete', 100_000]);
      assert.equal(row.heard.at(-1)?.[0], '', 'no Range');
      assert.deepEqual(await row.gets(), whole);
      await row.close();
    });
  }

  it('a part to a plain request gives that only where it is everything', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always({ success: 206, ignoreRange: true, fields: { 'content-range': 'bytes 0-399999/400000' } });
    assert.deepEqual(await row.gets({ range: '300000-' }), [206, 'complete', 100_000]);
    row.rig.origin.always({ success: 206, ignoreRange: true, fields: { 'content-range': 'bytes 5-399999/400000' } });
    await row.rig.clock.advance(90_000_000);
    const view = row.view({ range: '300000-' });
    const [status] = await row.got(view);
    assert.ok(status === 502 || status === 206, `${status}`);
    await row.close();
  });

  it('a part of another length every time is given up, and nothing is put together', async () => {
    const row = await rowIn('partly present', network, movie);
    const lengths = [2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000, 7_000_000];
    for (const size of lengths) row.rig.origin.next({ film: film(size), fields: { etag: '"same"' } });
    const view = row.view({ range: '300000-300099' });
    const [status, outcome] = await row.got(view);
    assert.ok(outcome === 'complete' && (status === 206 || status === 502), `${status}, ${outcome}`);
    await row.close();
  });
});

describe('by chance', () => {
  /** What tells versions apart, and how a body ends. */
  const manner = {
    framing: fc.constantFrom('length', 'chunked'),
    success: fc.oneof(fc.constantFrom(200, 206, 203), fc.integer({ min: 207, max: 299 })),
  } as const;
  const fields = { etag: fc.constantFrom(null, 'W/"weak"'), 'last-modified': fc.constant(null) };
  const some = { requiredKeys: [] };
  /** A 206 that is right in all it says, and gives everything in chunks. */
  const isUnseen = ({ success, ignoreRange, framing }: Behaviour) =>
    success === 206 && ignoreRange === true && framing === 'chunked';
  /** Contradictions that can be seen; nobody sees that a body is of another part where everything else is right. */
  const behaviour = fc.oneof(
    // The part that was asked for, or another, under whatever status.
    fc.record({ ...manner, shift: fc.constantFrom(1, 4096), fields: fc.record(fields, some) }, some),
    // Everything, said to be a part.
    fc.record({
      ...manner,
      ignoreRange: fc.constant(true),
      fields: fc.record({ ...fields, 'content-range': fc.constantFrom(...values) }, some),
    }),
    // A part that is none by its type or coding, or that is not said which.
    fc.record({
      fields: fc.constantFrom(
        { 'content-type': 'multipart/byteranges; boundary=x' },
        { 'content-encoding': 'gzip' },
        { 'content-range': null },
      ),
    }),
  ) as fc.Arbitrary<Behaviour>;
  const seen = behaviour.filter((one) => !isUnseen(one));

  it('gives no wrong byte, ends nothing cleanly that is not whole, and keeps nothing wrong', async () => {
    const draws = fc.record({
      state: fc.constantFrom(...states),
      answers: fc.array(seen, { minLength: 1, maxLength: 12 }),
      rounds: fc.array(fc.array(fc.constantFrom(...asks), { minLength: 1, maxLength: 3 }), {
        minLength: 1,
        maxLength: 4,
      }),
    });
    await fc.assert(
      fc.asyncProperty(draws, async ({ state, answers, rounds }) => {
        const row = await rowIn(state, network, movie);
        row.rig.origin.next(...answers);
        for (const round of rounds) {
          const views = round.map((options) => ({ view: row.view(options), range: options.range }));
          for (const { view, range } of views) {
            const [status, outcome] = await row.got(view);
            if (outcome === 'complete' && (status ?? 599) < 300) assertRight(row, view, range);
          }
        }
        row.rig.origin.forgetNext();
        await row.rig.clock.advance(60_000);
        const first = await row.gets();
        // By another tag than it had it is another version: what was stored of that ends in a cut, once.
        const wasRenamed = answers.some((answer) => typeof answer.fields?.etag === 'string');
        if (wasRenamed && first[1] === 'cut') assert.deepEqual(await row.gets(), whole);
        else assert.deepEqual(first, whole);
        assert.deepEqual(await row.gets({ range: '300000-' }), [206, 'complete', 100_000]);
        await row.close();
      }),
      { numRuns: runs(60) },
    );
  });

  it('plays all that plays directly, from an origin that is always like that', async () => {
    const draws = fc.record({ state: fc.constantFrom('cold', 'complete'), always: seen });
    await fc.assert(
      fc.asyncProperty(draws, async ({ state, always }) => {
        const { framing, success = 200 } = always;
        const said = always.fields?.['content-range'];
        const named = /^bytes (\d+)-\d+\/(?!400000)/.test(said ?? '') || said?.startsWith('bytes');
        fc.pre(success !== 206 && !(always.ignoreRange && framing === 'chunked' && named));
        await playsThrough(state as State, always, [200, 206, success]);
      }),
      { numRuns: runs(30) },
    );
  });
});
