/** What the control API answers, in the parts that the page shows. Times are ISO 8601, durations milliseconds. */
import type { BreakerPhase, DomainEvent, FillPhase, WaitOutcome } from '../../src/events.ts';

export type { BreakerPhase, FillPhase, WaitOutcome };

/** Half-open, in bytes. */
export type Span = readonly [start: number, end: number];

/** A domain event as the stream tells it: every moment in it is a time of day. */
type Told<T> = {
  readonly [K in keyof T]: K extends 'at' | `${string}At`
    ? Exclude<T[K], number> | string
    : T[K] extends object
      ? Told<T[K]>
      : T[K];
};
type ToldEach<E> = E extends DomainEvent ? Told<E> : never;

export type Happening = ToldEach<DomainEvent>;
export type HappeningType = Happening['type'];
export type HappeningOf<T extends HappeningType> = Extract<Happening, { type: T }>;

export interface Cursor {
  readonly position: number;
  readonly until: number | null;
  readonly state: 'queued' | 'starting' | 'filling' | 'resting' | 'retrying';
  readonly attempt: number;
  readonly speed: number | null;
  readonly lastFailure: string | null;
  readonly nextTryIn: number | null;
}

export interface Reader {
  readonly position: number;
  readonly speed: number;
  /** Bytes that are present past it. */
  readonly ahead: number;
  readonly secondsAhead: number | null;
}

export interface Fill {
  readonly id: number;
  readonly objectId: string;
  readonly origin: string;
  readonly path: string;
  readonly phase: FillPhase;
  /** Why, in words. */
  readonly reason: string;
  readonly pausedBy: 'idle' | 'user' | 'disk' | null;
  readonly length: number | null;
  readonly present: readonly Span[];
  readonly presentBytes: number;
  readonly cursors: readonly Cursor[];
  readonly readers: readonly Reader[];
  readonly waiters: number;
  readonly timeline: { readonly heals: number };
}

export interface Stored {
  readonly id: string;
  readonly origin: string;
  readonly path: string;
  readonly length: number | null;
  readonly bytes: number;
  readonly percent: number | null;
  readonly state: FillPhase;
  readonly reason: string;
  readonly pinned: boolean;
  readonly lastUsed: string;
}

export interface StoredPage {
  readonly objects: readonly Stored[];
  /** The cursor of the next page; `null` at the end. */
  readonly next: string | null;
  readonly total: number;
  readonly bytes: number;
}

export interface Store {
  readonly bytes: number;
  readonly objects: number;
  readonly limit: number | null;
  readonly free: number | null;
  readonly trouble: { readonly message: string } | null;
  /** How many reads wait for memory to read from disk. */
  readonly starved: number;
  readonly nextToGo: readonly Pick<Stored, 'id' | 'origin' | 'path' | 'bytes'>[];
}

export interface Origin {
  readonly name: string;
  readonly base: string;
  readonly breaker: {
    readonly state: BreakerPhase;
    readonly since: string | null;
    readonly nextProbe: string | null;
    readonly cause: string | null;
  };
  readonly connections: { readonly used: number; readonly queued: number; readonly limit: number };
  readonly firstByteMs: { readonly last: number | null; readonly median: number | null };
  readonly bytesIn: number;
  readonly limits: Limits;
}

export interface Limits {
  readonly maxConnections: number;
  /** Bytes a second; `null` for as many as come. */
  readonly maxRate: number | null;
  /** Requests a second; `null` for any number. */
  readonly maxRequestRate: number | null;
}

export interface Stats {
  readonly uptimeSeconds: number;
  readonly ownErrors: { readonly count: number; readonly last: readonly OwnError[] };
  readonly firstByteWaits: Readonly<Record<WaitOutcome, Waits>>;
  readonly heals: Readonly<Record<string, number>>;
  readonly retries: Readonly<Record<string, number>>;
}

export interface Waits {
  readonly count: number;
  readonly sumSeconds: number;
  /** How many took at most so long: `0.01s`, …, `60s`. */
  readonly atMost: Readonly<Record<string, number>>;
}

export type OwnError = Omit<HappeningOf<'own-error'>, 'type' | 'at'> & { readonly time: string };

export interface History {
  /** Milliseconds between two points. */
  readonly interval: number;
  readonly points: readonly HistoryPoint[];
}

export interface HistoryPoint {
  readonly at: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requests: number;
  readonly ownErrors: number;
  readonly waits: number;
  readonly firstByteP50: number | null;
  readonly firstByteP95: number | null;
  readonly origins: Readonly<Record<string, OriginPoint>>;
}

export interface OriginPoint {
  readonly bytesIn: number;
  readonly firstByteP50: number | null;
  readonly failures: number;
}

export interface Job {
  readonly id: string;
  readonly kind: string;
  readonly title: { readonly origin: string; readonly path: string } | null;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly done: number;
  readonly total: number | null;
  readonly problem: string | null;
}
