/** One request of a test's client and its reply: what came, when it came, and how it ended. */
import type { Clock } from '../../src/clock.ts';
import type { Fields } from '../../src/http/fields.ts';
import type { Film } from './film.ts';
import { type ReplyHead, ReplyParser } from './reply-parser.ts';

/** `complete` as its framing promised; `cut` short by the other side; `left` by the client itself. */
export type Outcome = 'complete' | 'cut' | 'left';

/** What the body of a 200 or 206 must be; one that tells it by the head; `null` for anything. */
export type Expected = Film | null | ((exchange: Exchange) => Film | null);

/** Times on the test's clock; `null` for what never came. */
export interface ArrivalTimes {
  readonly sentAt: number;
  /** The first byte of any kind, a patience byte too. */
  firstByteAt: number | null;
  headAt: number | null;
  firstBodyAt: number | null;
  lastByteAt: number | null;
  endAt: number | null;
}

/** Bodies up to this size are kept, for `text`. */
const keptSize = 64 * 1024;

export class Exchange {
  readonly method: string;
  readonly times: ArrivalTimes;
  /** What came before the head was whole, read by read: patience shows here. */
  readonly headReads: Array<{ readonly at: number; readonly text: string }> = [];
  /** Heads of 1xx replies that came before the final one. */
  readonly interim: ReplyHead[] = [];
  readonly #clock: Clock;
  readonly #film: Expected;
  #expected: Film | null = null;
  readonly #parser: ReplyParser;
  readonly #kept: Buffer[] = [];
  readonly #watchers = new Set<() => void>();
  #head: ReplyHead | null = null;
  #bodyStart = 0;
  #bodyBytes = 0;
  #outcome: Outcome | null = null;
  #error: unknown = null;

  constructor(method: string, clock: Clock, film: Expected) {
    this.method = method;
    this.#clock = clock;
    this.#film = film;
    this.times = {
      sentAt: clock.now(),
      firstByteAt: null,
      headAt: null,
      firstBodyAt: null,
      lastByteAt: null,
      endAt: null,
    };
    this.#parser = new ReplyParser(method, {
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#onBody(bytes),
    });
  }

  /** Throws an `Error` where no head has come. */
  get head(): ReplyHead {
    if (this.#head === null) throw new Error('No head has come.');
    return this.#head;
  }

  /** `null` while no head has come. */
  get status(): number | null {
    return this.#head?.status ?? null;
  }

  get fields(): Fields {
    return this.head.fields;
  }

  /** The value of a field, duplicates joined (RFC 9110 §5.3); `null` where there is none. */
  field(name: string): string | null {
    const values = this.head.fields.filter(([given]) => given === name).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  }

  /** Bytes of the body so far. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** The body as text; only the beginning of one longer than 64 KiB. */
  get text(): string {
    return this.content.toString('utf8');
  }

  /** The body; only the beginning of one longer than 64 KiB. */
  get content(): Buffer {
    return Buffer.concat(this.#kept);
  }

  /** `null` while the reply is under way. */
  get outcome(): Outcome | null {
    return this.#outcome;
  }

  /** Whether the connection's end would be the end of this reply, too. */
  get endsWithConnection(): boolean {
    return this.#parser.endsWithConnection;
  }

  /** Milliseconds from asking to the first byte of the body; `null` where none came. */
  get firstByteAfter(): number | null {
    return this.times.firstBodyAt === null ? null : this.times.firstBodyAt - this.times.sentAt;
  }

  /** Resolves with the outcome; rejects where a byte was wrong or the reply was no HTTP. */
  async done(): Promise<Outcome> {
    await this.#until(() => this.#outcome !== null);
    return this.#outcome ?? 'cut';
  }

  /** Resolves when the head is there; rejects where the connection ended without one. */
  async headed(): Promise<ReplyHead> {
    await this.#until(() => this.#head !== null);
    return this.head;
  }

  /** Resolves when `bytes` of the body are there; rejects where it ended before. */
  async received(bytes: number): Promise<void> {
    await this.#until(() => this.#bodyBytes >= bytes);
    if (this.#bodyBytes < bytes) throw new Error(`The reply was over after ${this.#bodyBytes} of ${bytes} bytes.`);
  }

  /** For the client: takes bytes off the wire; returns those behind the end of this reply. */
  read(bytes: Buffer): Buffer {
    const at = this.#clock.now();
    this.times.firstByteAt ??= at;
    this.times.lastByteAt = at;
    if (this.#head === null) this.headReads.push({ at, text: bytes.toString('latin1', 0, keptSize) });
    const behind = this.#parser.read(bytes);
    if (this.#parser.complete) this.finish('complete');
    this.#wake();
    return behind;
  }

  /** For the client: the reply is over; `error` where it was wrong. */
  finish(outcome: Outcome, error: unknown = null): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    this.#error = error;
    this.times.endAt = this.#clock.now();
    this.#wake();
  }

  #onHead(head: ReplyHead): void {
    if (head.status < 200) {
      this.interim.push(head);
      return;
    }
    this.#head = head;
    this.times.headAt = this.#clock.now();
    this.#expected = typeof this.#film === 'function' ? this.#film(this) : this.#film;
    const range = /^bytes (\d+)-/.exec(this.field('content-range') ?? '');
    this.#bodyStart = head.status === 206 ? Number(range?.[1] ?? 0) : 0;
  }

  #onBody(bytes: Buffer): void {
    this.times.firstBodyAt ??= this.#clock.now();
    if (this.#bodyBytes + bytes.length <= keptSize) this.#kept.push(bytes);
    if (this.#isFilm) {
      this.#expected?.assertBytes(this.#bodyStart + this.#bodyBytes, bytes);
    }
    this.#bodyBytes += bytes.length;
  }

  /** Whether it says that it is the film, or a part of it. */
  get #isFilm(): boolean {
    const { status } = this.head;
    return status === 200 || status === 206 || (status < 300 && this.field('content-type') === 'video/mp4');
  }

  /** Resolves when `reached`, or when the reply is over; rejects where that was an error. */
  async #until(reached: () => boolean): Promise<void> {
    while (!reached() && this.#outcome === null) {
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
    if (this.#error !== null) throw this.#error;
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
    this.#watchers.clear();
  }
}
