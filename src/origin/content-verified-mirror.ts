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
import { type Fields, fieldValue, parseDecimal } from '../http/fields.ts';
import { readAnswer } from '../http/origin-answer.ts';
import { formatValidator, sameValidator, type Validator, validatorOf, weaklyEqual } from '../http/validator.ts';
import type { Held, Origin, OriginReply, OriginRequest } from './origin.ts';
import { leastSampled, samplesFor } from './samples.ts';

/** More versions than this are not remembered. */
const mostResults = 512;

/** What a base holds in place of a version: by its own name, and whether the bytes are the same. */
interface ComparisonResult {
  readonly named: Validator;
  readonly same: boolean;
}

export function contentVerifiedMirror(base: Origin): Origin {
  return new ContentVerifiedMirror(base);
}

class ContentVerifiedMirror implements Origin {
  readonly #base: Origin;
  /** By version and path. */
  readonly #results = new Map<string, ComparisonResult>();

  constructor(base: Origin) {
    this.#base = base;
  }

  get name(): string {
    return this.#base.name;
  }

  async open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const { held, resolved } = request;
    const more = fieldValue(request.fields, 'if-range') !== null;
    const conditional = more || request.fields.some(([name]) => isCondition(name));
    // A resolved URL is at no base.
    if (resolved?.url) return this.#base.open(request, signal);
    if (held === undefined || !conditional) return this.#begin(request, signal);
    const known = this.#results.get(keyOf(held.validator, request));
    if (known?.same) return this.#goOn(request, held, known.named, signal);
    return more ? this.#askForMore(request, held, signal) : this.#askWhetherCurrent(request, held, signal);
  }

  close(): Promise<void> {
    return this.#base.close();
  }

  /** Whatever it gives where nothing is held yet, bears its own name. */
  async #begin(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const reply = await this.#base.open(request, signal);
    const named = namedIn(reply);
    if (named !== null) this.#note(request, named, { named, same: true });
    return reply;
  }

  /** Its name for what is held is known. */
  async #goOn(request: OriginRequest, held: Held, named: Validator, signal: AbortSignal): Promise<OriginReply> {
    const reply = await this.#base.open({ ...request, fields: under(named, request.fields) }, signal);
    const told = inWordsOf(held, named, reply);
    // It holds something else by now.
    if (told === null && isAnswer(reply)) this.#results.delete(keyOf(held.validator, request));
    return told ?? reply;
  }

  /** What comes back of another version has lost its body: no byte of that is wanted. */
  async #askForMore(request: OriginRequest, held: Held, signal: AbortSignal): Promise<OriginReply> {
    const reply = await this.#base.open({ ...request, fields: unconditional(request.fields) }, signal);
    const named = namedIn(reply);
    if (named === null || this.#isByName(request, held, named)) return reply;
    reply.body.cancel();
    const same = await this.#compare(request, held, reply, partIn(reply.fields)?.start ?? 0, signal);
    if (typeof same !== 'boolean') return same;
    return same ? this.#goOn(request, held, named, signal) : reply;
  }

  async #askWhetherCurrent(request: OriginRequest, held: Held, signal: AbortSignal): Promise<OriginReply> {
    const plain = { ...request, fields: unconditional(request.fields) };
    const others = plain.fields.filter(([name]) => name !== 'range');
    const look = await this.#base.open({ ...plain, fields: [...others, ['range', 'bytes=0-0']] }, signal);
    const named = namedIn(look);
    if (look.status !== 206) return look;
    look.body.cancel();
    if (named === null) return this.#base.open(plain, signal);
    if (this.#isByName(request, held, named)) return unmodified(look);
    const same = await this.#compare(request, held, look, Number.POSITIVE_INFINITY, signal);
    if (typeof same !== 'boolean') return same;
    const told = same ? inWordsOf(held, named, look) : null;
    return told === null ? this.#base.open(plain, signal) : unmodified(told);
  }

  /** Whether the base calls what it has by the very name that is asked about. */
  #isByName(request: OriginRequest, held: Held, named: Validator): boolean {
    if (!sameValidator(named, held.validator)) return false;
    this.#note(request, held.validator, { named, same: true });
    return true;
  }

  /**
   * Whether what `reply` is of is what is held; where the base says something that tells nothing about that, its
   * answer.
   */
  async #compare(
    request: OriginRequest,
    held: Held,
    reply: OriginReply,
    position: number,
    signal: AbortSignal,
  ): Promise<boolean | OriginReply> {
    const named = namedIn(reply);
    if (named === null || !named.strong || reply.status !== 206) return false;
    if (held.length === null || lengthOf(reply) !== held.length) return false;
    const before = this.#results.get(keyOf(held.validator, request));
    if (before !== undefined && !before.same && sameValidator(before.named, named)) return false;
    const samples = samplesFor(held.present, position);
    if (samples.length === 0) return false;
    let compared = 0;
    for (const sample of samples) {
      const equal = await this.#sample(request, held, named, sample, signal);
      if (typeof equal === 'object') return equal;
      if (equal === 'other') this.#note(request, held.validator, { named, same: false });
      if (typeof equal === 'string') return false;
      compared += equal;
    }
    if (compared < leastSampled) return false;
    this.#note(request, held.validator, { named, same: true });
    return true;
  }

  /** How many bytes of a sample came and are the same, or that some are not; or an answer that tells nothing of it. */
  async #sample(
    request: OriginRequest,
    held: Held,
    named: Validator,
    { start, end }: ByteRange,
    signal: AbortSignal,
  ): Promise<number | 'other' | 'unknown' | OriginReply> {
    const range = ['range', `bytes=${start}-${end - 1}`] as const;
    const others = unconditional(request.fields).filter(([name]) => name !== 'range');
    const fields: Fields = [...others, range, ['if-range', formatValidator(named)]];
    const reply = await this.#base.open({ ...request, fields }, signal);
    if (!isAnswer(reply)) return reply;
    try {
      const answer = readAnswer({ start, end }, reply.status, reply.fields, 0);
      if (answer.kind !== 'content' || answer.start !== start || answer.end === null) return 'other';
      const { validator, length } = answer.representation;
      if (validator === null || !sameValidator(validator, named) || length !== held.length) return 'other';
      let offset = start;
      for (let bytes = await reply.body.read(); bytes !== null; bytes = await reply.body.read()) {
        const compared = await held.compare(offset, bytes, signal);
        if (compared !== 'same') return compared;
        offset += bytes.length;
      }
      if (offset < answer.end) throw new ProxyError('http_response_incomplete', 'The origin cut its answer short.');
      return offset === answer.end ? offset - start : 'other';
    } finally {
      reply.body.cancel();
    }
  }

  /** A date, of whichever side, tells versions apart to the second only: what was found under it is not remembered. */
  #note(request: OriginRequest, version: Validator, result: ComparisonResult): void {
    if (version.kind !== 'etag' || result.named.kind !== 'etag') return;
    const key = keyOf(version, request);
    this.#results.delete(key);
    this.#results.set(key, result);
    const [oldest] = this.#results.keys();
    if (this.#results.size > mostResults && oldest !== undefined) this.#results.delete(oldest);
  }
}

function keyOf(version: Validator, { target }: OriginRequest): string {
  const [path] = target.split('?', 1);
  return `${formatValidator(version)}\n${path}`;
}

function isCondition(name: string): boolean {
  return name === 'if-range' || name === 'if-none-match' || name === 'if-modified-since';
}

function unconditional(fields: Fields): Fields {
  return fields.filter(([name]) => !isCondition(name));
}

/** The same conditions, by the name that a base has for the version. */
function under(named: Validator, fields: Fields): Fields {
  const value = formatValidator(named);
  return fields.map(([name, written]) => {
    if (name === 'if-range') return [name, value];
    if (isCondition(name)) return [named.kind === 'etag' ? 'if-none-match' : 'if-modified-since', value];
    return [name, written];
  });
}

/** Whether it says something about a version. */
function isAnswer({ status }: OriginReply): boolean {
  return status === 200 || status === 206 || status === 304 || status === 416;
}

/** A look that showed the version that was asked about: what the base would have said to a condition in its words. */
function unmodified({ fields, ...look }: OriginReply): OriginReply {
  const kept = fields.filter(([name]) => name !== 'content-length' && name !== 'content-range');
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
  const { kind, value } = held.validator;
  const others = fields.filter(([name]) => name !== 'etag' && name !== 'last-modified');
  const told: Fields = [...others, [kind, kind === 'etag' ? formatValidator(held.validator) : value]];
  const heard = validatorOf(told);
  // A date is as strong as the base's clock lets it be.
  return heard !== null && sameValidator(heard, held.validator) ? { ...reply, fields: told } : null;
}
