/**
 * The state of a film, for a program that shows it: a value whenever something has changed.
 *
 * Whoever takes none for a while gets only the newest one then; nothing piles up.
 */
import type { Holdings } from '../admin/holdings.ts';
import { type Clock, sleep, stayAwake } from '../clock.ts';
import type { EventBus, FillPhase } from '../events.ts';
import type { FillView } from '../fill/view.ts';
import { untilAborted } from '../until-aborted.ts';

/** A film at one moment. */
export interface MediaProgress {
  readonly state: FillPhase;
  /** Why, in words: "waiting for the origin: 12.4 s of 30 s, attempt 3, connection refused". */
  readonly reason: string;
  /** How many bytes can be read now. */
  readonly bytes: number;
  /** `null` while it is unknown. */
  readonly length: number | null;
  /** Bytes a second that come from the origin. */
  readonly speed: number;
  /** How many play it. */
  readonly readers: number;
  /** Seconds of film between what its player has taken and the first missing byte; `null` while nobody knows. */
  readonly secondsAhead: number | null;
  /** Whether the connection to the origin gives what the film needs, in one sentence; `null` while nobody knows. */
  readonly line: string | null;
}

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** The least time between two values, in milliseconds; 250 where absent. */
  readonly interval?: number;
}

export interface WatchParts {
  readonly holdings: Pick<Holdings, 'one'>;
  readonly events: EventBus;
  readonly clock: Clock;
  /** Aborts when there is nothing to be seen any more. */
  readonly closed: AbortSignal;
}

/** Goes on until the signal aborts, whose reason it throws, or until firstbyte is closed, which ends it. */
export async function* watchObject(
  { holdings, events, clock, closed }: WatchParts,
  objectId: string,
  { signal, interval = 250 }: WatchOptions,
): AsyncGenerator<MediaProgress, void, undefined> {
  const stop = AbortSignal.any(signal === undefined ? [closed] : [closed, signal]);
  let changed = Promise.withResolvers<void>();
  const unsubscribe = events.subscribe(() => changed.resolve());
  let last = '';
  try {
    for (;;) {
      changed = Promise.withResolvers<void>();
      const now = progressOf(await awaited(untilAborted(holdings.one(objectId), stop)));
      const written = JSON.stringify(now);
      if (written !== last) {
        last = written;
        yield now;
      }
      await awaited(sleep(clock, interval, stop));
      await awaited(untilAborted(changed.promise, stop));
    }
  } catch (error) {
    if (!closed.aborted) throw error;
  } finally {
    unsubscribe();
  }
}

/** The process lives while somebody waits for a picture, and not while a program has one: it may never come back. */
async function awaited<T>(picture: Promise<T>): Promise<T> {
  using _ = stayAwake();
  return await picture;
}

function progressOf(held: Awaited<ReturnType<Holdings['one']>>): MediaProgress {
  if (held === null) {
    const nothing = { bytes: 0, length: null, speed: 0, readers: 0, secondsAhead: null, line: null };
    return { state: 'idle', reason: 'nothing of it is cached, and nobody asks for it', ...nothing };
  }
  const { state, reason, bytes, length, fill } = held;
  return {
    state,
    reason,
    bytes,
    length,
    speed: (fill?.fetches ?? []).reduce((sum, fetch) => sum + (fetch.state === 'filling' ? (fetch.speed ?? 0) : 0), 0),
    readers: fill?.readers.length ?? 0,
    secondsAhead: fill === null ? null : secondsAhead(fill),
    line: fill?.line?.words ?? null,
  };
}

/** Of the player that has least. */
function secondsAhead({ readers, present, line }: FillView): number | null {
  if (line === null || readers.length === 0) return null;
  const ahead = readers.map(({ position }) => {
    const run = present.find(({ start, end }) => start <= position && position < end);
    return run === undefined ? 0 : run.end - position;
  });
  return Math.min(...ahead) / line.needs;
}
