/**
 * Keeps a player waiting while there is nothing to say yet.
 *
 * Players give up after some seconds of silence, and at once on a 503. But every reply begins with the same nine bytes,
 * `HTTP/1.1 `, and players go on waiting when these arrive one at a time. So a request without a reply gets the first of
 * them after a while, then one at a time, and the head follows without them. They promise no status.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../clock.ts';

const beginning = 'HTTP/1.1 ';

export interface PatiencePolicy {
  /** Milliseconds from a request's acceptance to the first byte; `null`: none is ever sent. */
  readonly patience: number | null;
  /** Milliseconds between two bytes. */
  readonly patienceInterval: number;
}

export class Patience {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #policy: PatiencePolicy;
  #sent = 0;
  #timer: Timer | null = null;
  /** When the first byte went out, in monotonic milliseconds. */
  beganAt: number | null = null;

  constructor(response: ServerResponse, policy: PatiencePolicy, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    this.#policy = policy;
  }

  /**
   * There is nothing to say yet, `waited` milliseconds after the request was accepted, and the replies before it have ended.
   * Clients of HTTP/1.0 may expect another beginning, so they get no patience bytes.
   */
  begin(waited: number): void {
    const { patience } = this.#policy;
    if (patience !== null && this.#response.req.httpVersion === '1.1') this.#arm(Math.max(0, patience - waited));
  }

  /** To be called before the head, or that of an interim reply, is written, and if the client leaves: what is out already is left out of the head. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const { socket } = this.#response;
    if (this.#sent > 0 && socket !== null) dropFirst(socket, this.#sent);
    this.#sent = 0;
  }

  #arm(delay: number): void {
    this.#timer = this.#clock.after(delay, () => {
      this.#sendOne();
      if (this.#sent < beginning.length) this.#arm(this.#policy.patienceInterval);
    });
  }

  #sendOne(): void {
    const { socket } = this.#response;
    if (socket === null || !socket.writable) return;
    this.beganAt ??= this.#clock.now();
    socket.write(beginning.charAt(this.#sent), 'latin1');
    this.#sent += 1;
  }
}

/** Leaves the first `count` bytes out of the next write, which must be the head's; everything after goes as it is. */
function dropFirst(socket: Socket, count: number): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  const once = (data: string | Uint8Array, ...rest: unknown[]): boolean => {
    Reflect.deleteProperty(socket, 'write');
    return write(typeof data === 'string' ? data.slice(count) : data.subarray(count), ...rest);
  };
  Object.defineProperty(socket, 'write', { value: once, configurable: true, writable: true });
}
