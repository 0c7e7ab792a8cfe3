import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Held, Origin, OriginReply, ResolvedUrl } from '../../src/origin/origin.ts';
import { isProxyError, open, readAll } from './bench.ts';
import { film, redirect, World } from './world.ts';

const fields = [
  ['range', 'bytes=5-'],
  ['authorization', 'Bearer of-the-client'],
] as const;

const refusal = (status: number) => `HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nno`;

async function openAt(origin: Origin, resolved: ResolvedUrl): Promise<OriginReply> {
  try {
    return await origin.open({ target: '/film', fields, resolved }, new AbortController().signal);
  } finally {
    await origin.close();
  }
}

describe('a resolved URL', () => {
  const own = [['authorization', 'Basic of-the-operator'] as const];

  it('elsewhere is asked as it is, with its own fields and no credentials of anybody', async () => {
    const world = new World({ 'b.example': () => film });
    const origin = world.origin('http://a.example/base', { fields: own });
    const resolved = {
      url: new URL('http://b.example:81/signed/a%20b?sig=secret'),
      fields: [['x-key', 'fresh']] as const,
    };
    const reply = await openAt(origin, resolved);
    assert.deepEqual([reply.status, reply.redirected], [200, false]);
    const head = world.heads.at(-1) ?? '';
    assert.match(head, /^GET \/signed\/a%20b\?sig=secret HTTP\/1\.1\r\nHost: b\.example:81\r\n/i);
    assert.match(head, /\r\nrange: bytes=5-\r\n/i);
    assert.match(head, /\r\nx-key: fresh\r\n/i);
    assert.doesNotMatch(head, /authorization|of-the/i);
  });

  it('may bring credentials of its own, which replace all others and follow no redirect', async () => {
    const world = new World({
      'a.example': () => redirect('http://b.example/film'),
      'b.example': () => film,
    });
    const origin = world.origin('http://a.example/base', { fields: own });
    await openAt(origin, { url: null, fields: [['authorization', 'Bearer fresh']] });
    assert.match(world.heads[0] ?? '', /^GET \/base\/film HTTP/);
    assert.deepEqual((world.heads[0] ?? '').match(/authorization: .*/gi), ['authorization: Bearer fresh']);
    assert.doesNotMatch(world.heads[1] ?? '', /authorization/i);
  });

  it('has its own fields at the place to which it redirects, for every piece of a film', async () => {
    const world = new World({ 'a.example': (target) => (target === '/film' ? film : redirect('/film')) });
    const origin = world.origin('http://a.example');
    const held: Held = {
      validator: { kind: 'etag', value: '"a"', strong: true },
      length: 4,
      present: [],
      compare: async () => 'same',
    };
    const resolved = { url: new URL('http://a.example/signed'), fields: [['x-key', 'fresh']] as const };
    for (let piece = 0; piece < 2; piece += 1) {
      const request = { target: '/a.mkv', fields: [], held, resolved };
      assert.equal(await readAll(await origin.open(request, new AbortController().signal)), 'film');
    }
    assert.deepEqual(world.targets, ['/signed', '/film', '/film']);
    for (const head of world.heads) assert.match(head, /\r\nx-key: fresh\r\n/i);
    await origin.close();
  });

  it('on a private address is refused where the origin is public', async () => {
    const world = new World({ 'b.example': () => film }, { 'b.example': ['10.0.0.7'] });
    const url = new URL('http://b.example/film');
    await assert.rejects(
      openAt(world.origin('http://a.example'), { url, fields: [] }),
      isProxyError('destination_ip_prohibited'),
    );
    assert.deepEqual(world.heads, []);
  });

  it('on another host is refused where redirects must stay at home', async () => {
    const world = new World({ 'b.example': () => film });
    const url = new URL('http://b.example/film');
    const origin = world.origin('http://a.example', { redirectTo: 'same-host' });
    await assert.rejects(openAt(origin, { url, fields: [] }), isProxyError('destination_ip_prohibited'));
  });
});

describe('a signed URL behind a redirect', () => {
  for (const status of [401, 403, 404, 410]) {
    it(`that answers ${status} is asked for once more, and the fresh one plays`, async () => {
      let signed = 0;
      const world = new World({
        'a.example': () => redirect(`http://b.example/signed/${++signed}`),
        'b.example': (target) => (target === '/signed/1' ? refusal(status) : film),
      });
      const origin = world.origin('http://a.example');
      const reply = await open(origin);
      assert.equal(await readAll(reply), 'film');
      assert.deepEqual([reply.status, reply.redirected], [200, true]);
      assert.deepEqual(world.targets, ['/film', '/signed/1', '/film', '/signed/2']);
      await origin.close();
    });
  }

  for (const status of [301, 302, 303, 307, 308]) {
    const lasting = status === 301 || status === 308;
    it(`is asked for once more after a ${status}: ${lasting ? 'no, it would be the same' : 'yes'}`, async () => {
      const world = new World({
        'a.example': () => redirect('http://b.example/signed', status),
        'b.example': () => refusal(404),
      });
      const origin = world.origin('http://a.example');
      const reply = await open(origin);
      assert.deepEqual([reply.status, reply.redirected], [404, !lasting]);
      assert.equal(world.targets.length, lasting ? 2 : 4);
      await origin.close();
    });
  }

  it('that is refused afresh is passed on', async () => {
    const world = new World({
      'a.example': () => redirect('http://b.example/signed'),
      'b.example': () => refusal(403),
    });
    const origin = world.origin('http://a.example');
    assert.equal((await open(origin)).status, 403);
    assert.deepEqual(world.targets, ['/film', '/signed', '/film', '/signed']);
    await origin.close();
  });

  for (const status of [403, 500]) {
    it(`is not asked for twice by ${status === 403 ? 'the own answer of the origin' : 'any other status'}`, async () => {
      const world = new World({
        'a.example': () => (status === 403 ? refusal(403) : redirect('http://b.example/signed')),
        'b.example': () => refusal(500),
      });
      const origin = world.origin('http://a.example');
      assert.equal((await open(origin)).status, status);
      assert.equal(world.targets.filter((target) => target === '/film').length, 1);
      await origin.close();
    });
  }
});
