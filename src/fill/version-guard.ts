/**
 * Is this answer of our version? The guard over the one representation of a fill.
 *
 * The first answer that holds content gives the fill its representation, and decides whether it may be stored. Every
 * later one must be of the same (RFC 9111 §3.4): no byte of another is ever taken.
 */
import type { OpenRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { type Fields, fieldValue, someField } from '../http/fields.ts';
import { isChangeable } from '../http/manifest.ts';
import type { AskedBytes } from '../http/origin-answer.ts';
import { combinable, type Representation, sameRepresentation, sliceable, underKnown } from '../http/representation.ts';
import { selecting, variedBy } from '../http/vary.ts';
import { ledBy, type OriginReply } from '../origin/origin.ts';
import { type Store, StoreError, type StoreObject } from '../store/store.ts';
import { type ContentAnswer, judgeAnswer } from './answer-judge.ts';
import { cutShort } from './body-request.ts';
import { FillFailed, ownFailure } from './failure.ts';
import type { FillName } from './fill-reporter.ts';
import type { Phase } from './phase.ts';
import type { Presence } from './presence.ts';
import type { Asked } from './request-form.ts';
import type { RequestTarget, Upstream } from './upstream.ts';

/** A body of unknown length is not stored any further than this: it may have no end. */
const mostUnmeasured = 1024 ** 3;

/** `live`: as a stream that is passed on as it comes, and of which nothing is given twice. */
export type MayShare = (status: number, fields: Fields, live: boolean) => boolean;

export interface VersionParts {
  readonly name: FillName;
  readonly clock: Clock;
  readonly phase: Phase;
  readonly presence: Presence;
  readonly upstream: Upstream;
  readonly store: Pick<Store, 'create'>;
  readonly objectName: string;
  /** What is sent of a client's fields. */
  readonly target: Pick<RequestTarget, 'fields'>;
  /** Whether an answer with this status and these fields may be stored. */
  readonly mayStore: (status: number, fields: Fields) => boolean;
  /** Whether it may be given to all who wait for it. */
  readonly mayShare: MayShare;
  /** How many connections the origin allows. */
  readonly connections: number;
}

export class VersionGuard {
  readonly #parts: VersionParts;
  #adopting: Promise<void> | null = null;
  #ended = false;
  #isShared = true;
  #isLive = false;
  #isExclusive = false;

  constructor(parts: VersionParts) {
    this.#parts = parts;
  }

  /** Whether what comes may be given to later requests. */
  get shared(): boolean {
    return this.#isShared;
  }

  /** Whether it is a stream without beginning and end. */
  get live(): boolean {
    return this.#isLive;
  }

  /** Whether what came is for the one client that asked (RFC 9111 §4). */
  get exclusive(): boolean {
    return this.#isExclusive;
  }

  /** Nothing more is stored: the fill has come to its end. */
  end(): void {
    this.#ended = true;
  }

  /** Resolves when no object is being made. */
  async settled(): Promise<void> {
    await this.#adopting;
  }

  /**
   * Resolves with what the answer's body holds, or with `null` where it is to be asked for again in another form.
   * Rejects with `FillFailed`: `changed` where it is of another version.
   */
  async judge(asked: Asked, reply: OriginReply): Promise<OpenRange | null> {
    const { upstream, clock } = this.#parts;
    const content = await judgeAnswer(asked, reply, clock).catch((error: unknown) => {
      if (this.#endsAt(asked, error)) return 'end';
      const status = refusalIn(error);
      if (status !== null && upstream.refused(asked, status)) return null;
      throw this.#isPastTheEnd(error) ? otherThan(asked) : error;
    });
    if (content === 'end') {
      this.bodyEnded(asked.start, true);
      return { start: asked.start, end: null };
    }
    if (content === null) return null;
    if (content.kind === 'contradiction' && upstream.ignoresSuffix(asked, content)) return null;
    if (content.kind === 'contradiction') {
      upstream.contradiction = content;
      return null;
    }
    while (this.#adopting !== null) await this.#adopting;
    const { known } = upstream;
    if (known === null && content.kind === 'content' && upstream.ignoresSuffix(asked, content)) return null;
    if (known === null) await this.#adopt(content, reply, asked.fields);
    else if (content.kind === 'content' && upstream.ignoresIfRange(asked, content)) return null;
    else this.#compare(known, content, asked, reply);
    if (content.kind === 'empty') return { start: 0, end: null };
    // A body without a length of its own is held to the one that is known.
    return { start: content.start, end: content.end ?? known?.length ?? null };
  }

  /** Whether some of `bytes` at `offset` meet what is present or was seen, and must be the same. */
  meets(offset: number, bytes: Buffer): boolean {
    return this.#parts.upstream.seen.isAmong(offset, bytes) || this.#seamIn(offset, bytes) !== null;
  }

  /** Rejects with `FillFailed`, `changed`, where they are not; or with the signal's reason. */
  async meet(offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
    if (!this.#parts.upstream.seen.agree(offset, bytes)) throw changed();
    const seam = this.#seamIn(offset, bytes);
    if (seam !== null) await this.#compareBytes(seam.start, seam.bytes, signal);
  }

  /** A body begins anew, and what is present before these may be gone when it comes there: it is compared all the same. */
  async keepSeams(positions: Iterable<number>, signal: AbortSignal): Promise<void> {
    const { presence, upstream } = this.#parts;
    for (const position of positions) {
      const seam = upstream.seamBefore(position);
      const bytes = seam === null ? null : await presence.copy(seam, signal);
      if (seam !== null && bytes !== null) upstream.seen.add(seam.start, bytes);
    }
  }

  #seamIn(offset: number, bytes: Buffer): { readonly start: number; readonly bytes: Buffer } | null {
    const seam = this.#parts.upstream.seamAfter(offset);
    if (seam === null || seam.start >= offset + bytes.length) return null;
    return { start: seam.start, bytes: bytes.subarray(seam.start - offset, seam.end - offset) };
  }

  /** The same of bytes that nobody takes; of those that are not present, when somebody does. */
  async verify(offset: number, came: Buffer, signal: AbortSignal): Promise<void> {
    const { presence, upstream } = this.#parts;
    if (!presence.present.covers({ start: offset, end: offset + came.length })) upstream.seen.add(offset, came);
    await this.#compareBytes(offset, came, signal);
  }

  async #compareBytes(offset: number, came: Buffer, signal: AbortSignal): Promise<void> {
    if ((await this.#parts.presence.compare(offset, came, signal)) === 'other') throw changed();
    // What was given up may not have been compared.
    signal.throwIfAborted();
  }

  /**
   * The body has ended where no length had been announced; `certain` where its framing proves it. Throws `FillFailed` where
   * there are bytes behind what it gives for the end.
   */
  bodyEnded(position: number, certain: boolean): void {
    const { upstream, presence } = this.#parts;
    if (upstream.known === null) return;
    if (presence.present.nextStart(position) !== null) throw cutShort();
    upstream.known = { ...upstream.known, length: position };
    if (certain) presence.describe(upstream.known);
    else this.#unshare();
  }

  /** The first bytes have come. */
  begins(bytes: Buffer): void {
    const { upstream, presence } = this.#parts;
    const { known } = upstream;
    if (known === null || known.changeable) return;
    if (!isChangeable(bytes, fieldValue(known.fields, 'content-type'), known.length)) return;
    upstream.known = { ...known, changeable: true };
    presence.describe(upstream.known);
  }

  /** A body of unknown length has come this far. */
  reached(position: number): void {
    if (position > mostUnmeasured && this.#parts.upstream.known?.length === null) this.#unshare();
  }

  /** Whether a 416 says that the file, whose length nobody had told, ends at the offset asked for. */
  #endsAt(asked: AskedBytes, error: unknown): boolean {
    const { known } = this.#parts.upstream;
    if (!(error instanceof FillFailed) || error.failure.kind !== 'unsatisfiable' || known === null) return false;
    return known.length === null && error.failure.length === asked.start;
  }

  /** Whether an offset inside what was known is past the end of what is there now. */
  #isPastTheEnd(error: unknown): boolean {
    return error instanceof FillFailed && error.failure.kind === 'unsatisfiable' && this.#parts.upstream.known !== null;
  }

  async #adopt(content: ContentAnswer, reply: OriginReply, asked: Fields): Promise<void> {
    const { mayStore, mayShare, presence, upstream, phase, connections } = this.#parts;
    const representation = { ...chosenBy(content.representation, asked), ...ledBy(reply) };
    const adopted = Promise.withResolvers<void>();
    this.#adopting = adopted.promise;
    try {
      // An empty file shows itself by a 416 too.
      const status = content.kind === 'empty' ? 200 : reply.status;
      this.#isLive = isLive(representation, reply, connections);
      this.#isExclusive = !mayShare(status, reply.fields, this.#isLive);
      const claimed = upstream.contradiction?.total ?? representation.length;
      if (
        !content.storable ||
        claimed !== representation.length ||
        this.#isLive ||
        reply.closeDelimited ||
        !mayStore(status, reply.fields)
      )
        this.#unshare();
      else if (!this.#ended) presence.writeTo(await this.#created(representation));
      upstream.known = { ...representation, ranges: upstream.taken(representation) };
      phase.answered();
    } finally {
      this.#adopting = null;
      adopted.resolve();
    }
  }

  /** A new object, or `null` where the store can't make one: then the bytes go past it. */
  async #created(representation: Representation): Promise<StoreObject | null> {
    const { store, objectName, name, target, presence } = this.#parts;
    const label = { origin: name.origin, path: name.path, private: target.fields.length > 0 };
    try {
      return await store.create(objectName, representation, label, (range) => presence.lose(range));
    } catch (error) {
      if (error instanceof StoreError) return null;
      throw error;
    }
  }

  #compare(known: Representation, { representation, storable }: ContentAnswer, asked: Asked, reply: OriginReply): void {
    const { upstream, phase, presence, mayShare } = this.#parts;
    if (!combinable(known) || !sliceable(representation)) throw new FillFailed({ kind: 'uncombinable' });
    if (!sameRepresentation(known, representation)) throw otherThan(asked);
    if (!mayShare(reply.status, reply.fields, this.#isLive)) this.reserve();
    if (!storable) this.#unshare();
    // A 200 to a request for less than everything: the origin gives only the whole, now if not before.
    upstream.taken(representation);
    const ranges = representation.ranges || (known.ranges && upstream.asksRanges && asked.start === 0);
    const { changeable = false } = known;
    const length = known.length ?? representation.length;
    const said = { ...underKnown(known, representation), ...ledBy(reply) };
    const updated = { ...said, length, ranges, ...(changeable && { changeable }) };
    const tellsLength = known.length === null && length !== null;
    if (tellsLength && presence.present.nextStart(length) !== null) throw otherThan(asked);
    if (phase.current === 'starting' || tellsLength || ranges !== known.ranges) upstream.known = updated;
    if (tellsLength) presence.describe(updated);
    phase.answered();
  }

  /** The origin says that it is for one client, from now on. */
  reserve(): void {
    this.#isExclusive = true;
    this.#unshare();
  }

  /** What comes is for those who wait for it now, and for nobody later. */
  #unshare(): void {
    this.#isShared = false;
    this.#parts.presence.writeTo(null);
  }
}

/** With what of the request chose it, where the answer says that something did. */
function chosenBy(representation: Representation, asked: Fields): Representation {
  const names = variedBy(representation.fields) ?? [];
  return names.length === 0 ? representation : { ...representation, selection: { by: selecting(names, asked) } };
}

function changed(): FillFailed {
  return new FillFailed({ kind: 'changed' });
}

/** The status by which an origin refused a request, perhaps for its form; a 416 that tells no length says nothing else. */
function refusalIn(error: unknown): number | null {
  if (!(error instanceof FillFailed)) return null;
  const { failure } = error;
  if (failure.kind === 'answer') return failure.answer.status >= 400 ? failure.answer.status : null;
  return failure.kind === 'unsatisfiable' && failure.length === null ? 416 : null;
}

/**
 * Another version came. Where it was not asked for by name, because none was known yet, that proves no change: several
 * servers may hold several versions. Then it is asked for again, by the name that came first; without a range there is no
 * such name.
 */
function otherThan({ held, ranged = true }: Asked): FillFailed {
  if (!ranged || held !== undefined) return changed();
  return new FillFailed(ownFailure('destination_unavailable', 'The origin gave two versions at one time.'));
}

/**
 * Whether a body is a stream without beginning and end: radio says so by its `icy-` fields. A broadcast without them
 * looks like any body whose length is not known; it is taken for one where the account allows one connection only, so
 * that a second listener could not be served otherwise.
 */
function isLive({ length, validator, fields }: Representation, { closeDelimited }: OriginReply, connections: number) {
  if (length !== null || validator !== null) return false;
  if (someField(fields, (name) => name.startsWith('icy-'))) return true;
  const type = fieldValue(fields, 'content-type') ?? '';
  return closeDelimited && connections === 1 && /^(audio\/(mpeg|aacp?)|video\/(mp2t|mpeg))\b/i.test(type);
}
