/**
 * One of several bases that name the same bytes differently. It translates: a base is asked about a version under the
 * base's own validator, and its answer is passed on under the validator of those who ask.
 *
 * An entity tag means something to the server that made it, and to no other. So no condition is sent to a base before
 * it is known what that base calls the version. Until then the base is asked without a condition, and its answer says
 * what it has. Where that has another validator, its length and samples of what is present are compared (`samples.ts`),
 * each sample under the base's own validator. More is requested from it only where all are the same. A base without a
 * strong validator of its own is never joined, and where either side has only a date it is compared for every request.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { ProxyError } from '../errors.ts';
import { partIn } from '../http/content-range.ts';
import { type Fields, fieldsWhere, fieldValue, hasField, parseDecimal, someField } from '../http/fields.ts';
import { readAnswer } from '../http/origin-answer.ts';
import {
  formatValidator,
  sameValidator,
  type Validator,
  validatorOf,
  weaklyEqual,
  whetherCurrent,
} from '../http/validator.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import { upTo } from '../kit/up-to.ts';
import type { Held, Origin, OriginReply, OriginRequest } from './origin.ts';
import { leastSampled, samplesFor } from './samples.ts';

/** More versions than this are not remembered. */
const mostResults = 512;

/** What a base holds in place of a version: by its own name, and whether the bytes are the same. */
interface ComparisonResult {
  readonly named: Validator;
  readonly same: boolean;
}

/** By version and path. */
type ComparisonResults = Map<string, ComparisonResult>;

export function contentVerifiedMirror(base: Origin): Origin {
  const results: ComparisonResults = new Map();
  return {
    name: base.name,
    close: () => base.close(),
    async open(request, signal) {
      const { held, resolved } = request;
      // A resolved URL is at no base.
      if (resolved?.url) return base.open(request, signal);
      if (held === undefined) {
        // What it gives where nothing is held yet has its own validator.
        const reply = await base.open(request, signal);
        const named = namedIn(reply);
        if (named !== null) note(results, request, named, { named, same: true });
        return reply;
      }
      return new VerifiedRequest(base, results, request, held, signal).answer();
    },
  };
}

/** A date, of whichever side, tells versions apart to the second only: what was found under it is not remembered. */
function note(results: ComparisonResults, request: OriginRequest, version: Validator, result: ComparisonResult): void {
  if (version.kind !== 'etag' || result.named.kind !== 'etag') return;
  const key = keyOf(version, request);
  results.delete(key);
  results.set(key, result);
  keepNewest(results, mostResults);
}

/** A request about a version that is held. */
class VerifiedRequest {
  readonly #base: Origin;
  readonly #results: ComparisonResults;
  readonly #request: OriginRequest;
  readonly #held: Held;
  readonly #signal: AbortSignal;

  constructor(base: Origin, results: ComparisonResults, request: OriginRequest, held: Held, signal: AbortSignal) {
    this.#base = base;
    this.#results = results;
    this.#request = request;
    this.#held = held;
    this.#signal = signal;
  }

  async answer(): Promise<OriginReply> {
    const known = this.#known;
    if (known?.same) return this.#goOn(known.named);
    return asksWhetherCurrent(this.#request) ? this.#askWhetherCurrent() : this.#askForMore();
  }

  /** What was found out about the version before. */
  get #known(): ComparisonResult | undefined {
    return this.#results.get(keyOf(this.#held.validator, this.#request));
  }

  /** The same request with other fields. */
  #ask(fields: Fields): Promise<OriginReply> {
    return this.#base.open({ ...this.#request, fields }, this.#signal);
  }

  /** Without a condition, for a range in place of its own. */
  #askForRange({ start, end }: ByteRange, ...conditions: Fields): Promise<OriginReply> {
    const others = fieldsWhere(unconditional(this.#request.fields), (name) => name !== 'range');
    return this.#ask([...others, ['range', `bytes=${start}-${end - 1}`], ...conditions]);
  }

  /** The base's validator for what is held is known. */
  async #goOn(named: Validator): Promise<OriginReply> {
    const reply = await this.#ask(under(named, this.#request.fields));
    const told = inWordsOf(this.#held, named, reply);
    // It holds something else by now.
    if (told === null && isAnswer(reply)) this.#results.delete(keyOf(this.#held.validator, this.#request));
    return told ?? reply;
  }

  /** What comes back of another version has lost its body: no byte of that is wanted. */
  async #askForMore(): Promise<OriginReply> {
    const reply = await this.#ask(unconditional(this.#request.fields));
    const named = namedIn(reply);
    if (named === null || this.#isByName(named)) return reply;
    reply.body.cancel();
    const same = await this.#compare(reply, partIn(reply.fields)?.start ?? 0);
    if (typeof same !== 'boolean') return same;
    return same ? this.#goOn(named) : reply;
  }

  async #askWhetherCurrent(): Promise<OriginReply> {
    const look = await this.#askForRange({ start: 0, end: 1 });
    if (look.status !== 206) return look;
    look.body.cancel();
    const plain = unconditional(this.#request.fields);
    const named = namedIn(look);
    if (named === null) return this.#ask(plain);
    if (this.#isByName(named)) return unmodified(look);
    const same = await this.#compare(look, Number.POSITIVE_INFINITY);
    if (typeof same !== 'boolean') return same;
    const told = same ? inWordsOf(this.#held, named, look) : null;
    return told === null ? this.#ask(plain) : unmodified(told);
  }

  /** Whether the base calls what it has by the very validator that is asked about. */
  #isByName(named: Validator): boolean {
    if (!sameValidator(named, this.#held.validator)) return false;
    this.#note({ named, same: true });
    return true;
  }

  /**
   * Whether what `reply` is of is what is held, where bytes from `position` on are wanted. Where the base says something
   * that tells nothing about that: its answer.
   */
  async #compare(reply: OriginReply, position: number): Promise<boolean | OriginReply> {
    const { length, present } = this.#held;
    const named = namedIn(reply);
    if (named === null || !named.strong || named.weakTag !== undefined || reply.status !== 206) return false;
    if (length === null || lengthOf(reply) !== length) return false;
    const known = this.#known;
    if (known !== undefined && !known.same && sameValidator(known.named, named)) return false;
    let compared = 0;
    for (const sample of samplesFor(present, position)) {
      const equal = await this.#compareSample(named, sample);
      if (typeof equal === 'object') return equal;
      if (equal === 'other') this.#note({ named, same: false });
      if (typeof equal === 'string') return false;
      compared += equal;
    }
    if (compared < leastSampled) return false;
    this.#note({ named, same: true });
    return true;
  }

  /** How many bytes of a sample came and are the same, or that some are not; or an answer that tells nothing of it. */
  async #compareSample(named: Validator, sample: ByteRange): Promise<number | 'other' | 'unknown' | OriginReply> {
    const { start } = sample;
    const reply = await this.#askForRange(sample, ['if-range', formatValidator(named)]);
    if (!isAnswer(reply)) return reply;
    try {
      const answer = readAnswer(sample, reply.status, reply.fields, 0);
      if (answer.kind !== 'content' || answer.start !== start || answer.end === null) return 'other';
      const { validator, length } = answer.representation;
      if (validator === null || !sameValidator(validator, named) || length !== this.#held.length) return 'other';
      let offset = start;
      for (let bytes = await reply.body.read(); bytes !== null; bytes = await reply.body.read()) {
        const compared = await this.#held.compare(offset, bytes, this.#signal);
        if (compared !== 'same') return compared;
        offset += bytes.length;
      }
      if (offset < answer.end) throw new ProxyError('http_response_incomplete', 'The origin cut its answer short.');
      return offset === answer.end ? offset - start : 'other';
    } finally {
      reply.body.cancel();
    }
  }

  #note(result: ComparisonResult): void {
    note(this.#results, this.#request, this.#held.validator, result);
  }
}

function keyOf(version: Validator, { target }: OriginRequest): string {
  const path = upTo(target, '?');
  return `${formatValidator(version)}\n${path}`;
}

function isCondition(name: string): boolean {
  return name === 'if-range' || name === 'if-none-match' || name === 'if-modified-since';
}

/** A request about a held version is about more of it, unless it has a condition of its own. */
function asksWhetherCurrent({ fields }: Pick<OriginRequest, 'fields'>): boolean {
  return someField(fields, (name) => name !== 'if-range' && isCondition(name));
}

function unconditional(fields: Fields): Fields {
  return fieldsWhere(fields, (name) => !isCondition(name));
}

/** The same conditions, by the name that a base has for the version. */
function under(named: Validator, fields: Fields): Fields {
  const isMore = hasField(fields, 'if-range');
  if (!isMore && !asksWhetherCurrent({ fields })) return fields;
  const more: Fields = named.weakTag === undefined ? [['if-range', formatValidator(named)]] : [];
  return [...unconditional(fields), ...(isMore ? more : whetherCurrent(named))];
}

/** Whether it says something about a version. */
function isAnswer({ status }: OriginReply): boolean {
  return status === 200 || status === 206 || status === 304 || status === 416;
}

/** A look that showed the version that was asked about: what the base would have said to a condition in its words. */
function unmodified({ fields, ...look }: OriginReply): OriginReply {
  const kept = fieldsWhere(fields, (name) => name !== 'content-length' && name !== 'content-range');
  return { ...look, status: 304, fields: kept, closeDelimited: false };
}

/** What a base calls the content that it gives. */
function namedIn({ status, fields }: OriginReply): Validator | null {
  return status === 200 || status === 206 ? validatorOf(fields) : null;
}

function lengthOf({ status, fields }: OriginReply): number | null {
  return status === 206 ? (partIn(fields)?.total ?? null) : parseDecimal(fieldValue(fields, 'content-length') ?? '');
}

/** The answer with the validator that is held in place of the base's own; `null` where it is of something else. */
function inWordsOf(held: Held, named: Validator, reply: OriginReply): OriginReply | null {
  const { status, fields } = reply;
  const said = validatorOf(fields);
  const vouches = status === 304 && (said === null || weaklyEqual(said, named));
  const gives = (status === 200 || status === 206) && said !== null && sameValidator(said, named);
  if (!vouches && !gives) return null;
  const length = gives ? lengthOf(reply) : null;
  if (length !== null && held.length !== null && length !== held.length) return null;
  if (sameValidator(named, held.validator)) return reply;
  const { kind, weakTag } = held.validator;
  const others = fieldsWhere(fields, (name) => name !== 'etag' && name !== 'last-modified');
  const beside: Fields = weakTag === undefined ? [] : [['etag', `W/${weakTag}`]];
  const told: Fields = [...others, [kind, formatValidator(held.validator)], ...beside];
  const heard = validatorOf(told);
  // A date is as strong as the base's clock lets it be.
  return heard !== null && sameValidator(heard, held.validator) ? { ...reply, fields: told } : null;
}
