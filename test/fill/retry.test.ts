import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProxyError, type ProxyErrorType, proxyErrorTypes } from '../../src/errors.ts';
import type { Failure } from '../../src/fill/failure.ts';
import { backoff, failureFrom, retryAfter, retryCause } from '../../src/fill/retry.ts';
import { defaultPolicy } from './policy.ts';

const now = Date.UTC(2026, 0, 1);

function answered(status: number, ...fields: Array<readonly [string, string]>): Failure {
  return { kind: 'answer', answer: { status, fields, body: Buffer.alloc(0) } };
}

function failedWith(type: ProxyErrorType): Failure {
  return { kind: 'error', error: new ProxyError(type, 'It failed.') };
}

describe('an origin is asked again', () => {
  for (const status of [202, 429, 502, 503, 504]) {
    it(`after a ${status}`, () => assert.equal(retryCause(answered(status)), 'status'));
  }
  for (const [type, cause] of [
    ['connection_refused', 'refused'],
    ['connection_terminated', 'cut'],
    ['http_response_incomplete', 'cut'],
    ['connection_timeout', 'timeout'],
    ['connection_read_timeout', 'stall'],
    ['http_response_timeout', 'timeout'],
    ['dns_timeout', 'timeout'],
    ['dns_error', 'unresolved'],
  ] as const) {
    it(`after ${type}, because of "${cause}"`, () => assert.equal(retryCause(failedWith(type)), cause));
  }

  it('after every error that may pass, and after no other', () => {
    for (const type of Object.keys(proxyErrorTypes) as ProxyErrorType[]) {
      assert.equal(retryCause(failedWith(type)) !== null, proxyErrorTypes[type].retryAs !== null, type);
    }
  });

  for (const status of [400, 401, 403, 404, 405, 408, 410, 451, 500, 501, 505]) {
    it(`not after a ${status}`, () => assert.equal(retryCause(answered(status)), null));
  }

  it('not where another offset was the mistake, or another version is the truth', () => {
    for (const kind of ['changed', 'uncombinable'] as const) assert.equal(retryCause({ kind }), null);
    assert.equal(retryCause({ kind: 'unsatisfiable', length: 10 }), null);
  });
});

describe('Retry-After', () => {
  const rows: ReadonlyArray<readonly [string, number]> = [
    ['5', 5000],
    [' 5 ', 5000],
    ['0', 0],
    ['120', 120_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['soon', 0],
    ['', 0],
  ];
  for (const [value, pause] of rows) {
    it(`"${value}" means ${pause} ms`, () => {
      assert.equal(retryAfter(answered(503, ['retry-after', value]), now), pause);
    });
  }

  it('is nothing where it was not sent, or nothing was', () => {
    assert.equal(retryAfter(answered(503), now), 0);
    assert.equal(retryAfter(failedWith('connection_refused'), now), 0);
  });
});

describe('the pause before asking again', () => {
  it('doubles from retryInitial to retryMax', () => {
    const most = [1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => backoff(attempt, defaultPolicy, () => 1));
    assert.deepEqual(most, [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  });

  it('follows the settings', () => {
    const policy = { ...defaultPolicy, retryInitial: 10, retryMax: 25 };
    assert.deepEqual(
      [1, 2, 3].map((attempt) => backoff(attempt, policy, () => 1)),
      [10, 20, 25],
    );
  });

  it('is anything between nothing and that, by chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
        const most = backoff(attempt, defaultPolicy, () => 1);
        assert.equal(
          backoff(attempt, defaultPolicy, () => chance),
          most * chance,
        );
      }),
    );
  });
});

describe('what was thrown', () => {
  it('is a failure where it is our own kind of error, and a bug otherwise', () => {
    const error = new ProxyError('dns_error', 'No such host.');
    assert.deepEqual(failureFrom(error), { kind: 'error', error });
    const bug = new TypeError('undefined is not a function');
    assert.throws(() => failureFrom(bug), bug);
  });
});
