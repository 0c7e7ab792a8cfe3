/** Which requests share an entry, and what the origin sees of a client. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type IdentityPolicy, identify, plainIdentity } from '../../src/cache/identity.ts';
import { presets } from '../../src/config/presets.ts';
import type { Fields } from '../../src/http/fields.ts';
import { Film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { stage } from './stage.ts';

const key = (target: string, fields: Fields = [], policy: Partial<IdentityPolicy> = {}) =>
  identify('films', target, fields, { ...plainIdentity, ...policy }).key;

/** Pairs of targets that are the same film where these names are ignored, and pairs that are not. */
const same: readonly [names: readonly string[], a: string, b: string][] = [
  [['token'], '/a?token=1', '/a?token=2'],
  [['token'], '/a?token=1', '/a'],
  [['token'], '/a?x=1&token=1&y=2', '/a?x=1&y=2'],
  [['token'], '/a?TOKEN=1&x', '/a?x&token'],
  [['X-Plex-Token'], '/a?X%2DPlex%2DToken=1', '/a'],
  [['a b'], '/a?a+b=1', '/a?a%20b=2'],
];
const different: readonly [names: readonly string[], a: string, b: string][] = [
  [['token'], '/a?x=1&y=2', '/a?y=2&x=1'],
  [['token'], '/a?x=token', '/a?x=other'],
  [['token'], '/a?tokens=1', '/a?tokens=2'],
  [['token'], '/a/token=1', '/a/token=2'],
  [['token'], '/a', '/A'],
  [[], '/a?token=1', '/a?token=2'],
  [['token'], '/a?%=1', '/a?%=2'],
];

test("the origin is told no cookie of firstbyte's own, and it is no part of what is meant", () => {
  const sent = (cookie: string) =>
    identify('films', '/a', [['cookie', cookie]], { ...plainIdentity, keyHeaders: ['cookie'] }).fields;
  const own = 'firstbyte-8787=1.a';
  assert.deepEqual(sent(`a=b; ${own}; c="d;firstbyte"`), [['cookie', 'a=b; c="d;firstbyte"']]);
  assert.deepEqual(sent(`${own}; a=b`), [['cookie', 'a=b']]);
  assert.deepEqual([sent(own), sent('myfirstbyte-1=a')], [[], [['cookie', 'myfirstbyte-1=a']]]);
});

describe('two requests', () => {
  for (const [ignoreQuery, a, b] of same) {
    test(`for ${a} and ${b} mean the same film`, () => {
      assert.equal(key(a, [], { ignoreQuery }), key(b, [], { ignoreQuery }));
    });
  }
  for (const [ignoreQuery, a, b] of different) {
    test(`for ${a} and ${b} mean two films`, () => {
      assert.notEqual(key(a, [], { ignoreQuery }), key(b, [], { ignoreQuery }));
    });
  }

  test('where nothing is ignored, the target is the key, in one of its spellings', () => {
    const coded = (text: string) =>
      text.replace(/./g, (letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`);
    fc.assert(
      fc.property(fc.webQueryParameters(), fc.stringMatching(/^[\w.~-]+$/), (query, plain) => {
        assert.equal(key(`/a?${query}`).length, key(`/a?${query.toUpperCase()}`).length);
        assert.equal(key(`/${coded(plain)}?${query}`), key(`/${plain}?${query}`));
      }),
    );
    assert.equal(key('/%c3%bc%2f%7e'), 'films\n/%C3%BC%2F~');
    assert.notEqual(key('/a%2fb'), key('/a/b'));
  });

  test('by players that report on themselves mean the same film', () => {
    assert.equal(key('/a?x=1&CMCD=bl%3D21300%2Cnor%3D%22b.mp4%22'), key('/a?x=1'));
  });

  test('what a preset ignores makes no difference, everything else does', () => {
    for (const { ignoreQuery } of Object.values(presets)) {
      for (const name of ignoreQuery) {
        assert.equal(key(`/a?id=1&${name}=x`, [], { ignoreQuery }), key('/a?id=1', [], { ignoreQuery }));
      }
      for (const name of ['id', 'mediaSourceId', 'versionId', 'alt', 'static', 'container', 'Tag']) {
        assert.notEqual(key(`/a?${name}=1`, [], { ignoreQuery }), key(`/a?${name}=2`, [], { ignoreQuery }), name);
      }
    }
  });
});

describe("a client's fields", () => {
  const fields: Fields = [
    ['range', 'bytes=0-'],
    ['authorization', 'Basic secret'],
    ['cookie', 'session=secret'],
    ['icy-metadata', '1'],
    ['x-own', 'said'],
  ];

  test('that are credentials are part of the identity, others are said beside it unless the operator says more', () => {
    const { fields: counted, said } = identify('films', '/a', fields, plainIdentity);
    assert.deepEqual(counted, fields.slice(1, 3));
    assert.deepEqual(said, [['x-own', 'said']]);
    const policy = { ...plainIdentity, keyHeaders: ['x-own'] };
    assert.deepEqual(identify('films', '/a', fields, policy).fields, [
      ['authorization', 'Basic secret'],
      ['cookie', 'session=secret'],
      ['x-own', 'said'],
    ]);
  });

  test('with credentials of the operator, those of a client are nothing', () => {
    const policy = {
      ...plainIdentity,
      keyHeaders: ['authorization'],
      ownFields: ['authorization', 'cookie', 'x-own'],
    };
    assert.deepEqual(identify('films', '/a', fields, policy), identify('films', '/a', [], plainIdentity));
  });

  test('that are credentials by their names count as well', () => {
    for (const name of [
      'x-api-key',
      'x-auth-token',
      'x-emby-token',
      'x-session-id',
      'api-key',
      'x-amz-security-token',
    ]) {
      const { fields: counted, said } = identify('films', '/a', [[name, 'secret']], plainIdentity);
      assert.deepEqual([counted, said], [[[name, 'secret']], []], name);
    }
  });

  test("of a browser's page hold no cookie for an origin, unless the operator says so", () => {
    const page: Fields = [...fields, ['sec-fetch-site', 'cross-site']];
    assert.deepEqual(identify('films', '/a', page, plainIdentity).fields, [['authorization', 'Basic secret']]);
    const policy = { ...plainIdentity, keyHeaders: ['cookie'] };
    assert.deepEqual(identify('films', '/a', page, policy).fields, fields.slice(1, 3));
  });

  test('that say something of another request, or that only a proxy may say, are never forwarded', () => {
    const never = [
      ...['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Real-IP', 'X-Original-URL', 'X-Rewrite-URL'],
      ...['X-HTTP-Method', 'X-HTTP-Method-Override', 'X-Method-Override', 'Icy-MetaData', 'Via', 'CDN-Loop'],
      ...['TE', 'Trailer', 'Upgrade', 'Keep-Alive', 'Proxy-Authorization', 'Connection', 'X-Listed'],
      ...['If-Range', 'If-None-Match', 'Range', 'Content-Length', 'Accept-Encoding', 'Host', 'Expect', 'Cookie2'],
    ].map((name) => [name.toLowerCase(), name === 'Connection' ? 'x-listed' : '1'] as const);
    assert.deepEqual(identify('films', '/a', never, plainIdentity), identify('films', '/a', [], plainIdentity));
  });

  test('name no page that was read through firstbyte', () => {
    const said = (referer: string, host = '127.0.0.1:8787') =>
      identify(
        'films',
        '/a',
        [
          ['host', host],
          ['referer', referer],
        ],
        plainIdentity,
      ).said.some(([name]) => name === 'referer');
    for (const own of ['http://127.0.0.1:8787/~/token/a', 'http://localhost:8787/-/', 'http://[::1]:8787/']) {
      assert.equal(said(own), false, own);
    }
    assert.equal(said('https://media.example/films/', 'media.example'), false);
    for (const other of ['https://site.example/', 'http://127.0.0.1:3000/']) assert.equal(said(other), true, other);
  });

  test('two values are two entries, and no key holds one of them', () => {
    const [one, two] = ['secret-1', 'secret-2'].map((value) => key('/a', [['authorization', value]]));
    assert.notEqual(one, two);
    assert.notEqual(one, key('/a'));
    assert.doesNotMatch(`${one}${two}`, /secret/);
  });

  test('credentials that would open a connection for everybody are neither forwarded nor part of the identity', () => {
    for (const scheme of ['NTLM TlRMTVNTUAAD', 'Negotiate YII=', 'negotiate', 'Basic x, Negotiate YII=']) {
      const offered = [['authorization', scheme]] as const;
      assert.deepEqual(identify('films', '/a', offered, plainIdentity), identify('films', '/a', [], plainIdentity));
    }
    assert.equal(identify('films', '/a', [['authorization', 'Bearer ntlm']], plainIdentity).fields.length, 1);
  });

  test('the same value under another name is another entry', () => {
    const policy = { keyHeaders: ['a', 'b'] };
    assert.notEqual(key('/x', [['a', '1']], policy), key('/x', [['b', '1']], policy));
  });
});

describe('over the whole way', () => {
  const film = new Film(300_000, 7);

  test("a client's credentials reach the origin, and what they opened is for nobody else", async () => {
    const rig = await virtualRig({ films: film });
    const get = (fields: Readonly<Record<string, string>>) => rig.get('/films/a.mp4', { fields });
    for (const fields of [{ authorization: 'Basic one' }, { authorization: 'Basic one' }, {}]) {
      assert.equal(await rig.clock.advanceUntil(get(fields).done()), 'complete');
    }
    assert.deepEqual(
      rig.origin.requests.map(({ fields }) => fields.find(([name]) => name === 'authorization')?.[1]),
      ['Basic one', undefined],
    );
    await rig.close();
  });

  test('a film is asked for with the newest token, and an older one that comes back changes nothing', async () => {
    const long = new Film(2_000_000, 8);
    const set = stage({ film: long, mount: { identity: { ...plainIdentity, ignoreQuery: ['token'] } } });
    const targets: string[] = [];
    for (const [start, token] of [
      [0, 'old'],
      [600_000, 'new'],
      [1_200_000, 'old'],
    ] as const) {
      // biome-ignore format: one line reads best
      const viewer = set.view(start, start + 1000, `/film.mp4?token=${token}`);
      const request = await set.asked();
      targets.push(request.target);
      request.head().bytes(1000);
      await set.clock.settle();
      assert.equal(viewer.outcome, 'whole');
    }
    assert.deepEqual(targets, ['/film.mp4?token=old', '/film.mp4?token=new', '/film.mp4?token=new']);
    await set.cache.close();
  });

  test('a token that the origin refuses spoils the film for nobody', async () => {
    const long = new Film(2_000_000, 8);
    const set = stage({ film: long, mount: { identity: { ...plainIdentity, ignoreQuery: ['token'] } } });
    const view = (start: number, token: string) => set.view(start, start + 1000, `/film.mp4?token=${token}`);
    view(0, 'right');
    (await set.asked()).head().bytes(1000);
    const stranger = view(600_000, 'wrong');
    const refused = await set.asked();
    assert.equal(refused.target, '/film.mp4?token=wrong');
    refused.head(403);
    const again = await set.asked();
    assert.equal(again.target, '/film.mp4?token=right');
    again.head().bytes(1000);
    await set.clock.settle();
    assert.equal(stranger.outcome, 'whole');
    view(1_200_000, 'wrong');
    const next = await set.asked();
    assert.equal(next.target, '/film.mp4?token=right', 'the refused one is not tried again');
    next.head(403);
    const plain = await set.asked();
    assert.equal(plain.target, '/film.mp4?token=right');
    assert.ok(!plain.fields.some(([name]) => name === 'if-range'), 'it may be meant for the condition');
    plain.head(403);
    await set.clock.settle();
    assert.equal(set.origin.requests.length, 5, 'and where the other is refused too, that is the answer');
    await set.cache.close();
  });

  test('a viewer who comes while another is refused is asked for with a token of his own', async () => {
    const set = stage({ film, mount: { identity: { ...plainIdentity, ignoreQuery: ['token'] } } });
    const stranger = set.view(0, 1000, '/film.mp4?token=wrong');
    const refused = await set.asked();
    const viewer = set.view(0, 1000, '/film.mp4?token=right');
    refused.head(401);
    const again = await set.asked();
    assert.equal(again.target, '/film.mp4?token=right');
    again.head().bytes(1000);
    await set.clock.settle();
    assert.deepEqual([viewer.outcome, stranger.outcome], ['whole', 'whole'], 'as the operator has chosen');
    await set.cache.close();
  });

  test('what an origin says of a token that it refuses goes to nobody who has another', async () => {
    const rig = await virtualRig({ films: film, mount: { ignoreQuery: ['token'] } });
    const said = { status: 403, fields: { 'x-user': 'one', 'content-location': '/login?user=one' } };
    rig.origin.always({ ...said, headAfter: 1000 });
    const one = rig.get('/films/a.mp4?token=one', { film: null });
    await rig.clock.advance(500);
    const other = rig.get('/films/a.mp4?token=other', { film: null });
    await rig.clock.advanceUntil(Promise.all([one.done(), other.done()]));
    for (const { status, fields, text } of [one, other]) {
      assert.equal(status, 403);
      assert.ok(!JSON.stringify(fields).includes('one'));
      assert.equal(text, 'The origin refuses the token.\n');
    }
    await rig.close();
    const alone = await virtualRig({ films: film, mount: { ignoreQuery: ['token'] } });
    alone.origin.always(said);
    const only = await alone.play('/films/a.mp4?token=one', { film: null });
    assert.deepEqual([only.field('x-user'), only.text], ['one', "This is the origin's 403.\n"]);
    await alone.close();
  });
});
