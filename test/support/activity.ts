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

/**
 * Whether the kernel or a thread still works for this process: files that are opened, read, written or closed, and calls
 * of the store's index. Something will then move by itself.
 */
export function filesUnderWay(): boolean {
  return process.getActiveResourcesInfo().some((name) => fileWork.test(name));
}

const fileWork = /^(?:FSReq|CloseReq|MessagePort|Worker)/;

/** Grows with each movement; only its change means something. */
export function activity(): number {
  return count;
}
