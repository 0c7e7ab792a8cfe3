import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClientGuard } from '../../src/proxy/client-guard.ts';

const closed = createClientGuard([]);
const open = createClientGuard([
  { address: '192.168.1.0', prefix: 24, family: 'ipv4' },
  { address: 'fd00::', prefix: 8, family: 'ipv6' },
]);

describe('a client on loopback', () => {
  const near = { localAddress: '127.0.0.1', remoteAddress: '127.0.0.1' };

  it('is answered under the names of this machine', () => {
    for (const host of ['localhost', '127.0.0.1:8787', '[::1]', undefined]) {
      assert.equal(closed({ ...near, host }), null, host);
      assert.equal(closed({ localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:127.0.0.1', host }), null, host);
    }
  });

  it('is refused under any other, wherever it may come from', () => {
    for (const host of ['evil.example', '192.168.1.5', '']) assert.equal(open({ ...near, host })?.status, 421, host);
  });
});

describe('a client from elsewhere', () => {
  const at = (remoteAddress: string, localAddress = '192.168.1.1') => ({ localAddress, remoteAddress, host: 'nas' });

  it('is answered where its network is allowed, under any name', () => {
    const addresses = ['192.168.1.77', '::ffff:192.168.1.77', 'fd12::1'];
    for (const address of addresses) assert.equal(open(at(address)), null, address);
  });

  it('is refused where it is not', () => {
    for (const address of ['192.168.2.1', '::ffff:192.168.2.1', 'fe80::1%eth0', '2001:db8::1', '8.8.8.8']) {
      assert.equal(open(at(address))?.status, 403, address);
      assert.equal(closed(at(address))?.status, 403, address);
    }
  });

  it('is answered where it is this machine itself', () => {
    assert.equal(closed(at('127.0.0.1')), null);
  });
});

describe('a client of a Unix socket', () => {
  it('is answered: the file says who may come', () => {
    assert.equal(closed({ localAddress: undefined, remoteAddress: undefined, host: 'anything' }), null);
  });
});
