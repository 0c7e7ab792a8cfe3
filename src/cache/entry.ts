/**
 * The cache's place for one identity. It revalidates what is stored, and gives each request a reader.
 *
 * Requests share one fill (collapsed forwarding, RFC 9111 §4). When the origin has a new representation, a new fill
 * replaces the old one. The new fill begins with the answer that announced the change; clients of the old fill read it
 * to its end. A request gets a fill of its own where parts can't be combined, or where the answer is for one client
 * only. An entry that nobody uses closes its object after a while, or before where many are idle.
 */
import type { ByteRange, OpenRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { JobProgress } from '../fill/background-jobs.ts';
import { FillFailed } from '../fill/failure.ts';
import type { Fill } from '../fill/fill.ts';
import { giveUp, type Opening } from '../fill/opening.ts';
import type { Reader } from '../fill/reader.ts';
import type { Fields } from '../http/fields.ts';
import { type Freshness, mustRevalidate, saysFreshness } from '../http/freshness.ts';
import { type Representation, withoutRedirect } from '../http/representation.ts';
import type { Held } from '../origin/origin.ts';
import type { ObjectLabel, ObjectName } from '../store/store.ts';
import { untilAborted } from '../until-aborted.ts';
import { EntryFills, type EntryFillsParts } from './entry-fills.ts';
import type { IdleEntries, IdleEntry } from './idle-entries.ts';
import type { Aim, ReadSession, SessionClient, WantedBytes } from './read-session.ts';
import type { Verdict } from './revalidate.ts';
import type { UpstreamTarget } from './upstream-target.ts';
import { Visits } from './visits.ts';

/** So many fills are tried for one request, where the representation changes during each. */
const mostFills = 4;

/** An origin that says nothing of freshness is asked no more often than this. */
const betweenConditionsMs = 1000;

/** What an entry needs of the cache. */
export interface EntryParts extends EntryFillsParts {
  readonly label: ObjectLabel;
  readonly clock: Clock;
  readonly upstream: UpstreamTarget;
  readonly idle: Pick<IdleEntries, 'add' | 'delete'>;
  /** Whether a stored object is still served after the origin has said that it is gone. */
  readonly keepDeleted: boolean;
  freshness(representation: Representation): Freshness;
  /**
   * Asks the origin whether the stored representation is current. `held` describes the stored bytes. `wanted` is the
   * range that waiting clients want of another version; `null` where none waits. `said` are the fields of the client that
   * asks first.
   */
  revalidate(
    representation: Representation,
    about: { held: Held | undefined; wanted: OpenRange | null; said: Fields | undefined },
  ): Promise<Verdict>;
  /** Whether other clients have another representation of the target, by `Vary`. */
  readonly isVariant: boolean;
  /** Whether a representation is meant for a client that says so much; where not, another entry has one for it. */
  isMeantFor(representation: Representation, said: Fields): boolean;
  /** Called when the entry is empty and closed. */
  forget(): void;
}

/** The result of a revalidation: a new fill, whether the stored one is confirmed, or a failure and whether only one client may see it. */
type Revalidated =
  | { readonly fill?: Fill; readonly confirmed?: boolean }
  | { readonly failed: FillFailed; readonly exclusive: boolean };

/** The fill that a request joins, and how it was found. */
interface Current {
  readonly fill: Fill;
  /** Whether the request waited for a revalidation. */
  readonly waited: boolean;
  /** Whether the revalidation found another version. */
  readonly changed: boolean;
  /** Whether the origin said that it is current. */
  readonly confirmed: boolean;
  /** Whether this request began the revalidation. */
  readonly first: boolean;
}

/** The fill that a request has joined, with its reader. */
type Joined = Current & { readonly reader: Reader };

/** How it stood with what a request wants when it joined. */
interface Found {
  readonly presence: 'all' | 'some' | 'none';
  readonly knownBefore: boolean;
  /** Whether the origin was being asked already. */
  readonly collapsed: boolean;
}

const nothing: ByteRange = { start: 0, end: 0 };

const unasked = { waited: false, changed: false, confirmed: false, first: false } as const;

export class Entry implements IdleEntry {
  readonly #parts: EntryParts;
  readonly #fills: EntryFills;
  #revalidating: Promise<Revalidated> | null = null;
  /** How many requests wait for the revalidation. */
  #awaiting = 0;
  /** Keeps the new fill in use until each of those requests has its own reader. */
  #placeholder: Reader | null = null;
  /** The freshness of what was asked for last. */
  #fresh: (Freshness & { readonly of: Representation }) | null = null;
  readonly #visits: Visits;

  constructor(parts: EntryParts) {
    this.#parts = parts;
    this.#fills = new EntryFills(parts);
    this.#visits = new Visits(parts.clock);
    parts.idle.add(this);
  }

  /** What is requested from the origin. */
  get upstream(): UpstreamTarget {
    return this.#parts.upstream;
  }

  get objectName(): ObjectName {
    return this.#parts.objectName;
  }

  get label(): ObjectLabel {
    return this.#parts.label;
  }

  /** Whether others have another representation of the target, by `Vary`. */
  get isVariant(): boolean {
    return this.#parts.isVariant;
  }

  /** When it was used last, in wall-clock time. */
  get usedAt(): number {
    return this.#visits.usedAt;
  }

  /** The fill that a new request would join. */
  get current(): Fill | null {
    return this.#fills.current;
  }

  /** The current fill first, then the fills that clients read to their end. */
  get fills(): Fill[] {
    return this.#fills.all;
  }

  /**
   * Waits for the representation, lets `choose` say which bytes of it are wanted (`null`: none), and waits for the
   * first of them. `hint` is what is wanted while the representation is unknown: an empty range for the head alone.
   * Rejects with `FillFailed`, or with the signal's reason.
   */
  openSession(hint: Aim, choose: WantedBytes, signal: AbortSignal, client: SessionClient = {}): Promise<ReadSession> {
    this.#arrive();
    return this.#open(hint, choose, signal, client);
  }

  #arrive(): void {
    this.#visits.arrive();
    this.#parts.idle.delete(this);
  }

  #leave(): void {
    this.#visits.leave();
    if (this.#visits.idle && !this.#fills.closed) this.#parts.idle.add(this);
  }

  /** A session of what is known, fresh and present; `null` where something has to be asked, or waited for. */
  openNow(choose: WantedBytes, client: SessionClient = {}): ReadSession | null {
    void this.#fills.open();
    const fill = this.#fills.current;
    if (fill === null || !fill.reusable || fill.frontier !== null) return null;
    const { known } = fill;
    if (known === null || !this.#isMeant(known, client.said) || !this.#mayServe(known, client)) return null;
    const range = choose(known);
    if (range !== null && presenceOf(fill, range) !== 'all') return null;
    this.#arrive();
    const reader = this.#join(fill, range ?? nothing, client, false);
    return this.#sessionOf({ fill, reader, ...unasked }, known, {
      presence: 'all',
      knownBefore: true,
      collapsed: fill.busy,
    });
  }

  async #open(hint: Aim, choose: WantedBytes, signal: AbortSignal, client: SessionClient): Promise<ReadSession> {
    try {
      let alone = false;
      let wanted: Aim = hint;
      const noted = (representation: Representation) => {
        const range = choose(representation);
        wanted = range ?? wanted;
        return range;
      };
      for (let fills = 1; ; fills += 1) {
        const join = ({ fill, ...asked }: Current) => {
          return { fill, reader: this.#join(fill, wanted, client, asked.waited), ...asked };
        };
        let joined: ReturnType<typeof join> | null = null;
        try {
          joined = alone
            ? join({ fill: this.#fills.beginAlone(), ...unasked })
            : await this.#inCurrent((known) => wantedOfAnother(known, choose) ?? hint, join, signal, client);
          return await this.#waitIn(joined, noted, signal, client);
        } catch (error) {
          joined?.reader.leave();
          if (joined !== null) this.#fills.closeIfDone(joined.fill);
          if (!(error instanceof FillFailed) || fills === mostFills) throw error;
          const { kind } = error.failure;
          if (kind !== 'changed' && kind !== 'uncombinable' && kind !== 'exclusive') throw error;
          const isFromStart = wanted.start === 0 && !alone && fills === 1;
          // A fill from the start to the end also serves other requests.
          if (kind === 'uncombinable' && joined !== null && isFromStart) this.#fills.replace(joined.fill);
          else if (kind !== 'changed') alone = true;
          else wanted = hint;
        }
      }
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #join(fill: Fill, { start: position, end, suffix }: Aim, client: SessionClient, waited: boolean): Reader {
    const { allowance, said, askedAt } = client;
    return fill.join({ position, end, suffix, allowance, said, askedAt, waited });
  }

  /** Downloads ranges without a reader. Rejects with `FillFailed`, or with the signal's reason. */
  async warm(
    ranges: readonly ByteRange[],
    onProgress: (progress: JobProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    this.#arrive();
    try {
      const [first] = ranges;
      const wanted = { start: first?.start ?? 0, end: first?.end ?? null };
      const warm = ({ fill }: Current) => fill.warm(ranges, { onProgress, signal });
      await this.#inCurrent(() => wanted, warm, signal);
    } finally {
      this.#leave();
    }
  }

  /** Stops every fill, makes its bytes durable and closes the object. */
  close(): Promise<void> {
    this.#parts.idle.delete(this);
    return this.#fills.close();
  }

  /**
   * Removes the stored object. Its readers continue with the bytes that are present; new requests do not find it.
   * Rejects with a `StoreError` where the store can't remove it.
   */
  purge(): Promise<void> {
    return this.#fills.purge();
  }

  async #waitIn(
    joined: Joined,
    choose: WantedBytes,
    signal: AbortSignal,
    { said, isStoredOnly }: SessionClient,
  ): Promise<ReadSession> {
    const { fill, reader, changed, first } = joined;
    const knownBefore = fill.known !== null && !changed;
    const collapsed = fill.busy && !first;
    const representation = await reader.representation(signal);
    this.#assertMeant(representation, said);
    const range = choose(representation);
    const presence = range === null ? 'all' : presenceOf(fill, range);
    if (isStoredOnly && presence !== 'all') throw uncached();
    if (range === null) {
      reader.aim(nothing);
    } else {
      // A live stream has no beginning: a reader that comes later joins it where it is now.
      if (!fill.canGive(range)) throw new FillFailed({ kind: 'uncombinable' }, fill.phase);
      reader.aim({ start: fill.frontier ?? range.start, end: range.end });
      await reader.arrival(signal);
    }
    return this.#sessionOf(joined, representation, { presence, knownBefore, collapsed });
  }

  #sessionOf(
    { fill, reader, confirmed }: Joined,
    representation: Representation,
    { presence, knownBefore, collapsed }: Found,
  ): ReadSession {
    const freshFor = this.#freshness(representation).until - this.#parts.clock.wallTime();
    const whole = freshFor > 0 ? 'hit' : 'stale';
    const result = presence === 'all' ? whole : presence === 'some' ? 'partial' : 'miss';
    return {
      representation,
      reader,
      fill,
      collapsed,
      ttl: Math.floor(freshFor / 1000),
      patience: fill.patience,
      cache: fill.passing ? 'pass' : knownBefore ? result : 'miss',
      isVariant: this.#parts.isVariant,
      // What was confirmed a moment ago is no hit (RFC 9211 §2.1).
      ...(confirmed && presence === 'all' && { forwarded: { fwd: 'stale', status: 304 } as const }),
      leave: () => {
        reader.leave();
        this.#fills.closeIfDone(fill);
        this.#leave();
      },
    };
  }

  /**
   * Calls `use` with the shared fill, in the same tick in which it is known. A stale representation is revalidated
   * before. `wantedOf` says which range is wanted of another version than the known one.
   */
  async #inCurrent<T>(
    wantedOf: (known: Representation) => OpenRange,
    use: (current: Current) => T,
    signal: AbortSignal,
    client: SessionClient = {},
  ): Promise<T> {
    const { said, isStoredOnly } = client;
    const opening = this.#fills.open();
    // Who comes to what is open does not wait for another turn.
    if (this.#fills.current === null) await untilAborted(opening, signal);
    else signal.throwIfAborted();
    const fill = this.#fills.usable();
    if (fill.known === null && isStoredOnly) throw uncached();
    if (fill.known === null) return use({ fill, ...unasked });
    this.#assertMeant(fill.known, said);
    if (this.#mayServe(fill.known, client)) return use({ fill, ...unasked });
    const askFirst = this.#playFreshness(fill.known).behindUntil <= this.#parts.clock.wallTime();
    const first = this.#revalidating === null;
    this.#revalidating ??= this.#revalidate(fill, askFirst ? wantedOf(fill.known) : null, said).finally(() => {
      this.#revalidating = null;
    });
    if (!askFirst) {
      this.#revalidating.catch(() => {});
      return use({ fill: this.#fills.usable(), ...unasked });
    }
    this.#awaiting += 1;
    try {
      const outcome = await untilAborted(this.#revalidating, signal);
      if ('failed' in outcome) throw first || !outcome.exclusive ? outcome.failed : exclusive();
      const { fill: current = this.#fills.usable(), confirmed = false } = outcome;
      return use({ fill: current, waited: true, changed: current !== fill, confirmed, first });
    } finally {
      this.#awaiting -= 1;
      if (this.#awaiting === 0) this.#endWaiting();
    }
  }

  /** Throws `FillFailed` where the representation was chosen for other clients. */
  #assertMeant(representation: Representation, said: Fields | undefined): void {
    if (!this.#isMeant(representation, said)) throw new FillFailed({ kind: 'varied' });
  }

  #isMeant(representation: Representation, said: Fields | undefined): boolean {
    return said === undefined || this.#parts.isMeantFor(representation, said);
  }

  /** Whether the origin need not be asked before it is given, nor while it is. */
  #mayServe(known: Representation, { isStoredOnly }: SessionClient): boolean {
    const isFresh = this.#playFreshness(known).until > this.#parts.clock.wallTime();
    return isFresh || isStoredOnly === true || this.#wasJustAsked(known);
  }

  /** Who reads in small steps what its origin gives no freshness costs that no condition for each step. */
  #wasJustAsked(known: Representation): boolean {
    return this.#parts.clock.wallTime() - known.validatedAt < betweenConditionsMs && !saysFreshness(known);
  }

  /** A redirect that led to it is followed once a play. */
  #playFreshness(known: Representation): Freshness {
    const isOfThisPlay = known.validatedAt >= this.#visits.playedSince;
    return this.#freshness(isOfThisPlay ? withoutRedirect(known) : known);
  }

  #freshness(representation: Representation): Freshness {
    if (this.#fresh?.of !== representation)
      this.#fresh = { of: representation, ...this.#parts.freshness(representation) };
    return this.#fresh;
  }

  #endWaiting(): void {
    this.#placeholder?.leave();
    this.#placeholder = null;
  }

  /** Rejects only for a bug. */
  async #revalidate(fill: Fill, wanted: OpenRange | null, said: Fields | undefined): Promise<Revalidated> {
    const { known } = fill;
    if (known === null) return {};
    const verdict = await this.#parts.revalidate(known, { held: fill.held, wanted, said });
    // A late answer finds everything closed, or a newer version under the same name.
    const isLate = this.#fills.closed || this.#fills.current !== fill;
    if (isLate && verdict.kind === 'changed' && verdict.opening !== null) giveUp(verdict.opening);
    if (isLate) return {};
    switch (verdict.kind) {
      case 'current':
        fill.describe(verdict.representation);
        if (this.#parts.mayShare(verdict.representation)) return { confirmed: true };
        // It belongs to the request that asked first, and to no later one.
        fill.reserve();
        this.#fills.forgetStored();
        return { fill, confirmed: true };
      case 'changed':
        return this.#succeed(fill, verdict.opening);
      case 'gone': {
        if (this.#parts.keepDeleted) return {};
        fill.supersede();
        this.#fills.replace(fill);
        const { status, fields } = verdict.answer;
        const failed = new FillFailed({ kind: 'answer', answer: verdict.answer });
        return { failed, exclusive: !this.#parts.mayShare({ ...known, status, fields }) };
      }
      case 'unknown':
        if (!mustRevalidate(known)) return {};
        return { failed: new FillFailed({ kind: 'error', error: unaskable(verdict.why) }), exclusive: false };
    }
  }

  /**
   * Replaces the fill. Its readers continue; new requests do not find it, also after a restart. The answer that
   * announced the change begins the next fill.
   */
  async #succeed(fill: Fill, opening: Opening | null): Promise<Revalidated> {
    fill.supersede();
    this.#fills.replace(fill);
    if (opening === null) return {};
    const next = this.#fills.begin();
    if (this.#awaiting > 0)
      this.#placeholder = next.join({ position: opening.request.start, end: opening.request.end });
    await next.begin(opening);
    return { fill: next };
  }

  get engaged(): boolean {
    const fill = this.#fills.current;
    return (fill !== null && (fill.readers > 0 || fill.engaged)) || this.#revalidating !== null;
  }

  retire(): void {
    this.#fills.retire(() => {
      if (this.#visits.idle) this.#parts.forget();
    });
  }
}

function presenceOf(fill: Fill, { start, end }: OpenRange): 'all' | 'some' | 'none' {
  return fill.presence({ start, end: end ?? Number.POSITIVE_INFINITY });
}

function unaskable(why: string): ProxyError {
  const message = `The origin forbids serving this unasked once it is stale, and did not confirm it. ${why}`;
  return new ProxyError('connection_timeout', message, { setting: 'firstByteTimeout' });
}

function uncached(): FillFailed {
  return new FillFailed({ kind: 'uncached' });
}

function exclusive(): FillFailed {
  return new FillFailed({ kind: 'exclusive' });
}

/** The range that a request would want of another version, which meets none of its conditions and may be longer. */
function wantedOfAnother(known: Representation, choose: WantedBytes): OpenRange | null {
  const wanted = choose({ ...known, validator: null, fields: [] });
  return wanted?.end === known.length ? { ...wanted, end: null } : wanted;
}
