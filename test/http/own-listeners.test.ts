import assert from 'node:assert/strict';
import { test } from 'node:test';
import { literalAddresses, OwnListeners } from '../../src/http/own-listeners.ts';

const machine = ['127.0.0.1', '192.168.1.5', '::1', '2001:db8::5', 'fe80::5'];

function listening(...addresses: string[]): OwnListeners {
  const own = new OwnListeners(() => machine);
  for (const address of addresses) own.add({ address, port: 8787 });
  return own;
}

const rows: [listener: string, here: string[], elsewhere: string[]][] = [
  [
    '127.0.0.1',
    ['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:127.0.0.1', '0.0.0.0', '::ffff:0.0.0.0'],
    ['127.0.0.2', '192.168.1.5', '::1', '::', '10.0.0.1'],
  ],
  ['::1', ['::1', '0:0:0:0:0:0:0:1', '::'], ['127.0.0.1', '0.0.0.0', '2001:db8::5']],
  [
    '0.0.0.0',
    ['127.0.0.1', '127.9.9.9', '192.168.1.5', '::ffff:192.168.1.5', '::ffff:c0a8:105', '0.0.0.0'],
    ['::1', '2001:db8::5', '192.168.1.6', '8.8.8.8'],
  ],
  [
    '::',
    ['127.0.0.1', '192.168.1.5', '::1', '::', '0.0.0.0', '2001:DB8:0::5', 'fe80::5%eth0', '::ffff:127.0.0.1'],
    ['192.168.1.6', '2001:db8::6', 'fe80::6%eth0'],
  ],
  ['192.168.1.5', ['192.168.1.5', '::ffff:192.168.1.5'], ['127.0.0.1', '0.0.0.0', '192.168.1.6']],
  ['::ffff:127.0.0.1', ['127.0.0.1', '::ffff:127.0.0.1'], ['::1']],
  ['2001:db8::5', ['2001:db8::5', '2001:0db8:0::0005'], ['2001:db8::6', '::1']],
];

for (const [listener, here, elsewhere] of rows) {
  test(`a listener on ${listener} is reached by the addresses that lead there, and by no other`, () => {
    const own = listening(listener);
    for (const address of here) assert.ok(own.has(address, 8787), address);
    for (const address of elsewhere) assert.ok(!own.has(address, 8787), address);
    for (const address of here) assert.ok(!own.has(address, 8788), `${address}, another port`);
  });
}

test('an address that a connection is from, too, is of this machine', () => {
  assert.ok(listening('0.0.0.0').has('10.9.0.1', 8787, '10.9.0.1'));
  assert.ok(!listening('0.0.0.0').has('10.9.0.1', 8787, '10.9.0.2'));
  assert.ok(!listening('127.0.0.1').has('10.9.0.1', 8787, '10.9.0.1'));
});

test('each of several listeners counts, from when it is there', () => {
  const own = listening();
  assert.ok(!own.has('127.0.0.1', 8787));
  own.add({ address: '192.168.1.5', port: 8787 });
  own.add({ address: '127.0.0.1', port: 80 });
  assert.deepEqual(
    [own.has('192.168.1.5', 8787), own.has('127.0.0.1', 80), own.has('127.0.0.1', 8787)],
    [true, true, false],
  );
});

test('a host that is an address or localhost names its addresses itself', () => {
  const named = (url: string) => literalAddresses(new URL(url).hostname);
  for (const host of ['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '127.0.0.1.']) {
    assert.deepEqual(named(`http://${host}/`), ['127.0.0.1'], host);
  }
  for (const host of ['localhost', 'LOCALHOST.', 'a.localhost']) {
    assert.deepEqual(named(`http://${host}/`), ['127.0.0.1', '::1'], host);
  }
  assert.deepEqual(named('http://[::ffff:127.0.0.1]/'), ['::ffff:7f00:1']);
  assert.deepEqual([named('http://nas/'), named('http://localhost.example/')], [[], []]);
});
