/**
 * Whether a file is no film by its beginning, whatever its type says: a playlist or a manifest tells where a film is now,
 * and may change at any moment.
 */
import { beginsAsMedia } from './media-signature.ts';

/** How many bytes of the beginning are looked at. */
const looked = 1024;

const begins = /^(?:#EXTM3U|#EXTINF|\[playlist\])/i;
/** A root element, behind a declaration and comments. */
const root = /^(?:<[?!][^>]*>\s*)*<(?:MPD|SmoothStreamingMedia|asx|smil|playlist)\b/i;

/** What has no type of its own, and is smaller than this, is no film unless it begins as one; in bytes. */
const leastUntyped = 16 * 1024;

/** Whether a file may be another one at any moment, by its beginning, type and length. */
export function isChangeable(beginning: Uint8Array, type: string | null, length: number | null): boolean {
  if (beginsAsManifest(beginning)) return true;
  const isUntyped = type === null || /octet-stream|^text\/plain|^video\/mp2t/i.test(type);
  return isUntyped && length !== null && length < leastUntyped && !beginsAsMedia(beginning);
}

export function beginsAsManifest(beginning: Uint8Array): boolean {
  const [first] = writtenIn(beginning, 64);
  if (first !== undefined && !'#[<'.includes(first)) return false;
  const written = writtenIn(beginning, looked);
  return begins.test(written) || root.test(written);
}

/** The text of the first bytes, as many as that, without what is not seen of it. */
function writtenIn(beginning: Uint8Array, bytes: number): string {
  const text = Buffer.from(beginning.buffer, beginning.byteOffset, Math.min(bytes, beginning.byteLength)).toString();
  return text.replace(/^\ufeff/, '').trimStart();
}
