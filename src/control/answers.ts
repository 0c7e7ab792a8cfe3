/**
 * The answers of the control API: one schema for each, and its type. The schemas make the API's document; the command
 * line and the page import the types. Offsets and lengths are bytes, durations milliseconds, times of day ISO 8601.
 */
import { z } from '@hono/zod-openapi';
import {
  breakerPhases,
  byteSources,
  cacheResults,
  countedPhases,
  fillPhases,
  jobKinds,
  jobOutcomes,
  refreshOutcomes,
  requestOutcomes,
  retryCauses,
  waitOutcomes,
} from '../events.ts';
import { lentThings } from '../lent.ts';

const rangesSchema = z.array(z.tuple([z.int(), z.int()]).meta({ minItems: 2, maxItems: 2 })).meta({
  description: 'Half-open ranges of bytes: [start, end].',
  example: [[0, 65_536]],
});

const timeSchema = z.iso.datetime().meta({ description: 'A time of day.', example: '2026-11-24T20:15:00.000Z' });

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
    pausedBy: z.enum(['idle', 'user']).nullable().meta({
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
/** Half-open, in bytes. */
export type Span = FillReport['present'][number];
export type CursorReport = FillReport['cursors'][number];

const objectShape = {
  id: idSchema,
  origin: z.string().meta({ description: 'The name of its origin; ~ for sources.', example: 'films' }),
  path: z.string().meta({ description: 'Its path at the origin, without a query.', example: '/holiday.mkv' }),
  length: z.int().nullable().meta({ description: 'In bytes; null while it is unknown.' }),
  bytes: z.int().meta({ description: 'How many bytes can be read now.' }),
  percent: z.number().nullable().meta({ description: 'Of its length.', example: 41.7 }),
  state: z.enum(fillPhases),
  reason: z.string().meta({ description: 'Why it is in that state.', example: 'every byte is stored' }),
  pinned: z.boolean().meta({ description: 'Whether it is kept from eviction.' }),
  lastUsed: timeSchema,
  contentType: z.string().nullable(),
  etag: z.string().nullable(),
};

export const objectSchema = z
  .object(objectShape)
  .meta({ id: 'Object', description: 'One object that is held, in whole or in part.' });

export const objectDetailSchema = z
  .object({
    ...objectShape,
    present: rangesSchema,
    durable: rangesSchema,
    waitedFor: rangesSchema,
    fill: fillSchema.nullable(),
  })
  .meta({
    id: 'ObjectSight',
    description:
      'An object with where its bytes lie: what can be read now, what of it survives a power cut, what readers wait for; and what brings it in, where somebody has it open.',
  });

export const objectPageSchema = z
  .object({
    objects: z.array(objectSchema),
    next: z.string().nullable().meta({ description: 'The cursor of the next page; null where this is the last.' }),
    total: z.int().meta({ description: 'How many there are on all pages.' }),
    bytes: z.int().meta({ description: 'How many bytes are held of them.' }),
  })
  .meta({ id: 'ObjectPage' });

export const removedSchema = z.object({ removed: z.int(), bytes: z.int() }).meta({ id: 'Removed' });

export type ObjectReport = z.output<typeof objectSchema>;
export type ObjectPage = z.output<typeof objectPageSchema>;

export const storeSchema = z
  .object({
    bytes: z.int().meta({ description: 'Real bytes on the medium.' }),
    objects: z.int(),
    limit: z.int().nullable().meta({ description: 'How many bytes it may hold; null for any number.' }),
    free: z.int().nullable().meta({ description: 'Free on the file system; null for memory.' }),
    trouble: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'Why nothing is stored now.' }),
    starved: z.int().meta({ description: 'How many reads wait for memory to read from disk (`bufferMemory`).' }),
    nextToGo: z
      .array(z.object({ id: idSchema, origin: z.string(), path: z.string(), bytes: z.int() }))
      .meta({ description: 'What would be evicted first, in order.' }),
  })
  .meta({ id: 'StoreState' });

export type StoreReport = z.output<typeof storeSchema>;

const milliseconds = z.int().nullable();

export const originSchema = z
  .object({
    name: z.string().meta({ example: 'films' }),
    base: z.string().meta({ description: 'Without credentials.', example: 'https://media.example/films' }),
    breaker: z.object({
      state: z.enum(breakerPhases),
      since: timeSchema.nullable().meta({ description: 'Since when it has been out of reach.' }),
      nextProbe: timeSchema.nullable().meta({ description: 'When it is tried again where nobody asks before.' }),
      cause: z.string().nullable().meta({ description: 'How the last attempt to connect failed (RFC 9209).' }),
    }),
    connections: z.object({ used: z.int(), queued: z.int(), limit: z.int() }),
    limits: z.object({
      maxConnections: z.int(),
      maxRate: z.number().nullable().meta({ description: 'Bytes a second; null for as many as come.' }),
      maxRequestRate: z.number().nullable().meta({ description: 'Requests a second; null for any number.' }),
    }),
    firstByteMs: z
      .object({ last: milliseconds, median: milliseconds })
      .meta({ description: 'From a request at the origin to its first byte.' }),
    bytesIn: z.int(),
  })
  .meta({ id: 'Origin' });

export type OriginReport = z.output<typeof originSchema>;

const warmResultSchema = z
  .object({ objectId: idSchema, bytes: z.int().meta({ description: 'How many of those asked for are present.' }) })
  .meta({ id: 'WarmResult' });

const verifyResultSchema = z
  .object({
    objects: z.int().meta({ description: 'How many were checked.' }),
    bytes: z.int().meta({ description: 'How many bytes were checked.' }),
    bad: z.int().meta({ description: 'How many of them were bad, and are dropped.' }),
    repaired: z.int().meta({ description: 'How many of those are fetched again.' }),
    unknown: z.array(idSchema).readonly().meta({ description: 'Names under which nothing is stored.' }),
  })
  .meta({ id: 'VerifyResult' });

export const jobSchema = z
  .object({
    id: z.string().meta({ example: '1' }),
    kind: z.enum(jobKinds),
    title: z
      .object({ origin: z.string(), path: z.string() })
      .nullable()
      .meta({ description: 'What it is about; null where that is more than one title.' }),
    state: z.enum(['running', ...jobOutcomes]),
    done: z.int().meta({ description: 'Bytes so far.' }),
    total: z.int().nullable().meta({ description: 'Bytes in all; null while it is not known.' }),
    startedAt: timeSchema,
    endedAt: timeSchema.nullable(),
    result: z.union([warmResultSchema, verifyResultSchema]).nullable(),
    problem: z.string().nullable().meta({ description: 'Why it failed.' }),
  })
  .meta({ id: 'Job', description: 'Long work. Its end is also an event, job-done.' });

export type JobReport = z.output<typeof jobSchema>;
export type JobResult = NonNullable<JobReport['result']>;
export type VerifyReport = z.output<typeof verifyResultSchema>;

const byName = z.record(z.string(), z.number());
const counts = <const Names extends readonly string[]>(names: Names) => z.record(z.enum(names), z.number());

const waitSchema = z.object({
  count: z.int(),
  sumSeconds: z.number(),
  atMost: byName.meta({ description: "How many took at most so long, by the histogram's edges: 0.01s, …, 60s." }),
});

export const statsSchema = z
  .object({
    uptimeSeconds: z.number(),
    requests: z.object({ byOutcome: counts(requestOutcomes), byCache: counts(cacheResults) }),
    ownErrors: z.object({
      count: z.int(),
      by: z.array(z.object({ status: z.string(), reason: z.string(), phase: z.string(), count: z.int() })).readonly(),
      last: z
        .array(
          z.object({
            time: timeSchema,
            at: z.number(),
            request: z.int(),
            origin: z.string().nullable(),
            path: z.string(),
            status: z.int(),
            reason: z.string(),
            phase: z.enum(fillPhases).nullable(),
            waited: z.number(),
            message: z.string(),
          }),
        )
        .readonly()
        .meta({ description: 'The newest last.' }),
    }),
    firstByteWaits: z.record(z.enum(waitOutcomes), waitSchema),
    fills: counts(countedPhases),
    fillsDone: z.int(),
    fillsFailed: byName,
    bytesLanded: byName,
    bytesSent: counts(byteSources),
    retries: counts(retryCauses),
    heals: counts(retryCauses),
    breakerChanges: counts(breakerPhases),
    refreshes: counts(refreshOutcomes),
    bugs: z.int(),
    lent: counts(lentThings).meta({ description: 'What is held for a while and given back, at this moment.' }),
  })
  .meta({ id: 'Stats' });

export type StatsReport = z.output<typeof statsSchema>;
export type WaitStats = z.output<typeof waitSchema>;
export type OwnErrorReport = StatsReport['ownErrors']['last'][number];

const waitMs = z.number().nullable().meta({ description: 'In milliseconds; null where nobody waited.' });

const pointSchema = z.object({
  at: timeSchema,
  bytesIn: z.int(),
  bytesOut: z.int(),
  requests: z.int().meta({ description: 'Those that ended.' }),
  ownErrors: z.int(),
  waits: z.int().meta({ description: 'Requests whose wait for their first byte ended.' }),
  firstByteP50: waitMs,
  firstByteP95: waitMs,
  origins: z.record(z.string(), z.object({ bytesIn: z.int(), firstByteP50: waitMs, failures: z.int() })),
});

export const historySchema = z
  .object({
    interval: z.int().meta({ description: 'Of a step, in milliseconds.' }),
    points: z.array(pointSchema).readonly().meta({ description: 'The oldest first, the last one under way.' }),
  })
  .meta({ id: 'History' });

export type HistoryReport = z.output<typeof historySchema>;
export type HistoryPoint = z.output<typeof pointSchema>;

const sourceShape = {
  id: z.string(),
  name: z.string(),
  host: z.string().meta({ description: 'Host and port of its URL; the rest is not shown.', example: 'media.example' }),
  addedAt: timeSchema,
  expiresAt: timeSchema,
};

export const sourceSchema = z.object(sourceShape).meta({ id: 'Source' });

export const addedSourceSchema = z
  .object({
    ...sourceShape,
    play: z.string().meta({
      description: 'The path at which it plays, on any address of firstbyte: told this one time.',
      example: '/~/kq3v…/holiday.mkv',
    }),
  })
  .meta({ id: 'AddedSource' });

export const settingSchema = z
  .object({
    key: z.string().meta({ example: 'firstByteTimeout' }),
    value: z.string().meta({ description: 'As it was written; secrets are ***.', example: '45s' }),
    source: z.enum(['flag', 'variable', 'file', 'default', 'program']).meta({
      description: 'Where it was written; program for a program that embeds firstbyte.',
    }),
    name: z.string().meta({ description: 'The flag, the variable or the file; empty for the others.' }),
    sentence: z.string(),
    default: z.string().nullable().meta({ description: 'null for none.' }),
  })
  .meta({ id: 'Setting' });

export type SettingReport = z.output<typeof settingSchema>;
