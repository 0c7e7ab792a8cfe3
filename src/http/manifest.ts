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
  const first = beginning[0] ?? 0;
  // ASCII, and nothing that such a text may begin with.
  if (first < 0x80 && !'#[<\t\n\v\f\r '.includes(String.fromCharCode(first))) return false;
  const text = Buffer.from(beginning.buffer, beginning.byteOffset, Math.min(looked, beginning.byteLength)).toString();
  const written = text.replace(/^\ufeff/, '').trimStart();
  return begins.test(written) || root.test(written);
}
