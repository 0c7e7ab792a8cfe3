/** `Vary` (RFC 9111 §4.1): what a client says either does not reach the origin, or is part of the key. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { identify, plainIdentity } from '../../src/cache/identity.ts';
import type { Fields } from '../../src/http/fields.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(300_000);
const target = '/films/film.mp4';

async function playAs(rig: VirtualRig, fields: Readonly<Record<string, string>>) {
  const exchange = rig.get(target, { fields });
  assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
  return { vary: exchange.field('vary'), cache: exchange.field('cache-status')?.replace(/;ttl=\d+/, '') };
}

/** Two players that have nothing in common. */
const players = [
  {
    'user-agent': 'VLC/3.0.21',
    accept: '*/*',
    'accept-encoding': 'identity',
    'accept-language': 'de',
    origin: 'http://a.example',
    referer: 'http://a.example/page',
    cookie: 'a=1',
    'sec-fetch-mode': 'cors',
    dnt: '1',
  },
  {
    'user-agent': 'Mozilla/5.0',
    accept: 'video/webm',
    'accept-encoding': 'gzip, br',
    'accept-language': 'fr',
    origin: 'http://b.example',
    'x-forwarded-for': '192.0.2.1',
    'save-data': 'on',
  },
] as const;

const everywhere = [
  'Origin',
  'User-Agent',
  'Accept-Encoding',
  'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
  'Accept-Encoding, User-Agent, Cookie, Referer, Accept, Accept-Language, X-Forwarded-For, Sec-Fetch-Mode, Save-Data, DNT',
];

describe('an answer that varies by fields which no origin hears of a client', () => {
  for (const vary of everywhere) {
    it(`is one for all, and still says so: ${vary}`, async () => {
      const rig = await virtualRig({ films: movie, origin: { fields: { vary } } });
      const [one, other] = [await playAs(rig, players[0]), await playAs(rig, players[1])];
      assert.equal(other.cache, 'firstbyte;hit');
      assert.deepEqual([one.vary, other.vary], [vary, vary]);
      assert.equal(rig.origin.requests.length, 1);
      await rig.close();
    });
  }

  it('can not differ: the origin hears the same of every client', async () => {
    const heard: Fields[] = [];
    for (const player of players) {
      const rig = await virtualRig({ films: movie });
      await playAs(rig, player);
      heard.push(rig.origin.requests[0]?.fields ?? assert.fail());
      await rig.close();
    }
    // These name the process that asks, so that a loop is known; each player had one of its own.
    const ofTheProcess = new Set(['via', 'cdn-loop']);
    const [one, other] = heard.map((fields) => fields.filter(([name]) => !ofTheProcess.has(name)));
    assert.deepEqual(one, other);
    const names = heard[0]?.map(([name]) => name).filter((name) => name !== 'connection');
    assert.deepEqual(names?.sort(), ['accept-encoding', 'cdn-loop', 'host', 'range', 'user-agent', 'via']);
  });
});

describe('an answer that varies by a field which is forwarded', () => {
  const cases = [
    ['Authorization', {}, 'authorization', 'Basic one', 'Basic two'],
    ['X-Profile', { keyHeaders: ['X-Profile'] }, 'x-profile', 'child', 'grown-up'],
    ['Origin, Accept-Language', { keyHeaders: ['accept-language'] }, 'accept-language', 'de', 'fr'],
  ] as const;
  for (const [vary, mount, name, one, other] of cases) {
    it(`is for those alone who say the same: ${vary}`, async () => {
      const rig = await virtualRig({ films: movie, origin: { fields: { vary } }, mount });
      const seen: unknown[] = [];
      for (const fields of [{ [name]: one }, { [name]: other }, {}, { [name]: one }, { [name]: other }, {}]) {
        seen.push((await playAs(rig, fields)).cache);
      }
      const [miss, hit] = ['firstbyte;fwd=uri-miss;stored', 'firstbyte;hit'];
      assert.deepEqual(seen, [miss, miss, miss, hit, hit, hit]);
      const heard = rig.origin.requests.map(({ fields }) => fields.find(([given]) => given === name)?.[1]);
      assert.deepEqual(heard, [one, other, undefined]);
      await rig.close();
    });
  }

  it('is one for all where the operator sends that field in place of them', async () => {
    const mount = { keyHeaders: ['x-profile'], headers: { 'X-Profile': 'house' } };
    const rig = await virtualRig({ films: movie, origin: { fields: { vary: 'X-Profile' } }, mount });
    await playAs(rig, { 'x-profile': 'child' });
    assert.equal((await playAs(rig, { 'x-profile': 'grown-up' })).cache, 'firstbyte;hit');
    assert.equal(rig.origin.requests.length, 1);
    await rig.close();
  });
});

it('two requests with one key have the origin hear the same, whatever they say and whatever the operator forwards', () => {
  const name = fc.constantFrom('authorization', 'cookie', 'origin', 'user-agent', 'accept-language', 'x-a', 'x-b');
  const fields = fc.array(fc.tuple(name, fc.constantFrom('', '1', '2', '1, 2')), { maxLength: 6 });
  const policy = fc.record({
    ignoreQuery: fc.constant([]),
    keyHeaders: fc.uniqueArray(name, { maxLength: 4 }),
    ownCredentials: fc.boolean(),
  });
  fc.assert(
    fc.property(fields, fields, policy, (a, b, rule) => {
      const [one, other] = [identify('films', '/a', a, rule), identify('films', '/a', b, rule)];
      assert.equal(one.key === other.key, JSON.stringify(one.fields) === JSON.stringify(other.fields));
    }),
  );
  assert.deepEqual(identify('films', '/a', Object.entries(players[0]), plainIdentity).fields, []);
});
