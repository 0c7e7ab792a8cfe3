/**
 * How the requests of one fill are shaped, and the way back from each shape that the origin does not take.
 *
 * A player asks plainly. firstbyte adds `Range`, `If-Range` and `Accept-Encoding: identity`, and some servers answer
 * these by an error, or not at all, where they give a player the film. What may be the fault of the request's form is
 * asked for once more in a plainer one; if that helps, the origin has taught a lesson.
 */
import { isAboutTarget, mayPass } from '../errors.ts';
import { type Lesson, lessons } from '../events.ts';
import { fieldValue } from '../http/fields.ts';
import type { AskedBytes } from '../http/origin-answer.ts';
import type { OriginRequest } from '../origin/origin.ts';
import type { Lessons } from './lessons.ts';

/** A request, as far as its answer is judged by it. */
export type Asked = AskedBytes & Pick<OriginRequest, 'fields' | 'anyCoding' | 'held'>;

/** So many passing errors in a row to a range may be its fault. */
const mostPassing = 2;

export class RequestForm {
  readonly #lessons: Lessons;
  readonly #target: string;
  /** What is left out of requests. */
  readonly #left: Set<Lesson>;
  /** What was left out of them since the origin gave anything, one after the other. */
  #dropped: Lesson[] = [];
  /** Whether no form has helped: an error means what it says. */
  #isMeant = false;
  /** How many passing errors in a row ranges have got. */
  #passing = 0;
  /** The same for ranges under `If-Range`. */
  #passingUnderIfRange = 0;
  /** Whether ranges are left out once, because the passing errors might be theirs. */
  #isTentative = false;
  /** Whether the origin has given a part. */
  #givesRanges = false;

  constructor(all: Lessons, target: string) {
    this.#lessons = all;
    this.#target = target;
    this.#left = new Set(lessons.filter((lesson) => all.has(lesson, target)));
  }

  /** Whether requests have it. */
  has(lesson: Lesson): boolean {
    return !this.#left.has(lesson);
  }

  /** The origin answered with an error; returns whether to ask again at once, in a plainer form. */
  refused(asked: Asked, status: number): boolean {
    if (mayPass(status)) this.#passes(asked);
    if (mayPass(status) || isAboutTarget(status) || this.#isMeant) return false;
    const next = this.#mayBeRefused(asked, status).find((lesson) => !this.#left.has(lesson));
    if (next !== undefined) {
      this.#drop(next);
      return true;
    }
    for (const lesson of this.#dropped) this.#left.delete(lesson);
    this.#dropped = [];
    this.#isMeant = true;
    return false;
  }

  /** The origin gave something else than the suffix that was asked for: it is asked for what follows an offset. */
  dropSuffix(): void {
    this.#drop('suffix');
  }

  /** The origin gave everything where a range under `If-Range` was asked for, of the very version that this names. */
  dropIfRange(): void {
    this.#drop('if-range');
  }

  /**
   * The origin's answer to a range contradicts that: it is asked for everything from now on. That is no lesson: the next
   * fill is to see for itself what the origin claims.
   */
  dropRanges(): void {
    this.#left.add('ranges');
  }

  /**
   * The origin gave content; `ranged`: as a part, `first`: nothing was known of it before. Returns whether ranges, which
   * were not asked for, may be worth another try.
   */
  taken(ranged: boolean, first: boolean): boolean {
    this.#givesRanges ||= ranged;
    this.#passing = 0;
    this.#passingUnderIfRange = 0;
    const lesson = this.#dropped.at(-1);
    this.#dropped = [];
    // Without that it gives everything as well: then that is not to blame.
    const isSure = ranged || (lesson !== 'if-range' && lesson !== 'suffix');
    if (lesson !== undefined && isSure) this.#lessons.learn(lesson, this.#target);
    if (!this.#isTentative) return false;
    this.#isTentative = false;
    if (first) this.#left.delete('ranges');
    else this.#lessons.learn('ranges', this.#target);
    return first;
  }

  #drop(lesson: Lesson): void {
    this.#left.add(lesson);
    this.#dropped.push(lesson);
  }

  /** A server may say that it is busy to ranges alone: every third request does without, until one is answered. */
  #passes({ ranged = true, fields, suffix }: Asked): void {
    if (suffix !== undefined) this.#left.add('suffix');
    if (fieldValue(fields, 'if-range') !== null) {
      this.#passingUnderIfRange += 1;
      // Versions are compared without it as well.
      if (this.#passingUnderIfRange >= mostPassing) this.#left.add('if-range');
    }
    if (this.#isTentative) {
      this.#isTentative = false;
      this.#left.delete('ranges');
      this.#passing = 0;
    } else if (ranged && !this.#givesRanges) {
      this.#passing += 1;
      this.#isTentative = this.#passing >= mostPassing;
      if (this.#isTentative) this.#left.add('ranges');
    }
  }

  /** Which parts of the request's form the origin may mean by its error, the likeliest first. */
  #mayBeRefused({ ranged = true, fields, anyCoding = false, suffix }: Asked, status: number): readonly Lesson[] {
    const all: Lesson[] = [];
    const isCoding = status === 406 || status === 415;
    if (isCoding && !anyCoding) all.push('identity');
    if (fieldValue(fields, 'if-range') !== null) all.push('if-range');
    if (suffix !== undefined) all.push('suffix');
    // What has given parts does not refuse ranges as such.
    if (ranged && !this.#givesRanges) all.push('ranges');
    if (status === 400 && !anyCoding) all.push('identity');
    return all;
  }
}
