/** Which pages of other web origins may read what a mount gives. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const movie = film(10_000);
const host = '127.0.0.1:8787';
const loopbackPages = ['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:5173', 'https://127.0.0.2:1'];
const strangers = ['https://site.example', 'http://192.168.1.2:3000', 'http://localhost.site.example'];
/** Never read, whatever the setting: pages without a web origin, firstbyte's own address, and what is no web origin. */
const never = ['null', 'http://127.0.0.1:8787', 'http://localhost:8787', 'file://', 'http://127.0.0.1:3000/', '*', ''];

interface Case {
  readonly what: string;
  readonly mount: Readonly<Record<string, unknown>>;
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}

const cases: readonly Case[] = [
  { what: 'by default', mount: {}, may: loopbackPages, mayNot: [...strangers, ...never] },
  {
    what: "by default where the operator's credentials open it",
    mount: { auth: { bearer: { env: 'TOKEN' } } },
    may: [],
    mayNot: [...loopbackPages, ...strangers, ...never],
  },
  {
    what: 'of one web origin',
    mount: { allowOrigins: ['https://site.example'] },
    may: ['https://site.example'],
    mayNot: [...loopbackPages, 'http://site.example', 'https://a.site.example', ...never],
  },
  {
    what: 'of all that have one',
    mount: { allowOrigins: ['*'] },
    may: [...loopbackPages, ...strangers],
    mayNot: never.filter((origin) => !origin.includes('8787')),
  },
];

describe('a page may read', () => {
  for (const { what, mount, may, mayNot } of cases) {
    it(what, async () => {
      const { auth, ...others } = mount;
      const secret = auth === undefined ? {} : { headers: { Authorization: 'Bearer secret' } };
      const rig = await virtualRig({ films: movie, mount: { ...others, ...secret } });
      for (const origin of [...may, ...mayNot]) {
        for (const method of ['GET', 'OPTIONS']) {
          const asks =
            method === 'OPTIONS'
              ? { 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' }
              : {};
          const exchange = await rig.play('/films/a.mp4', { method, film: null, fields: { host, origin, ...asks } });
          const isRead = may.includes(origin);
          assert.equal(exchange.field('access-control-allow-origin'), isRead ? origin : null, `${method} ${origin}`);
          assert.equal(exchange.field('access-control-allow-credentials'), null);
          if (isRead && method === 'GET') {
            assert.match(
              exchange.field('access-control-expose-headers') ?? '',
              /Accept-Ranges.*Content-Length.*Content-Range/,
            );
            assert.match(exchange.field('vary') ?? '', /Origin/);
          }
          if (method === 'OPTIONS') {
            assert.equal(exchange.status, 204);
            assert.equal(exchange.field('access-control-allow-headers'), isRead ? 'range' : null);
          }
        }
      }
      assert.ok(rig.origin.requests.every(({ method }) => method === 'GET'));
      await rig.close();
    });
  }

  it('what the origin says, where the operator leaves it to that', async () => {
    const said = { 'access-control-allow-origin': 'https://own.example' };
    const rig = await virtualRig({ films: movie, origin: { fields: said }, mount: { allowOrigins: ['upstream'] } });
    const exchange = await rig.play('/films/a.mp4', { fields: { origin: 'https://own.example' } });
    assert.equal(exchange.field('access-control-allow-origin'), 'https://own.example');
    await rig.close();
  });

  it('errors and parts as well', async () => {
    const rig = await virtualRig({ films: { '/a.mp4': movie } });
    for (const [path, range, status] of [
      ['/films/b.mp4', '0-', 404],
      ['/films/a.mp4', '5-9', 206],
      ['/films/a.mp4', '99999-', 416],
    ] as const) {
      const exchange = await rig.play(path, { range, film: null, fields: { host, origin: 'http://localhost:3000' } });
      assert.deepEqual(
        [exchange.status, exchange.field('access-control-allow-origin')],
        [status, 'http://localhost:3000'],
      );
    }
    await rig.close();
  });
});

it('a client that is no browser hears nothing of pages', async () => {
  const rig = await virtualRig({ films: movie });
  const exchange = await rig.play('/films/a.mp4');
  assert.deepEqual([exchange.field('vary'), exchange.field('access-control-allow-origin')], [null, null]);
  await rig.close();
});
