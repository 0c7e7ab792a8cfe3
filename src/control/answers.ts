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
  lessons,
  lineOutcomes,
  parallelReasons,
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
    position: z.int().meta({ description: 'The next byte that it downloads.' }),
    until: z.int().nullable().meta({ description: 'Where its current body ends; null where unknown.' }),
    state: z.enum(['queued', 'starting', 'filling', 'resting', 'retrying']),
    attempt: z.int().meta({ description: '1 for the first try.' }),
    speed: speed.nullable(),
    lastFailure: z
      .string()
      .nullable()
      .meta({ description: 'How the last try failed; null once a byte has come since.' }),
    nextTryIn: z.int().nullable().meta({ description: 'Milliseconds until the next retry.' }),
  })
  .meta({ id: 'Cursor', description: 'One download from the origin, moving forward through the file.' });

const readerSchema = z
  .object({
    position: z.int().meta({ description: 'The next byte that it reads.' }),
    speed,
    ahead: z.int().meta({ description: 'How many bytes are cached from its position on, without a gap.' }),
    secondsAhead: z.number().nullable().meta({
      description:
        'The same in seconds of film; by its speed where the bit rate is unknown, null where it reads nothing.',
    }),
    waiting: z.boolean().meta({ description: 'Whether it waits for the byte at its position.' }),
    waitedMs: z.int().nullable().meta({
      description:
        'For how long it has waited, in milliseconds; for its first byte, since its request. null where it does not wait.',
    }),
    waitLeftMs: z.int().nullable().meta({ description: 'Milliseconds until its wait ends with an error.' }),
  })
  .meta({ id: 'Reader', description: 'One client.' });

const lineSchema = z
  .object({
    needs: speed.meta({ description: 'The mean bit rate of the film, in bytes a second.' }),
    gives: speed
      .nullable()
      .meta({ description: 'The download speed while nothing limits it, in bytes a second; null until measured.' }),
    outcome: z.enum(lineOutcomes),
    words: z.string().meta({ example: 'this line gives 2.6 Mbit/s, the film needs 6.0 Mbit/s: it will stall' }),
  })
  .meta({ id: 'Line', description: 'Whether the connection is fast enough for the film.' });

const timelineSchema = z
  .object({
    wantedAt: timeSchema.nullable(),
    startedAt: timeSchema.nullable().meta({ description: 'When the first request to the origin was sent.' }),
    connectedAt: timeSchema.nullable().meta({ description: 'null on a connection that was open already.' }),
    headAt: timeSchema.nullable(),
    firstByteAt: timeSchema.nullable(),
    doneAt: timeSchema.nullable().meta({ description: 'When the download was complete.' }),
    queued: z.int().meta({ description: 'How long its first request waited for a free connection, in milliseconds.' }),
    retries: z.int(),
    heals: z.int().meta({ description: 'Reconnections in mid-file.' }),
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
      description: 'Why it is paused: idle without readers, user by an operator. null where it is not paused.',
    }),
    length: z.int().nullable(),
    presentBytes: z.int(),
    present: rangesSchema,
    cursors: z.array(cursorSchema),
    readers: z.array(readerSchema),
    waiters: z.int().meta({ description: 'How many readers wait for a byte.' }),
    line: lineSchema
      .nullable()
      .meta({ description: 'null where the duration of the film is unknown, or nobody plays it.' }),
    timeline: timelineSchema,
    lastError: z.object({ at: timeSchema, message: z.string() }).nullable(),
  })
  .meta({ id: 'Fill', description: 'The download of one object.' });

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
  reason: z.string().meta({ description: 'Why it is in that state.', example: 'incomplete; nobody is playing it' }),
  pinned: z.boolean().meta({ description: 'Whether it is never evicted.' }),
  lastUsed: timeSchema,
  contentType: z.string().nullable(),
  etag: z.string().nullable(),
};

export const objectSchema = z
  .object(objectShape)
  .meta({ id: 'Object', description: 'One cached object, complete or in part.' });

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
      'An object with its ranges: cached (present), safe from a power cut (durable) and waited for by readers; and its download, where it is open.',
  });

export const objectPageSchema = z
  .object({
    objects: z.array(objectSchema),
    next: z.string().nullable().meta({ description: 'The cursor of the next page; null where this is the last.' }),
    total: z.int().meta({ description: 'How many objects all pages have.' }),
    bytes: z.int().meta({ description: 'How many bytes of them are cached.' }),
  })
  .meta({ id: 'ObjectPage' });

export const removedSchema = z.object({ removed: z.int(), bytes: z.int() }).meta({ id: 'Removed' });

export type ObjectReport = z.output<typeof objectSchema>;
export type ObjectPage = z.output<typeof objectPageSchema>;

export const storeSchema = z
  .object({
    bytes: z.int().meta({ description: 'Size on disk or in memory.' }),
    objects: z.int(),
    limit: z.int().nullable().meta({ description: 'The limit of that size; null for none.' }),
    free: z.int().nullable().meta({ description: 'Free space on the file system; null for memory.' }),
    trouble: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'Why nothing is stored now.' }),
    starved: z.int().meta({ description: 'How many reads wait for memory to read from disk (`bufferMemory`).' }),
    nextToGo: z
      .array(z.object({ id: idSchema, origin: z.string(), path: z.string(), bytes: z.int() }))
      .meta({ description: 'The objects that would be evicted next, in order.' }),
  })
  .meta({ id: 'StoreState' });

export type StoreReport = z.output<typeof storeSchema>;

const milliseconds = z.int().nullable();

const originContacts = ['none', 'reached', 'failing', 'out of reach'] as const;

export const originSchema = z
  .object({
    name: z.string().meta({ example: 'films' }),
    base: z.string().meta({ description: 'Without credentials.', example: 'https://media.example/films' }),
    contact: z.enum(originContacts).meta({
      description:
        'none: no request since the start. reached: the last attempt to connect succeeded. failing: it failed. out of reach: all have failed for as long as a player waits.',
    }),
    breaker: z.object({
      state: z.enum(breakerPhases),
      since: timeSchema.nullable().meta({ description: 'Since when attempts to connect have failed.' }),
      nextProbe: timeSchema.nullable().meta({
        description: 'When an origin that is out of reach is tried again, if no request comes before.',
      }),
      cause: z.string().nullable().meta({
        description: 'How the last attempt to connect failed (RFC 9209); null where it succeeded.',
      }),
    }),
    connections: z.object({ used: z.int(), queued: z.int(), limit: z.int() }),
    limits: z.object({
      maxConnections: z.int(),
      maxRate: z.number().nullable().meta({ description: 'Bytes a second; null for no limit.' }),
      maxRequestRate: z.number().nullable().meta({ description: 'Requests a second; null for no limit.' }),
    }),
    firstByteMs: z
      .object({ last: milliseconds, median: milliseconds })
      .meta({ description: 'From a request at the origin to its first byte.' }),
    bytesIn: z.int(),
    lessons: z
      .array(
        z.object({
          lesson: z.enum(lessons),
          said: z.string().meta({ example: 'this server ignores If-Range' }),
          since: timeSchema,
          targets: z.int().meta({ description: 'How many files showed it.' }),
        }),
      )
      .meta({
        description: 'Parts of HTTP that the origin does not support, as firstbyte has found; remembered for an hour.',
      }),
    parallel: z
      .object({
        fetches: z.int().meta({ description: 'How many connections a title uses for which one is too slow.' }),
        reason: z.enum(parallelReasons),
        said: z.string().meta({ example: 'one connection is too slow: several are faster' }),
      })
      .meta({ description: 'How many connections one title uses at once, and why.' }),
  })
  .meta({ id: 'Origin' });

export type OriginReport = z.output<typeof originSchema>;

const warmResultSchema = z
  .object({ objectId: idSchema, bytes: z.int().meta({ description: 'How many of the requested bytes are cached.' }) })
  .meta({ id: 'WarmResult' });

const verifyResultSchema = z
  .object({
    objects: z.int().meta({ description: 'How many objects were checked.' }),
    bytes: z.int().meta({ description: 'How many bytes were checked.' }),
    bad: z.int().meta({ description: 'How many bad bytes were dropped.' }),
    repaired: z.int().meta({ description: 'How many of these were downloaded again.' }),
    unknown: z.array(idSchema).readonly().meta({ description: 'Ids under which nothing is cached.' }),
  })
  .meta({ id: 'VerifyResult' });

export const jobSchema = z
  .object({
    id: z.string().meta({ example: '1' }),
    kind: z.enum(jobKinds),
    title: z
      .object({ origin: z.string(), path: z.string() })
      .nullable()
      .meta({ description: 'Its title; null where it has several.' }),
    state: z.enum(['running', ...jobOutcomes]),
    done: z.int().meta({ description: 'Bytes so far.' }),
    total: z.int().nullable().meta({ description: 'Bytes in all; null while unknown.' }),
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
  atMost: byName.meta({
    description: 'How many waits took at most so long, by the edges of the histogram: 0.01s, …, 60s.',
  }),
});

export const statsSchema = z
  .object({
    uptimeSeconds: z.number(),
    requests: z.object({ byOutcome: counts(requestOutcomes), byCache: counts(cacheResults) }),
    failedWaits: z
      .array(
        z.object({
          time: timeSchema,
          request: z.int(),
          origin: z.string(),
          path: z.string(),
          status: z.int().nullable(),
          outcome: z.enum(['late', 'failed']),
          waited: z.number().meta({ description: 'In milliseconds.' }),
          message: z.string(),
        }),
      )
      .readonly()
      .meta({ description: 'The last 100 requests that got no first byte, the oldest first.' }),
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
    lent: counts(lentThings).meta({
      description: 'Things that are held for a while and given back: how many of each at this moment.',
    }),
  })
  .meta({ id: 'Stats' });

export type StatsReport = z.output<typeof statsSchema>;
export type WaitStats = z.output<typeof waitSchema>;
export type FailedWaitReport = StatsReport['failedWaits'][number];
export type OwnErrorReport = StatsReport['ownErrors']['last'][number];

const waitMs = z.number().nullable().meta({ description: 'In milliseconds; null without waits.' });

const pointSchema = z.object({
  at: timeSchema,
  bytesIn: z.int(),
  bytesOut: z.int(),
  requests: z.int().meta({ description: 'Ended requests.' }),
  ownErrors: z.int(),
  waits: z.int().meta({ description: 'Requests that got their first byte, or gave up, in this step.' }),
  firstByteP50: waitMs,
  firstByteP95: waitMs,
  origins: z.record(z.string(), z.object({ bytesIn: z.int(), firstByteP50: waitMs, failures: z.int() })),
});

export const historySchema = z
  .object({
    interval: z.int().meta({ description: 'Length of a step in milliseconds.' }),
    points: z.array(pointSchema).readonly().meta({ description: 'The oldest first; the last one is under way.' }),
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
      description: 'The path at which it plays, on any address of firstbyte. Only this answer has it.',
      example: '/~/kq3v…/holiday.mkv',
    }),
  })
  .meta({ id: 'AddedSource' });

export const settingSchema = z
  .object({
    key: z.string().meta({ example: 'firstByteTimeout' }),
    value: z.string().meta({ description: 'As it was written; secrets are ***.', example: '45s' }),
    source: z.enum(['flag', 'variable', 'file', 'default', 'program']).meta({
      description: 'Its source; program for a program that embeds firstbyte.',
    }),
    name: z.string().meta({ description: 'The flag, the variable or the file; empty for other sources.' }),
    sentence: z.string(),
    default: z.string().nullable().meta({ description: 'null for none.' }),
  })
  .meta({ id: 'Setting' });

export type SettingReport = z.output<typeof settingSchema>;

const originNames = z.array(z.string()).readonly();

export const reloadedSchema = z
  .object({
    added: originNames.meta({ description: 'Origins that are new.', example: ['tv'] }),
    changed: originNames.meta({ description: 'Origins with other settings.' }),
    removed: originNames.meta({ description: 'Origins that are gone for new requests.' }),
    certificate: z.boolean().meta({ description: 'Whether there is a new certificate.' }),
    restart: z
      .array(z.string())
      .readonly()
      .meta({ description: 'Settings that have changed in the configuration and take effect at the next start.' }),
  })
  .meta({ id: 'Reloaded' });

export type ReloadedReport = z.output<typeof reloadedSchema>;
