/** What one player showed, as it comes, and what a viewer would say of it. */
import { EventEmitter, once } from 'node:events';

/** A picture, or a moment of sound: when it was shown, in milliseconds, and where in the film it is, in seconds. */
export interface Sight {
  readonly at: number;
  readonly position: number;
}

/** A stall: the film stood still for so much longer than its pictures last, in milliseconds. */
const stallTime = 300;
/** The film moves from the first picture on that so much of the film follows within so much time, in seconds. */
const moved = { film: 0.5, within: 0.8 };
/** How far before and after the place that was sought a picture may be that counts as its first, in seconds. */
const tolerance = { before: 1.5, after: 5 };

/** Everything that a player shows, from the moment at which it is started. */
export class Screen {
  startedAt = performance.now();
  readonly sights: Sight[] = [];
  /** Why the player gave up. */
  failure: string | null = null;
  readonly #events = new EventEmitter();

  /** For a player that opens the film only after it has started. */
  restart(): void {
    this.startedAt = performance.now();
  }

  show(position: number): void {
    this.sights.push({ at: performance.now(), position });
    this.#events.emit('change');
  }

  fail(reason: string): void {
    this.failure ??= reason.trim();
    this.#events.emit('change');
  }

  /** Resolves with what `find` gives, looked for after each picture; with `null` once that is late or hopeless. */
  async until<T>(find: () => T | null, milliseconds: number): Promise<T | null> {
    const late = AbortSignal.timeout(Math.max(0, Math.round(milliseconds)));
    for (;;) {
      const found = find();
      if (found !== null || this.failure !== null || late.aborted) return found;
      await once(this.#events, 'change', { signal: late }).catch(() => {});
    }
  }
}

/** Of a start or a seek. All in seconds; `null` for what did not happen. */
export interface Start {
  /** Until the first picture. */
  readonly frame: number | null;
  /** Until the picture from which on it moves. */
  readonly moving: number | null;
}

/** The first picture after `since`; with a `place`, the first one there. */
export function firstSight(sights: readonly Sight[], since: number, place?: number): Sight | null {
  const isThere = ({ at, position }: Sight) =>
    at >= since &&
    (place === undefined || (position >= place - tolerance.before && position < place + tolerance.after));
  return sights.find(isThere) ?? null;
}

/** What came after `since`; with a `place`, from the first picture there on. */
export function startOf(sights: readonly Sight[], since: number, place?: number): Start {
  const first = firstSight(sights, since, place);
  if (first === null) return { frame: null, moving: null };
  const after = sights.slice(sights.indexOf(first));
  const moves = after.find((sight, index) => {
    const enough = after.slice(index).find(({ position }) => position >= sight.position + moved.film);
    return enough !== undefined && enough.at - sight.at <= moved.within * 1000;
  });
  const seconds = (sight: Sight | undefined) => (sight === undefined ? null : (sight.at - since) / 1000);
  return { frame: seconds(first), moving: seconds(moves) };
}

export interface Stalls {
  readonly count: number;
  /** All together. */
  readonly seconds: number;
  /** From when to when each was, in seconds since `from`. */
  readonly spans: readonly (readonly [number, number])[];
}

/** The stalls between two moments, one of which may still go on at the second. */
export function stallsOf(sights: readonly Sight[], from: number, to: number): Stalls {
  const seen = sights.filter(({ at }) => at >= from && at <= to);
  const last = seen.at(-1);
  if (last === undefined) return { count: 1, seconds: (to - from) / 1000, spans: [[0, (to - from) / 1000]] };
  const spans = [...seen, { at: to, position: last.position }].flatMap((sight, index) => {
    const before = seen[index - 1];
    if (before === undefined) return [];
    // The picture before it lasts until this one is due.
    const due = before.at + Math.max(0, sight.position - before.position) * 1000;
    return sight.at - due > stallTime ? [[(due - from) / 1000, (sight.at - from) / 1000] as const] : [];
  });
  return { count: spans.length, seconds: spans.reduce((sum, [start, end]) => sum + end - start, 0), spans };
}
