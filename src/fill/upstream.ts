/**
 * What one fill knows of its source: which version the origin holds, how it answers, and so how it is asked next.
 *
 * The version guard writes down what answers say; fetches measure how late and how fast they come; whoever asks gets
 * the next request from here.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { type Fields, fieldValue } from '../http/fields.ts';
import type { OriginContent, OriginContradiction } from '../http/origin-answer.ts';
import { combinable, type Representation, sameRepresentation, sliceable } from '../http/representation.ts';
import { formatValidator, standsForBytes } from '../http/validator.ts';
import type { Held, OriginRequest } from '../origin/origin.ts';
import type { Lessons } from './lessons.ts';
import { type Goal, type KnownContent, type Pace, rangeEnd } from './plan.ts';
import type { Presence } from './presence.ts';
import { type Asked, RequestForm } from './request-form.ts';
import { SeenBytes } from './seen-bytes.ts';
import { requestAll, requestRange, requestSuffix, type UpstreamRequest } from './upstream-request.ts';

/** What a new request is thought to take to its first byte before any was measured, in milliseconds. */
const firstByteGuessMs = 300;

/** How much of what is present is asked for again where the validator alone proves little, in bytes. */
const overlap = 1024;

/** Path and query at the origin, and fields to send; they may be others for the next request. */
export interface RequestTarget extends Readonly<Pick<OriginRequest, 'target' | 'fields'>> {
  /** Fields of the newest client, for requests that are for nobody in particular. */
  readonly said: Fields;
}

/** A fetch, as far as its request depends on it. */
export interface RequesterFacts {
  readonly position: number;
  readonly goal: Goal;
  /** The fields of the client for which it began. */
  readonly said: Fields;
  /** So many bytes from the end it is to bring, as long as nobody knows where they begin; `null`: what follows its position. */
  readonly suffix: number | null;
}

export class Upstream {
  readonly #target: RequestTarget;
  readonly #presence: Presence;
  /** The representation that this fill brings in, from the moment it is known. */
  known: Representation | null;
  /** What is to be compared though it may not be present. */
  readonly seen = new SeenBytes();
  readonly #lessons: Lessons;
  /** Made when something is asked for, or may be. */
  #madeForm: RequestForm | null = null;
  #contradiction: OriginContradiction | null = null;
  #hasServed = false;
  #measuredFirstByteMs: number | null = null;
  /** Bytes a second, as they came last. */
  #throughput = 0;
  #takesEarlyRequests = true;
  /** Where nothing is asked for again to be compared. */
  #askedAloneAt: number | null = null;
  /** What `content` gave last. */
  #content: KnownContent | null = null;

  constructor(target: RequestTarget, presence: Presence, known: Representation | null, lessons: Lessons) {
    this.#target = target;
    this.#lessons = lessons;
    this.#presence = presence;
    this.known = known;
  }

  get #form(): RequestForm {
    this.#madeForm ??= new RequestForm(this.#lessons, this.#target.target);
    return this.#madeForm;
  }

  /** Whether parts of it can be combined, as far as is known. */
  get combinable(): boolean {
    return this.known === null || combinable(this.known);
  }

  /** Whether the origin is asked for ranges: not any more, once it has refused or contradicted one. */
  get asksRanges(): boolean {
    return this.#form.has('ranges');
  }

  /** The answer to a range that contradicted it, or itself. */
  get contradiction(): OriginContradiction | null {
    return this.#contradiction;
  }

  set contradiction(contradiction: OriginContradiction | null) {
    this.#contradiction = contradiction;
    if (contradiction !== null) this.#form.dropRanges();
  }

  /** Whether the origin has given content of it to this fill. */
  get served(): boolean {
    return this.#hasServed;
  }

  /** The origin answered with an error; returns whether to ask again at once, in another form. */
  refused(asked: Asked, status: number): boolean {
    return this.#form.refused(asked, status);
  }

  /**
   * Whether an origin that gave everything in place of a range ignores `If-Range`: it gave the very version that this
   * tag named. Then it is asked again, without.
   */
  ignoresIfRange({ fields, start }: Asked, content: Omit<OriginContent, 'kind'>): boolean {
    const { known } = this;
    if (start === 0 || fieldValue(fields, 'if-range') === null) return false;
    if (!known?.ranges || known.validator?.kind !== 'etag') return false;
    if (content.representation.ranges || !sameRepresentation(known, content.representation)) return false;
    this.#form.dropIfRange();
    return true;
  }

  /**
   * Whether a suffix brought something else, by an answer that does not fit it, or everything although ranges may be had.
   * Then it is asked again, from an offset.
   */
  ignoresSuffix({ suffix }: Asked, content: OriginContradiction | Omit<OriginContent, 'kind'>): boolean {
    if (suffix === undefined) return false;
    if ('representation' in content) {
      const { length, fields, ranges } = content.representation;
      const isAllOfIt = ranges || (length !== null && length <= suffix);
      if (isAllOfIt || !sliceable(content.representation) || fieldValue(fields, 'accept-ranges') === 'none')
        return false;
    }
    this.#form.dropSuffix();
    return true;
  }

  /** The origin gave content. Returns what is known of that: whether ranges may yet be asked for. */
  taken({ ranges }: Representation): boolean {
    const mayRange = this.#form.taken(ranges, this.known === null);
    this.#hasServed = true;
    return ranges || mayRange;
  }

  get content(): KnownContent {
    const { known } = this;
    // What can't be combined comes in by one body, as what can't be asked for in ranges.
    const ranges = known === null ? null : known.ranges && this.asksRanges && combinable(known);
    const length = known?.length ?? Number.POSITIVE_INFINITY;
    // It is asked for much more often than it changes.
    if (this.#content?.length !== length || this.#content.ranges !== ranges)
      this.#content = { present: this.#presence.present, length, ranges };
    return this.#content;
  }

  /** What there is of it, for an origin of several bases to compare; `undefined` where it has no validator. */
  get held(): Held | undefined {
    const { validator = null, length = null } = this.known ?? {};
    if (validator === null) return undefined;
    const presence = this.#presence;
    return { validator, length, present: presence.present, compare: (...given) => presence.compare(...given) };
  }

  /** What a request takes to its first byte, in milliseconds. */
  get firstByteMs(): number {
    return this.#measuredFirstByteMs ?? firstByteGuessMs;
  }

  get pace(): Pace {
    return { firstByteMs: this.firstByteMs, throughput: this.#throughput };
  }

  answeredIn(milliseconds: number): void {
    this.#measuredFirstByteMs = Math.max(1, milliseconds);
  }

  /** Bytes a second of a body that comes now; `null` where too little has come to tell. */
  flows(throughput: number | null): void {
    this.#throughput = throughput ?? this.#throughput;
  }

  /** Whether a request may be sent while the body before it still comes. */
  get takesEarlyRequests(): boolean {
    return this.#takesEarlyRequests && this.combinable;
  }

  refusedEarlyRequest(): void {
    this.#takesEarlyRequests = false;
  }

  /** The request for what follows `offset`, by a fetch that is at `position` now. */
  request(offset: number, { position, goal, said, suffix }: RequesterFacts): UpstreamRequest {
    const { target } = this.#target;
    const fields = [...this.#target.fields, ...said];
    const { held } = this;
    const about = { target, fields, ...(held && { held }), ...(!this.#form.has('identity') && { anyCoding: true }) };
    if (!this.asksRanges) return requestAll(about);
    if (suffix !== null && this.known === null && this.#form.has('suffix')) return requestSuffix(about, suffix);
    const validator = this.known?.validator;
    // With a weak tag beside it, a date may not be sent (RFC 9110 §13.1.5).
    const isNamed = validator?.strong && validator.weakTag === undefined && this.#form.has('if-range');
    const condition: Fields = isNamed ? [['if-range', formatValidator(validator)]] : [];
    const start = offset - this.#overlapAt(offset, position, goal.piece);
    return requestRange({ ...about, fields: [...fields, ...condition] }, start, this.#endOf(offset, position, goal));
  }

  /**
   * The origin gave the bytes before `offset`, which were asked for to be compared, and none behind them. That may be the end
   * of a film whose length nobody tells, or all that the origin gives at once: what follows is asked for by itself next, which a
   * 416 answers at the end. `false` where that is no use.
   */
  asksAloneAt(offset: number): boolean {
    if (this.known?.length !== null || !this.#comparesBytes || offset === this.#askedAloneAt) return false;
    this.#askedAloneAt = offset;
    return true;
  }

  /** The last bytes present before `position`, as far as they are to be compared with what comes; `null` for none. */
  seamBefore(position: number): ByteRange | null {
    const overlap = this.#overlapAt(position, position);
    return overlap > 0 ? { start: position - overlap, end: position } : null;
  }

  /** The first bytes present after `position`, as far as they are to be compared with what comes; `null` for none. */
  seamAfter(position: number): ByteRange | null {
    if (!this.#comparesBytes) return null;
    const { present } = this.#presence;
    const start = present.nextStart(position);
    return start === null ? null : { start, end: Math.min(start + overlap, present.runEnd(start)) };
  }

  /**
   * How many bytes before `offset` are to be compared with what comes. Those from `position` on will be present by the
   * time that they are compared; where fetches run side by side, another brings those before it.
   */
  #overlapAt(offset: number, position: number, piece = Number.POSITIVE_INFINITY): number {
    if (!this.#comparesBytes || offset === this.#askedAloneAt) return 0;
    const start = piece < Number.POSITIVE_INFINITY ? 0 : this.#presence.present.runStart(position);
    return Math.min(overlap, offset - start);
  }

  /** Whether the bytes themselves are compared, because what names the version does not stand for each of them. */
  get #comparesBytes(): boolean {
    const { validator = null } = this.known ?? {};
    return validator?.strong === true && !standsForBytes(validator);
  }

  /**
   * Where a request for what follows `offset` may end: at what is present already, at what all it serves want, or at the
   * end of a bounded range; `null` for the end of the representation.
   */
  #endOf(offset: number, position: number, { hardEnd, until, wantedEnd, piece }: Goal): number | null {
    const { length, ranges, present } = this.content;
    const given = Math.min(hardEnd, wantedEnd);
    let end = given;
    // What is not known yet, or can't be combined, must come by one body; and how late the origin's heads come, so that
    // ranges are worth it, shows by the first.
    if (this.#measuredFirstByteMs !== null && length < Number.POSITIVE_INFINITY && ranges === true) {
      const behind = offset - present.runStart(position);
      end = rangeEnd({ start: offset, behind, until, ...this.pace, piece }, Math.min(given, length));
    }
    const seam = this.seamAfter(offset);
    if (seam?.start === end) end = seam.end;
    return end > offset && end < length ? end : null;
  }
}
