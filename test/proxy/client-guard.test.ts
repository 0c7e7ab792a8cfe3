import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClientGuard } from '../../src/proxy/client-guard.ts';

const closed = createClientGuard([]);
const open = createClientGuard([
  { address: '192.168.1.0', prefix: 24, family: 'ipv4' },
  { address: 'fd00::', prefix: 8, family: 'ipv6' },
]);

describe('a client on loopback', () => {
  it('is answered, however the address is written', () => {
    for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) {
      assert.equal(closed({ localAddress: address, remoteAddress: address }), null, address);
    }
  });
});

describe('a client from elsewhere', () => {
  const at = (remoteAddress: string, localAddress = '192.168.1.1') => ({ localAddress, remoteAddress });

  it('is answered where its network is allowed', () => {
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
    assert.equal(closed({ localAddress: undefined, remoteAddress: undefined }), null);
  });
});
