import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { film } from './film.ts';

describe('film', () => {
  it('has the same bytes however they are asked for', () => {
    const whole = film(1_000_003).bytesAt(0, 1_000_003);
    assert.equal(whole.length, 1_000_003);
    fc.assert(
      fc.property(fc.nat(1_000_003), fc.nat(20_000), (start, length) => {
        const part = film(1_000_003).bytesAt(start, start + length);
        assert.ok(part.equals(whole.subarray(start, start + length)));
      }),
    );
  });

  it('ends at its size', () => {
    assert.equal(film(10).bytesAt(8, 20).length, 2);
    assert.equal(film(10).bytesAt(20, 30).length, 0);
    assert.equal(film(0).bytesAt(0, 1).length, 0);
  });

  it('reaches beyond 4 GiB', () => {
    const long = film(5 * 2 ** 30);
    const end = long.bytesAt(long.size - 100_000, long.size);
    assert.equal(end.length, 100_000);
    assert.notEqual(long.firstDifference(long.size - 100_000 - 2 ** 32, end), null);
  });

  it('is never right at another offset or for another seed', () => {
    const [one, other] = [film(2 ** 40), film(2 ** 40, 2)];
    fc.assert(
      fc.property(
        fc.nat(2 ** 31 - 1),
        fc.nat(2 ** 31 - 1),
        fc.integer({ min: 16, max: 5000 }),
        (start, shift, length) => {
          const bytes = one.bytesAt(start, start + length);
          assert.equal(one.firstDifference(start, bytes), null);
          assert.notEqual(other.firstDifference(start, bytes), null);
          if (shift > 0) assert.notEqual(one.firstDifference(start + shift, bytes), null);
        },
      ),
    );
  });

  it('names the first wrong byte, and one too many', () => {
    const short = film(5000);
    const bytes = short.bytesAt(4000, 5000);
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    assert.equal(short.firstDifference(4000, bytes), 4500);
    assert.throws(() => short.assertBytes(4000, bytes), /the first wrong one is at 4500/);
    assert.equal(short.firstDifference(4999, Buffer.concat([short.bytesAt(4999, 5000), Buffer.alloc(1)])), 5000);
  });
});
