/**
 * Where what a fetch brings meets what is present: the bytes of both must be the same, or they are of two versions.
 *
 * Bytes are compared where the validator alone proves little (`upstream.ts` says how many): those before a request's
 * first missing byte, and those that follow its last.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { type BodyRequest, cutShort } from './body-request.ts';

/** Compares bytes with those that are present at the offset. Rejects with `FillFailed` where they differ. */
export type Compare = (offset: number, bytes: Buffer) => Promise<void> | undefined;

/** Compares what a body begins with, from `start` up to `position`; the rest is read next. */
export async function compareBefore(
  request: BodyRequest,
  start: number,
  position: number,
  compare: Compare,
): Promise<void> {
  for (let offset = start; offset < position; ) {
    const bytes = await request.read();
    if (bytes === null) throw cutShort();
    const overlap = bytes.subarray(0, position - offset);
    await compare(offset, overlap);
    offset += overlap.length;
    request.putBack(bytes.subarray(overlap.length));
  }
}

/** Compares `bytes` at `start`, and what follows them up to `end`, as far as the body goes. */
export async function compareAfter(
  request: BodyRequest,
  { start, end }: ByteRange,
  bytes: Buffer,
  compare: Compare,
): Promise<void> {
  let came: Buffer | null = bytes;
  for (let offset = start; came !== null; came = offset < end ? await request.read() : null) {
    const overlap = came.subarray(0, end - offset);
    if (overlap.length > 0) await compare(offset, overlap);
    offset += overlap.length;
  }
}
