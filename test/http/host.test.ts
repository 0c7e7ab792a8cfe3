import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAllowedHost, isLocalName, isUnmistakable, readHost } from '../../src/http/host.ts';

const written: Readonly<Record<string, string>> = {
  localhost: 'localhost',
  'LocalHost:8787': 'localhost',
  'localhost:': 'localhost',
  'localhost.': 'localhost',
  'NAS.Local.:80': 'nas.local',
  my_nas: 'my_nas',
  'a~b!c.example': 'a~b!c.example',
  '%65vil': '%65vil',
  '10.0.0.1:65535': '10.0.0.1',
  '2130706433': '2130706433',
  '[::1]:8787': '::1',
  '[2001:DB8::1]': '2001:db8::1',
  '[::ffff:127.0.0.1]': '::ffff:127.0.0.1',
  '[fe80::1%25eth0]:1': 'fe80::1%25eth0',
  '[fe80::1%eth0]': 'fe80::1%eth0',
};

const invalid = [
  '',
  ':80',
  'a b',
  'a,b',
  'user@host',
  'user:password@host',
  'host:80:80',
  'host:x',
  'host:-1',
  'host:65536',
  'host:8787 ',
  'host/path',
  'host?a',
  'host#a',
  'http://host',
  'a\\b',
  'a"b',
  'a<b',
  '%',
  '%zz',
  'a\tb',
  'bücher',
  '\u00ff',
  '::1',
  '[::1',
  '::1]',
  '[]',
  '[::1]x',
  '[::1]:x',
  '[127.0.0.1]',
  '[localhost]',
  '[v1.x]',
  '[::1]]',
  '[[::1]',
];

test('a host is read without port, brackets, final dot and upper case', () => {
  for (const [text, host] of Object.entries(written)) assert.equal(readHost(text), host, text);
});

test('what is no host is not read', () => {
  for (const text of invalid) assert.equal(readHost(text), null, JSON.stringify(text));
});

test('a name that no public name server has is local', () => {
  for (const name of ['nas', 'my_nas', 'a.local', 'a.b.lan', 'a.home', 'a.home.arpa', 'a.internal', 'a.localhost']) {
    assert.ok(isLocalName(name), name);
  }
});

test('a name that a stranger could have is not', () => {
  const ends = [
    'local.example',
    'evillan.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    'a.arpa',
    'xhome.arpa',
  ];
  const odd = ['', '.', '.local', 'a..local', '..', 'evil%2eexample', 'evil!', 'a.evil%2eexample.local', 'a.corp'];
  for (const name of [...ends, ...odd]) assert.ok(!isLocalName(name), name);
});

test('an address, however it is written, is nobody else, and a name may be', () => {
  for (const host of ['8.8.8.8', '0.0.0.0', '::', 'fe80::1%eth0', '169.254.169.254', 'nas']) {
    assert.ok(isUnmistakable(host), host);
  }
  for (const host of ['evil.example', '1.2.3.4.5', '1.2.3', '0x7f.1', '300.1.1.1'])
    assert.ok(!isUnmistakable(host), host);
});

test('an allowed name is that name, and behind an asterisk any below it', () => {
  const allowed = ['media.example', '*.films.example'];
  for (const host of ['media.example', 'a.films.example', 'a.b.films.example']) assert.ok(isAllowedHost(host, allowed));
  for (const host of ['a.media.example', 'films.example', 'xfilms.example', 'media.example.evil', '*.films.example.']) {
    assert.ok(!isAllowedHost(host, allowed), host);
  }
});
