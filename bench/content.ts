/**
 * The bytes of every film of the benches: a pure function of the offset, so that a film of any size costs no memory
 * and whoever reads it can tell each byte. They repeat after a prime number of bytes, so a block that comes in the
 * place of another one is seen.
 */

const period = 1_048_573;

/** The most that `film` gives at once. */
export const longestPiece = 256 * 1024;

const pattern = createPattern();

/** The bytes from `offset` on. */
export function film(offset: number, length: number): Buffer {
  const place = offset % period;
  return pattern.subarray(place, place + Math.min(length, longestPiece));
}

/** Whether `bytes` are those of a film at `offset`. */
export function isFilm(bytes: Buffer, offset: number): boolean {
  for (let at = 0; at < bytes.length; at += longestPiece) {
    const piece = bytes.subarray(at, at + longestPiece);
    if (!piece.equals(film(offset + at, piece.length))) return false;
  }
  return true;
}

function createPattern(): Buffer {
  const bytes = Buffer.alloc(period + longestPiece);
  let state = 0x9e3779b9;
  for (let at = 0; at < bytes.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = at < period ? state : (bytes[at - period] ?? 0);
  }
  return bytes;
}
