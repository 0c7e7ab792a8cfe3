/**
 * What a fill knows of its representation, and the guard over it.
 *
 * The first answer that holds content gives the fill its representation, and decides whether it may be stored. Every
 * later one must be of the same (RFC 9111 §3.4): no byte of another is ever taken.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { type Fields, fieldValue } from '../http/fields.ts';
import type { AskedBytes, OriginContradiction } from '../http/origin-answer.ts';
import { combinable, type Representation, sameRepresentation, sliceable } from '../http/representation.ts';
import type { Held, OriginReply, OriginRequest } from '../origin/origin.ts';
import { type Store, StoreError, type StoreObject } from '../store/store.ts';
import { type Content, judgeAnswer } from './answer-judge.ts';
import { FillFailed } from './failure.ts';
import type { LandedBytes } from './landed-bytes.ts';
import type { FillName, Lifecycle } from './lifecycle.ts';

/** A body of unknown length is not stored any further than this: it may have no end. */
const mostUnmeasured = 1024 ** 3;

/** How much of what is present is asked for again where the validator alone proves little, in bytes. */
const overlap = 1024;

/** `live`: as a stream that is passed on as it comes, and of which nothing is given twice. */
export type MayShare = (status: number, fields: Fields, live: boolean) => boolean;

export interface IdentityParts {
  readonly name: FillName;
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  readonly bytes: LandedBytes;
  readonly store: Pick<Store, 'create'>;
  readonly objectName: string;
  /** What is sent of a client's fields. */
  readonly asking: Pick<OriginRequest, 'fields'>;
  /** Whether an answer with this status and these fields may be stored. */
  readonly mayStore: (status: number, fields: Fields) => boolean;
  /** Whether it may be given to all who wait for it. */
  readonly mayShare: MayShare;
  /** How many connections the origin allows. */
  readonly connections: number;
}

/** Where the body of an answer begins and ends; `end: null` where only its framing tells. */
export interface BodyRange {
  readonly start: number;
  readonly end: number | null;
}

/** A request, as far as its answer is judged by it. */
export type Asked = AskedBytes & Pick<OriginRequest, 'fields'>;

export class IdentityGuard {
  readonly #parts: IdentityParts;
  /** The answer to a range that contradicted it, or itself. */
  #contradiction: OriginContradiction | null = null;
  #adopting: Promise<void> | null = null;
  #stale = false;
  /** Whether what comes may be given to later requests. */
  shared = true;
  /** Whether it is a stream without beginning and end. */
  live = false;
  /** Whether what came is for the one client that asked (RFC 9111 §4). */
  exclusive = false;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  /** The fill begins with an answer that another has contradicted before. */
  began(contradiction: OriginContradiction | null): void {
    this.#contradiction = contradiction;
  }

  /** Nothing more is stored: the fill has come to its end. */
  end(): void {
    this.#stale = true;
  }

  /** Resolves when no object is being made. */
  async settled(): Promise<void> {
    await this.#adopting;
  }

  /**
   * Resolves with what the answer's body holds, or with `null` where it is to be asked for again without a range.
   * Rejects with `FillFailed`: `changed` where it is of another version.
   */
  async judge(asked: Asked, reply: OriginReply): Promise<BodyRange | null> {
    const content = await judgeAnswer(asked, reply, this.#parts.clock.wallTime()).catch((error: unknown) => {
      if (this.#endsAt(asked, error)) return null;
      throw this.#isPastTheEnd(error) ? otherThan(asked) : error;
    });
    if (content === null) {
      this.bodyEnded(asked.start, true);
      return { start: asked.start, end: null };
    }
    if (content.kind === 'contradiction') {
      this.#contradiction = content;
      return null;
    }
    while (this.#adopting !== null) await this.#adopting;
    const { known } = this.#parts.lifecycle;
    if (known !== null) this.#compare(known, content, asked, reply);
    else await this.#adopt(content, reply);
    if (content.kind === 'empty') return { start: 0, end: null };
    // A body without a length of its own is held to the one that is known.
    return { start: content.start, end: content.end ?? known?.length ?? null };
  }

  /** Whether the origin is asked for ranges: not any more, once its answer to one was a contradiction. */
  get asksRanges(): boolean {
    return this.#contradiction === null;
  }

  /**
   * How many bytes before `position` are to be compared with what comes. An entity tag stands for every byte (RFC 9110
   * §8.8.1); a date only says that nothing changed to the second, so the bytes themselves are asked. Those from
   * `coming` on will be present by the time that they are compared.
   */
  overlapAt(position: number, coming: number): number {
    if (!this.#isDated) return 0;
    const start = Math.max(0, position - overlap);
    return start < position && this.#parts.bytes.present.covers({ start, end: coming }) ? position - start : 0;
  }

  /** The first bytes present after `position`, as far as they are to be compared with what comes. */
  meetingAfter(position: number): ByteRange | null {
    if (!this.#isDated) return null;
    const { present } = this.#parts.bytes;
    const start = present.nextStart(position);
    return start === null ? null : { start, end: Math.min(start + overlap, present.runEnd(start)) };
  }

  /** What there is of it, for an origin of several bases to compare. */
  get held(): Held | undefined {
    const { lifecycle, bytes } = this.#parts;
    const { validator = null, length = null } = lifecycle.known ?? {};
    if (validator === null) return undefined;
    return { validator, length, present: bytes.present, compare: (...given) => bytes.compare(...given) };
  }

  get #isDated(): boolean {
    return this.#parts.lifecycle.known?.validator?.kind === 'last-modified';
  }

  /** Rejects with `FillFailed`, `changed`, where what came is not what is present. */
  async verify(offset: number, came: Buffer, signal: AbortSignal): Promise<void> {
    if ((await this.#parts.bytes.compare(offset, came, signal)) === 'other') throw changed();
  }

  /** The body has ended where no length had been announced; `certain` where its framing proves it. */
  bodyEnded(position: number, certain: boolean): void {
    const { lifecycle, bytes } = this.#parts;
    if (lifecycle.known === null) return;
    const representation = { ...lifecycle.known, length: position };
    lifecycle.apply({ type: 'described', representation });
    if (certain) bytes.describe(representation);
    else this.#unshare();
  }

  /** A body of unknown length has come this far. */
  reached(position: number): void {
    if (position > mostUnmeasured && this.#parts.lifecycle.known?.length === null) this.#unshare();
  }

  /** Whether a 416 says that the file, whose length nobody had told, ends at the offset asked for. */
  #endsAt(asked: AskedBytes, error: unknown): boolean {
    const { known } = this.#parts.lifecycle;
    if (!(error instanceof FillFailed) || error.failure.kind !== 'unsatisfiable' || known === null) return false;
    return known.length === null && error.failure.length === asked.start;
  }

  /** Whether an offset inside what was known is past the end of what is there now. */
  #isPastTheEnd(error: unknown): boolean {
    return (
      error instanceof FillFailed && error.failure.kind === 'unsatisfiable' && this.#parts.lifecycle.known !== null
    );
  }

  async #adopt(content: Content, reply: OriginReply): Promise<void> {
    const { mayStore, mayShare, bytes, lifecycle, clock, connections } = this.#parts;
    const { representation } = content;
    const adopted = Promise.withResolvers<void>();
    this.#adopting = adopted.promise;
    try {
      // An empty file shows itself by a 416 too.
      const status = content.kind === 'empty' ? 200 : reply.status;
      this.live = isLive(representation, reply, connections);
      this.exclusive = !mayShare(status, reply.fields, this.live);
      const claimed = this.#contradiction?.total ?? representation.length;
      if (
        !content.storable ||
        claimed !== representation.length ||
        this.live ||
        reply.closeDelimited ||
        !mayStore(status, reply.fields)
      )
        this.#unshare();
      else if (!this.#stale) bytes.writeTo(await this.#created(representation));
      lifecycle.apply({ type: 'head', at: clock.now(), representation });
    } finally {
      this.#adopting = null;
      adopted.resolve();
    }
  }

  /** A new object, or `null` where the store can't make one: then the bytes go past it. */
  async #created(representation: Representation): Promise<StoreObject | null> {
    const { store, objectName, name, asking, bytes } = this.#parts;
    const label = { origin: name.origin, path: name.path, private: asking.fields.length > 0 };
    try {
      return await store.create(objectName, representation, label, (range) => bytes.lose(range));
    } catch (error) {
      if (error instanceof StoreError) return null;
      throw error;
    }
  }

  #compare(known: Representation, { representation, storable }: Content, asked: Asked, reply: OriginReply): void {
    const { lifecycle, clock, mayShare } = this.#parts;
    if (!combinable(known) || !sliceable(representation)) throw new FillFailed({ kind: 'uncombinable' });
    if (!sameRepresentation(known, representation)) throw otherThan(asked);
    if (!mayShare(reply.status, reply.fields, this.live)) this.reserve();
    if (!storable) this.#unshare();
    // A 200 to a request for less than everything: the origin gives only the whole, now if not before.
    const ranges = representation.ranges || (known.ranges && this.asksRanges && asked.start === 0);
    const updated = { ...representation, length: known.length ?? representation.length, ranges };
    if (lifecycle.state.phase === 'starting') {
      lifecycle.apply({ type: 'head', at: clock.now(), representation: updated });
    } else if (ranges !== known.ranges) {
      lifecycle.apply({ type: 'described', representation: updated });
    }
  }

  /** The origin says that it is for one client, from now on. */
  reserve(): void {
    this.exclusive = true;
    this.#unshare();
  }

  /** What comes is for those who wait for it now, and for nobody later. */
  #unshare(): void {
    this.shared = false;
    this.#parts.bytes.writeTo(null);
  }
}

function changed(): FillFailed {
  return new FillFailed({ kind: 'changed' });
}

/**
 * Another version came. Where it was not asked for by name, because none was known yet, that proves no change: several
 * servers may hold several versions. Then it is asked for again, by the name that came first; without a range there is no
 * such name.
 */
function otherThan({ fields, ranged = true }: Asked): FillFailed {
  if (!ranged || fieldValue(fields, 'if-range') !== null) return changed();
  const error = new ProxyError('destination_unavailable', 'The origin gave two versions at one time.');
  return new FillFailed({ kind: 'error', error });
}

/**
 * Whether a body is a stream without beginning and end: radio says so by its `icy-` fields. A broadcast without them
 * looks like any body whose length is not known; it is taken for one where the account allows one connection only, so
 * that a second listener could not be served otherwise.
 */
function isLive({ length, validator, fields }: Representation, { closeDelimited }: OriginReply, connections: number) {
  if (length !== null || validator !== null) return false;
  if (fields.some(([name]) => name.startsWith('icy-'))) return true;
  const type = fieldValue(fields, 'content-type') ?? '';
  return closeDelimited && connections === 1 && /^(audio\/(mpeg|aacp?)|video\/(mp2t|mpeg))\b/i.test(type);
}
