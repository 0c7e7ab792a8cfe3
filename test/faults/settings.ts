/**
 * The settings under which a schedule is played, drawn from its seed as well: what is tried under one setting alone hides
 * what only happens where memory, connections or room are scarce.
 */
import { Chance } from './chance.ts';

/** Budgets in milliseconds. */
interface Budgets {
  readonly firstByte: number;
  readonly heal: number;
  readonly queue: number;
  readonly stall: number;
}

export interface DrawnSettings {
  /** The store on disk, with its pool of buffers, or the one in memory. */
  readonly store: 'disk' | 'memory';
  /** How much the store may hold, in bytes; `null` for more than there is. */
  readonly room: number | null;
  readonly maxConnections: number;
  readonly budgets: Budgets;
  /** As they stand in the configuration. */
  readonly written: {
    readonly bufferMemory: string;
    readonly readAhead: string;
    readonly restTimeout: string;
    readonly patience: string;
    readonly patienceInterval: string;
    readonly parallelFetches: string;
  };
}

/** Of a store that has little room, in bytes: of these it lets go at once. */
export const smallSegment = 512 * 1024;

/** Those that they are by default. */
const usual: Budgets = { firstByte: 30_000, heal: 90_000, queue: 30_000, stall: 10_000 };

/** `mendable` leaves enough time and connections for everything to be mended. */
export function settingsOf(seed: number, kind: 'calm' | 'mendable' | 'wild'): DrawnSettings {
  const chance = new Chance(seed ^ 0x5e77_1465);
  for (let skipped = 0; skipped < 4; skipped += 1) chance.next();
  const short = { firstByte: 2000, heal: 4000, queue: 1000, stall: 1500 };
  const long = { firstByte: 120_000, heal: 300_000, queue: 90_000, stall: 20_000 };
  return {
    store: chance.one(['disk', 'memory', 'memory']),
    room: chance.is(0.2) ? chance.one([1, 2, 4]) * smallSegment : null,
    // Who queues behind stalled connections may wait too long for their turn.
    maxConnections: kind === 'mendable' ? 32 : chance.one([1, 1, 2, 32, 32]),
    budgets: kind === 'wild' ? chance.one([usual, usual, short, long]) : chance.one([usual, usual, long]),
    written: {
      bufferMemory: chance.one(['1MiB', '1MiB', '2MiB', '48MiB']),
      readAhead: chance.one(['64KiB', '256KiB', '1MiB', '64MiB']),
      restTimeout: chance.one(['0s', '5s', '5s', '1m']),
      patience: chance.one(['off', '1s', '5s']),
      patienceInterval: chance.one(['1s', '10s']),
      parallelFetches: chance.one(['1', '8']),
    },
  };
}
