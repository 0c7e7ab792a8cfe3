import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProxyError, type ProxyErrorType, proxyErrorTypes } from '../../src/errors.ts';
import { fieldValue } from '../../src/http/fields.ts';
import { errorReply, failureReply, rejectionReply, unsatisfiable } from '../../src/proxy/error-reply.ts';
import { type Rejection, rejection } from '../../src/proxy/rejection.ts';

describe('an error of our own', () => {
  it('says what happened, after how long, and which setting governs it', () => {
    const error = new ProxyError('http_response_timeout', 'No byte came.', { setting: 'firstByteTimeout' });
    const { status, body, outcome } = errorReply(error, 30_020);
    assert.deepEqual([status, outcome], [504, 'failed']);
    assert.equal(body.toString(), 'No byte came. This request had waited 30.0 s (firstByteTimeout).\n');
  });

  it('names the budget where asking again was tried, and nothing where none governs it', () => {
    const refused = errorReply(new ProxyError('connection_refused', 'Refused.'), 30_000);
    assert.equal(refused.body.toString(), 'Refused. This request had waited 30.0 s (firstByteTimeout).\n');
    const certificate = errorReply(new ProxyError('tls_certificate_error', 'Expired.'), 40);
    assert.equal(certificate.body.toString(), 'Expired. This request had waited 0.0 s.\n');
  });

  for (const [type, { status }] of Object.entries(proxyErrorTypes) as Array<[ProxyErrorType, { status: number }]>) {
    it(`of type ${type} has its status, its type in Proxy-Status, and is not stored by others`, () => {
      const reply = errorReply(new ProxyError(type, 'It is "so".'), 0);
      assert.equal(reply.status, status);
      assert.match(
        fieldValue(reply.fields, 'proxy-status') ?? '',
        new RegExp(`^firstbyte; ?error=${type}; ?details="It is`),
      );
      assert.equal(fieldValue(reply.fields, 'cache-control'), 'no-store');
      assert.equal(fieldValue(reply.fields, 'retry-after') !== null, status === 503);
      assert.equal(reply.outcome, status < 500 ? 'refused' : 'failed');
    });
  }

  it('says when to come back where somebody knows', () => {
    const error = new ProxyError('connection_limit_reached', 'Full.', { retryAfter: 17 });
    assert.equal(fieldValue(errorReply(error, 0).fields, 'retry-after'), '17');
  });
});

describe("an origin's own answer", () => {
  const answer = {
    status: 404,
    fields: [
      ['connection', 'keep-alive, x-hop'],
      ['x-hop', '1'],
      ['transfer-encoding', 'chunked'],
      ['content-length', '99'],
      ['set-cookie', 'secret=1'],
      ['alt-svc', 'h3=":443"'],
      ['strict-transport-security', 'max-age=1'],
      ['content-type', 'text/html'],
      ['www-authenticate', 'Basic'],
      ['retry-after', '7'],
    ],
    body: Buffer.from('<h1>no</h1>'),
  } as const;

  it('keeps its status, its body and its end-to-end fields', () => {
    const { status, fields, body, outcome, error } = failureReply({ kind: 'answer', answer }, 0);
    assert.deepEqual([status, body.toString(), outcome, error], [404, '<h1>no</h1>', 'passed', null]);
    assert.deepEqual(fields, [
      ['content-type', 'text/html'],
      ['www-authenticate', 'Basic'],
      ['retry-after', '7'],
      ['proxy-status', 'firstbyte;received-status=404'],
    ]);
  });
});

describe('what never settles', () => {
  for (const kind of ['changed', 'uncombinable'] as const) {
    it(`(${kind}) is the origin's breach of HTTP`, () => {
      const { status, error } = failureReply({ kind }, 0);
      assert.deepEqual([status, error?.type], [502, 'http_protocol_error']);
    });
  }
});

describe('a rejection', () => {
  it('of a range tells the length where it is known', () => {
    assert.equal(fieldValue(unsatisfiable(1000).fields, 'content-range'), 'bytes */1000');
    assert.equal(fieldValue(unsatisfiable(null).fields, 'content-range'), null);
    assert.deepEqual(failureReply({ kind: 'unsatisfiable', length: 5 }, 0), unsatisfiable(5));
  });

  it('has the type of RFC 9209 that fits it', () => {
    const typeOf = (status: Rejection['status']) => {
      const { fields } = rejectionReply(rejection(status, 'No.'));
      return /error=(\w+)/.exec(fieldValue(fields, 'proxy-status') ?? '')?.[1];
    };
    assert.deepEqual([typeOf(403), typeOf(404)], ['http_request_denied', 'destination_not_found']);
    for (const status of [400, 405, 408, 412, 414, 416, 421, 431] as const) {
      assert.equal(typeOf(status), 'http_request_error');
    }
  });

  it('ends the connection only where the request was malformed', () => {
    const ends = (status: Rejection['status']) =>
      fieldValue(rejectionReply(rejection(status, 'No.')).fields, 'connection') === 'close';
    assert.deepEqual([ends(400), ends(404), ends(405), ends(416)], [true, false, false, false]);
  });
});
