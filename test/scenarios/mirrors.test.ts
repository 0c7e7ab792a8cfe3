/** Bases that name the same film differently, and bases that only seem to have the same one. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import type { Exchange } from '../support/exchange.ts';
import { Film, film } from '../support/film.ts';
import type { SeenRequest } from '../support/http-origin-server.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(2_000_000);
const target = '/films/film.mp4';
const named = (etag: string): Behaviour => ({ fields: { etag } });
const [tagA, tagB, tagC] = ['"a"', '"b"', '"c"'];

/** The same up to an offset, and something else from there on: a copy that is not whole yet, or was edited. */
class Edited extends Film {
  readonly #from: number;
  readonly #until: number;

  constructor(from: number, until = movie.size) {
    super(movie.size, movie.seed);
    this.#from = from;
    this.#until = until;
  }

  override bytesAt(start: number, end: number): Buffer {
    const bytes = Buffer.from(super.bytesAt(start, end));
    const from = Math.max(0, this.#from - start);
    const until = Math.min(bytes.length, this.#until - start);
    if (from < until) bytes.fill(0, from, until);
    return bytes;
  }
}

interface Options {
  readonly first?: Behaviour;
  readonly second?: Behaviour;
  readonly third?: Behaviour;
  readonly mount?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Two or three bases, the first of which gives 1 MB a second and names the film `"a"`. */
async function stage(test: TestContext, { first = {}, second = named(tagB), third, mount, settings }: Options = {}) {
  const rig = await virtualRig({
    films: movie,
    origin: { ...named(tagA), rate: 1_000_000, ...first },
    mirrors: [second, ...(third ? [third] : [])].map((origin) => ({ origin })),
    mount: { mirrorProof: 'overlap', ...mount },
    settings: { drainTimeout: '0s', ...settings },
  });
  test.after(async () => {
    assert.deepEqual(rig.eventsOf('bug'), []);
    await rig.close();
    assert.equal(rig.clock.pending, 0);
  });
  return rig;
}

const heardBy = (rig: VirtualRig, base: number) => rig.networks[base]?.origin.requests ?? assert.fail();

/** Range, condition and status of what a base was asked. */
const told = ({ fields, status }: SeenRequest) => {
  const field = (name: string) => fields.find(([given]) => given === name)?.[1] ?? null;
  const condition = field('if-range') ?? field('if-none-match') ?? field('if-modified-since');
  return [field('range')?.replace('bytes=', '') ?? null, condition, status] as const;
};

/** The first base goes away, in mid-film or not. */
function fail(rig: VirtualRig, base = 0): void {
  const network = rig.networks[base] ?? assert.fail();
  network.down = true;
  network.relay.cut();
}

function back(rig: VirtualRig, base = 0): void {
  const network = rig.networks[base] ?? assert.fail();
  network.down = false;
}

/** A viewer whose first base goes away when so many bytes are there. */
async function cutAt(rig: VirtualRig, bytes: number): Promise<Exchange> {
  const exchange = rig.get(target);
  await rig.clock.advanceUntil(() => exchange.bodyBytes >= bytes);
  fail(rig);
  return exchange;
}

async function ends(rig: VirtualRig, exchange: Exchange) {
  return [await rig.clock.advanceUntil(exchange.done(), { limit: 600_000 }), exchange.bodyBytes] as const;
}

/** No base ever hears a name that another one gave. */
function assertOwnWords(rig: VirtualRig, tags: readonly string[] = [tagA, tagB, tagC]): void {
  for (const [base, tag] of tags.entries()) {
    for (const request of rig.networks[base]?.origin.requests ?? []) {
      const [, condition] = told(request);
      assert.ok(condition === null || condition === tag, `base ${base} heard ${condition}`);
    }
  }
}

describe('a base with another entity tag and the same bytes', () => {
  it('goes on with the film inside the same reply, once what is present was compared', async (test) => {
    const rig = await stage(test);
    const exchange = await cutAt(rig, 700_000);
    assert.deepEqual(await ends(rig, exchange), ['complete', movie.size]);
    assert.equal(exchange.field('etag'), tagA);
    const [unconditional, head, nearby, rest, ...others] = heardBy(rig, 1).map(told);
    const missing = Number.parseInt(unconditional?.[0] ?? '', 10);
    assert.ok(missing >= 700_000 && missing < 800_000, `${missing}`);
    assert.deepEqual(unconditional, [`${missing}-`, null, 206]);
    assert.deepEqual(head, ['0-65535', tagB, 206]);
    assert.deepEqual(nearby, [`${missing - 262_144}-${missing - 1}`, tagB, 206]);
    assert.deepEqual([rest, others], [[`${missing}-`, tagB, 206], []]);
    assert.deepEqual(
      rig.eventsOf('failover').map(({ cause }) => cause),
      ['reset'],
    );
    assertOwnWords(rig);
  });

  it('is not compared a second time, and asked under its own name', async (test) => {
    const rig = await stage(test, { second: { ...named(tagB), rate: 1_000_000, cutAfter: 400_000 } });
    const exchange = await cutAt(rig, 700_000);
    assert.deepEqual(await ends(rig, exchange), ['complete', movie.size]);
    const [, , , ...rest] = heardBy(rig, 1).map(told);
    assert.ok(rest.length > 2 && rest.every(([, condition, status]) => condition === tagB && status === 206));
    assertOwnWords(rig);
  });

  it('gives the film back to the first one, which is asked under the name that it gave', async (test) => {
    const rig = await stage(test, { second: { ...named(tagB), rate: 500_000 } });
    const exchange = await cutAt(rig, 500_000);
    await rig.clock.advance(1000);
    back(rig);
    await rig.clock.advance(300);
    fail(rig, 1);
    assert.deepEqual(await ends(rig, exchange), ['complete', movie.size]);
    assert.deepEqual(told(heardBy(rig, 0).at(-1) ?? assert.fail())[1], tagA);
    assertOwnWords(rig);
  });

  it('goes on with it after a restart, under the name that it was begun with', async (test) => {
    const rig = await stage(test);
    await rig.play(target, { range: '0-799999' });
    fail(rig);
    await rig.restart();
    const exchange = await rig.play(target);
    assert.deepEqual([exchange.status, exchange.outcome, exchange.bodyBytes], [200, 'complete', movie.size]);
    assert.equal(exchange.field('etag'), tagA);
    await rig.restart();
    const again = await rig.play(target);
    assert.equal(again.field('etag'), tagA);
    assertOwnWords(rig);
  });

  it('hears nothing of the name after a restart where the film began at the other', async (test) => {
    const rig = await stage(test);
    fail(rig);
    const begun = await rig.play(target, { range: '0-799999' });
    assert.equal(begun.field('etag'), tagB);
    back(rig);
    await rig.restart();
    const exchange = await rig.play(target);
    assert.deepEqual([exchange.outcome, exchange.field('etag')], ['complete', tagB]);
    assert.ok(
      heardBy(rig, 0).some((request) => told(request)[1] === tagA),
      'the first base goes on with it',
    );
    assertOwnWords(rig);
  });

  it('is not compared where a film was begun at the one that gives the rest after a restart', async (test) => {
    const rig = await stage(test);
    await rig.play(target, { range: '0-799999' });
    heardBy(rig, 0).length = 0;
    await rig.restart();
    assert.equal((await rig.play(target)).outcome, 'complete');
    assert.deepEqual(
      heardBy(rig, 0).map((request) => told(request)[1]),
      [null],
    );
    assert.deepEqual(heardBy(rig, 1), []);
  });

  it('serves a seek beyond a gap, where enough else is present', async (test) => {
    const rig = await stage(test);
    await rig.play(target, { range: '0-299999' });
    fail(rig);
    const seek = await rig.play(target, { range: '1500000-' });
    assert.deepEqual([seek.status, seek.outcome, seek.bodyBytes, seek.field('etag')], [206, 'complete', 500_000, tagA]);
    assertOwnWords(rig);
  });

  it('with a strong date in place of a tag is compared for every request', async (test) => {
    const second = { fields: { etag: null }, rate: 1_000_000, cutAfter: 500_000 };
    const rig = await stage(test, { second });
    const exchange = await cutAt(rig, 700_000);
    assert.deepEqual(await ends(rig, exchange), ['complete', movie.size]);
    const heads = heardBy(rig, 1).filter((request) => told(request)[0] === '0-65535');
    const rests = heardBy(rig, 1).filter((request) => told(request)[0]?.endsWith('-') && told(request)[1] !== null);
    assert.ok(rests.length > 1 && heads.length === rests.length, `${heads.length} for ${rests.length}`);
  });

  it('goes on with a film that was begun under a date', async (test) => {
    const second = { ...named(tagB), rate: 1_000_000, cutAfter: 500_000 };
    const rig = await stage(test, { first: { fields: { etag: null } }, second });
    const exchange = await cutAt(rig, 700_000);
    assert.deepEqual(await ends(rig, exchange), ['complete', movie.size]);
    assert.equal(exchange.field('etag'), null);
    const heads = heardBy(rig, 1).filter((request) => told(request)[0] === '0-65535');
    assert.ok(heads.length > 1, 'and is compared for every request: another film may bear the same date');
  });

  it('gives none of a film to another one that bears the same date', async (test) => {
    const dated = { fields: { etag: null } };
    const rig = await stage(test, { first: dated });
    assert.deepEqual(await ends(rig, await cutAt(rig, 700_000)), ['complete', movie.size]);
    const other = film(movie.size, 2);
    back(rig);
    rig.origin.always({ ...dated, film: other, rate: 1_000_000 });
    await rig.clock.advance(30 * 86_400_000);
    // Nothing tells that it has changed, until what is stored is lost.
    const next = rig.get('/films/film.mp4?2', { film: other });
    await rig.clock.advanceUntil(() => next.bodyBytes >= 700_000);
    fail(rig);
    assert.equal((await ends(rig, next))[0], 'cut');
  });

  it('says that what is stored is current, however it was named', async (test) => {
    const rig = await stage(test);
    await rig.play(target);
    fail(rig);
    await rig.clock.advance(30 * 86_400_000);
    assert.equal((await rig.play(target)).outcome, 'complete');
    await rig.clock.advance(1000);
    const now = await rig.play(target);
    assert.match(now.field('cache-status') ?? '', /hit;ttl=[1-9]/, 'it is fresh again');
    assert.equal(now.field('etag'), tagA);
    assert.ok(heardBy(rig, 1).length > 0);
    assertOwnWords(rig);
  });

  it('is believed by the first base that it is current, after a restart too', async (test) => {
    const rig = await stage(test);
    fail(rig);
    await rig.play(target);
    back(rig);
    await rig.restart();
    await rig.clock.advance(30 * 86_400_000);
    await rig.play(target);
    await rig.clock.advance(1000);
    const now = await rig.play(target);
    assert.match(now.field('cache-status') ?? '', /hit;ttl=[1-9]/);
    assert.equal(now.field('etag'), tagB, 'it keeps the name that it was begun with');
    assertOwnWords(rig);
  });
});

describe('a base that does not have the same', () => {
  const cases: Record<string, Behaviour> = {
    'has other bytes of the same length': { film: film(movie.size, 2) },
    'has another length': { film: film(movie.size + 1) },
    'has the same bytes from 64 KiB on only': { film: new Edited(0, 100) },
    'has other bytes just before the missing one': { film: new Edited(500_000) },
    'names what it has by a weak tag only': { fields: { etag: 'W/"b"' } },
    'does not name what it has': { fields: { etag: null, 'last-modified': null } },
    'knows no ranges': { ignoreRange: true },
    'begins elsewhere than it was asked': { shift: 10 },
  };
  for (const [what, behaviour] of Object.entries(cases)) {
    it(`because it ${what} gives no byte to a film that was begun elsewhere`, async (test) => {
      const second = { ...behaviour, fields: { etag: tagB, ...behaviour.fields } };
      const rig = await stage(test, { second });
      const exchange = await cutAt(rig, 700_000);
      const [outcome, bytes] = await ends(rig, exchange);
      assert.ok(outcome === 'cut' && bytes < 800_000, `${outcome} after ${bytes}`);
    });
  }

  it('is passed over for one that has', async (test) => {
    const second = { ...named(tagB), film: film(movie.size, 2) };
    const rig = await stage(test, { second, third: named(tagC) });
    const exchange = await cutAt(rig, 700_000);
    assert.deepEqual(await ends(rig, exchange), ['complete', movie.size]);
    const causes = rig.eventsOf('failover').map(({ from, cause }) => `${from} ${cause}`);
    assert.deepEqual(causes, ['10.0.0.1 reset', '10.0.0.2 version']);
    assertOwnWords(rig);
  });

  it('is compared once only, however often it is asked', async (test) => {
    const rig = await stage(test, { second: { ...named(tagB), film: film(movie.size, 2) } });
    await ends(rig, await cutAt(rig, 700_000));
    const samples = heardBy(rig, 1).filter((request) => told(request)[1] !== null);
    assert.equal(samples.length, 1);
  });

  it('is waited past for the first one, which comes back', async (test) => {
    const rig = await stage(test, { second: { ...named(tagB), film: film(movie.size, 2) } });
    const exchange = await cutAt(rig, 700_000);
    await rig.clock.advance(10_000);
    back(rig);
    assert.deepEqual(await ends(rig, exchange), ['complete', movie.size]);
  });

  it('is found out by the end of the film, where a player has read that', async (test) => {
    const rig = await stage(test, { second: { ...named(tagB), film: new Edited(1_000_000) } });
    await rig.play(target, { range: '1900000-' });
    const [outcome] = await ends(rig, await cutAt(rig, 700_000));
    assert.equal(outcome, 'cut');
  });

  it('proves nothing by less than 64 KiB', async (test) => {
    const rig = await stage(test, { first: { rate: 10_000 } });
    const exchange = await cutAt(rig, 30_000);
    assert.equal((await ends(rig, exchange))[0], 'cut');
  });

  it('that trades its bytes for others under another name is asked no more for them', async (test) => {
    const rig = await stage(test, { second: { ...named(tagB), rate: 200_000 } });
    const exchange = await cutAt(rig, 700_000);
    await rig.clock.advance(1000);
    const second = rig.networks[1] ?? assert.fail();
    second.origin.always({ ...named(tagC), film: film(movie.size, 2) });
    second.relay.cut();
    assert.equal((await ends(rig, exchange))[0], 'cut');
  });

  it('does not make what is stored new, while the first is away', async (test) => {
    const rig = await stage(test, { second: { ...named(tagB), film: film(movie.size, 2) } });
    await rig.play(target);
    fail(rig);
    await rig.clock.advance(30 * 86_400_000);
    await rig.play(target);
    await rig.clock.advance(60_000);
    const still = await rig.play(target);
    assert.deepEqual([still.outcome, still.field('etag')], ['complete', tagA]);
  });
});

describe('two parts of a film that are asked for before anything is known of it', () => {
  for (const mirrorProof of ['validator', 'overlap']) {
    it(`come from one base, although another answers the second: ${mirrorProof}`, async (test) => {
      const rig = await stage(test, { first: { headAfter: 500 }, mount: { mirrorProof } });
      const begun = rig.get(target, { range: '0-' });
      await rig.clock.advance(100);
      rig.origin.next({ status: 503, headAfter: 500 });
      const seek = rig.get(target, { range: '1500000-' });
      assert.deepEqual(await ends(rig, begun), ['complete', movie.size]);
      assert.deepEqual(await ends(rig, seek), ['complete', 500_000]);
      assert.deepEqual([begun.field('etag'), seek.field('etag')], [tagA, tagA]);
      assert.ok(heardBy(rig, 1).length > 0);
    });
  }
});

describe('what an overlap can not tell', () => {
  it('is a copy that is other only where nothing is present: that is why the operator has to ask for it', async (test) => {
    const other = new Edited(1_500_000);
    const rig = await stage(test, { second: { ...named(tagB), film: other } });
    const exchange = rig.get(target, { film: null });
    await rig.clock.advanceUntil(() => exchange.bodyBytes >= 700_000);
    fail(rig);
    assert.deepEqual(await ends(rig, exchange), ['complete', movie.size]);
  });

  it('never matters by default: no film goes on under another name', async (test) => {
    const rig = await stage(test, { mount: { mirrorProof: 'validator' } });
    const exchange = await cutAt(rig, 700_000);
    assert.equal((await ends(rig, exchange))[0], 'cut');
    const next = await rig.play(target);
    assert.deepEqual([next.outcome, next.field('etag')], ['complete', tagB]);
  });
});
