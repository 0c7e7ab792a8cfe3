/** The links that are measured, in one table. */

/** A link, as people speak of it: rates in bits a second, times in milliseconds, the queue in bytes. */
export interface LinkProfile {
  readonly down: number;
  readonly up: number;
  /** With the mean of the jitter, and without the queue. */
  readonly roundTrip: number;
  /** From the earliest to the latest that a packet towards the player may come. */
  readonly jitter?: number;
  /** The share of packets that are lost, either way. */
  readonly loss?: number;
  /** Of each `every` milliseconds the last `dead` carry nothing. */
  readonly outage?: { readonly every: number; readonly dead: number };
  /** How much waits for the link at most, each way; what comes then is dropped. */
  readonly queue: number;
  /** The largest packet; 1,500 bytes unless given. */
  readonly packet?: number;
}

const Mbit = 1_000_000;
const KiB = 1024;

/** A line of so many kilobytes a second: its queue takes a first flight of ten packets. */
const narrow = (kilobytes: number): LinkProfile => ({
  down: kilobytes * 8000,
  up: kilobytes * 8000,
  roundTrip: 60,
  queue: Math.max(16 * KiB, kilobytes * 300),
});

export const links = {
  dsl: { down: 16 * Mbit, up: 2 * Mbit, roundTrip: 35, queue: 128 * KiB },
  lte: { down: 12 * Mbit, up: 6 * Mbit, roundTrip: 60, jitter: 20, loss: 0.005, queue: 384 * KiB },
  transatlantic: { down: 200 * Mbit, up: 200 * Mbit, roundTrip: 120, loss: 0.001, queue: 1024 * KiB },
  satellite: { down: 25 * Mbit, up: 3 * Mbit, roundTrip: 600, queue: 1024 * KiB },
  flaky: { down: 20 * Mbit, up: 20 * Mbit, roundTrip: 40, outage: { every: 15_000, dead: 4000 }, queue: 128 * KiB },
  fibre: { down: 100 * Mbit, up: 100 * Mbit, roundTrip: 15, queue: 256 * KiB },
  // Large packets, so that the program that carries them keeps up.
  lan: { down: 500 * Mbit, up: 500 * Mbit, roundTrip: 0.5, queue: 1024 * KiB, packet: 9000 },
  '16KB': narrow(16),
  '32KB': narrow(32),
  '64KB': narrow(64),
  '105KB': narrow(105),
  '350KB': narrow(350),
} as const satisfies Record<string, LinkProfile>;

export type LinkName = keyof typeof links;
