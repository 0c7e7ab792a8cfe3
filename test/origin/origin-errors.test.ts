import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProxyError, type ProxyErrorType } from '../../src/errors.ts';
import { originError, type Stage } from '../../src/origin/origin-errors.ts';

const cases: ReadonlyArray<readonly [type: ProxyErrorType, stage: Stage, ...codes: string[]]> = [
  ['connection_refused', 'connect', 'ECONNREFUSED'],
  ['dns_error', 'connect', 'ENOTFOUND', 'ENODATA'],
  ['dns_timeout', 'connect', 'EAI_AGAIN', 'ETIMEOUT'],
  ['destination_ip_unroutable', 'connect', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'],
  ['connection_timeout', 'connect', 'ETIMEDOUT'],
  ['connection_read_timeout', 'head', 'ETIMEDOUT'],
  ['connection_limit_reached', 'connect', 'EMFILE', 'ENFILE'],
  ['connection_terminated', 'connect', 'ECONNRESET'],
  ['connection_terminated', 'head', 'ECONNRESET', 'EPIPE'],
  ['connection_terminated', 'body', 'ECONNRESET', 'EPIPE'],
  ['tls_certificate_error', 'connect', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'INVALID_CA'],
  ['tls_certificate_error', 'connect', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['tls_certificate_error', 'connect', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ['tls_alert_received', 'connect', 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
  ['tls_protocol_error', 'connect', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_INVALID_CONTEXT', 'EPROTO'],
];

for (const [type, stage, ...codes] of cases) {
  test(`${codes.join(', ')} at the ${stage}: ${type}`, () => {
    for (const code of codes) {
      const cause = Object.assign(new Error('raw'), { code });
      const error = originError(cause, 'films.example:8080', stage);
      assert.ok(error instanceof ProxyError);
      assert.equal(error.type, type);
      assert.equal(error.cause, cause);
      assert.match(error.message, /films\.example:8080.*\.$/);
    }
  });
}

test('a proxy error, a reason without a code and what is no error stay what they are', () => {
  for (const cause of [new ProxyError('dns_error', 'No.'), new Error('bug'), new TypeError('bug'), 'stop', undefined]) {
    assert.equal(originError(cause, 'films.example', 'body'), cause);
  }
});
