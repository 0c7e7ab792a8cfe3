import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Bypass } from '../../src/fill/bypass.ts';
import { film } from '../support/film.ts';
import { runs } from '../support/runs.ts';

const movie = film(1000);

describe('bytes that pass', () => {
  it('are kept up to the limit, the oldest going first', () => {
    const bypass = new Bypass(100);
    assert.deepEqual(bypass.write(0, movie.bytesAt(0, 60)), []);
    assert.deepEqual(bypass.write(60, movie.bytesAt(60, 100)), []);
    assert.deepEqual(bypass.write(100, movie.bytesAt(100, 101)), [{ start: 0, end: 60 }]);
    assert.equal(bypass.read({ start: 0, end: 10 }), null);
    assert.equal(bypass.read({ start: 60, end: 200 })?.length, 40);
  });

  it('may exceed the limit by one read of the network, which is never lost', () => {
    const bypass = new Bypass(10);
    assert.deepEqual(bypass.write(0, movie.bytesAt(0, 500)), []);
    assert.equal(bypass.read({ start: 0, end: 500 })?.length, 500);
    assert.deepEqual(bypass.write(500, movie.bytesAt(500, 501)), [{ start: 0, end: 500 }]);
  });

  it('are right, present or told to be gone, never anything else', () => {
    const write = fc.record({ at: fc.nat(900), size: fc.integer({ min: 1, max: 80 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.array(write, { maxLength: 40 }), (limit, writes) => {
        const bypass = new Bypass(limit);
        const present = new Set<number>();
        for (const { at, size } of writes) {
          // As from a fill: no byte is written that is present.
          const end = Math.min(at + size, movie.size);
          if (Array.from({ length: end - at }, (_, index) => at + index).some((offset) => present.has(offset)))
            continue;
          const gone = bypass.write(at, movie.bytesAt(at, end));
          for (let offset = at; offset < end; offset += 1) present.add(offset);
          for (const range of gone)
            for (let offset = range.start; offset < range.end; offset += 1) present.delete(offset);
          assert.ok(present.size <= Math.max(limit, end - at), 'bounded');
          for (let offset = 0; offset < movie.size; offset += 1) {
            const read = bypass.read({ start: offset, end: offset + 1 });
            assert.equal(read !== null, present.has(offset), `byte ${offset}`);
            if (read !== null) movie.assertBytes(offset, read);
          }
        }
      }),
      { numRuns: runs(50) },
    );
  });
});
