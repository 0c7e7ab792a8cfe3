import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, loadSettings } from '../../src/config.ts';

function hookOf(refresh: unknown) {
  const origins = { films: { url: 'https://media.example', refresh } };
  return loadSettings({ flags: { origins }, env: { HOME: '/' } }).settings.origins[0]?.refresh;
}

test('a refresh hook is a command with its arguments, and 10 s to answer', () => {
  assert.deepEqual(hookOf({ command: ['/opt/sign', 'a b', ''] }), {
    command: ['/opt/sign', 'a b', ''],
    timeout: 10_000,
  });
});

test('a refresh hook is an endpoint, with a time of its own', () => {
  assert.deepEqual(hookOf({ endpoint: 'http://me:p%40ss@127.0.0.1:9000/refresh?key=1', timeout: '2s' }), {
    endpoint: new URL('http://me:p%40ss@127.0.0.1:9000/refresh?key=1'),
    timeout: 2000,
  });
});

for (const [what, written] of [
  ['nothing', {}],
  ['both', { command: ['/opt/sign'], endpoint: 'http://a.example/' }],
  ['a program that a search path must find', { command: ['sign'] }],
  ['no program', { command: [] }],
  ['a line of shell', { command: '/opt/sign films' }],
  ['a number among the words', { command: ['/opt/sign', 5] }],
  ['another scheme', { endpoint: 'ftp://a.example/' }],
  ['no URL', { endpoint: 'a.example' }],
  ['credentials that cannot be read', { endpoint: 'http://me:%ff@a.example/' }],
  ['no time', { command: ['/opt/sign'], timeout: '0s' }],
  ['a name that nobody knows', { command: ['/opt/sign'], retries: 3 }],
  ['a text', 'http://a.example/'],
] as const) {
  test(`a refresh hook that is ${what} is refused, with what would be right, and no secret`, () => {
    assert.throws(
      () => hookOf(written),
      (error) =>
        error instanceof ConfigError &&
        /^origins\.films\.refresh.* is not \{"command": \["\/path\/program", "argument"\]\} with an absolute path, or/.test(
          error.message,
        ) &&
        !error.message.includes('%ff'),
    );
  });
}
