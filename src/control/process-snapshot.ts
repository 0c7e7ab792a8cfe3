/** The process at one moment: memory, processor, descriptors, and how late its event loop is. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../clock.ts';
import { openDescriptors } from '../proc.ts';

export const delayStats = ['mean', 'p50', 'p99', 'max'] as const;
type DelayStat = (typeof delayStats)[number];

/** In bytes and seconds. */
export interface ProcessSnapshot {
  readonly startedAt: number;
  readonly residentMemory: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly processorTime: number;
  /** `null` where the system does not tell. */
  readonly openDescriptors: number | null;
  /** How late a timer fired, since the last look; zero at the first one. */
  readonly eventLoopDelay: Readonly<Record<DelayStat, number>>;
}

export interface ProcessWatch {
  look(): ProcessSnapshot;
  /** Stops watching the event loop. */
  stop(): void;
}

type Delays = ReturnType<typeof monitorEventLoopDelay>;

/** A timer fires so often. */
const resolutionMs = 20;

/** Watches the event loop from the first look on: the timer would wake a process whose metrics nobody reads. */
export function watchProcess(clock: Clock): ProcessWatch {
  const startedAt = clock.wallTime() / 1000 - process.uptime();
  let delays: Delays | null = null;
  return {
    stop: () => void delays?.disable(),
    look() {
      if (delays === null) {
        delays = monitorEventLoopDelay({ resolution: resolutionMs });
        delays.enable();
      }
      const { rss: residentMemory, heapUsed, heapTotal } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      const snapshot = {
        startedAt,
        residentMemory,
        heapUsed,
        heapTotal,
        processorTime: (user + system) / 1e6,
        openDescriptors: openDescriptors(),
        eventLoopDelay: lateness(delays),
      };
      delays.reset();
      return snapshot;
    },
  };
}

function lateness(delays: Delays): Record<DelayStat, number> {
  // The time between two firings is measured; there is none before the second.
  const late = (nanoseconds: number) => (delays.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000));
  const { mean, max } = delays;
  return { mean: late(mean), p50: late(delays.percentile(50)), p99: late(delays.percentile(99)), max: late(max) };
}
