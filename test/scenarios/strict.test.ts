/** Strict mode: what is asked goes as it came, once, and what RFC 9111 lets be stored is given to whom it lets have it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import type { RequestOptions } from '../support/client.ts';
import { film } from '../support/film.ts';
import { type RigOptions, type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(300_000);
const target = '/films/a.mp4';
const fresh: Behaviour = { fields: { 'cache-control': 'max-age=60' } };

async function strict(behaviour: Behaviour = fresh, more: Partial<RigOptions> = {}): Promise<VirtualRig> {
  return virtualRig({ films: movie, ...more, mount: { cache: 'rfc9111', ...more.mount }, origin: behaviour });
}

/** Status and `Cache-Status`, without the time that is left. */
async function ask(rig: VirtualRig, options: RequestOptions = {}) {
  const exchange = rig.get(target, options);
  assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
  const cache = exchange
    .field('cache-status')
    ?.replace(/;ttl=-?\d+/, '')
    .replace('firstbyte;', '');
  return { status: exchange.status, cache, exchange };
}

describe('a request in strict mode', () => {
  it("reaches the origin with the client's own fields, its range and its method, and nothing else", async () => {
    const rig = await strict();
    const fields = {
      accept: 'video/*',
      'accept-encoding': 'br',
      'user-agent': 'VLC',
      'icy-metadata': '1',
      'x-own': 'a',
    };
    await ask(rig, { method: 'HEAD', film: null });
    await ask(rig, { range: '5-9', fields: { ...fields, connection: 'x-hop', 'x-hop': '1' }, film: null });
    const [second, first] = rig.origin.requests;
    const ofTheProcess = new Set(['host', 'connection', 'via', 'cdn-loop']);
    assert.deepEqual(Object.fromEntries(first?.fields.filter(([name]) => !ofTheProcess.has(name)) ?? []), {
      ...fields,
      range: 'bytes=5-9',
    });
    assert.deepEqual([first?.method, second?.method], ['GET', 'HEAD']);
    await rig.close();
  });

  it('is made once, and a failure is the answer', async () => {
    for (const [behaviour, status] of [
      [{ status: 503 }, 503],
      [{ status: 429 }, 429],
      [{ hangUp: 'reset' }, 502],
      [{ hangUp: 'end' }, 502],
    ] as const) {
      const rig = await strict(behaviour);
      assert.equal((await ask(rig, { film: null })).status, status);
      assert.equal(rig.origin.requests.length, 1);
      await rig.close();
    }
  });

  it('has a redirect for an answer, which is stored where it leads to no secret', async () => {
    for (const [location, requests] of [
      ['/b.mp4', 1],
      ['/b.mp4?token=1', 2],
    ] as const) {
      const rig = await strict({ status: 302, fields: { ...fresh.fields, location } });
      for (const _ of [1, 2]) {
        const { status, exchange } = await ask(rig, { film: null });
        assert.deepEqual([status, exchange.field('location')], [302, location]);
      }
      assert.equal(rig.origin.requests.length, requests);
      await rig.close();
    }
  });
});

describe('what strict mode stores', () => {
  it('answers whole, in part and under a condition, also after a restart', async () => {
    const rig = await strict();
    await ask(rig);
    for (const again of [false, true]) {
      if (again) await rig.restart();
      const tag = (await ask(rig)).exchange.field('etag') ?? '';
      const asked = [{}, { range: '5-9' }, { range: '-10' }, { fields: { 'if-none-match': tag } }, { method: 'HEAD' }];
      const got = [];
      for (const options of asked) got.push(await ask(rig, options));
      assert.deepEqual(
        got.map(({ status }) => status),
        [200, 206, 206, 304, 200],
      );
      assert.deepEqual(new Set(got.map(({ cache }) => cache)), new Set(['hit']));
    }
    assert.equal(rig.origin.requests.length, 1);
    await rig.close();
  });

  it('of parts is put together under one strong validator, and answers what it covers', async () => {
    const rig = await strict();
    for (const range of ['0-99999', '100000-199999']) await ask(rig, { range });
    const { status, cache } = await ask(rig, { range: '50000-149999' });
    assert.deepEqual([status, cache, rig.origin.requests.length], [206, 'hit', 2]);
    await ask(rig);
    assert.equal((await ask(rig)).cache, 'hit');
    await rig.close();
  });

  it('is told apart by Vary, also after a restart, and forgotten in one', async () => {
    const rig = await strict({ fields: { ...fresh.fields, vary: 'Accept-Language' } }, { mount: { methods: ['PUT'] } });
    const as = (language: string) => ask(rig, { fields: { 'accept-language': language } });
    for (const again of [false, true]) {
      if (again) await rig.restart();
      const got = [];
      for (const language of ['de', 'en, fr', 'de', 'EN,fr']) got.push((await as(language)).cache);
      const miss = again ? 'hit' : 'fwd=uri-miss;stored';
      assert.deepEqual(got, [miss, miss, 'hit', 'hit']);
    }
    assert.equal((await ask(rig, { method: 'PUT', film: null })).status, 200);
    for (const language of ['de', 'en, fr']) assert.notEqual((await as(language)).cache, 'hit');
    await rig.close();
  });

  it('is confirmed by one request, which is no hit', async () => {
    const rig = await strict();
    await ask(rig);
    await rig.clock.advance(61_000);
    assert.equal((await ask(rig)).cache, 'fwd=stale;fwd-status=304');
    assert.equal((await ask(rig)).cache, 'hit');
    assert.equal(rig.origin.requests.length, 2);
    await rig.close();
  });

  it('is confirmed beside the conditions of the client, which hold for another version as well', async () => {
    for (const [fields, status] of [
      [{ 'if-range': '"film-300000-1"' }, 200],
      [{ 'if-range': '"film-300000-2"' }, 206],
    ] as const) {
      const rig = await strict();
      await ask(rig);
      await rig.clock.advance(61_000);
      const next = film(300_000, 2);
      rig.origin.always({ ...fresh, film: next });
      const { exchange } = await ask(rig, { range: '5-9', fields, film: next });
      assert.equal(exchange.status, status);
      await rig.close();
    }
    const rig = await strict();
    await ask(rig);
    await rig.clock.advance(61_000);
    await ask(rig, { fields: { 'if-match': '"other"', 'if-none-match': '"old"' }, film: null });
    const asked = rig.origin.requests.at(-1)?.fields.filter(([name]) => name.startsWith('if-')) ?? [];
    const { 'if-match': match, 'if-none-match': none } = Object.fromEntries(asked);
    assert.deepEqual([match, none], ['"other"', '"film-300000-1"']);
    await rig.close();
  });

  it('is not that one request, its condition or its range was wrong', async () => {
    for (const status of [400, 412, 416]) {
      const rig = await strict({ ...fresh, status });
      assert.equal((await ask(rig, { range: '300000-', film: null })).status, status);
      rig.origin.always(fresh);
      const next = await ask(rig);
      assert.deepEqual([next.status, next.cache], [200, 'fwd=uri-miss;stored']);
      await rig.close();
    }
  });

  it('is read along with the first who asked, and a client that leaves harms nobody', async () => {
    const rig = await strict({ ...fresh, rate: 100_000, headAfter: 500 });
    const [first, second] = [rig.player(), rig.player()];
    first.get(target);
    const other = second.get(target);
    await rig.clock.advance(1500);
    first.leave('reset');
    assert.equal(await rig.clock.advanceUntil(other.done()), 'complete');
    assert.deepEqual([other.bodyBytes, rig.origin.requests.length], [movie.size, 1]);
    await rig.close();
  });

  it('is given stale where the origin can not be reached, unless it forbids that', async () => {
    for (const [control, status] of [
      ['max-age=60', 200],
      ['max-age=60, must-revalidate', 502],
    ] as const) {
      const rig = await strict({ fields: { 'cache-control': control } });
      await ask(rig);
      await rig.clock.advance(61_000);
      rig.origin.next({ hangUp: 'reset' });
      assert.equal((await ask(rig, { film: null })).status, status, control);
      await rig.close();
    }
  });

  it('is given while it is asked for behind, as long as the origin allows', async () => {
    const rig = await strict({ fields: { 'cache-control': 'max-age=60, stale-while-revalidate=60' } });
    await ask(rig);
    await rig.clock.advance(61_000);
    const { exchange, cache } = await ask(rig);
    assert.deepEqual([exchange.status, cache], [200, 'hit']);
    await rig.clock.settle();
    assert.equal(rig.origin.requests.length, 2);
    assert.equal((await ask(rig)).exchange.field('cache-status'), 'firstbyte;hit;ttl=60');
    await rig.close();
  });

  for (const [control, cache, requests] of [
    ['no-cache', 'fwd=request;fwd-status=304', 2],
    ['max-age=5', 'fwd=request;fwd-status=304', 2],
    ['max-age=50', 'hit', 1],
    ['min-fresh=55', 'fwd=request;fwd-status=304', 2],
    ['only-if-cached', 'hit', 1],
  ] as const) {
    it(`is given as the request says: ${control}`, async () => {
      const rig = await strict();
      await ask(rig);
      await rig.clock.advance(10_000);
      const got = await ask(rig, { fields: { 'cache-control': control } });
      assert.deepEqual([got.cache, rig.origin.requests.length], [cache, requests]);
      await rig.close();
    });
  }

  for (const [control, cache, requests] of [
    ['max-stale', 'hit', 1],
    ['max-stale=100', 'hit', 1],
    ['max-stale=10', 'fwd=stale;fwd-status=304', 2],
  ] as const) {
    it(`is given stale as the request says: ${control}`, async () => {
      const rig = await strict();
      await ask(rig);
      await rig.clock.advance(100_000);
      const got = await ask(rig, { fields: { 'cache-control': control } });
      assert.deepEqual([got.cache, rig.origin.requests.length], [cache, requests]);
      await rig.close();
    });
  }

  it('is not there where the request said no-store', async () => {
    const rig = await strict();
    await ask(rig, { fields: { 'cache-control': 'no-store' } });
    await ask(rig);
    assert.equal(rig.origin.requests.length, 2);
    await rig.close();
  });

  it('is all that only-if-cached gets: else a 504', async () => {
    const rig = await strict();
    const { status } = await ask(rig, { fields: { 'cache-control': 'only-if-cached' }, film: null });
    assert.deepEqual([status, rig.origin.requests.length], [504, 0]);
    await rig.close();
  });
});

it('what strict mode takes in is told like a fill, from its beginning to its end', async () => {
  const rig = await strict();
  await ask(rig);
  await ask(rig, { range: '5-9' });
  await rig.clock.settle();
  const fills = (type: 'bytes-landed' | 'bytes-sent') => new Set(rig.eventsOf(type).map(({ fill }) => fill));
  assert.ok(fills('bytes-landed').isSubsetOf(fills('bytes-sent')));
  const states = rig.eventsOf('fill-state').map(({ from, to }) => [from, to]);
  assert.deepEqual(states, [
    ['idle', 'filling'],
    ['filling', 'idle'],
  ]);
  await rig.close();
});

describe('a method that changes something', () => {
  const put = (fields: string) => `PUT ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n${fields}\r\nabc`;

  for (const cache of ['rfc9111', 'media']) {
    it(`goes to the origin, and what is stored is forgotten, in the mode ${cache}`, async () => {
      const rig = await virtualRig({ films: movie, origin: fresh, mount: { cache, methods: ['PUT'] } });
      await ask(rig);
      const sent = rig.player().send(put(''), null);
      assert.equal(await rig.clock.advanceUntil(sent.done()), 'complete');
      assert.deepEqual([sent.status, rig.origin.requests.at(-1)?.method], [200, 'PUT']);
      assert.notEqual((await ask(rig)).cache, 'hit');
      await rig.close();
    });
  }

  it('is refused from the page of somebody else', async () => {
    const rig = await strict(fresh, { mount: { methods: ['PUT'] } });
    const told = [
      'Sec-Fetch-Site: cross-site\r\n',
      'Sec-Fetch-Site: same-site\r\n',
      'Origin: null\r\n',
      'Origin: http://evil.example\r\n',
      'Origin: http://127.0.0.1:1\r\n',
    ];
    for (const fields of told) {
      const sent = rig.player().send(put(fields), null);
      await rig.clock.advanceUntil(sent.done());
      assert.equal(sent.status, 403, fields);
    }
    assert.equal(rig.origin.requests.length, 0);
    await rig.close();
  });
});

describe('a body in strict mode', () => {
  it('that falls silent is cut after healTimeout, and what came of it is kept', async () => {
    const rig = await strict({ ...fresh, stallAfter: 100_000 });
    const exchange = rig.get(target);
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
    assert.deepEqual([exchange.bodyBytes, rig.clock.now()], [100_000, 90_000]);
    rig.origin.always(fresh);
    const { status, cache } = await ask(rig, { range: '0-9' });
    assert.deepEqual([status, cache], [206, 'fwd=stale;fwd-status=304']);
    await rig.close();
  });

  it('that nobody reads any more is given up at once', async () => {
    for (const behaviour of [{ stallAfter: 100_000 }, { rate: 100_000 }]) {
      const rig = await strict({ ...fresh, ...behaviour });
      const player = rig.player();
      player.get(target);
      await rig.clock.advance(1500);
      player.leave('reset');
      await rig.clock.settle();
      assert.equal(rig.daemon.lent().slots, 0);
      await rig.close();
      assert.equal(rig.eventsOf('bug').length, 0);
    }
  });
});

describe('content that is passed on', () => {
  const head = (length: number) => `PUT ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n\r\n`;

  it('may take as long as it likes to come, as long as it comes', async () => {
    const rig = await strict(fresh, { mount: { methods: ['PUT'] } });
    const player = rig.player();
    const sent = player.send(head(100), null);
    for (let piece = 0; piece < 10; piece += 1) {
      await rig.clock.advance(20_000);
      player.write('0123456789');
    }
    await rig.clock.advanceUntil(sent.done());
    assert.deepEqual([sent.status, rig.origin.requests.length], [200, 1]);
    await rig.close();
  });

  it('that stops coming is given up after firstByteTimeout', async () => {
    const rig = await strict({ headAfter: Number.POSITIVE_INFINITY }, { mount: { methods: ['PUT'] } });
    const sent = rig.player().send(`${head(100)}0123456789`, null);
    await rig.clock.advanceUntil(sent.done());
    assert.deepEqual([sent.status, rig.clock.now()], [504, 30_000]);
    await rig.close();
  });

  it('that nobody wants is cut off when the reply is over', async () => {
    const rig = await strict();
    const player = rig.player();
    const sent = player.send(`${head(100)}0123456789`, null);
    await rig.clock.advanceUntil(sent.done());
    assert.equal(sent.status, 405);
    await rig.clock.advance(1000);
    assert.equal(player.connected, false);
    await rig.close();
  });
});
