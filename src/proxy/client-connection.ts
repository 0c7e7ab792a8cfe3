/**
 * One client's connection: its requests are answered one after another, in the order in which they came.
 *
 * A request that was pipelined behind another one (RFC 9112 §9.3.2) waits for its turn before anything is done for it.
 * So a connection costs one reply at a time, however many requests it sends at once. It also knows since when its client
 * has done nothing, so that it can be closed when others need a connection.
 */
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { SessionReader } from '../cache/read-session.ts';
import type { Clock } from '../clock.ts';

/** So many requests may be unanswered: no more are answered on a connection that has sent more. */
const mostOwed = 100;

/** The client left. Made once: every client does, and an error with a stack takes longer than all else that its end brings. */
const clientGone = Object.assign(new Error(), { name: 'ClientGone' });

type MaybeSocket = Duplex & { resetAndDestroy?(): unknown };

export class ClientConnection {
  readonly #socket: MaybeSocket;
  readonly #clock: Clock;
  readonly #gone = new AbortController();
  readonly #waiting: Array<() => void> = [];
  /** The replies that are due or under way, in their order. */
  readonly #owed = new Set<ServerResponse>();
  #hasAsked = false;
  #reader: Pick<SessionReader, 'waitingSince'> | null = null;
  #activeAt: number;
  /** Called when it begins to owe a reply, and when it owes none any more. */
  onTurn: () => void = () => {};

  constructor(socket: Duplex, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#activeAt = clock.now();
    const leave = () => {
      this.#gone.abort(clientGone);
      for (const begin of this.#waiting.splice(0)) begin();
    };
    socket.once('close', leave);
    // `node:http` answers an end with one of its own, and throws away what is written after that. A client may have shut
    // down its own side only: no reply may then look complete to it that is not.
    socket.prependOnceListener('end', () => {
      const [current] = this.#owed;
      if (current?.writableEnded === false) reset(socket);
      leave();
    });
  }

  /** Aborts when the connection is closed, or when the client has said that it will send no more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether a reply is due or under way, so that nothing else may be written. */
  get owes(): boolean {
    return this.#owed.size > 0;
  }

  /** Whether it has sent as many requests as will be answered at a time. */
  get overdrawn(): boolean {
    return this.#owed.size >= mostOwed;
  }

  /** Resolves when no reply is due or under way any more, or when the client has gone. */
  async answered(): Promise<void> {
    while (this.owes && !this.gone.aborted) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Whether a request has ever come on it. */
  get hasAsked(): boolean {
    return this.#hasAsked;
  }

  /** When a reply last began, ended or progressed, in monotonic milliseconds. */
  get activeAt(): number {
    return this.#activeAt;
  }

  /** Since when its client has taken nothing of a reply; `null` where the reply does not wait for the client. */
  get stalledSince(): number | null {
    return this.#reader === null || this.#reader.waitingSince !== null ? null : this.#activeAt;
  }

  /** Resolves when it is the turn of this reply, or when the client has gone; `null` where it is already. */
  turnOf(response: ServerResponse): Promise<void> | null {
    const first = this.#owed.size === 0;
    this.#owed.add(response);
    this.#hasAsked = true;
    if (first) this.#turned();
    response.on('close', () => {
      this.#owed.delete(response);
      this.#reader = null;
      this.#turned();
      this.#waiting.shift()?.();
    });
    return first ? null : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** From now on the reply is what this reader takes. */
  sends(reader: Pick<SessionReader, 'waitingSince'>): void {
    this.#reader = reader;
    this.progressed();
  }

  /** The client was given bytes. */
  progressed(): void {
    this.#activeAt = this.#clock.now();
  }

  /** Closes it: by a reset where a reply is under way, so that the reply does not seem to be complete. */
  close(): void {
    if (this.owes) reset(this.#socket);
    else this.#socket.destroy();
  }

  #turned(): void {
    this.#activeAt = this.#clock.now();
    this.onTurn();
  }
}

/**
 * Closes a connection by a reset, where there is such a thing. Node loses a socket that is reset while the end of what it
 * writes is being sent: it is never closed, and never says so. That one is closed as it is; its reply had its end. Of
 * TLS and of Unix sockets it throws. There a connection is closed as it is, too: TLS ends without its own word for an
 * end (RFC 9112 §9.8), and a Unix socket has none.
 */
export function reset(socket: MaybeSocket): void {
  const isEnding = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished;
  try {
    if (!isEnding) socket.resetAndDestroy?.();
  } catch {
    // It knows no reset.
  }
  socket.destroy();
}

/** Whether the socket writes straight to the system, so that no other code keeps the buffers it is given. */
export function isSystemSocket(socket: Duplex): boolean {
  return socket.constructor === Socket || socket.constructor === TLSSocket;
}
