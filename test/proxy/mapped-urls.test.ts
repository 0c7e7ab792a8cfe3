import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mappedFields, mappedMultistatus, unmappedFields } from '../../src/proxy/mapped-urls.ts';

const at = { base: new URL('http://nas.example/dav/my%20films/'), mount: '/films' };

test('a place below the base is one below the mount, and no other is', () => {
  for (const [written, mapped] of [
    ['/dav/my%20films/a%20b.mkv', '/films/a%20b.mkv'],
    ['/dav/my%20films/', '/films/'],
    ['/dav/my%20films', '/films'],
    ['/%64av/my%20films/a?x=1', '/films/a?x=1'],
    ['http://nas.example/dav/my%20films/b/', '/films/b/'],
    ['c.mkv', '/films/folder/c.mkv'],
    ['../d.mkv', '/films/d.mkv'],
    ['/dav/my%20films2/a', null],
    ['/dav/', null],
    ['../../a', null],
    ['http://other.example/dav/my%20films/a', null],
    ['http://nas.example:81/dav/my%20films/a', null],
  ] as const) {
    const [location] = mappedFields([['location', written]], '/folder/', at);
    assert.equal(location?.[1] ?? null, mapped, written);
  }
});

test('a multistatus calls its places as the mount does, whatever its prefix is', () => {
  const list = (href: string) =>
    `<d:multistatus xmlns:d="DAV:"><d:response><d:href>${href}</d:href><d:x>/dav/my%20films/</d:x></d:response></d:multistatus>`;
  assert.equal(mappedMultistatus(list('/dav/my%20films/a&amp;b'), '/', at), list('/films/a&amp;b'));
  assert.equal(mappedMultistatus(list('/elsewhere/a'), '/', at), list('/elsewhere/a'));
  assert.match(mappedMultistatus('<href xmlns="DAV:">/dav/my%20films/a</href>', '/', at), />\/films\/a</);
});

test('fields that name places are mapped in both directions', () => {
  const sent = [
    ['host', '127.0.0.1:8787'],
    ['destination', 'http://127.0.0.1:8787/films/b%20c'],
    ['depth', '0'],
  ] as const;
  assert.deepEqual(unmappedFields(sent, at)[1], ['destination', 'http://nas.example/dav/my%20films/b%20c']);
  const elsewhere = [
    ['host', '127.0.0.1:8787'],
    ['destination', 'http://127.0.0.1:8787/other/b'],
  ] as const;
  assert.deepEqual(unmappedFields(elsewhere, at).length, 1);
  const given = [
    ['location', '/dav/my%20films/b/'],
    ['content-location', '/elsewhere'],
    ['x', '1'],
  ] as const;
  assert.deepEqual(mappedFields(given, '/b', at), [
    ['location', '/films/b/'],
    ['x', '1'],
  ]);
});
