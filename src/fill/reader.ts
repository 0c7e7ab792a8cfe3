/**
 * One client's position in one representation.
 *
 * A reader waits (`representation`, `arrival`), takes what is there (`take`), and leaves. Where it stands decides what
 * its fill fetches: the byte that it waits for first, then what lies ahead of it.
 */
import type { ByteRange, OpenRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { Fields } from '../http/fields.ts';
import type { Representation } from '../http/representation.ts';
import type { FilePart } from '../store/store.ts';
import type { Assignment, Waiting } from './deadlines.ts';
import type { FillFailed } from './failure.ts';
import type { Fetch } from './fetch.ts';
import type { ReaderInterest } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import type { Taken } from './presence.ts';
import { ReadAheadAllowance, type ReadAheadShare } from './read-ahead-allowance.ts';
import { playedAfter, ReadingThroughput, readAheadWindow } from './read-ahead-window.ts';
import { readUnit, requestEnd, unitEnd } from './read-unit.ts';
import { stepsWindow, surelyGoesOn } from './steps.ts';
import { RecentThroughput } from './throughput.ts';

/** What a reader needs of its fill. */
export interface ReaderHost {
  readonly clock: Clock;
  readonly policy: FillPolicy;
  /** What the film needs, in bytes a second; `null` where it does not tell. */
  readonly bytesPerSecond: number | null;
  take(reader: Reader, signal: AbortSignal, ahead: boolean): Taken | null;
  useFile(reader: Reader, most: number, use: (part: FilePart) => number): number | null;
  arrival(reader: Reader, signal: AbortSignal): Promise<'bytes' | 'end'>;
  representation(reader: Reader, signal: AbortSignal): Promise<Representation>;
  /** The reader stands in another unit. */
  moved(reader: Reader): void;
  leave(reader: Reader): void;
}

export interface ReaderOptions {
  readonly position: number;
  /** `null` for the end of the representation. */
  readonly end: number | null;
  /** So many bytes from the end are wanted, in place of these, as long as nobody knows where that begins. */
  readonly suffix?: number | undefined;
  /** Its client's; without one it has whatever its window gives. */
  readonly allowance?: ReadAheadAllowance | undefined;
  /** What its client says beside the fields that all clients of the fill have in common. */
  readonly said?: Fields | undefined;
  /** Whether its client has waited already, before there was this reader. */
  readonly waited?: boolean;
  /** When its client asked, in monotonic milliseconds; when it was made where absent. */
  readonly askedAt?: number | undefined;
}

export class Reader implements Waiting {
  readonly #host: ReaderHost;
  readonly #share: ReadAheadShare;
  readonly #reading = new ReadingThroughput();
  readonly #throughput: RecentThroughput;
  #position: number;
  #end: number | null;
  #suffix: number | null;
  /** Whether it goes on where another step ended. */
  #goesOn = false;
  #sequence = 0;
  /** How many of them other steps have read. */
  #before = 0;
  /** When it took the first of them. */
  #sequenceSince: number | null = null;
  #unit = -1;
  /** Bytes that it has taken in all and has not given back. */
  #taken = 0;
  #waited: boolean;
  #waitingSince: number | null = null;
  #assignment: Assignment<Fetch> | null = null;
  #failed: FillFailed | null = null;
  readonly #askedAt: number;
  readonly said: Fields;

  constructor(host: ReaderHost, options: ReaderOptions) {
    const { position, end, suffix, allowance, said = [], waited = false, askedAt = host.clock.now() } = options;
    this.#host = host;
    this.#askedAt = askedAt;
    this.said = said;
    this.#share = (allowance ?? new ReadAheadAllowance(Number.POSITIVE_INFINITY)).share();
    this.#throughput = new RecentThroughput(host.clock);
    this.#position = position;
    this.#end = end;
    this.#suffix = suffix ?? null;
    this.#waited = waited;
  }

  /** The next byte that it will take. */
  get position(): number {
    return this.#position;
  }

  /** Where it will stop; `null` for the end of the representation. */
  get end(): number | null {
    return this.#end;
  }

  /** How many bytes from the end it wants, as long as nobody knows where that begins; `null` for what follows its position. */
  get suffix(): number | null {
    return this.#suffix;
  }

  /** Whether it has taken a byte. */
  get begun(): boolean {
    return this.#taken > 0;
  }

  /** Whether it ever had to wait. */
  get waited(): boolean {
    return this.#waited;
  }

  /** Since when it waits, in monotonic milliseconds; `null` while it does not. */
  get waitingSince(): number | null {
    return this.#waitingSince;
  }

  /** Since when its client has nothing to go on with: for the first byte, since it asked; `null` while it does not wait. */
  get hungrySince(): number | null {
    return this.#waitingSince === null || this.begun ? this.#waitingSince : this.#askedAt;
  }

  get assignment(): Assignment<Fetch> | null {
    return this.#assignment;
  }

  /** Why the byte that it waits for will not come. */
  get failed(): FillFailed | null {
    return this.#failed;
  }

  /** Bytes a second that it takes. */
  get throughput(): number {
    return this.#throughput.now;
  }

  /** Bytes that it has taken one after the other. */
  get sequence(): number {
    return this.#sequence;
  }

  /** For how long it has taken them, in milliseconds. */
  get readsFor(): number {
    return this.#sequenceSince === null ? 0 : this.#host.clock.now() - this.#sequenceSince;
  }

  /** Whether it is no scan: somebody watches. */
  get plays(): boolean {
    return this.#sequence >= playedAfter;
  }

  /** Resolves as soon as the representation is known. Rejects with `FillFailed` or the signal's reason. */
  representation(signal: AbortSignal): Promise<Representation> {
    return this.#host.representation(this, signal);
  }

  /** Resolves as soon as there is something to take, or nothing more. Rejects with `FillFailed` or the signal's reason. */
  arrival(signal: AbortSignal): Promise<'bytes' | 'end'> {
    return this.#host.arrival(this, signal);
  }

  /** The next bytes, if they are present; the reader moves on past them. `signal` ends a wait for the store. */
  take(signal: AbortSignal): Taken | null {
    return this.#take(signal, false);
  }

  /** The same, where those before them are not out yet: none where others may need the memory for them more. */
  takeAhead(signal: AbortSignal): Taken | null {
    return this.#take(signal, true);
  }

  /**
   * Calls `use` before it returns, with the file that holds the next bytes, `most` at most, and moves on past those that
   * it used; returns how many these were. `null` where these bytes can't be had in this way: they can be taken.
   */
  useFile(most: number, use: (part: FilePart) => number): number | null {
    const start = this.#position;
    const used = this.#host.useFile(this, most, use);
    if (used !== null && used > 0) this.#took({ start, end: start + used });
    return used;
  }

  #take(signal: AbortSignal, ahead: boolean): Taken | null {
    const taken = this.#host.take(this, signal, ahead);
    if (taken !== null) this.#took(taken);
    return taken;
  }

  #took({ start, end }: ByteRange): void {
    const bytes = end - start;
    const now = this.#host.clock.now();
    this.#taken += bytes;
    this.#position = end;
    this.#share.took({ start, end });
    this.#sequence += bytes;
    this.#sequenceSince ??= now;
    this.#throughput.add(bytes);
    this.#reading.took(bytes, now);
    this.#moved();
  }

  /** Whether it goes on where another step ended. */
  get goesOn(): boolean {
    return this.#goesOn;
  }

  /** What it has read where that is all that it wanted; `null` where it is not. */
  get stepped(): ByteRange | null {
    if (!this.begun || this.#position !== this.#end) return null;
    return { start: this.#position - (this.#sequence - this.#before), end: this.#position };
  }

  /** It goes on where another step ended, up to which so many bytes were read in sequence. */
  goOn(sequence: number): void {
    this.#goesOn = true;
    this.#before = sequence;
    this.#sequence = sequence;
  }

  /** Turns to another range; what was taken before stays with the caller. */
  aim(range: OpenRange): void {
    if (range.start !== this.#position) {
      this.#assignment = null;
      this.#sequence = 0;
      this.#before = 0;
      this.#sequenceSince = null;
      this.#share.end();
    }
    this.#position = range.start;
    this.#end = range.end;
    this.#suffix = null;
    this.#failed = null;
    this.#moved();
  }

  /** Turns to the bytes from the end that it wants, where it wants these. */
  aimAtEnd(length: number): void {
    if (this.#suffix !== null) this.aim({ start: Math.max(0, length - this.#suffix), end: length });
  }

  /** Goes back, because what had been taken from `position` on did not come. */
  rewind(position: number): void {
    this.#taken -= this.#position - position;
    this.#sequence = Math.max(0, this.#sequence - (this.#position - position));
    this.#share.gaveBack({ start: position, end: this.#position });
    this.#position = position;
    this.#moved();
  }

  /** Nothing more will be asked. Harmless when repeated. */
  leave(): void {
    this.#share.end();
    this.#host.leave(this);
  }

  beginWait(): void {
    this.#failed = null;
    this.#waitingSince = this.#host.clock.now();
  }

  /** What it waits for is not there yet. */
  waits(): void {
    this.#waited = true;
  }

  endWait(): void {
    this.#waitingSince = null;
  }

  /** From now on this fetch shall bring what it waits for; `null`: none does. */
  assign(fetch: Fetch | null): void {
    const { clock } = this.#host;
    this.#assignment = fetch === null ? null : { fetch, since: clock.now(), queuedBefore: fetch.status.queuedFor };
  }

  fail(failed: FillFailed): void {
    this.#failed = failed;
  }

  /** Bytes came in, which count towards its client's allowance as far as they lie in the window that reading gives. */
  received({ start, end }: ByteRange, widest: number): void {
    if (end <= this.#position || start >= this.#position + this.#window(widest)) return;
    this.#share.received({ start: Math.max(start, this.#position), end });
  }

  /** No window is wider than `widest`, in bytes; `deadlineOf` is asked only while it waits for a fetch. */
  interest(widest: number, deadlineOf: (reader: Reader) => number): ReaderInterest<Fetch> {
    const position = this.#position;
    const end = this.#fetchedTo;
    const window = this.#share.grant(Math.min(this.#window(widest), end - position), this.plays);
    const waitsFor = this.#waitingSince === null ? null : (this.#assignment?.fetch ?? null);
    const deadline = waitsFor === null ? Number.NEGATIVE_INFINITY : deadlineOf(this);
    return { position, windowEnd: Math.min(position + window, end), sequence: this.#sequence, end, waitsFor, deadline };
  }

  /** Where what is fetched for it ends. Who goes on in steps will not stop at the end of this one. */
  get #fetchedTo(): number {
    if (this.#end === null || (this.#goesOn && this.#sequence >= surelyGoesOn)) return Number.POSITIVE_INFINITY;
    return this.#waitingSince === null ? unitEnd(this.#end) : requestEnd(this.#position, this.#end);
  }

  #window(widest: number): number {
    const throughput = Math.max(this.#reading.bytesPerSecond, this.#host.bytesPerSecond ?? 0);
    const progress = { sequence: this.#sequence, throughput };
    const window = readAheadWindow(progress, this.#host.policy);
    if (!this.#goesOn) return Math.min(widest, window);
    return Math.min(widest, Math.max(window, Math.min(this.#host.policy.readAhead, stepsWindow(this.#sequence))));
  }

  #moved(): void {
    const unit = Math.floor(this.#position / readUnit);
    if (unit === this.#unit) return;
    this.#unit = unit;
    this.#host.moved(this);
  }
}
