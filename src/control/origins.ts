/**
 * The origins as people see them: reachability, load, and time to first byte.
 *
 * Measured values come from the domain's events alone; the other values are read on demand.
 */
import type { Clock } from '../clock.ts';
import type { BreakerPhase, EventBus, Lesson, ParallelReason } from '../events.ts';
import { showableText } from '../showable.ts';
import type { OriginReport } from './answers.ts';

/** The median is over so many first bytes. */
const keptTimes = 101;

/** The values that are read of one origin. */
export interface OriginSource {
  readonly name: string;
  /** Without credentials. */
  readonly base: string;
  readonly reachability: { readonly state: BreakerState };
  /** `limit` is its number of connections: those that are allowed, or one where it serves one at a time (`isSerial`). */
  readonly slots: {
    readonly used: number;
    readonly queued: number;
    readonly limit: number;
    allowed: number;
    readonly isSerial: boolean;
  };
  /** `rate` is its limit in bytes a second; `null` for none. */
  readonly throttle: { rate: number | null };
  /** `rate` is its limit in requests a second; `null` for none. */
  readonly requests: { rate: number | null };
  /** What it does not take of firstbyte's requests, nothing where absent; times are monotonic milliseconds. */
  readonly lessons?: {
    view(): ReadonlyArray<{ readonly lesson: Lesson; readonly since: number; readonly targets: number }>;
  };
  /** How many connections one title uses at once; one where absent. */
  readonly parallelism?: { readonly view: { readonly fetches: number; readonly reason: ParallelReason } };
}

/** Why one title uses so many connections, in words. */
const parallelWords: Readonly<Record<ParallelReason, string>> = {
  'not needed': 'one connection has been fast enough so far',
  'trying more': 'one connection may be too slow: trying more',
  measuring: 'measuring several connections together',
  'trying fewer': 'measuring whether fewer connections are as fast',
  'more bring more': 'one connection is too slow: several are faster',
  'more bring no more': 'several connections are no faster than one',
  refused: 'this server refused another connection',
  'one at a time': 'this server serves one connection at a time',
};

/** The lessons in words. */
const said: Readonly<Record<Lesson, string>> = {
  ranges: 'this server refuses ranges',
  suffix: 'this server ignores ranges from the end (bytes=-N)',
  'if-range': 'this server ignores If-Range',
  conditions: 'this server refuses conditional requests',
  identity: 'this server refuses Accept-Encoding: identity',
};

/** The limits that can be changed at run time; absent ones stay. */
interface OriginLimits {
  readonly maxConnections?: number | undefined;
  readonly maxRate?: number | null | undefined;
  readonly maxRequestRate?: number | null | undefined;
}

/** Times are monotonic milliseconds. */
interface BreakerState {
  readonly phase: BreakerPhase;
  readonly contact: 'none' | 'reached' | 'failing';
  readonly since?: number;
  readonly nextProbeAt?: number;
  readonly cause?: string;
}

export interface OriginsView {
  report(): OriginReport[];
  /** Changes limits from now on; running requests keep their connections. `null`: there is no such origin. */
  change(name: string, limits: OriginLimits): OriginReport | null;
  /** Stops listening to events. */
  stop(): void;
}

interface Measured {
  /** The newest last. */
  readonly times: number[];
  bytes: number;
}

export function createOriginsView(sources: () => readonly OriginSource[], events: EventBus, clock: Clock): OriginsView {
  const measured = new Map<string, Measured>();
  const measuredOf = (name: string) => {
    const origin = measured.get(name) ?? { times: [], bytes: 0 };
    measured.set(name, origin);
    return origin;
  };
  const stop = events.subscribe((event) => {
    if (event.type !== 'bytes-landed' && event.type !== 'fill-first-byte') return;
    if (!measured.has(event.origin) && !sources().some(({ name }) => name === event.origin)) return;
    const origin = measuredOf(event.origin);
    if (event.type === 'bytes-landed') {
      origin.bytes += event.bytes;
      return;
    }
    origin.times.push(event.landedAt - event.startedAt);
    if (origin.times.length > keptTimes) origin.times.shift();
  });
  const timeOfDay = (at: number | undefined) =>
    at === undefined ? null : new Date(clock.wallTime() + at - clock.now()).toISOString();

  const reportOf = ({ name, base, reachability, slots, throttle, requests, ...source }: OriginSource): OriginReport => {
    const serial = slots.isSerial ? ({ fetches: 1, reason: 'one at a time' } as const) : null;
    const { fetches, reason } = serial ?? source.parallelism?.view ?? { fetches: 1, reason: 'not needed' };
    const { times = [], bytes = 0 } = measured.get(name) ?? {};
    const { phase, contact, since, nextProbeAt, cause = null } = reachability.state;
    const isOut = phase !== 'closed';
    return {
      name,
      base: showableText(base),
      contact: isOut ? 'out of reach' : contact,
      breaker: {
        state: phase,
        since: timeOfDay(since),
        nextProbe: isOut ? timeOfDay(nextProbeAt) : null,
        cause,
      },
      connections: { used: slots.used, queued: slots.queued, limit: slots.limit },
      limits: { maxConnections: slots.allowed, maxRate: throttle.rate, maxRequestRate: requests.rate },
      firstByteMs: { last: whole(times.at(-1)), median: whole(median(times)) },
      bytesIn: bytes,
      lessons: (source.lessons?.view() ?? []).map(({ lesson, since, targets }) => ({
        lesson,
        said: said[lesson],
        since: new Date(clock.wallTime() + since - clock.now()).toISOString(),
        targets,
      })),
      parallel: { fetches, reason, said: parallelWords[reason] },
    };
  };

  return {
    stop,
    report: () => sources().map(reportOf),
    change(name, { maxConnections, maxRate, maxRequestRate }) {
      const source = sources().find((each) => each.name === name);
      if (source === undefined) return null;
      if (maxConnections !== undefined) source.slots.allowed = maxConnections;
      if (maxRate !== undefined) source.throttle.rate = maxRate;
      if (maxRequestRate !== undefined) source.requests.rate = maxRequestRate;
      return reportOf(source);
    },
  };
}

function median(times: readonly number[]): number | undefined {
  return times.toSorted((a, b) => a - b)[times.length >> 1];
}

function whole(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : Math.round(milliseconds);
}
