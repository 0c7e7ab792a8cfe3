import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProxyError, type ProxyErrorType, proxyErrorTypes } from '../../src/errors.ts';
import type { Failure } from '../../src/fill/failure.ts';
import type { FillPolicy } from '../../src/fill/policy.ts';
import { failureFrom, retryAfter, retryCause, Tries } from '../../src/fill/retry.ts';
import { defaultPolicy } from './policy.ts';

const now = Date.UTC(2026, 0, 1);

function answered(status: number, ...fields: Array<readonly [string, string]>): Failure {
  return { kind: 'answer', answer: { status, fields, body: Buffer.alloc(0) } };
}

function failedWith(type: ProxyErrorType): Failure {
  return { kind: 'error', error: new ProxyError(type, 'It failed.') };
}

describe('an origin is asked again', () => {
  for (let status = 100; status < 1000; status += 1) {
    const passes = [202, 408, 425, 429].includes(status);
    const lasts = status < 500 || [501, 505, 506, 508, 510, 511].includes(status);
    it(`${passes || !lasts ? 'after' : 'not after'} a ${status}, and in mid-reply after it in any case`, () => {
      assert.equal(retryCause(answered(status)), passes || !lasts ? 'status' : null);
      assert.equal(retryCause(answered(status), true), 'status');
    });
    if (status < 400) continue;
    it(`after a ${status} with Retry-After`, () => {
      assert.equal(retryCause(answered(status, ['retry-after', '5'])), 'status');
    });
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
  const always = { healing: false, asked: 0, hope: Number.POSITIVE_INFINITY };

  /** The longest pauses after so many failures in a row. */
  function longest(policy: FillPolicy, failures: number, about = always): (number | null)[] {
    const tries = new Tries(policy, () => 1);
    return Array.from({ length: failures }, () => {
      tries.failed(0, false);
      return tries.pause(about);
    });
  }

  it('doubles from retryInitial to retryMax', () => {
    assert.deepEqual(longest(defaultPolicy, 8), [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  });

  it('follows the settings', () => {
    assert.deepEqual(longest({ ...defaultPolicy, retryInitial: 10, retryMax: 25 }, 3), [10, 20, 25]);
  });

  it('is none after the first cut', () => {
    assert.deepEqual(longest(defaultPolicy, 3, { ...always, healing: true }), [0, 100, 200]);
  });

  it('is what the origin asked for, where that is longer', () => {
    assert.deepEqual(longest(defaultPolicy, 5, { ...always, asked: 500 }), [500, 500, 500, 800, 1600]);
  });

  it('is at most half of what is left, and none is left for a pause that is longer', () => {
    assert.deepEqual(longest(defaultPolicy, 3, { ...always, hope: 300 }), [100, 150, 150]);
    assert.deepEqual(longest(defaultPolicy, 1, { ...always, hope: 99 }), [null]);
    assert.deepEqual(longest(defaultPolicy, 1, { ...always, asked: 300, hope: 300 }), [null]);
  });

  it('begins anew with each try that comes further, and not where one ends earlier', () => {
    const tries = new Tries(defaultPolicy, () => 1);
    const came = [100, 200, 150, 200, 201].map((position) => {
      const progressed = tries.failed(position, true);
      return { progressed, pause: tries.pause({ ...always, healing: true }) };
    });
    assert.deepEqual(came, [
      { progressed: true, pause: 0 },
      { progressed: true, pause: 0 },
      { progressed: false, pause: 100 },
      { progressed: false, pause: 200 },
      { progressed: true, pause: 0 },
    ]);
  });

  it('is anything between nothing and that, by chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
        const tries = new Tries(defaultPolicy, () => chance);
        for (let count = 0; count < failures; count += 1) tries.failed(0, false);
        assert.equal(tries.pause(always), (longest(defaultPolicy, failures).at(-1) ?? 0) * chance);
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
