/**
 * One origin request of a cursor: asks, has the head judged, and lands the body, read by read.
 *
 * It ends when the body does, when what follows is present or another's, when it has rested for too long, or when its
 * turn is over and others wait for the connection. Whatever goes wrong is thrown; the cursor decides what comes next.
 */
import { ProxyError } from '../errors.ts';
import type { OriginReply } from '../origin/origin.ts';
import type { Cursor } from './cursor.ts';
import type { CursorHost, FirstByteTimes } from './cursor-host.ts';
import { FillFailed } from './failure.ts';
import { Watchdog } from './watchdog.ts';

/** With others waiting for a connection, a turn ends after so many milliseconds or bytes. */
const turn = { duration: 1000, bytes: 4 * 1024 * 1024 };

/** A body of which no more than this is missing is read to its end although nobody wants it, in bytes. */
const drained = 64 * 1024;

/** Why a transfer came to its end without a failure. */
export type Pause = 'arrived' | 'rested' | 'yielded' | 'ran out';

export class Transfer {
  readonly #cursor: Cursor;
  readonly #host: CursorHost;
  readonly #abort: AbortController;
  readonly #watchdog: Watchdog;
  readonly #landedBefore: number;
  readonly #times: FirstByteTimes;
  /** When the body began, or went on after a pause that was ours. */
  #bodyAt: number | null = null;
  /** Came with bytes that had to be compared. */
  #unread: Buffer | null = null;
  /** Where its body ends, or was asked to end before that is known. */
  until = 0;

  constructor(cursor: Cursor, host: CursorHost, abort: AbortController) {
    this.#cursor = cursor;
    this.#host = host;
    this.#abort = abort;
    this.#watchdog = new Watchdog(host.clock, abort);
    this.#landedBefore = cursor.landed;
    const { position: offset, queuedFor: queued } = cursor;
    const startedAt = host.clock.now();
    this.#times = { offset, queued, startedAt, connectedAt: null, headAt: 0, landedAt: 0 };
  }

  /** Whether its head has been judged. */
  get begun(): boolean {
    return this.#bodyAt !== null;
  }

  /** Bytes a second, or `null` before there are any. */
  get speed(): number | null {
    if (this.#bodyAt === null || this.#landed === 0) return null;
    return (this.#landed * 1000) / Math.max(1, this.#host.clock.now() - this.#bodyAt);
  }

  /** Rejects with `FillFailed`, a `ProxyError`, or the reason of the abort. */
  async run(): Promise<Pause> {
    const { policy } = this.#host;
    this.#watchdog.set((this.#landedBefore > 0 ? 1 : 2) * policy.firstByteTimeout, 'firstByteTimeout');
    let reply: OriginReply | null = null;
    try {
      const request = this.#host.request(this.#cursor);
      this.until = request.end ?? Number.POSITIVE_INFINITY;
      reply = await this.#open(request);
      const { start, end } = await this.#host.judge({ start: request.start, end: request.end }, reply);
      if (start === request.start) await this.#verify(reply, start);
      else this.#cursor.position = start;
      this.until = end ?? Number.POSITIVE_INFINITY;
      this.#bodyAt = this.#host.clock.now();
      this.#cursor.enter('flowing');
      return await this.#read(reply, end);
    } catch (error) {
      throw this.#abort.signal.aborted ? this.#abort.signal.reason : error;
    } finally {
      this.#watchdog.cancel();
      reply?.body.cancel();
    }
  }

  get #landed(): number {
    return this.#cursor.landed - this.#landedBefore;
  }

  async #open(request: ReturnType<CursorHost['request']>): Promise<OriginReply> {
    const { clock, origin } = this.#host;
    // A warm connection is there before `open` returns.
    let opening = true;
    const onConnected = () => {
      if (!opening) this.#times.connectedAt = clock.now();
    };
    const opened = origin.open({ ...request, onConnected }, this.#abort.signal);
    opening = false;
    const reply = await opened;
    this.#times.headAt = clock.now();
    return reply;
  }

  /** Compares what a reply begins with, up to the cursor's position, with what is present. */
  async #verify(reply: OriginReply, start: number): Promise<void> {
    const { position } = this.#cursor;
    for (let offset = start; offset < position; ) {
      const bytes = await reply.body.read();
      if (bytes === null) throw cutShort();
      const overlap = Math.min(bytes.length, position - offset);
      await this.#host.verify(offset, bytes.subarray(0, overlap));
      offset += overlap;
      this.#unread = overlap < bytes.length ? bytes.subarray(overlap) : null;
    }
  }

  async #read(reply: OriginReply, end: number | null): Promise<Pause> {
    const cursor = this.#cursor;
    const host = this.#host;
    for (;;) {
      const reach = host.reach(cursor);
      if (end !== cursor.position && reach.hard <= cursor.position) return 'arrived';
      // Where so little is missing it is read to its end, and the connection can be used again.
      const drains = end !== null && end - cursor.position <= drained;
      if (!drains && reach.edge <= cursor.position) {
        const givesWay = host.slots.contended && (host.resumable || !reach.followed);
        this.#watchdog.cancel();
        if (givesWay || !(await cursor.rest())) return 'rested';
        this.#watchdog.set(host.policy.stallTimeout, 'stallTimeout');
        continue;
      }
      if (!drains && this.#turnIsOver && host.resumable && host.slots.contended) return 'yielded';
      const bytes = this.#unread ?? (await reply.body.read());
      this.#unread = null;
      if (bytes === null) {
        if (end === null) host.bodyEnded(cursor.position, !reply.closeDelimited);
        else if (cursor.position < end) throw cutShort();
        return host.reach(cursor).hard <= cursor.position ? 'arrived' : 'ran out';
      }
      if (end !== null && cursor.position + bytes.length > end) throw tooLong();
      if (await this.#meet(reply, bytes)) return 'arrived';
      await this.#land(bytes);
    }
  }

  /**
   * Where bytes that are present prove more than the validator does, what comes is compared with those that it meets
   * before it lands: else the reader would cross from one version to another. Resolves with whether it ends there.
   */
  async #meet(reply: OriginReply, bytes: Buffer): Promise<boolean> {
    const cursor = this.#cursor;
    const meeting = this.#host.meetingOf(cursor);
    if (meeting === null || cursor.position + bytes.length < meeting.start) return false;
    const { start, end } = meeting;
    let came = bytes.subarray(start - cursor.position);
    for (let offset = start; offset < end; ) {
      const overlap = came.subarray(0, end - offset);
      if (overlap.length > 0) await this.#host.verify(offset, overlap);
      offset += overlap.length;
      if (offset === end) break;
      const more = await reply.body.read();
      if (more === null) break;
      came = more;
    }
    const missing = bytes.subarray(0, start - cursor.position);
    if (missing.length > 0) await this.#land(missing);
    return true;
  }

  get #turnIsOver(): boolean {
    return this.#landed >= turn.bytes || this.#host.clock.now() - (this.#bodyAt ?? 0) >= turn.duration;
  }

  async #land(bytes: Buffer): Promise<void> {
    const { clock, policy } = this.#host;
    const isFirst = this.#landed === 0;
    if (isFirst) this.#times.landedAt = clock.now();
    this.#cursor.came(bytes.length);
    const pressure = this.#host.land(this.#cursor, bytes);
    if (isFirst) this.#host.firstByte(this.#cursor, this.#times);
    if (pressure !== undefined) {
      this.#watchdog.cancel();
      await pressure;
    }
    this.#watchdog.set(policy.stallTimeout, 'stallTimeout');
  }
}

function cutShort(): FillFailed {
  const message = 'The origin ended its body before the length that it had announced.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_response_incomplete', message) });
}

function tooLong(): FillFailed {
  const message = 'The origin sent more bytes than it had announced.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_protocol_error', message) });
}
