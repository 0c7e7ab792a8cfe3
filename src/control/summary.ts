/**
 * The summary line: the counts, once an interval while firstbyte is active.
 *
 * The first event after a quiet time sets the timer. It is set again while a fill works, so that an origin that is
 * silent for minutes stays visible. A quiet firstbyte has no timer and writes nothing.
 */
import type { Clock, Timer } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { StatsReport } from './answers.ts';
import type { StatsSource } from './stats.ts';

/** The counts since the start, without zeros and single errors. */
export type SummaryLine = Record<string, unknown>;

export interface SummaryOptions {
  /** In milliseconds. */
  readonly interval: number;
  /** Writes one line; must not throw. */
  readonly write: (line: SummaryLine) => void;
}

/** Returns the function that ends the lines. */
export function startSummary(
  { interval, write }: SummaryOptions,
  stats: StatsSource,
  events: EventBus,
  clock: Clock,
): () => void {
  let timer: Timer | null = null;
  let stopped = false;

  const arm = () => {
    timer ??= clock.after(interval, () => void tick());
  };
  const tick = async () => {
    timer = null;
    const counts = await stats.read();
    if (stopped) return;
    write(summaryLine(counts));
    if (counts.fills.queued + counts.fills.starting + counts.fills.filling > 0) arm();
  };

  const unsubscribe = events.subscribe(arm);
  return () => {
    stopped = true;
    unsubscribe();
    timer?.cancel();
  };
}

/** The fields of the line, for a structured log. */
function summaryLine(stats: StatsReport): SummaryLine {
  const { ownErrors, failedWaits: _, requests, uptimeSeconds, ...counts } = stats;
  const errors = ownErrors.by.map(({ status, reason, phase, count }) => [`${status} ${reason} ${phase}`, count]);
  const line = {
    requests: requests.byOutcome,
    cache: requests.byCache,
    ownErrors: Object.fromEntries(errors),
    ...counts,
  };
  return { uptimeSeconds: Math.round(uptimeSeconds), ...withoutZeros(line) };
}

function withoutZeros(counts: object): Record<string, unknown> {
  const kept = Object.entries(counts)
    .map(([name, count]) => [name, typeof count === 'object' ? withoutZeros(count) : count] as const)
    .filter(([, count]) => (typeof count === 'object' ? Object.keys(count).length > 0 : count !== 0));
  return Object.fromEntries(kept);
}
