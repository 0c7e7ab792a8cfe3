/**
 * Counts everything that moves in memory, so that a virtual clock can tell when the process has come to rest.
 *
 * A part that hands bytes on in a later turn of the event loop (a duplex pair, a scripted origin) bumps it whenever
 * it does; what needs only microtasks or ticks need not, because those end within one turn.
 */
let count = 0;

/** Something moved: the process has not settled yet. */
export function bump(): void {
  count += 1;
}

/** Grows with each movement; only its change means something. */
export function activity(): number {
  return count;
}
