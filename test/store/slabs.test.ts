import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Slabs } from '../../src/store/disk/slabs.ts';
import type { Slice } from '../../src/store/store.ts';
import { contentAt } from '../../src/testing/content.ts';
import { runs } from '../support/runs.ts';

const kibibyte = 1024;

interface Held {
  readonly slice: Slice;
  /** Where its content begins. */
  readonly at: number;
}

const isRight = ({ slice: { bytes }, at }: Held) => bytes.equals(contentAt(at, at + bytes.length));

test('what somebody looks at stays what it is, whatever is copied and given back meanwhile', () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant('copy' as const), size: fc.integer({ min: 1, max: 600 * kibibyte }) }),
    fc.record({ what: fc.constantFrom('share' as const, 'release' as const, 'forget' as const), size: fc.nat(1000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slabs = new Slabs();
      const held: Held[] = [];
      let at = 0;
      for (const { what, size } of steps) {
        const one = held[size % Math.max(1, held.length)];
        if (what === 'copy') {
          const given = contentAt(at, at + size);
          const pieces = slabs.copy(given);
          given.fill(0);
          for (const slice of pieces) {
            held.push({ slice, at });
            at += slice.bytes.length;
          }
        } else if (one !== undefined) {
          const skipped = Math.floor(one.slice.bytes.length / 2);
          if (what === 'share')
            held.push({ slice: slabs.share(one.slice.bytes.subarray(skipped)), at: one.at + skipped });
          else held.splice(held.indexOf(one), 1);
          if (what === 'release') {
            one.slice.release();
            one.slice.release();
          }
        }
        for (const each of held) assert.ok(isRight(each), `wrong bytes at ${each.at}`);
      }
    }),
    { numRuns: runs(30) },
  );
});

test('memory is used again when the last who looked at it has given it back, and not before', () => {
  const slabs = new Slabs();
  const memory = new Set<ArrayBufferLike>();
  for (let at = 0; at < 64 * 1024 * kibibyte; at += 100 * kibibyte) {
    for (const piece of slabs.copy(Buffer.alloc(100 * kibibyte))) {
      const shared = slabs.share(piece.bytes);
      memory.add(piece.bytes.buffer);
      piece.release();
      shared.release();
    }
  }
  assert.ok(memory.size <= 2, `${memory.size} slabs for bytes that nobody looks at`);
  const [kept] = slabs.copy(Buffer.from('kept'));
  for (let count = 0; count < 100; count += 1) for (const piece of slabs.copy(Buffer.alloc(1000_000))) piece.release();
  assert.equal(kept?.bytes.toString(), 'kept');
});

test('bytes that were not copied there are not shared', () => {
  assert.throws(() => new Slabs().share(Buffer.alloc(1)), /not copied here/);
});
