/** `Vary` (RFC 9111 §4.1): what a client says decides which answer it gets, where the origin says so. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { identify } from '../../src/cache/identity.ts';
import type { Behaviour } from '../support/behaviour.ts';
import type { RequestOptions } from '../support/client.ts';
import { type Film, film } from '../support/film.ts';
import type { SeenRequest } from '../support/http-origin-server.ts';
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
  'Accept-Encoding, User-Agent, X-Forwarded-For, Sec-Fetch-Mode',
];

describe('an answer that varies by what says who asks, and not which film, or by what no origin hears', () => {
  for (const vary of everywhere) {
    it(`is one for all, and still says so: ${vary}`, async () => {
      const rig = await virtualRig({ films: movie, origin: { fields: { vary } } });
      const [one, other] = [await playAs(rig, players[0]), await playAs(rig, players[1])];
      assert.equal(other.cache, 'firstbyte;hit');
      // A page of another web origin is told so as well.
      const said = vary.includes('Origin') ? vary : `${vary}, Origin`;
      assert.deepEqual([one.vary, other.vary], [said, said]);
      assert.equal(rig.origin.requests.length, 1);
      await rig.close();
    });
  }
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
    ownFields: fc.constantFrom([], ['authorization']),
  });
  fc.assert(
    fc.property(fields, fields, policy, (a, b, rule) => {
      const [one, other] = [identify('films', '/a', a, rule), identify('films', '/a', b, rule)];
      assert.equal(one.key === other.key, JSON.stringify(one.fields) === JSON.stringify(other.fields));
    }),
  );
});

describe('answers that differ by what a client says', () => {
  const films: Readonly<Record<string, Film>> = { de: film(300_000, 1), fr: film(250_000, 2) };
  const inLanguage = ({ fields }: SeenRequest): Behaviour => {
    const language = fields.find(([name]) => name === 'accept-language')?.[1] ?? '';
    const { [language]: spoken = movie } = films;
    return { film: spoken, fields: { vary: 'Accept-Language', etag: `"${language}"` } };
  };
  async function heardIn(rig: VirtualRig, language: string, options: RequestOptions = {}) {
    const exchange = rig.get(target, {
      fields: { 'accept-language': language },
      film: films[language] ?? null,
      ...options,
    });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    return [exchange.bodyBytes, exchange.field('cache-status')?.replace(/;ttl=-?\d+/, '')];
  }

  it('are stored beside one another, also after a restart, and given to those for whom they are', async () => {
    const rig = await virtualRig({ films: movie });
    rig.origin.always(inLanguage);
    for (const cache of ['firstbyte;fwd=uri-miss;stored', 'firstbyte;hit', 'firstbyte;hit']) {
      for (const [language, { size }] of Object.entries(films)) {
        const said = language === 'de' ? cache : cache.replace('uri-miss', 'vary-miss');
        assert.deepEqual(await heardIn(rig, language), [size, said], language);
      }
      if (cache === 'firstbyte;hit') await rig.restart();
    }
    await rig.close();
  });

  it('are waited for once: who waited in vain asks for himself, and the next time at once', async () => {
    const rig = await virtualRig({ films: movie });
    rig.origin.always((seen) => ({ ...inLanguage(seen), headAfter: 1000 }));
    const ask = (language: string, path: string) =>
      rig.get(path, { fields: { 'accept-language': language }, film: films[language] ?? null });
    for (const [path, waits] of [
      [target, 2000],
      [target, 1000],
    ] as const) {
      const since = rig.clock.now();
      const [one, other] = [ask('de', path), ask('fr', path)];
      await rig.clock.advanceUntil(Promise.all([one.done(), other.done()]));
      assert.deepEqual([one.bodyBytes, other.bodyBytes], [300_000, 250_000]);
      assert.equal(rig.clock.now() - since, waits);
      for (const entry of await objectsOf(rig)) await rig.clock.advanceUntil(rig.daemon.holdings.remove(entry));
      await rig.clock.advance(100);
    }
    await rig.close();
  });

  it('that are the same film by a strong tag are one', async () => {
    const rig = await virtualRig({ films: movie, origin: { fields: { vary: 'Accept-Language' } } });
    const one = await heardIn(rig, 'x', { film: movie });
    const other = await heardIn(rig, 'y', { film: movie });
    assert.deepEqual([one[0], other[0]], [movie.size, movie.size]);
    assert.equal((await heardIn(rig, 'y', { film: movie }))[1], 'firstbyte;hit');
    assert.equal((await objectsOf(rig)).length, 1);
    await rig.close();
  });

  it('play all the same, whichever is stored, while the origin is out of reach', async () => {
    const rig = await virtualRig({ films: movie });
    rig.origin.always(inLanguage);
    await heardIn(rig, 'de');
    rig.network.down = true;
    await rig.restart();
    const since = rig.clock.now();
    assert.equal((await heardIn(rig, 'fr', { film: films.de ?? null }))[0], 300_000);
    assert.ok(rig.clock.now() - since <= 2000);
    await rig.close();
  });
});

async function objectsOf(rig: VirtualRig): Promise<string[]> {
  const page = await rig.clock.advanceUntil(rig.daemon.holdings.page());
  assert.ok(typeof page === 'object');
  return page.objects.map(({ id }) => id);
}

describe("a client's own fields", () => {
  const said = (rig: VirtualRig, name: string) =>
    rig.origin.requests.map(({ fields }) => fields.find(([given]) => given === name)?.[1]);

  it('reach the origin with each request of the fetch that it began, and none of a client who joins', async () => {
    const rig = await virtualRig({ films: film(40_000_000), origin: { rate: 2_000_000 } });
    const first = rig.player();
    first.get(target, { fields: { 'user-agent': 'first', referer: 'http://site.example/' } });
    await rig.clock.advance(3000);
    const second = rig.player();
    second.get(target, { range: '30000000-', fields: { 'user-agent': 'second' } });
    await rig.clock.advance(10_000);
    const agents = said(rig, 'user-agent');
    assert.deepEqual([agents[0], new Set(agents)], ['first', new Set(['first', 'second'])]);
    for (const { fields } of rig.origin.requests) {
      const [agent, referer, range] = ['user-agent', 'referer', 'range'].map(
        (name) => fields.find(([given]) => given === name)?.[1],
      );
      assert.equal(referer, agent === 'first' ? 'http://site.example/' : undefined);
      if (agent === 'first') assert.ok(Number(/=(\d+)/.exec(range ?? '')?.[1]) < 30_000_000, range);
    }
    await rig.close();
  });

  it('bring an error to nobody else: who says something else asks for himself', async () => {
    const rig = await virtualRig({ films: movie });
    rig.origin.always(({ fields }) => ({
      headAfter: 500,
      ...(fields.some(([name, value]) => name === 'user-agent' && value === 'bad') && { status: 403 }),
    }));
    const [bad, good] = ['bad', 'good'].map((agent) =>
      rig.get(target, { fields: { 'user-agent': agent }, film: null }),
    );
    await rig.clock.advanceUntil(Promise.all([bad?.done(), good?.done()]));
    assert.deepEqual([bad?.status, good?.status], [403, 200]);
    await rig.close();
  });
});
