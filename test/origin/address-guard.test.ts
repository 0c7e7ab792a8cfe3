import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPrivateHost, isPublicAddress } from '../../src/origin/address-guard.ts';

const special = [
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
];
const specialV6 = [
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::ffff:7f00:1',
  '::7f00:1',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:10::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  '2002:808:808::1',
  '3fff::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
];
const open = ['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '223.255.255.255'];
const openV6 = ['2001:4860:4860::8888', '2606:4700::1111', '2a00:1450::1', '64:ff9b::8.8.8.8'];

test('special addresses are not public', () => {
  for (const address of [...special, ...specialV6]) assert.equal(isPublicAddress(address), false, address);
});

test('addresses that anybody can reach are public', () => {
  for (const address of [...open, ...openV6]) assert.equal(isPublicAddress(address), true, address);
});

test('what is no address is not public', () => {
  for (const text of ['', 'localhost', '8.8.8', '0x8.8.8.8', '[2606:4700::1111]', '8.8.8.8:80']) {
    assert.equal(isPublicAddress(text), false, text);
  }
});

test('NAT64 is as public as the address that it carries, and a mapped address never is', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.equal(isPublicAddress(`64:ff9b::${address}`), isPublicAddress(address));
      assert.equal(isPublicAddress(`::ffff:${address}`), false);
    }),
  );
});

test('private hosts are private literals, single labels and the names of home networks', () => {
  const hosts = [
    'localhost',
    'nas',
    'NAS',
    'nas.local',
    'tv.lan',
    'x.home.arpa',
    'db.internal',
    'a.localhost',
    'nas.local.',
  ];
  const literals = ['127.0.0.1', '[::1]', '192.168.1.1', '[fd00::1]', '[::ffff:10.0.0.1]', '169.254.169.254'];
  for (const host of [...hosts, ...literals]) assert.equal(isPrivateHost(host), true, host);
});

test('other hosts are public, whatever they resemble', () => {
  const hosts = [
    'example.com',
    'example.com.',
    'local.example',
    'lan.com',
    'notlocal.net',
    '8.8.8.8',
    '[2606:4700::1111]',
  ];
  for (const host of hosts) assert.equal(isPrivateHost(host), false, host);
});
