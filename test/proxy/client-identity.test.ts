import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fields } from '../../src/http/fields.ts';
import { createClientIdentities } from '../../src/proxy/client-identity.ts';

const trustedProxies = [
  { address: '10.0.0.1', prefix: 32, family: 'ipv4' },
  { address: '10.0.0.2', prefix: 32, family: 'ipv4' },
  { address: 'fd00::1', prefix: 128, family: 'ipv6' },
] as const;
const identities = createClientIdentities(trustedProxies);

describe('who a connection is of', () => {
  for (const [address, name, isShared] of [
    ['192.168.1.7', '192.168.1.7', false],
    ['::ffff:192.168.1.7', '192.168.1.7', false],
    ['::ffff:c0a8:107', '192.168.1.7', false],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.2', '127.0.0.2', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['::1', '::1', true],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', false],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64', false],
    ['2001:db8:1:3::9', '2001:db8:1:3::/64', false],
    ['fe80::1%eth0', 'fe80::/64', false],
    ['64:ff9b::192.0.2.1', '64:ff9b::/64', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['::ffff:10.0.0.1', '10.0.0.1', true],
    ['fd00::1', 'fd00::/64', true],
    ['fd00::2', 'fd00::/64', false],
    [undefined, 'unix', true],
  ] as const) {
    it(`${address} is ${name}${isShared ? ', behind whom many may stand' : ''}`, () => {
      assert.deepEqual(identities.ofPeer(address), { name, isShared });
      assert.deepEqual(identities.ofRequest(address, []), { name, isShared });
    });
  }
});

const asked = (fields: Fields, from = '10.0.0.1') => identities.ofRequest(from, fields).name;

describe('who a request is of that a trusted proxy forwards', () => {
  for (const [what, fields, client] of [
    ['one address', [['x-forwarded-for', '192.0.2.9']], '192.0.2.9'],
    ['the last one, whatever a client wrote before it', [['x-forwarded-for', '127.0.0.1, 192.0.2.9']], '192.0.2.9'],
    ['the last one behind other trusted proxies', [['x-forwarded-for', '1.2.3.4, 192.0.2.9, 10.0.0.2']], '192.0.2.9'],
    ['the first where all are trusted', [['x-forwarded-for', '10.0.0.2, fd00::1']], '10.0.0.2'],
    ['with a port', [['x-forwarded-for', '192.0.2.9:5123']], '192.0.2.9'],
    ['IPv6', [['x-forwarded-for', '2001:db8::1']], '2001:db8::/64'],
    ['IPv6 in brackets with a port', [['x-forwarded-for', '[2001:db8::1]:80']], '2001:db8::/64'],
    [
      'several lines',
      [
        ['x-forwarded-for', '1.2.3.4'],
        ['x-forwarded-for', '192.0.2.9'],
      ],
      '192.0.2.9',
    ],
    ['Forwarded', [['forwarded', 'for=192.0.2.9;proto=http;by=203.0.113.43']], '192.0.2.9'],
    ['Forwarded of several', [['forwarded', 'for=1.2.3.4, For="192.0.2.9:80" ; proto=https']], '192.0.2.9'],
    ['Forwarded with IPv6', [['forwarded', 'for="[2001:db8:cafe::17]:4711"']], '2001:db8:cafe::/64'],
    [
      'both, which agree',
      [
        ['forwarded', 'for=192.0.2.9'],
        ['x-forwarded-for', '1.2.3.4, 192.0.2.9'],
      ],
      '192.0.2.9',
    ],
  ] as const) {
    it(`${what}: ${client}`, () => assert.equal(asked(fields), client));
  }

  it('has no more room than a client that comes itself, unless it is this machine', () => {
    assert.equal(identities.ofRequest('10.0.0.1', [['x-forwarded-for', '192.0.2.9']]).isShared, false);
    assert.equal(identities.ofRequest('10.0.0.1', [['x-forwarded-for', '127.0.0.1']]).isShared, true);
  });
});

describe('nobody chooses who he is', () => {
  for (const [what, fields] of [
    ['nothing is said', []],
    ['it is empty', [['x-forwarded-for', '']]],
    ['the last hop is empty', [['x-forwarded-for', '192.0.2.9,']]],
    ['the last hop is no address', [['x-forwarded-for', '192.0.2.9, unknown']]],
    ['the last hop is a host name', [['x-forwarded-for', 'evil.example']]],
    ['the last hop is a network', [['x-forwarded-for', '192.0.2.0/24']]],
    ['an address has leading zeros', [['x-forwarded-for', '192.000.002.009']]],
    ['an address is a number', [['x-forwarded-for', '3221225993']]],
    ['Forwarded is obfuscated', [['forwarded', 'for=_hidden']]],
    ['Forwarded says unknown', [['forwarded', 'for=unknown']]],
    ['Forwarded names only the proxy', [['forwarded', 'by=192.0.2.9']]],
    ['Forwarded is malformed', [['forwarded', 'for=192.0.2.9;;']]],
    ['Forwarded is no list', [['forwarded', '192.0.2.9']]],
    ['a quote is left open before what the proxy added', [['forwarded', 'for=1.2.3.4;a=", for="[2001:db8::1]"']]],
    ['a quote ends with a backslash', [['forwarded', 'for=1.2.3.4;a="\\", for=192.0.2.9']]],
    [
      'the two fields contradict each other',
      [
        ['forwarded', 'for=1.2.3.4'],
        ['x-forwarded-for', '192.0.2.9'],
      ],
    ],
    [
      'one of the two is malformed',
      [
        ['forwarded', 'for="'],
        ['x-forwarded-for', '192.0.2.9'],
      ],
    ],
  ] as const) {
    it(`${what}: the request is the proxy's`, () => {
      assert.deepEqual(identities.ofRequest('10.0.0.1', fields), { name: '10.0.0.1', isShared: true });
    });
  }

  it('a quote that a client left open in a line of its own hides nothing of the next line', () => {
    assert.equal(
      asked([
        ['forwarded', 'for=1.2.3.4;a="'],
        ['forwarded', 'for=192.0.2.9'],
      ]),
      '192.0.2.9',
    );
  });

  it('who is no trusted proxy is not believed', () => {
    for (const field of ['x-forwarded-for', 'forwarded', 'x-real-ip']) {
      assert.equal(asked([[field, field === 'forwarded' ? 'for=1.2.3.4' : '1.2.3.4']], '192.168.1.7'), '192.168.1.7');
    }
    assert.equal(asked([['x-forwarded-for', '1.2.3.4']], '127.0.0.1'), '127.0.0.1');
  });
});
