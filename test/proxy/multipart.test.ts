import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { multipart } from '../../src/proxy/multipart.ts';

const ranges = [
  { start: 0, end: 10 },
  { start: 990, end: 1000 },
];

describe('a multipart body', () => {
  it('frames each part with its type and its place', () => {
    const { contentType, parts, closing } = multipart(ranges, 1000, 'video/mp4');
    const boundary = /^multipart\/byteranges; boundary=([\w-]{1,70})$/.exec(contentType)?.[1];
    assert.deepEqual(
      [...parts.map(({ frame }) => frame.toString()), closing.toString()],
      [
        `\r\n--${boundary}\r\nContent-Type: video/mp4\r\nContent-Range: bytes 0-9/1000\r\n\r\n`,
        `\r\n--${boundary}\r\nContent-Type: video/mp4\r\nContent-Range: bytes 990-999/1000\r\n\r\n`,
        `\r\n--${boundary}--\r\n`,
      ],
    );
  });

  it('says no type where there is none', () => {
    const [part] = multipart(ranges, 1000, null).parts;
    assert.doesNotMatch(part?.frame.toString() ?? '', /content-type/i);
  });

  it('announces exactly as many bytes as it has', () => {
    const range = fc
      .tuple(fc.nat(1e15), fc.integer({ min: 1, max: 1e6 }))
      .map(([start, size]) => ({ start, end: start + size }));
    fc.assert(
      fc.property(fc.array(range, { minLength: 2, maxLength: 16 }), (asked) => {
        const { length, parts, closing } = multipart(asked, 2e15, 'video/x');
        const sizes = parts.map((part) => part.frame.length + part.range.end - part.range.start);
        assert.equal(
          length,
          sizes.reduce((sum, size) => sum + size, closing.length),
        );
      }),
    );
  });

  it('has a boundary of its own each time', () => {
    assert.notEqual(multipart(ranges, 1000, null).contentType, multipart(ranges, 1000, null).contentType);
  });
});
