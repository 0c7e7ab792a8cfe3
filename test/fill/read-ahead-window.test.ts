import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { playedAfter, ReadingThroughput, readAheadWindow } from '../../src/fill/read-ahead-window.ts';

const mebibyte = 1024 * 1024;
const readAhead = 64 * mebibyte;
const anything = {
  sequence: fc.integer({ min: 0, max: 1e12 }),
  throughput: fc.integer({ min: 0, max: 1e10 }),
  readAhead: fc.integer({ min: 64 * 1024, max: 1e10 }),
};

describe('the window past a reader', () => {
  it('is small while it may be a scan: whoever leaves after n bytes has cost no more than 1 MiB or half as much again', () => {
    fc.assert(
      fc.property(
        fc.nat(playedAfter - 1),
        anything.throughput,
        anything.readAhead,
        (sequence, throughput, readAhead) => {
          const window = readAheadWindow({ sequence, throughput }, { readAhead, fill: 'window' });
          assert.ok(window <= readAhead && window <= Math.max(mebibyte, sequence / 2));
          assert.ok(window >= Math.min(readAhead, mebibyte));
        },
      ),
    );
  });

  it('is all of readAhead from 8 MiB in sequence on', () => {
    assert.ok(
      readAheadWindow({ sequence: playedAfter - 1, throughput: 0 }, { readAhead, fill: 'window' }) <= 4 * mebibyte,
    );
    for (const fill of ['window', 'complete'] as const) {
      assert.equal(readAheadWindow({ sequence: playedAfter, throughput: 0 }, { readAhead, fill }), readAhead);
    }
  });

  it('of who plays lasts for 20 s at its throughput, but is never more than four times readAhead', () => {
    fc.assert(
      fc.property(anything.throughput, anything.readAhead, (throughput, readAhead) => {
        const window = readAheadWindow({ sequence: playedAfter, throughput }, { readAhead, fill: 'window' });
        assert.ok(window >= readAhead && window <= 4 * readAhead);
        assert.ok(window >= Math.min(4 * readAhead, Math.floor(throughput * 20)));
      }),
    );
    // A film of 100 Mbit/s.
    assert.equal(
      readAheadWindow({ sequence: playedAfter, throughput: 12_500_000 }, { readAhead, fill: 'window' }),
      250e6,
    );
  });

  it('never shrinks while a reader reads on at one throughput', () => {
    fc.assert(
      fc.property(
        anything.sequence,
        fc.nat(1e9),
        anything.throughput,
        anything.readAhead,
        (sequence, more, throughput, readAhead) => {
          const policy = { readAhead, fill: 'window' } as const;
          const [before, after] = [sequence, sequence + more].map((sequence) => {
            return readAheadWindow({ sequence, throughput }, policy);
          });
          assert.ok((after ?? 0) >= (before ?? 0));
        },
      ),
    );
  });

  it('is one read where nothing is to be fetched ahead', () => {
    fc.assert(
      fc.property(anything.sequence, anything.throughput, anything.readAhead, (sequence, throughput, readAhead) => {
        const window = readAheadWindow({ sequence, throughput }, { readAhead, fill: 'none' });
        assert.equal(window, Math.min(readAhead, 256 * 1024));
      }),
    );
  });
});

describe("a reader's throughput", () => {
  it('is not known before ten seconds are over, whatever was taken at once', () => {
    const throughput = new ReadingThroughput();
    throughput.took(100_000_000, 0);
    throughput.took(1_000_000, 9999);
    assert.equal(throughput.bytesPerSecond, 0);
    throughput.took(1_000_000, 10_000);
    assert.equal(throughput.bytesPerSecond, 10_100_000);
  });

  it('follows the reader: it is that of the last period', () => {
    const throughput = new ReadingThroughput();
    for (let second = 0; second <= 10; second += 1) throughput.took(4_000_000, second * 1000);
    assert.equal(throughput.bytesPerSecond, 4_000_000);
    for (let second = 11; second <= 20; second += 1) throughput.took(1_000_000, second * 1000);
    assert.ok(throughput.bytesPerSecond < 1_500_000);
  });

  it('falls by a pause', () => {
    const throughput = new ReadingThroughput();
    throughput.took(50_000_000, 0);
    throughput.took(1_000_000, 600_000);
    assert.ok(throughput.bytesPerSecond < 100_000);
  });
});
