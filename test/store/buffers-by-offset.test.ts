import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeSet } from '../../src/bytes/range-set.ts';
import { BuffersByOffset } from '../../src/store/buffers-by-offset.ts';
import { contentAt } from '../../src/testing/content.ts';

test('every byte that was added and not deleted is found, and no other', () => {
  const length = 60;
  const operation = fc.record({
    start: fc.nat(length - 1),
    size: fc.integer({ min: 0, max: 9 }),
    remove: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const buffers = new BuffersByOffset();
      const present = new RangeSet();
      const sizes = new Map<number, number>();
      for (const { start, size, remove } of operations) {
        const range = { start, end: start + size };
        if (remove) {
          buffers.delete(start);
          present.remove({ start, end: start + (sizes.get(start) ?? 0) });
          sizes.delete(start);
        } else if (present.nextStart(start) === null || (present.nextStart(start) ?? 0) >= range.end) {
          buffers.add(start, contentAt(start, range.end));
          present.add(range);
          if (size > 0) sizes.set(start, size);
        }
      }
      for (let offset = 0; offset < length + 10; offset += 1) {
        const bytes = buffers.from(offset);
        assert.equal(bytes !== undefined, present.has(offset));
        if (bytes !== undefined) assert.deepEqual(bytes, contentAt(offset, offset + bytes.length));
      }
      assert.deepEqual(buffers.ranges(), [...present]);
    }),
  );
});

test('bytes are not copied', () => {
  const buffers = new BuffersByOffset();
  const bytes = contentAt(0, 100);
  buffers.add(1000, bytes);
  assert.equal(buffers.from(1040)?.buffer, bytes.buffer);
  assert.equal(buffers.from(1040)?.byteOffset, bytes.byteOffset + 40);
});
