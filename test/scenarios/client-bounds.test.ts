/** What one client may have, and what happens at the bounds: with players, on virtual time. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { SettingKey } from '../../src/config.ts';
import type { Client } from '../support/client.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const mebibyte = 1024 * 1024;
const movie = film(3 * mebibyte);
const proxy = '10.0.0.9';

/** How a request comes whose client is one of these. */
const ways = {
  'a client of the network': { address: '192.168.1.7', fields: {} },
  'a client behind a trusted proxy': { address: proxy, fields: { 'x-forwarded-for': '127.0.0.1, 192.168.1.7' } },
} as const;
const another = { address: '192.168.1.8', fields: {} };
type Way = (typeof ways)[keyof typeof ways] | typeof another;

async function stage(test: TestContext, settings: Partial<Record<SettingKey, unknown>>): Promise<VirtualRig> {
  const rig = await virtualRig({ films: movie, settings: { trustedProxies: [proxy], ...settings } });
  test.after(() => rig.close());
  return rig;
}

let title = 0;

/** A player that has asked for a film, whole, and takes `bytes` of it. */
async function paused(rig: VirtualRig, { address, fields }: Way, bytes = 1): Promise<Client> {
  const player = rig.player({}, address);
  title += 1;
  const exchange = player.get(`/films/${title}.mp4`, { fields });
  player.pause();
  await rig.clock.advanceUntil(exchange.received(bytes));
  await rig.clock.settle();
  return player;
}

async function status(rig: VirtualRig, player: Client, fields = {}): Promise<number | null> {
  const exchange = player.get('/films/other.mp4', { fields, range: '0-0' });
  await rig.clock.advanceUntil(exchange.done());
  return exchange.status;
}

const bounds = (rig: VirtualRig) => rig.eventsOf('client-bound').map(({ bound, action }) => `${bound} ${action}`);

async function metric(rig: VirtualRig, name: string): Promise<number> {
  const exchange = rig.player().get('/-/metrics', { film: null });
  await rig.clock.advanceUntil(exchange.done());
  const line = exchange.text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? Number.NaN);
}

describe('connections of one client', () => {
  const settings = { connectionsPerClient: 3 };
  const { address } = ways['a client of the network'];

  it('the longest idle one is closed for a new one', async (test) => {
    const rig = await stage(test, settings);
    const players = [1, 2, 3].map(() => rig.player({}, address));
    for (const player of players) {
      assert.equal(await status(rig, player), 206);
      await rig.clock.advance(100);
    }
    // The first is not the longest idle any more.
    assert.equal(await status(rig, players[0] as Client), 206);
    const newest = rig.player({}, address);
    assert.equal(await status(rig, newest), 206);
    assert.deepEqual(
      players.map(({ connected }) => connected),
      [true, false, true],
    );
    assert.deepEqual(bounds(rig), ['connections closed-idle']);
  });

  it('an idle one is closed before a paused film, however long that is paused', async (test) => {
    const rig = await stage(test, settings);
    const films = [await paused(rig, { address, fields: {} }), await paused(rig, { address, fields: {} })];
    await rig.clock.advance(3_600_000);
    const idle = rig.player({}, address);
    assert.equal(await status(rig, idle), 206);
    assert.equal(await status(rig, rig.player({}, address)), 206);
    assert.deepEqual(
      [...films, idle].map(({ connected }) => connected),
      [true, true, false],
    );
  });

  it('where all are films, the one that is paused the longest is closed, after 10 s at the earliest', async (test) => {
    const rig = await stage(test, settings);
    const films: Client[] = [];
    for (let count = 0; count < 3; count += 1) {
      films.push(await paused(rig, { address, fields: {} }));
      await rig.clock.advance(1000);
    }
    const refused = rig.player({}, address).get('/films/other.mp4', { film: null });
    await rig.clock.advanceUntil(refused.done());
    assert.deepEqual([refused.status, refused.field('retry-after')], [429, '5']);
    assert.match(refused.text, /connectionsPerClient/);
    await rig.clock.advance(8000);
    assert.equal(await status(rig, rig.player({}, address)), 206);
    await rig.clock.settle();
    assert.deepEqual(
      films.map(({ connected }) => connected),
      [false, true, true],
    );
    assert.deepEqual(bounds(rig), ['connections refused', 'connections closed-stalled']);
  });

  it('others have their own, and two thousand come from this machine and from a trusted proxy', async (test) => {
    const rig = await stage(test, { connectionsPerClient: 1 });
    for (const from of ['127.0.0.1', proxy]) {
      const players = Array.from({ length: 2047 }, () => rig.player({}, from));
      await rig.clock.settle();
      assert.ok(players.every(({ connected }) => connected));
    }
    assert.equal(await metric(rig, 'firstbyte_client_most_connections'), 2048);
    for (const from of [address, another.address]) assert.equal(await status(rig, rig.player({}, from)), 206);
    assert.deepEqual(bounds(rig), []);
  });
});

for (const [who, way] of Object.entries(ways)) {
  describe(`requests under way of ${who}`, () => {
    const settings = { requestsPerClient: 3 };

    it('the one that is paused the longest ends for a new one', async (test) => {
      const rig = await stage(test, settings);
      const films: Client[] = [];
      for (let count = 0; count < 3; count += 1) films.push(await paused(rig, way));
      await rig.clock.advance(10_000);
      const player = rig.player({}, way.address);
      const before = rig.clock.now();
      assert.deepEqual([await status(rig, player, way.fields), rig.clock.now()], [206, before]);
      assert.deepEqual(
        films.map(({ connected }) => connected),
        [false, true, true],
      );
      assert.deepEqual(bounds(rig), ['requests closed-stalled']);
    });

    it('a new one waits until one of them was paused for 10 s', async (test) => {
      const rig = await stage(test, settings);
      for (let count = 0; count < 3; count += 1) await paused(rig, way);
      const before = rig.clock.now();
      assert.equal(await status(rig, rig.player({}, way.address), way.fields), 206);
      assert.equal(rig.clock.now() - before, 10_000);
      assert.deepEqual(bounds(rig), ['requests queued', 'requests closed-stalled']);
    });

    it('a new one begins as soon as another has ended', async (test) => {
      const rig = await stage(test, settings);
      const films: Client[] = [];
      for (let count = 0; count < 3; count += 1) films.push(await paused(rig, way));
      const waiting = rig.player({}, way.address).get('/films/other.mp4', { fields: way.fields });
      await rig.clock.advance(1000);
      assert.equal(waiting.status, null);
      films[1]?.leave();
      await rig.clock.advanceUntil(waiting.done());
      assert.deepEqual([waiting.status, rig.clock.now()], [200, 1000]);
    });

    it('a new one is told 429 where none of them ended or was paused, within queueTimeout', async (test) => {
      const rig = await stage(test, { ...settings, queueTimeout: '7s', patience: 'off' });
      rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
      for (const name of ['a', 'b', 'c']) rig.player({}, way.address).get(`/films/${name}`, { fields: way.fields });
      await rig.clock.settle();
      const refused = rig.player({}, way.address).get('/films/d', { fields: way.fields, film: null });
      await rig.clock.advanceUntil(refused.done());
      assert.deepEqual([refused.status, refused.times.headAt, refused.field('retry-after')], [429, 7000, '5']);
      assert.match(refused.text, /requestsPerClient/);
      assert.match(refused.field('proxy-status') ?? '', /http_request_denied/);
      assert.deepEqual(rig.eventsOf('own-error'), []);
    });

    it('one that waited and left takes nobody’s place', async (test) => {
      const rig = await stage(test, settings);
      const films: Client[] = [];
      for (let count = 0; count < 3; count += 1) films.push(await paused(rig, way));
      const gone = rig.player({}, way.address);
      gone.get('/films/other.mp4', { fields: way.fields });
      await rig.clock.settle();
      gone.leave();
      await rig.clock.advance(60_000);
      assert.ok(films.every(({ connected }) => connected));
      assert.equal(await metric(rig, 'firstbyte_client_requests{state="queued"}'), 0);
    });

    it('others have their own', async (test) => {
      const rig = await stage(test, settings);
      for (let count = 0; count < 3; count += 1) await paused(rig, way);
      assert.equal(await status(rig, rig.player({}, another.address)), 206);
      assert.equal(rig.clock.now(), 0);
      assert.equal(await metric(rig, 'firstbyte_client_most_requests'), 3);
    });
  });

  describe(`bytes that ${who} has not read`, () => {
    it('are bounded over all its films, and a film that is read on has enough', async (test) => {
      const long = film(64 * mebibyte);
      const settings = { unreadPerClient: '4MiB', trustedProxies: [proxy], readAhead: '16MiB' };
      const rig = await virtualRig({ films: long, settings });
      test.after(() => rig.close());
      const players: Client[] = [];
      for (let count = 0; count < 20; count += 1) players.push(await paused(rig, way));
      await rig.clock.advance(1000);
      // One read each beyond the bound, and what is on its way in a socket.
      const fetched = rig.bytesFetched;
      assert.ok(fetched <= 4 * mebibyte + 20 * 0.75 * mebibyte, `${fetched} bytes were fetched`);
      const unread = await metric(rig, 'firstbyte_client_most_unread_bytes');
      assert.ok(unread > 4 * mebibyte && unread <= fetched, `${unread} bytes are unread`);
      assert.ok(bounds(rig).includes('unread held-back'));

      const watched = rig.player({}, way.address).get('/films/watched.mp4', { fields: way.fields });
      await rig.clock.advanceUntil(watched.done());
      assert.deepEqual([watched.outcome, watched.bodyBytes], ['complete', long.size]);
      for (const player of players) player.leave();
      await rig.clock.settle();
      assert.equal(await metric(rig, 'firstbyte_client_unread_bytes'), 0);
    });
  });
}

describe('this machine, and a trusted proxy itself', () => {
  for (const address of ['127.0.0.1', proxy]) {
    it(`${address} may have 1024 requests under way`, async (test) => {
      const rig = await stage(test, { requestsPerClient: 1 });
      rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
      for (let count = 0; count < 1024; count += 1) rig.player({}, address).get('/films/film.mp4');
      await rig.clock.settle();
      assert.equal(await metric(rig, 'firstbyte_client_most_requests'), 1024);
      assert.deepEqual(bounds(rig), []);
      rig.player({}, address).get('/films/film.mp4');
      await rig.clock.settle();
      assert.deepEqual(bounds(rig), ['requests queued']);
    });
  }
});

describe('a paused film whose end would be told by the end of its connection', () => {
  for (const [what, settings, address] of [
    ['requestsPerClient', { requestsPerClient: 4 }, '192.168.1.7'],
    ['connectionsPerClient', { connectionsPerClient: 4 }, '192.168.1.7'],
    ['stalledMemory', { stalledMemory: '1MiB' }, '127.0.0.1'],
  ] as const) {
    it(`is cut by a reset where ${what} is used up`, async (test) => {
      const rig = await stage(test, settings);
      rig.origin.always({ framing: 'chunked', ignoreRange: true, fields: { 'accept-ranges': null } });
      const films = [];
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        const player = rig.player({}, address);
        const exchange = player.get(`/films/${name}`, { version: '1.0' });
        player.pause();
        await rig.clock.advanceUntil(exchange.received(1));
        await rig.clock.advance(20_000);
        films.push({ player, exchange });
      }
      const [{ player, exchange } = assert.fail()] = films;
      assert.equal(exchange.field('content-length'), null);
      player.resume();
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
      assert.equal(films[1]?.exchange.outcome, null);
    });
  }
});

describe('a bound that is met', () => {
  it('is warned of once a minute for each client, by the name of its setting', async (test) => {
    const rig = await stage(test, { connectionsPerClient: 1 });
    const came = async () => {
      rig.player({}, '192.168.1.7');
      await rig.clock.settle();
    };
    for (let count = 0; count < 5; count += 1) await came();
    const warned = () => rig.log.filter((line) => line.includes('too many connections'));
    assert.equal(warned().length, 1);
    assert.match(warned()[0] ?? '', /client=192\.168\.1\.7 did=closed-idle setting=connectionsPerClient/);
    await rig.clock.advance(60_000);
    await came();
    await came();
    assert.equal(warned().length, 2);
  });
});
