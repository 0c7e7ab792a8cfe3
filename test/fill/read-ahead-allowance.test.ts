import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadAheadAllowance } from '../../src/fill/read-ahead-allowance.ts';
import { runs } from '../support/runs.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const window = 64 * mebibyte;

function allowance(limit: number) {
  let heldBack = 0;
  const client = new ReadAheadAllowance(limit, () => {
    heldBack += 1;
  });
  return { client, heldBack: () => heldBack };
}

describe('what may be fetched ahead of a reader', () => {
  it('is its window while its client has little unread', () => {
    const { client, heldBack } = allowance(100 * mebibyte);
    const reader = client.share();
    client.share().received({ start: 0, end: 36 * mebibyte });
    assert.deepEqual([reader.grant(window, true), reader.grant(1000, false), heldBack()], [window, 1000, 0]);
  });

  it('is what the others leave over, its own bytes included', () => {
    const { client } = allowance(100 * mebibyte);
    const reader = client.share();
    client.share().received({ start: 0, end: 60 * mebibyte });
    reader.received({ start: 0, end: 30 * mebibyte });
    assert.equal(reader.grant(window, true), 40 * mebibyte);
  });

  it('is never less than one read, nor than 4 MiB where it plays; and that is told once', () => {
    const { client, heldBack } = allowance(mebibyte);
    const reader = client.share();
    client.share().received({ start: 0, end: 10 * mebibyte });
    assert.deepEqual([reader.grant(window, false), reader.grant(window, true)], [256 * kibibyte, 4 * mebibyte]);
    assert.equal(heldBack(), 1);
  });

  it('comes back when the others read on, or leave', () => {
    const { client } = allowance(64 * mebibyte);
    const [reader, first, second] = [client.share(), client.share(), client.share()];
    for (const other of [first, second]) other.received({ start: 0, end: 32 * mebibyte });
    assert.equal(reader.grant(window, false), 256 * kibibyte);
    first.took({ start: 0, end: 10 * mebibyte });
    assert.equal(reader.grant(window, false), 10 * mebibyte);
    second.end();
    assert.equal(reader.grant(window, false), 42 * mebibyte);
    assert.equal(client.unread, 22 * mebibyte);
  });
});

describe('what a reader has unread', () => {
  it('is each byte once, until it takes it', () => {
    const { client } = allowance(window);
    const reader = client.share();
    reader.received({ start: 100, end: 200 });
    reader.received({ start: 150, end: 300 });
    assert.equal(client.unread, 200);
    reader.took({ start: 0, end: 120 });
    assert.equal(client.unread, 180);
  });

  it('has again what it gave back, without what was not fetched for it', () => {
    const { client } = allowance(window);
    const reader = client.share();
    reader.received({ start: 100, end: 200 });
    reader.took({ start: 0, end: 180 });
    reader.gaveBack({ start: 50, end: 180 });
    assert.equal(client.unread, 100);
  });

  it('is the sum over readers, whatever they do, and nothing in the end', () => {
    const range = fc.record({ at: fc.nat(2000), bytes: fc.nat(500) });
    const step = fc.record({ reader: fc.nat(2), what: fc.constantFrom('received', 'took', 'gaveBack', 'end'), range });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { client } = allowance(window);
        const readers = [0, 1, 2].map(() => ({
          share: client.share(),
          ahead: new Set<number>(),
          back: new Set<number>(),
        }));
        for (const {
          reader,
          what,
          range: { at, bytes },
        } of steps) {
          const its = readers[reader];
          if (its === undefined) continue;
          const { share, ahead, back } = its;
          if (what === 'end') {
            share.end();
            ahead.clear();
            back.clear();
            continue;
          }
          share[what as 'received']({ start: at, end: at + bytes });
          for (let byte = at; byte < at + bytes; byte += 1) {
            if (what === 'received') ahead.add(byte);
            if (what === 'took' && ahead.delete(byte)) back.add(byte);
            if (what === 'gaveBack' && back.delete(byte)) ahead.add(byte);
          }
        }
        assert.equal(
          client.unread,
          readers.reduce((sum, { ahead }) => sum + ahead.size, 0),
        );
        for (const { share } of readers) share.end();
        assert.equal(client.unread, 0);
      }),
      { numRuns: runs(200) },
    );
  });
});
