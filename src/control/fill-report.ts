/** A fill as the API shows it: offsets and lengths in bytes, durations in milliseconds, times of day in ISO 8601. */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { type FillView, phaseReason, type ReaderView } from '../fill/view.ts';
import type { FillReport } from './answers.ts';
import type { FillPast } from './fill-history.ts';

export function fillReport(fill: FillView, past: FillPast, clock: Clock): FillReport {
  const { id, objectId, origin, path, state, length, present, fetches, readers, waiters, line } = fill;
  const now = clock.now();
  const timeOfDay = timesOfDay(clock);
  const { firstByte, lastError } = past;
  return {
    id,
    objectId,
    origin,
    path,
    phase: state.phase,
    reason: phaseReason(state, now),
    pausedBy: state.phase === 'paused' ? state.by : null,
    length,
    presentBytes: present.reduce((total, { start, end }) => total + end - start, 0),
    present: pairs(present),
    cursors: fetches.map(({ retryAt, speed, ...fetch }) => ({
      ...fetch,
      speed: speed === null ? null : Math.round(speed),
      nextTryIn: retryAt === null ? null : Math.max(0, Math.round(retryAt - now)),
    })),
    readers: readers.map((reader) => readerReport(reader, present, line?.needs ?? null, now)),
    waiters,
    line: line && {
      ...line,
      needs: Math.round(line.needs),
      gives: line.gives === null ? null : Math.round(line.gives),
    },
    timeline: {
      wantedAt: timeOfDay(past.wantedAt),
      startedAt: timeOfDay(firstByte?.startedAt),
      connectedAt: timeOfDay(firstByte?.connectedAt),
      headAt: timeOfDay(firstByte?.headAt),
      firstByteAt: timeOfDay(firstByte?.landedAt),
      doneAt: timeOfDay(past.doneAt),
      queued: Math.round(firstByte?.queued ?? 0),
      retries: past.retries,
      heals: past.heals,
    },
    lastError: lastError && { at: timeOfDay(lastError.at), message: lastError.message },
  };
}

function readerReport(
  { position, speed, wait }: ReaderView,
  present: readonly ByteRange[],
  needs: number | null,
  now: number,
): FillReport['readers'][number] {
  const run = present.find(({ start, end }) => start <= position && position < end);
  const ahead = run === undefined ? 0 : run.end - position;
  // Less than a byte a second counts as no speed.
  const pace = needs ?? speed;
  const secondsAhead = pace < 1 ? null : Number((ahead / pace).toFixed(1));
  const waitedMs = wait && Math.round(now - wait.since);
  const waitLeftMs = wait && Math.max(0, Math.round(wait.until - now));
  return { position, speed: Math.round(speed), ahead, secondsAhead, waiting: wait !== null, waitedMs, waitLeftMs };
}

export function pairs(ranges: readonly ByteRange[]): [number, number][] {
  return ranges.map(({ start, end }) => [start, end]);
}

/** Converts monotonic times to times of day. */
function timesOfDay(clock: Clock) {
  function timeOfDay(at: number): string;
  function timeOfDay(at: number | null | undefined): string | null;
  function timeOfDay(at: number | null | undefined): string | null {
    return at == null ? null : isoTime(clock.wallTime() + at - clock.now());
  }
  return timeOfDay;
}

/** Of wall-clock milliseconds. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}
