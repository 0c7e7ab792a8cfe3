/**
 * What one origin has taught about requests that firstbyte shapes: which shapes it does not take. Remembered for a while,
 * so that the way to a plainer request is not gone again for each film.
 *
 * Whether ranges are refused is a matter of one target: the next one may be another program's. The rest holds for all
 * targets of the origin: to ask in the plainer way costs a little there, and is never wrong.
 */
import type { Clock } from '../clock.ts';
import { type Lesson, lessons } from '../events.ts';
import { keepNewest } from '../kit/keep-newest.ts';

/** A lesson for people; `since` is when it was learned first, in monotonic milliseconds. */
export interface LessonView {
  readonly lesson: Lesson;
  readonly since: number;
  /** How many targets have taught it. */
  readonly targets: number;
}

/** A server may be mended meanwhile: then it is asked in the best way again. */
const rememberedMs = 3_600_000;

const mostRemembered = 1024;

/** One target of an origin that has taught something. */
interface Learned {
  readonly lesson: Lesson;
  readonly since: number;
  until: number;
}

export class Lessons {
  readonly #clock: Clock;
  /** By lesson and target, the latest last. */
  readonly #learned = new Map<string, Learned>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `target` is the path and query whose answer has taught it. */
  learn(lesson: Lesson, target: string): void {
    const key = keyOf(lesson, target);
    const now = this.#clock.now();
    const since = this.#current(key)?.since ?? now;
    this.#learned.delete(key);
    this.#learned.set(key, { lesson, since, until: now + rememberedMs });
    keepNewest(this.#learned, mostRemembered);
  }

  /** Whether a request for `target` had better do without. */
  has(lesson: Lesson, target: string): boolean {
    if (this.#learned.size === 0) return false;
    if (lesson === 'ranges') return this.#current(keyOf(lesson, target)) !== null;
    return this.view().some((view) => view.lesson === lesson);
  }

  view(): LessonView[] {
    const now = this.#clock.now();
    const current = [...this.#learned.values()].filter(({ until }) => until > now);
    return lessons.flatMap((lesson) => {
      const all = current.filter((learned) => learned.lesson === lesson);
      if (all.length === 0) return [];
      return [{ lesson, since: Math.min(...all.map(({ since }) => since)), targets: all.length }];
    });
  }

  #current(key: string): Learned | null {
    const learned = this.#learned.get(key);
    return learned !== undefined && learned.until > this.#clock.now() ? learned : null;
  }
}

function keyOf(lesson: Lesson, target: string): string {
  return `${lesson} ${target}`;
}
