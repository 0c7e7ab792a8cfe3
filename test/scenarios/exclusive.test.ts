/** What an origin answers to one client alone reaches no other, also while several wait for the same (RFC 9111 §4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import type { Exchange, RequestOptions } from '../support/client.ts';
import { type Film, film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

/** Each answer has a film and a name of its own, so that whoever gets another's is seen. */
const films: readonly Film[] = Array.from({ length: 12 }, (_, index) => film(400_000, index + 1));
const target = '/films/film.mp4';

function answers(own: Behaviour): Behaviour[] {
  return films.map((of, index) => ({
    headAfter: 500,
    ...own,
    film: of,
    fields: { etag: `"${index}"`, 'x-answer': String(index), ...own.fields },
  }));
}

async function rigFor(own: Behaviour, mount: Record<string, unknown> = {}): Promise<VirtualRig> {
  const rig = await virtualRig({ films: films[0] ?? film(1), relay: { rate: 50_000_000 }, mount });
  rig.origin.next(...answers(own));
  return rig;
}

interface Reached {
  readonly status: number | null;
  /** Whose answer it is. */
  readonly answer: string | null;
}

const named = (exchange: Exchange) => films[Number(exchange.field('x-answer') ?? Number.NaN)] ?? null;

/** What several get who ask at once; the bytes must be those of the very answer that the head says it is. */
async function ask(rig: VirtualRig, each: readonly RequestOptions[]): Promise<Reached[]> {
  const exchanges = each.map((options) => rig.get(target, { film: named, ...options }));
  const reached: Reached[] = [];
  for (const exchange of exchanges) {
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    const { status } = exchange;
    reached.push({ status, answer: exchange.field('x-answer') });
  }
  return reached;
}

async function close(rig: VirtualRig): Promise<void> {
  assert.deepEqual(rig.eventsOf('bug'), []);
  await rig.close();
  await rig.clock.advance(1000);
  assert.equal(rig.clock.pending, 0);
}

const five = (options: RequestOptions = {}): RequestOptions[] => Array.from({ length: 5 }, () => options);

function assertOneEach(reached: readonly Reached[], status: number): void {
  const named = reached.map(({ answer }) => answer);
  assert.equal(new Set(named).size, reached.length, `answers ${named} were given`);
  for (const { status: got } of reached) assert.equal(got, status);
}

const directives: ReadonlyArray<readonly [what: string, fields: Record<string, string | null>]> = [
  ['private', { 'cache-control': 'private' }],
  ['private, for a time', { 'cache-control': 'max-age=3600, private' }],
  ['private for some fields', { 'cache-control': 'private="x-answer"' }],
  ['no-store', { 'cache-control': 'no-store' }],
  ['no-store for caches like this', { 'cdn-cache-control': 'no-store', 'cache-control': 'max-age=60' }],
  ['varying by everything', { vary: '*' }],
  ['varying by everything and more', { vary: 'accept, *' }],
  ['private, without a validator', { 'cache-control': 'private', etag: null, 'last-modified': null }],
  ['no-store, of a date', { 'cache-control': 'no-store', etag: null }],
];

describe('an answer for one client', () => {
  for (const [what, fields] of directives) {
    for (const [how, own] of [
      ['', {}],
      [' without ranges', { ignoreRange: true }],
      [' in chunks', { ignoreRange: true, framing: 'chunked' }],
      [' under 203', { success: 203, ignoreRange: true }],
    ] as const) {
      it(`that is ${what}${how} reaches one of five who wait; the others get their own`, async () => {
        const rig = await rigFor({ ...own, fields });
        assertOneEach(await ask(rig, five()), 'success' in own ? own.success : 200);
        assert.equal(rig.origin.requests.length, 5);
        await close(rig);
      });
    }

    it(`that is ${what} reaches one of five who want a part`, async () => {
      const rig = await rigFor({ fields });
      assertOneEach(await ask(rig, five({ range: '100000-100099' })), 206);
      await close(rig);
    });

    it(`that is ${what} reaches one of five by its head alone`, async () => {
      const rig = await rigFor({ fields });
      assertOneEach(await ask(rig, five({ method: 'HEAD' })), 200);
      await close(rig);
    });

    it(`that is ${what} and empty reaches one of five`, async () => {
      const rig = await rigFor({ ignoreRange: true, fields });
      rig.origin.forgetNext();
      rig.origin.next(...answers({ ignoreRange: true, fields }).map((each) => ({ ...each, film: film(0) })));
      assertOneEach(await ask(rig, five()), 200);
      await close(rig);
    });

    for (const status of [404, 403, 302]) {
      it(`that is ${what} and a ${status} reaches one of five`, async () => {
        const rig = await rigFor({ status, fields });
        assertOneEach(await ask(rig, five()), status);
        // A 403 may be meant for the range.
        assert.equal(rig.origin.requests.length, status === 403 ? 10 : 5);
        await close(rig);
      });
    }

    it(`that is ${what} and a 503 for as long as anybody waits reaches one of five`, async () => {
      const rig = await rigFor({ fields });
      rig.origin.forgetNext();
      rig.origin.always({ status: 503, fields: { 'x-answer': '0', ...fields } });
      const reached = await ask(rig, five());
      assert.deepEqual(
        reached.map(({ answer }) => answer),
        ['0', null, null, null, null],
      );
      for (const { status } of reached) assert.equal(status, 503);
      await close(rig);
    });

    it(`that is ${what} by now, where a stale one was not, reaches one of five`, async () => {
      for (const now of [{}, { ignoreConditions: true, ignoreRange: true }, { status: 404 }]) {
        const rig = await rigFor({});
        rig.origin.forgetNext();
        const own = { headAfter: 0, fields: { 'x-answer': '0', etag: '"v"', 'cache-control': 'max-age=60' } };
        rig.origin.next(own);
        await ask(rig, [{}]);
        await rig.clock.advance(61_000);
        // The first is asked whether that is current; the others ask for themselves.
        const etag = 'status' in now ? {} : { etag: '"v"' };
        rig.origin.next(...answers({ ...now, fields: { ...etag, ...fields } }));
        assertOneEach(await ask(rig, five()), 'status' in now ? 404 : 200);
        const again = await ask(rig, [{}]);
        assert.equal(again[0]?.answer, String(rig.origin.requests.length - 2));
        await close(rig);
      }
    });
  }

  it('reaches nobody who comes while its body comes', async () => {
    const rig = await rigFor({ fields: { 'cache-control': 'private' } });
    const first = rig.get(target, { film: films[0] ?? null });
    await rig.clock.advanceUntil(first.received(1));
    const [second] = await ask(rig, [{}]);
    assert.equal(second?.answer, '1');
    assert.equal(await rig.clock.advanceUntil(first.done()), 'complete');
    await close(rig);
  });

  it('goes to one who waits where the first has left, and by no more than a request each', async () => {
    const rig = await rigFor({ fields: { 'cache-control': 'private' } });
    const player = rig.player();
    player.get(target, { film: null });
    await rig.clock.advance(100);
    const others = five().map(() => rig.get(target, { film: null }));
    await rig.clock.advance(100);
    player.leave();
    for (const other of others) await rig.clock.advanceUntil(other.done());
    const named = others.map((other) => other.field('x-answer'));
    assert.equal(new Set(named).size, 5, `answers ${named} were given`);
    await close(rig);
  });

  it('in the middle of a film that was for all is not kept, and reaches one who has nothing yet', async () => {
    const same = { etag: '"same"', 'x-answer': '0' };
    const rig = await rigFor({});
    rig.origin.forgetNext();
    rig.origin.always({ fields: same });
    assert.deepEqual(await ask(rig, [{ range: '0-99' }]), [{ status: 206, answer: '0' }]);
    await rig.clock.advance(60_000);
    const before = rig.origin.requests.length;
    rig.origin.always({ headAfter: 500, fields: { ...same, 'cache-control': 'private' } });
    await ask(rig, five({ range: '300000-300099' }));
    assert.equal(rig.origin.requests.length - before, 5);
    await ask(rig, [{ range: '0-99' }]);
    assert.equal(rig.origin.requests.length - before, 6, 'nothing of it is for others');
    await close(rig);
  });

  it('is for all where the operator says so', async () => {
    const rig = await rigFor({ fields: { 'cache-control': 'private, no-store' } }, { cache: 'always' });
    const reached = await ask(rig, five());
    assert.deepEqual(new Set(reached.map(({ answer }) => answer)), new Set(['0']));
    assert.equal(rig.origin.requests.length, 1);
    await close(rig);
  });

  it('of strict mode is one to a request with credentials, unless it says otherwise', async () => {
    const fields = { authorization: 'Basic eDp5' };
    for (const [control, requests] of [
      ['max-age=60', 5],
      ['max-age=60, public', 1],
    ] as const) {
      const rig = await rigFor({ fields: { 'cache-control': control } }, { cache: 'rfc9111' });
      await ask(rig, five({ fields }));
      assert.equal(rig.origin.requests.length, requests, control);
      await close(rig);
    }
  });
});

describe('a live stream', () => {
  const radio = {
    framing: 'close',
    ignoreRange: true,
    rate: 100_000,
    fields: { etag: null, 'last-modified': null, 'content-type': 'audio/mpeg', 'icy-name': 'Radio' },
  } as const;
  for (const [control, connections] of [
    ['no-cache, no-store', 1],
    ['private', 3],
  ] as const) {
    it(`that says ${control} has ${connections} for three listeners`, async () => {
      const rig = await virtualRig({ films: film(10_000_000), relay: {}, settings: { drainTimeout: '0s' } });
      rig.origin.always({ ...radio, fields: { ...radio.fields, 'cache-control': control } });
      const players = [rig.player(), rig.player(), rig.player()];
      const heard = players.map((player) => player.get('/films/radio', { film: null }));
      for (const one of heard) await rig.clock.advanceUntil(one.received(1000));
      assert.equal(rig.origin.requests.length, connections);
      for (const player of players) player.leave();
      await close(rig);
    });
  }
});
