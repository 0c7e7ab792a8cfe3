/**
 * What is fetched under a client's credentials is for that client: every kind of credential at every door.
 *
 * The origin holds a film of its own for each viewer, in another length and version, so that a single byte, length or
 * condition that comes from the wrong one shows. Where an operator has chosen to share, everybody gets the first one's.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Film } from '../support/film.ts';
import type { SeenRequest } from '../support/http-origin-server.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const films = { owner: new Film(700_000, 1), other: new Film(600_001, 2), nobody: new Film(500_002, 3) };
type Viewer = keyof typeof films;

interface Request {
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
}

interface Kind {
  readonly name: string;
  /** The origin's settings. */
  readonly mount: Readonly<Record<string, unknown>>;
  /** How a viewer asks; `nobody` brings nothing. */
  ask(viewer: Viewer): Request;
  /** Whose film a viewer gets after the owner has played his. */
  readonly gets: Readonly<Record<'other' | 'nobody', Viewer>>;
  /** Whether the whole object may be given out at the control API. */
  readonly exported: boolean;
}

const path = '/films/a.mp4';
const own = { other: 'other', nobody: 'nobody' } as const;
const shared = { other: 'owner', nobody: 'owner' } as const;

function inField(name: string, prefix = ''): Kind['ask'] {
  return (viewer) => ({ target: path, fields: viewer === 'nobody' ? {} : { [name]: `${prefix}${viewer}` } });
}

function inQuery(name: string): Kind['ask'] {
  return (viewer) => ({ target: viewer === 'nobody' ? path : `${path}?${name}=${viewer}`, fields: {} });
}

const kinds: readonly Kind[] = [
  {
    name: "a client's own Authorization",
    mount: {},
    ask: inField('authorization', 'Bearer '),
    gets: own,
    exported: false,
  },
  {
    name: 'Basic, in strict mode',
    mount: { cache: 'rfc9111' },
    ask: inField('authorization', 'Basic '),
    gets: own,
    exported: false,
  },
  {
    name: 'Authorization, where everything is stored',
    mount: { cache: 'always' },
    ask: inField('authorization', 'Bearer '),
    gets: own,
    exported: false,
  },
  {
    name: 'a cookie, where cookies are forwarded',
    mount: { keyHeaders: ['cookie'] },
    ask: inField('cookie', 'session='),
    gets: own,
    exported: false,
  },
  {
    name: 'a token in a field of its own',
    mount: {},
    ask: inField('x-emby-token'),
    gets: own,
    exported: false,
  },
  {
    name: 'a cookie of a program that is no browser',
    mount: {},
    ask: inField('cookie', 'session='),
    gets: own,
    exported: false,
  },
  {
    name: "a cookie of a browser's page",
    mount: {},
    ask: (viewer) => {
      const { target, fields } = inField('cookie', 'session=')(viewer);
      return { target, fields: { ...fields, 'sec-fetch-site': 'none' } };
    },
    gets: allNobody(),
    exported: true,
  },
  {
    name: 'a field that a preset keys',
    mount: { preset: 'plex' },
    ask: inField('x-plex-token'),
    gets: own,
    exported: false,
  },
  {
    name: 'a field that the operator keys',
    mount: { keyHeaders: ['x-key'] },
    ask: inField('x-key'),
    gets: own,
    exported: false,
  },
  { name: 'a key in the query, without a preset', mount: {}, ask: inQuery('api_key'), gets: own, exported: true },
  {
    name: 'a key in the query, shared by a preset',
    mount: { preset: 'jellyfin' },
    ask: inQuery('api_key'),
    gets: shared,
    exported: true,
  },
  {
    name: 'a token in the query, shared by ignoreQuery',
    mount: { ignoreQuery: ['token'] },
    ask: inQuery('token'),
    gets: shared,
    exported: true,
  },
  {
    name: 'a field, beside a query that is shared',
    mount: { preset: 'jellyfin' },
    ask: inField('x-emby-token'),
    gets: own,
    exported: false,
  },
  {
    name: "the operator's credentials in the URL",
    mount: { url: 'http://owner:owner@10.0.0.1/' },
    ask: inField('authorization', 'Bearer '),
    gets: shared,
    exported: true,
  },
  {
    name: "the operator's own field in place of a client's",
    mount: { preset: 'plex', headers: { 'X-Plex-Token': 'owner' } },
    ask: inField('x-plex-token'),
    gets: shared,
    exported: true,
  },
];

/** Nothing of it reaches the origin, so that all have the film that is for everybody. */
function allNobody() {
  return { other: 'nobody', nobody: 'nobody' } as const;
}

/** Whose film the origin gives: it is told by any of the ways, the credentials of an operator as Basic. */
function viewerOf({ target, fields }: SeenRequest): Viewer {
  const field = (name: string) => fields.find(([given]) => given === name)?.[1] ?? '';
  const basic = Buffer.from(field('authorization').replace(/^Basic /, ''), 'base64').toString();
  const told = [
    ...['authorization', 'cookie', 'x-plex-token', 'x-emby-token', 'x-key'].map(field),
    basic.split(':')[0],
    target,
  ];
  return (['owner', 'other'] as const).find((viewer) => told.some((text) => text?.includes(viewer))) ?? 'nobody';
}

const token = 'the-token-of-the-operator';

async function withRig(kind: Kind, play: (rig: VirtualRig, first: Viewer) => Promise<void>, settings = {}) {
  const public_ = kind.mount.cache === 'rfc9111' ? { 'cache-control': 'max-age=600' } : {};
  const rig = await virtualRig({ films: {}, mount: kind.mount, settings: { token, ...settings } });
  rig.origin.always((seen) => ({ film: films[viewerOf(seen)], fields: public_ }));
  try {
    const first = kind.gets.nobody === 'nobody' && kind.gets.other === 'nobody' ? 'nobody' : 'owner';
    const played = await get(rig, kind.ask('owner'));
    assert.deepEqual([played.status, played.size], [200, films[first].size], 'the owner gets what is his');
    await play(rig, first);
  } finally {
    await rig.close();
  }
}

interface Got {
  readonly status: number | null;
  readonly size: number;
  readonly etag: string | null;
  readonly text: string;
}

async function get(
  rig: VirtualRig,
  { target, fields }: Request,
  film: Film | null = null,
  more: { readonly method?: string; readonly range?: string; readonly fields?: Readonly<Record<string, string>> } = {},
): Promise<Got> {
  const exchange = await rig.play(target, { ...more, fields: { ...fields, ...more.fields }, film });
  const size = more.method === 'HEAD' ? Number(exchange.field('content-length')) : exchange.bodyBytes;
  return {
    status: exchange.status,
    size,
    etag: exchange.field('etag'),
    text: exchange.status === 200 ? '' : exchange.text,
  };
}

const bearer = { authorization: `Bearer ${token}` };

/** What somebody gets at every door after the owner has played. */
async function goThrough(rig: VirtualRig, kind: Kind, viewer: 'other' | 'nobody'): Promise<void> {
  const asked = kind.ask(viewer);
  const film = films[kind.gets[viewer]];
  assert.equal((await get(rig, asked, null, { method: 'HEAD' })).size, film.size, 'HEAD');

  const range = await get(rig, asked, film, { range: '100000-199999' });
  assert.deepEqual([range.status, range.size], [206, 100_000], 'a range');

  const owner = kind.ask('owner');
  const { etag } = await get(rig, owner, null, { method: 'HEAD' });
  const conditional = await get(rig, asked, null, { fields: { 'if-none-match': etag ?? '' } });
  assert.equal(conditional.status, isShared(kind) ? 304 : 200, "a condition that names another's version");

  const player = rig.player();
  const served = player.get(owner.target, { fields: owner.fields, film: null });
  const next = player.get(asked.target, { fields: asked.fields, film });
  await rig.clock.advanceUntil(Promise.all([served.done(), next.done()]));
  assert.equal(next.bodyBytes, film.size, "the owner's connection");

  await rig.restart();
  assert.equal((await get(rig, asked, film)).size, film.size, 'after a restart');
}

/** Whether all viewers get the same film. */
function isShared({ gets }: Kind): boolean {
  return gets.other === gets.nobody;
}

for (const kind of kinds) {
  describe(`${kind.name}: ${isShared(kind) ? 'shared' : 'each his own'}`, () => {
    for (const viewer of ['other', 'nobody'] as const) {
      it(`at every door of media, for ${viewer}`, () => withRig(kind, (rig) => goThrough(rig, kind, viewer)));
    }

    it('while the origin is out of reach', () =>
      withRig(kind, async (rig, first) => {
        rig.network.down = true;
        await rig.clock.advance(48 * 3_600_000);
        await rig.restart();
        for (const viewer of ['other', 'nobody'] as const) {
          const { status, size } = await get(rig, kind.ask(viewer));
          if (isShared(kind)) assert.deepEqual([status, size], [200, films[first].size]);
          else assert.ok((status ?? 0) >= 500 && size < 1000, `${status} with ${size} bytes`);
        }
      }));

    it('while the owner is being served', async () => {
      const rig = await virtualRig({ films: {}, mount: kind.mount });
      rig.origin.always((seen) => ({ film: films[viewerOf(seen)], rate: 500_000 }));
      const ask = (viewer: Viewer) => {
        const { target, fields } = kind.ask(viewer);
        return rig.get(target, { fields, film: null });
      };
      const served = ask('owner');
      await rig.clock.advance(300);
      const others = (['other', 'nobody'] as const).map((viewer) => [viewer, ask(viewer)] as const);
      await rig.clock.advanceUntil(Promise.all([served, ...others.map(([, each]) => each)].map((each) => each.done())));
      for (const [viewer, each] of others) assert.equal(each.bodyBytes, films[kind.gets[viewer]].size);
      await rig.close();
    });

    it("at the control API: never without a token, and with one what is not one client's", () =>
      withRig(kind, async (rig, first) => {
        for (const again of [false, true]) {
          if (again) await rig.restart();
          const page = await rig.clock.advanceUntil(rig.daemon.holdings.page());
          assert.ok(typeof page === 'object');
          if (kind.mount.cache !== 'rfc9111') assert.equal(page.objects.length, 1);
          for (const { id } of page.objects) {
            const target = `/-/api/v1/objects/${id}/content`;
            for (const method of ['GET', 'HEAD']) {
              const refused = await get(rig, { target, fields: {} }, null, { method });
              assert.equal(refused.status, 401);
              const got = await get(rig, { target, fields: bearer }, kind.exported ? films[first] : null, { method });
              assert.equal(got.status, kind.exported ? 200 : 403, got.text);
              if (kind.exported) assert.equal(got.size, films[first].size);
              else if (method === 'GET') assert.match(got.text, /for that client alone/);
            }
          }
        }
      }));

    it("to work that nobody's player began: with no credentials of a client", () =>
      withRig(kind, async (rig) => {
        await rig.restart();
        const before = rig.origin.requests.length;
        const { holdings } = rig.daemon;
        const signal = new AbortController().signal;
        const unseen = { add() {}, expect() {} };
        const warming = holdings.warm('films', '/a.mp4', [{ start: 0, end: null }]);
        assert.ok(typeof warming === 'function');
        const { objectId } = await rig.clock.advanceUntil(warming(unseen, signal));
        await rig.clock.advanceUntil(holdings.verify(null, true)(unseen, signal));
        const operators =
          kind.gets.nobody === 'owner' && kind.mount.preset !== 'jellyfin' && !('ignoreQuery' in kind.mount);
        for (const seen of rig.origin.requests.slice(before)) {
          assert.equal(viewerOf(seen), operators ? 'owner' : 'nobody');
        }
        const target = `/-/api/v1/objects/${objectId}/content`;
        const got = await get(rig, { target, fields: bearer }, films[kind.gets.nobody]);
        assert.equal(got.size, films[kind.gets.nobody].size);
      }));
  });
}
