/** How bytes are cut into pieces so that a rate is true within 10 milliseconds. */

const tick = 10;
const largestPiece = 64 * 1024;

/** The size of one network read at `rate` bytes per second: 10 ms worth, at least one byte, at most 64 KiB. */
export function pieceSize(rate: number): number {
  return Math.max(1, Math.min(largestPiece, Math.floor((rate * tick) / 1000)));
}

/** Milliseconds that `bytes` take at `rate` bytes per second; 0 at an unlimited rate. */
export function durationOf(bytes: number, rate: number): number {
  return (bytes / rate) * 1000;
}
