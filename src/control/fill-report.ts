/** A fill as the API shows it: offsets and lengths in bytes, durations in milliseconds, times of day in ISO 8601. */
import { z } from '@hono/zod-openapi';
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { fillPhases } from '../events.ts';
import { type FillView, phaseReason, type ReaderView } from '../fill/fill-view.ts';
import type { FillPast } from './fill-history.ts';

export const rangesSchema = z.array(z.array(z.int()).length(2)).meta({
  description: 'Half-open ranges of bytes: [start, end].',
  example: [[0, 65_536]],
});

export const timeSchema = z.iso.datetime().meta({ description: 'A time of day.', example: '2026-11-24T20:15:00.000Z' });

export const idSchema = z.string().meta({
  description: 'The name of an object: 64 hexadecimal digits.',
  example: '9f2c6c1f0a2f4b7c8d1e3a5b7c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f70819',
});

const speed = z.number().meta({ description: 'Bytes a second.', example: 2_400_000 });

const cursorSchema = z
  .object({
    position: z.int().meta({ description: 'The next byte that it brings.' }),
    until: z.int().nullable().meta({ description: 'Where the body that it reads ends, where that is known.' }),
    state: z.enum(['queued', 'starting', 'filling', 'resting', 'retrying']),
    attempt: z.int().meta({ description: '1 for the first try.' }),
    speed: speed.nullable(),
    lastFailure: z.string().nullable().meta({ description: 'How the last try ended, where no byte has come since.' }),
    nextTryIn: z.int().nullable().meta({ description: 'Milliseconds until the origin is asked again.' }),
  })
  .meta({ id: 'Cursor', description: 'One request to the origin.' });

const readerSchema = z
  .object({
    position: z.int().meta({ description: 'The next byte that it takes.' }),
    speed,
    ahead: z.int().meta({ description: 'How many bytes are present from its position on, without a gap.' }),
    secondsAhead: z.number().nullable().meta({ description: 'The same at its speed; null where it takes nothing.' }),
    waiting: z.boolean().meta({ description: 'Whether it waits for the byte at its position.' }),
  })
  .meta({ id: 'Reader', description: 'One client.' });

const timelineSchema = z
  .object({
    wantedAt: timeSchema.nullable(),
    startedAt: timeSchema.nullable().meta({ description: 'When the origin was asked for its first byte.' }),
    connectedAt: timeSchema.nullable().meta({ description: 'null on a connection that was open already.' }),
    headAt: timeSchema.nullable(),
    firstByteAt: timeSchema.nullable(),
    doneAt: timeSchema.nullable().meta({ description: 'When every byte was present.' }),
    queued: z.int().meta({ description: 'Milliseconds that its first byte waited for a connection.' }),
    retries: z.int(),
    heals: z.int().meta({ description: 'How often it was asked again after bytes had come.' }),
  })
  .meta({ id: 'FillTimeline' });

export const fillSchema = z
  .object({
    id: z.int(),
    objectId: idSchema,
    origin: z.string(),
    path: z.string(),
    phase: z.enum(fillPhases),
    reason: z.string().meta({
      description: 'Why it is in that phase.',
      example: 'waiting for the origin: 12.4 s of 30 s, attempt 3, connection refused',
    }),
    pausedBy: z.enum(['idle', 'user', 'disk']).nullable().meta({
      description: 'Who has paused it; idle where nobody reads it. null where it is not paused.',
    }),
    length: z.int().nullable(),
    presentBytes: z.int(),
    present: rangesSchema,
    cursors: z.array(cursorSchema),
    readers: z.array(readerSchema),
    waiters: z.int().meta({ description: 'How many readers wait for a byte that is not present.' }),
    timeline: timelineSchema,
    lastError: z.object({ at: timeSchema, message: z.string() }).nullable(),
  })
  .meta({ id: 'Fill', description: 'What brings one object in.' });

export type FillReport = z.output<typeof fillSchema>;

export function fillReport(fill: FillView, past: FillPast, clock: Clock): FillReport {
  const { id, objectId, origin, path, state, length, present, cursors, readers, waiters } = fill;
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
    cursors: cursors.map(({ retryAt, speed, ...cursor }) => ({
      ...cursor,
      speed: speed === null ? null : Math.round(speed),
      nextTryIn: retryAt === null ? null : Math.max(0, Math.round(retryAt - now)),
    })),
    readers: readers.map((reader) => readerReport(reader, present)),
    waiters,
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

function readerReport({ position, speed, waiting }: ReaderView, present: readonly ByteRange[]) {
  const run = present.find(({ start, end }) => start <= position && position < end);
  const ahead = run === undefined ? 0 : run.end - position;
  // Less than a byte a second is no speed.
  const secondsAhead = speed < 1 ? null : Number((ahead / speed).toFixed(1));
  return { position, speed: Math.round(speed), ahead, secondsAhead, waiting };
}

export function pairs(ranges: readonly ByteRange[]): [number, number][] {
  return ranges.map(({ start, end }) => [start, end]);
}

/** Turns monotonic times into times of day. */
export function timesOfDay(clock: Clock) {
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
