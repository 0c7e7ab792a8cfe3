/**
 * One key's place in the cache: finds what is stored, keeps it current, and gives every request its reader.
 *
 * An entry has one fill that requests share (collapsed forwarding, RFC 9111 §4). Where the origin's representation has
 * changed, a new fill takes its place, and the old one is read to its end by those who have it. Where parts can't be
 * combined, a request gets a fill of its own. An entry that nobody reads for a while lets go of its object.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { ErrandProgress } from '../fill/errands.ts';
import { FillFailed } from '../fill/failure.ts';
import type { Fill } from '../fill/fill.ts';
import type { ReadAheadAllowance } from '../fill/read-ahead-allowance.ts';
import type { Reader } from '../fill/reader.ts';
import { type Freshness, mustRevalidate } from '../http/freshness.ts';
import type { Representation } from '../http/representation.ts';
import type { Held } from '../origin/origin.ts';
import { type ObjectLabel, type ObjectName, type Store, StoreError, type StoreObject } from '../store/store.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Asking } from './asking.ts';
import { Attendance } from './attendance.ts';
import { restore } from './restore.ts';
import type { Verdict } from './revalidate.ts';
import type { Visit, Wanted } from './visit.ts';

/** An origin whose representation changes under every new fill is given up after this many. */
const mostFills = 4;

/** What an entry needs of the cache. */
export interface EntryParts {
  readonly objectName: ObjectName;
  readonly label: ObjectLabel;
  readonly store: Store;
  readonly clock: Clock;
  readonly asking: Asking;
  /** Whether what is stored is served on when the origin says that it is gone. */
  readonly keepDeleted: boolean;
  /** `shared: false` for a fill that brings its bytes to one request only. */
  makeFill(object: StoreObject | null, shared: boolean): Fill;
  freshness(representation: Representation): Freshness;
  /** Asks the origin whether what is stored is current; `held` is what there is of it. */
  revalidate(representation: Representation, held: Held | undefined): Promise<Verdict>;
  /** The entry is empty and closed. */
  forget(): void;
}

export class Entry {
  readonly #parts: EntryParts;
  /** Fills that are read to their end, but which no new request joins. */
  readonly #aside = new Set<Fill>();
  #opening: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #fill: Fill | null = null;
  #revalidating: Promise<void> | null = null;
  #closed = false;
  readonly #attendance: Attendance;

  constructor(parts: EntryParts) {
    this.#parts = parts;
    this.#attendance = new Attendance(parts.clock, () => this.#retire());
  }

  /** In whose words the origin is asked. */
  get asking(): Asking {
    return this.#parts.asking;
  }

  get objectName(): ObjectName {
    return this.#parts.objectName;
  }

  get label(): ObjectLabel {
    return this.#parts.label;
  }

  /** When somebody asked for it last, in wall-clock time. */
  get usedAt(): number {
    return this.#attendance.usedAt;
  }

  /** The fill that a new request would join. */
  get current(): Fill | null {
    return this.#fill;
  }

  /** That one first, then those that are read to their end. */
  get fills(): Fill[] {
    return [...(this.#fill === null ? [] : [this.#fill]), ...this.#aside];
  }

  /**
   * Waits for the representation, lets `choose` say which bytes of it are wanted (`null`: none), and waits for the
   * first of them. `hint` is where to begin while the representation is unknown. Rejects with `FillFailed`, or with
   * the signal's reason. What is fetched ahead of the reader counts towards its client's `allowance`.
   */
  async visit(
    hint: Wanted,
    choose: (representation: Representation) => Wanted | null,
    signal: AbortSignal,
    allowance?: ReadAheadAllowance,
  ): Promise<Visit> {
    this.#attendance.arrive();
    try {
      let alone = false;
      let wanted = hint;
      const noted = (representation: Representation) => {
        const range = choose(representation);
        wanted = range ?? wanted;
        return range;
      };
      for (let fills = 1; ; fills += 1) {
        const [fill, asked] = alone
          ? ([this.#setAside(this.#parts.makeFill(null, false)), false] as const)
          : await this.#current(signal);
        const reader = fill.join(wanted.start, wanted.end, allowance);
        reader.waited = asked;
        try {
          return await this.#waitIn(fill, reader, noted, signal);
        } catch (error) {
          reader.leave();
          this.#closeIfDone(fill);
          if (!(error instanceof FillFailed) || fills === mostFills) throw error;
          const { kind } = error.failure;
          if (kind !== 'changed' && kind !== 'uncombinable') throw error;
          // A fill that begins at the start, and runs to the end, serves more than this request.
          if (kind === 'uncombinable' && wanted.start === 0 && !alone && fills === 1) this.#replace(fill);
          else if (kind === 'uncombinable') alone = true;
          else wanted = hint;
        }
      }
    } catch (error) {
      this.#attendance.leave();
      throw error;
    }
  }

  /** Brings ranges in without a reader. Rejects with `FillFailed`, or with the signal's reason. */
  async warm(
    ranges: readonly ByteRange[],
    onProgress: (progress: ErrandProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    this.#attendance.arrive();
    try {
      const [fill] = await this.#current(signal);
      await fill.warm(ranges, { onProgress, signal });
    } finally {
      this.#attendance.leave();
    }
  }

  /** Stops every fill and lets go of what is stored, after making it durable. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#attendance.close();
    await this.#opening?.catch(() => {});
    await Promise.all(this.fills.map((fill) => fill.close()));
    await this.#closing;
  }

  /**
   * Forgets what is held. Those who read it read on through what is present; nobody finds it any more. Rejects with a
   * `StoreError` where the store can't forget.
   */
  async purge(): Promise<void> {
    await this.#opening?.catch(() => {});
    const fill = this.#fill;
    this.#fill = null;
    const removed = this.#parts.store.remove(this.#parts.objectName);
    fill?.supersede();
    if (fill !== null) this.#closeIfDone(this.#setAside(fill));
    await removed;
  }

  async #waitIn(
    fill: Fill,
    reader: Reader,
    choose: (representation: Representation) => Wanted | null,
    signal: AbortSignal,
  ): Promise<Visit> {
    const knownBefore = fill.known !== null;
    const collapsed = fill.busy;
    const representation = await reader.representation(signal);
    const range = choose(representation);
    const presence =
      range === null ? 'all' : fill.presence({ start: range.start, end: range.end ?? Number.POSITIVE_INFINITY });
    if (range === null) {
      reader.aim({ start: 0, end: 0 });
    } else {
      // A live stream has no beginning: whoever comes later joins it where it is now.
      if (!fill.canGive(range)) throw new FillFailed({ kind: 'uncombinable' }, fill.state.phase);
      reader.aim({ start: fill.frontier ?? range.start, end: range.end });
      await reader.arrival(signal);
    }
    const freshFor = this.#parts.freshness(representation).until - this.#parts.clock.wallTime();
    const results = { all: freshFor > 0 ? 'hit' : 'stale', some: 'partial', none: 'miss' } as const;
    return {
      representation,
      reader,
      fill,
      collapsed,
      ttl: Math.floor(freshFor / 1000),
      patience: fill.patience,
      cache: fill.passing ? 'pass' : knownBefore ? results[presence] : 'miss',
      leave: () => {
        reader.leave();
        this.#closeIfDone(fill);
        this.#attendance.leave();
      },
    };
  }

  /** The fill that requests share now; a stale one is asked about first, and whether that was waited for. */
  async #current(signal: AbortSignal): Promise<readonly [fill: Fill, asked: boolean]> {
    this.#opening ??= this.#restore();
    await untilAborted(this.#opening, signal);
    const fill = this.#usable();
    if (fill.known === null) return [fill, false];
    const { until, askFirst } = this.#parts.freshness(fill.known);
    if (until > this.#parts.clock.wallTime()) return [fill, false];
    this.#revalidating ??= this.#revalidate(fill).finally(() => {
      this.#revalidating = null;
    });
    if (askFirst) await untilAborted(this.#revalidating, signal);
    else this.#revalidating.catch(() => {});
    return [this.#usable(), askFirst];
  }

  #usable(): Fill {
    if (this.#fill !== null && !this.#fill.reusable && this.#fill.frontier === null) this.#replace(this.#fill);
    this.#fill ??= this.#parts.makeFill(null, true);
    return this.#fill;
  }

  /** Who comes from now on gets another fill. */
  #replace(fill: Fill): void {
    if (this.#fill !== fill) return;
    this.#forgetStored();
    this.#setAside(fill);
    this.#closeIfDone(fill);
    this.#fill = null;
  }

  async #restore(): Promise<void> {
    await this.#closing;
    const { store, objectName } = this.#parts;
    let fill: Fill | null = null;
    const object = await restore(store, objectName, (range) => fill?.lose(range));
    fill = this.#parts.makeFill(object, true);
    this.#fill = fill;
  }

  async #revalidate(fill: Fill): Promise<void> {
    const { known } = fill;
    if (known === null) return;
    const verdict = await this.#parts.revalidate(known, fill.held);
    switch (verdict.kind) {
      case 'current':
        return fill.describe(verdict.representation);
      case 'changed':
        return this.#supersede(fill);
      case 'gone':
        return this.#parts.keepDeleted ? undefined : this.#supersede(fill);
      case 'unknown':
        if (mustRevalidate(known)) throw new FillFailed({ kind: 'error', error: unasked() });
    }
  }

  /** Those who read it read on; nobody finds it any more, after a restart neither. */
  #supersede(fill: Fill): void {
    fill.supersede();
    // The answer may come late: then a newer version lies under the same name.
    if (this.#fill === fill) this.#forgetStored();
  }

  #forgetStored(): void {
    this.#parts.store.remove(this.#parts.objectName).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
  }

  #setAside(fill: Fill): Fill {
    this.#aside.add(fill);
    return fill;
  }

  #closeIfDone(fill: Fill): void {
    if (fill.readers > 0 || this.#closed || !this.#aside.delete(fill)) return;
    fill.supersede();
    this.#closing = Promise.all([this.#closing, fill.close()]).then(() => {});
  }

  #retire(): void {
    if ((this.#fill?.readers ?? 0) > 0 || this.#fill?.engaged || this.#revalidating !== null) {
      this.#attendance.wait();
      return;
    }
    const fill = this.#fill;
    this.#fill = null;
    this.#opening = null;
    this.#closing = Promise.all([this.#closing, fill?.close()]).then(() => {
      if (this.#attendance.deserted && this.#opening === null) this.#parts.forget();
    });
  }
}

function unasked(): ProxyError {
  const message = 'The origin forbids serving this unasked once it is stale, and could not be asked.';
  return new ProxyError('connection_timeout', message, { setting: 'firstByteTimeout' });
}
