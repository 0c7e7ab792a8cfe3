/**
 * The players of the benches, a process of its own: connections that read films, each as fast as it may.
 *
 * It reads into one buffer that all connections share, and looks at the bytes only when asked to, so that it costs
 * little beside what it measures. All times are milliseconds from the start of the connection.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { answerAsked } from './channel.ts';
import { isFilm } from './content.ts';

export interface Job {
  /** Of the film, with scheme, host and port; where there are several `titles`, `TITLE` in it is the number of one. */
  readonly url: string;
  /** How many films are asked for, in turn. */
  readonly titles?: number;
  /** Asks for parts of so many bytes, at places all over a film of the size `of`. */
  readonly parts?: { readonly length: number; readonly of: number };
  readonly connections: number;
  /** Milliseconds between the starts of two connections. */
  readonly stagger?: number;
  /** Where in the film it begins; at its start unless given. */
  readonly start?: number;
  /** Leaves when it has so many bytes. */
  readonly enough?: number;
  /** Bytes a second that each connection reads at most. */
  readonly rate?: number;
  /** Asks again and again for so many milliseconds; without it each connection asks once. */
  readonly duration?: number;
  /** Asks again and again, all connections together so many times. */
  readonly replies?: number;
  /** Where a reply is cut, asks for the rest at once on a new connection. */
  readonly reconnect?: boolean;
  /** Compares every byte. */
  readonly verify?: boolean;
}

/** What one connection saw. */
export interface Seen {
  status: number;
  /** When the first byte of a body came; `null`: never. */
  firstByteAt: number | null;
  doneAt: number;
  /** The longest time between two reads of a body. */
  pause: number;
  bytes: number;
  /** Replies that came to their end. */
  replies: number;
  /** How far it was ever behind one who plays at its `rate` from the first byte on, in milliseconds. */
  late: number;
  /** Whether the last reply came to its end. */
  whole: boolean;
  wrong: boolean;
}

export interface JobResult {
  /** Milliseconds from the first start to the last end. */
  readonly elapsed: number;
  readonly bytes: number;
  readonly seen: readonly Seen[];
}

const buffer = Buffer.allocUnsafeSlow(256 * 1024);
const open = new Set<Player>();
let bytesRead = 0;
/** Requests so far, of all players. */
let asked = 0;

class Player {
  readonly seen: Seen = {
    status: 0,
    firstByteAt: null,
    doneAt: 0,
    pause: 0,
    bytes: 0,
    replies: 0,
    late: 0,
    whole: false,
    wrong: false,
  };
  readonly #job: Job;
  readonly #url: URL;
  #socket: Socket;
  readonly #startedAt = performance.now();
  /** What is left to be asked for by all connections of the job. */
  readonly #rest: { replies: number };
  readonly #onDone: () => void;
  #head: string | null = '';
  #lastAt: number | null = null;
  #offset = 0;
  #end = 0;

  constructor(job: Job, rest: { replies: number }, onDone: () => void) {
    this.#job = job;
    this.#rest = rest;
    this.#url = new URL(job.url);
    this.#onDone = onDone;
    this.#socket = this.#connect();
    this.#ask(job.start);
    open.add(this);
  }

  end(): void {
    if (!open.delete(this)) return;
    this.seen.doneAt = this.#age;
    this.#socket.destroy();
    this.#onDone();
  }

  get #age(): number {
    return performance.now() - this.#startedAt;
  }

  #connect(): Socket {
    const { hostname, port } = this.#url;
    const socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: { buffer, callback: (count) => this.#take(buffer.subarray(0, count)) },
    });
    socket.on('error', () => {});
    socket.on('close', () => this.#closed());
    return socket;
  }

  #closed(): void {
    const isCut = this.#head === null && this.#offset < this.#end;
    if (open.has(this) && isCut && this.#job.reconnect === true) {
      this.#socket = this.#connect();
      this.#ask(this.#offset);
    } else {
      this.end();
    }
  }

  #ask(start = 0): void {
    const { host, pathname, search } = this.#url;
    const { titles = 1, parts } = this.#job;
    const number = asked;
    asked += 1;
    const path = pathname.replace('TITLE', String(number % titles));
    const from = parts === undefined ? start : placeOf(number, parts);
    const to = parts === undefined ? '' : from + parts.length - 1;
    const range = from === 0 && to === '' ? '' : `Range: bytes=${from}-${to}\r\n`;
    this.#head = '';
    this.#offset = from;
    this.#socket.write(`GET ${path}${search} HTTP/1.1\r\nHost: ${host}\r\n${range}\r\n`);
  }

  /** Whether to read on at once. */
  #take(bytes: Buffer): boolean {
    const body = this.#head === null ? bytes : this.#takeHead(this.#head, bytes);
    if (this.#head === null) this.#takeBody(body);
    return open.has(this) && this.#isDue();
  }

  #takeHead(begun: string, bytes: Buffer): Buffer {
    const text = begun + bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    this.#head = end === -1 ? text : null;
    if (end === -1) return bytes;
    this.seen.status = Number(text.slice(9, 12));
    this.#end = this.#offset + Number(/^content-length: *(\d+)/im.exec(text.slice(0, end))?.[1]);
    return bytes.subarray(end + 4 - begun.length);
  }

  #takeBody(body: Buffer): void {
    if (body.length > 0) {
      const now = this.#age;
      this.seen.firstByteAt ??= now;
      this.seen.pause = Math.max(this.seen.pause, now - (this.#lastAt ?? now));
      this.#lastAt = now;
      const { rate } = this.#job;
      if (rate !== undefined) {
        const playedAt = this.seen.firstByteAt + (this.seen.bytes / rate) * 1000;
        this.seen.late = Math.max(this.seen.late, now - playedAt);
      }
    }
    if (this.#job.verify === true && !isFilm(body, this.#offset)) this.seen.wrong = true;
    this.#offset += body.length;
    this.seen.bytes += body.length;
    bytesRead += body.length;
    this.seen.whole = this.#offset === this.#end;
    if (this.seen.whole) this.seen.replies += 1;
    const { duration, enough = Number.POSITIVE_INFINITY } = this.#job;
    const late = (duration !== undefined && this.#age >= duration) || this.seen.bytes >= enough;
    if (late || (this.seen.whole && duration === undefined && this.#rest.replies === 0)) {
      this.end();
    } else if (this.seen.whole) {
      this.#rest.replies -= 1;
      this.#ask();
    }
  }

  #isDue(): boolean {
    const { rate } = this.#job;
    const early = rate === undefined ? 0 : (this.seen.bytes / rate) * 1000 - this.#age;
    if (early < 1) return true;
    setTimeout(() => this.#socket.resume(), early);
    return false;
  }
}

/** Another place for each number, all over the film: the steps are of no use to who reads ahead. */
function placeOf(number: number, { length, of }: { readonly length: number; readonly of: number }): number {
  const places = Math.floor(of / length);
  return ((number * 7919) % places) * length;
}

async function run(job: Job): Promise<JobResult> {
  const startedAt = performance.now();
  const players: Player[] = [];
  const asks = { replies: Math.max(0, (job.replies ?? 0) - job.connections) };
  await new Promise<void>((resolve) => {
    let rest = job.connections;
    const start = () => {
      players.push(
        new Player(job, asks, () => {
          rest -= 1;
          if (rest === 0) resolve();
        }),
      );
      if (players.length < job.connections) setTimeout(start, job.stagger ?? 0);
    };
    start();
  });
  const elapsed = performance.now() - startedAt;
  return { elapsed, bytes: players.reduce((sum, { seen }) => sum + seen.bytes, 0), seen: players.map((p) => p.seen) };
}

answerAsked({
  run,
  /** All that was read since this process began. */
  bytes: async () => bytesRead,
  /** Every connection leaves now. */
  leave: async () => {
    for (const player of open) player.end();
  },
});
