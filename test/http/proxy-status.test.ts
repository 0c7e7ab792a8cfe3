import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseList } from 'structured-headers';
import { ProxyError, type ProxyErrorType, proxyErrorTypes } from '../../src/errors.ts';
import { proxyStatus, saysError } from '../../src/http/proxy-status.ts';

test('an error of our own says its type and one sentence', () => {
  assert.equal(
    proxyStatus(new ProxyError('connection_refused', 'The origin refused the connection.')),
    'firstbyte;error=connection_refused;details="The origin refused the connection."',
  );
});

test('of an error of the origin the status is told', () => {
  assert.equal(proxyStatus(404), 'firstbyte;received-status=404');
});

test('every type of error can be sent', () => {
  for (const type of Object.keys(proxyErrorTypes) as ProxyErrorType[]) {
    assert.equal(parseList(proxyStatus({ type, message: '' })).length, 1, type);
  }
});

test('no message can break the field', () => {
  const value = proxyStatus({ type: 'dns_error', message: 'caf\u00e9 "x"\r\nSet-Cookie: a=b\u007f' });
  assert.equal(value, 'firstbyte;error=dns_error;details="caf? \\"x\\"??Set-Cookie: a=b?"');
});

test('an error is told wherever in the list some proxy says it', () => {
  const says = (value: string) => saysError([['proxy-status', value]], 'proxy_loop_detected');
  const loop = proxyStatus({ type: 'proxy_loop_detected', message: 'A loop.' });
  for (const value of [loop, `a; error=dns_error, ${loop}`, 'a;error="proxy_loop_detected"'])
    assert.ok(says(value), value);
  for (const value of ['', 'a', 'a;error=dns_error;details="error=proxy_loop_detected"', `${loop},`, '(', '\u00e4']) {
    assert.ok(!says(value), value);
  }
  assert.ok(!saysError([], 'proxy_loop_detected'));
});
