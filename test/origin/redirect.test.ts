import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isSamePlace, networkOf, type RedirectPolicy } from '../../src/origin/redirect.ts';

suite('credentials', () => {
  const rows: [from: string, to: string, follow: boolean][] = [
    ['http://h', 'http://h/x', true],
    ['http://h:80', 'http://h', true],
    ['https://h', 'https://h:443/x', true],
    ['http://h:8080', 'http://h:8080/x', true],
    ['http://h', 'https://h', true],
    ['http://H', 'https://h:443/x', true],
    ['http://h:8080', 'https://h', true],
    ['http://h:8080', 'https://h:8080', true],
    ['http://[::1]', 'https://[0:0::1]', true],
    ['http://h:8080', 'https://h:8443', false],
    ['http://h', 'https://h:8443', false],
    ['http://h', 'http://h:81', false],
    ['http://h', 'http://h:443', false],
    ['https://h', 'http://h', false],
    ['https://h:8443', 'http://h:8443', false],
    ['https://h', 'https://h:8443', false],
    ['http://h', 'https://h.', false],
    ['http://h', 'https://www.h', false],
    ['http://h', 'https://h@evil', false],
  ];
  for (const [from, to, follow] of rows) {
    test(`${follow ? 'follow' : 'do not follow'} from ${from} to ${to}`, () => {
      assert.equal(isSamePlace(new URL(from), new URL(to)), follow);
    });
  }
});

suite('a redirect of a private origin', () => {
  const policies: RedirectPolicy[] = ['same-host', 'public', 'any-port', 'any'];
  const rows: [to: string, networks: (string | null)[]][] = [
    ['http://nas/x', ['private', 'private', 'private', 'private']],
    ['https://nas/x', ['private', 'private', 'private', 'private']],
    ['https://nas:80/x', ['private', 'private', 'private', 'private']],
    ['http://nas:8080/x', ['public', 'public', 'private', 'private']],
    ['https://nas:8443/x', ['public', 'public', 'private', 'private']],
    ['http://other/x', [null, 'public', 'public', 'private']],
    ['https://other:8443/x', [null, 'public', 'public', 'private']],
  ];
  for (const [to, networks] of rows) {
    policies.forEach((policy, index) => {
      const network = networks[index] ?? null;
      test(`to ${to} under ${policy} ${network === null ? 'is not followed' : `may have ${network} addresses`}`, () => {
        const url = new URL(to);
        const judged = () => networkOf(url, new URL('http://nas'), 'private', policy);
        if (network === null) assert.throws(judged, { type: 'destination_ip_prohibited', setting: 'redirectTo' });
        else assert.equal(judged(), network);
      });
    });
  }

  test('of a public one to another port stays public, however it is called', () => {
    const at = (policy: RedirectPolicy) => networkOf(new URL('http://h:81'), new URL('http://h'), 'public', policy);
    assert.deepEqual([at('same-host'), at('public'), at('any-port')], ['public', 'public', 'public']);
  });
});
