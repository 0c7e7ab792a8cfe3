/** Several ranges in one reply (RFC 9110 §14.6): the frame around each part, so that the length is exact. Pure. */
import { type ByteRange, byteLength } from '../bytes/byte-range.ts';
import { formatContentRange } from '../http/content-range.ts';

export interface Multipart {
  readonly contentType: string;
  /** Of the whole body, frames included, in bytes. */
  readonly length: number;
  readonly parts: readonly { readonly frame: Buffer; readonly range: ByteRange }[];
  readonly closing: Buffer;
}

/** `total` and `contentType` are the representation's. */
export function multipart(ranges: readonly ByteRange[], total: number, contentType: string | null): Multipart {
  const boundary = `firstbyte-${crypto.randomUUID()}`;
  const parts = ranges.map((range) => {
    const type = contentType === null ? '' : `Content-Type: ${contentType}\r\n`;
    const head = `--${boundary}\r\n${type}Content-Range: ${formatContentRange(range, total)}\r\n\r\n`;
    // Before the first part as well, as other servers do it: some clients skip that line unseen.
    return { frame: Buffer.from(`\r\n${head}`, 'latin1'), range };
  });
  const closing = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
  const length = parts.reduce((sum, { frame, range }) => sum + frame.length + byteLength(range), closing.length);
  return { contentType: `multipart/byteranges; boundary=${boundary}`, length, parts, closing };
}
