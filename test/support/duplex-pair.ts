/**
 * Two ends of a connection that exists only in memory and looks like a pair of sockets to `node:http` and undici.
 *
 * As on a real network, bytes arrive in a later turn of the event loop, as copies, one read for what was written at
 * once; an end that is not read holds 64 KiB, then the writer waits. `end` closes one direction. `destroy` is the
 * kernel's close: the other end sees the end of the stream, or a reset if bytes were left unread, and cannot write
 * any more. `resetAndDestroy` is always a reset. An end that is destroyed, or reset by the other, says 'close' in a later
 * turn, as a socket of the kernel does; what was being written then may never be heard of again. There is no timer:
 * `setTimeout` is accepted and never fires.
 */
import { Duplex } from 'node:stream';
import { bump } from './activity.ts';

const capacity = 64 * 1024;

type Written = (error?: Error | null) => void;

/** What both a `PairedSocket` and a `net.Socket` can do; enough for a relay and a client. */
export type SocketLike = Duplex & { resetAndDestroy(): unknown };

export class PairedSocket extends Duplex {
  readonly connecting = false;
  readonly remoteAddress: string;
  readonly remoteFamily = 'IPv4';
  readonly remotePort: number;
  readonly localAddress = '127.0.0.1';
  readonly localPort: number;
  bytesRead = 0;
  bytesWritten = 0;
  /** Whoever writes here never touches again what was written: it arrives itself, and no copy. */
  gives = false;
  #peer: PairedSocket | null = null;
  /** The other end's write that waits until this end reads on. */
  #blocked: Written | null = null;
  /** The other end has said that it will write no more. */
  #ended = false;
  #peerGone = false;
  #resetting = false;
  #deaf = false;

  constructor(allowHalfOpen: boolean, ports: { local: number; remote: number }, remoteAddress = '127.0.0.1') {
    super({ allowHalfOpen, highWaterMark: capacity });
    this.remoteAddress = remoteAddress;
    this.localPort = ports.local;
    this.remotePort = ports.remote;
  }

  /** Ties two ends together; to be called once. */
  static tie(one: PairedSocket, other: PairedSocket): void {
    one.#peer = other;
    other.#peer = one;
  }

  override _write(bytes: Buffer, _encoding: string, written: Written): void {
    this.#pass(bytes, this.gives, written);
  }

  override _writev(writes: ReadonlyArray<{ chunk: Buffer }>, written: Written): void {
    this.#pass(Buffer.concat(writes.map(({ chunk }) => chunk)), true, written);
  }

  override _final(written: Written): void {
    this.#later((peer) => peer.#arriveEnd());
    written();
  }

  override _read(): void {
    const written = this.#blocked;
    if (written === null) return;
    this.#blocked = null;
    bump();
    written();
  }

  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    const reset = this.#resetting || this.readableLength > 0;
    this.#later((peer) => {
      destroyed(error);
      peer.#arriveClose(reset);
    });
  }

  /** Takes what is written from now on, passes nothing on, and never says that it is written. */
  deafen(): void {
    this.#deaf = true;
  }

  /** Closes with a reset: the other end fails with `ECONNRESET`. */
  resetAndDestroy(): this {
    this.#resetting = true;
    return this.destroy();
  }

  /** Closes as soon as everything that was written is on its way. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  #pass(bytes: Buffer, isGiven: boolean, written: Written): void {
    if (this.#peerGone) {
      written(systemError('EPIPE', 'write'));
      return;
    }
    if (this.#deaf) return;
    // One read gets at most what the other end holds; the rest waits until it is accepted.
    const first = bytes.subarray(0, capacity);
    const piece = isGiven ? first : Buffer.from(first);
    const rest = bytes.subarray(capacity);
    this.bytesWritten += piece.length;
    const accepted: Written = (error) => {
      if (error || rest.length === 0) written(error);
      else this.#pass(rest, isGiven, written);
    };
    this.#later((peer) => peer.#arrive(piece, accepted));
  }

  #later(act: (peer: PairedSocket) => void): void {
    const peer = this.#peer;
    if (peer === null) throw new Error('This end was never tied to another.');
    bump();
    setImmediate(() => {
      bump();
      act(peer);
    });
  }

  #arrive(bytes: Buffer, written: Written): void {
    if (this.destroyed) {
      written(systemError('ECONNRESET', 'write'));
      return;
    }
    this.bytesRead += bytes.length;
    if (this.push(bytes)) written();
    else this.#blocked = written;
  }

  #arriveEnd(): void {
    if (this.#ended || this.destroyed) return;
    this.#ended = true;
    this.push(null);
  }

  #arriveClose(reset: boolean): void {
    this.#peerGone = true;
    if (reset) this.destroy(systemError('ECONNRESET', 'read'));
    else this.#arriveEnd();
  }
}

let lastPort = 40_000;

/** A connection from `address`: the end that opened it, which closes when the other does, and the end that accepted it. */
export function duplexPair(address?: string): [client: PairedSocket, server: PairedSocket] {
  lastPort += 1;
  const client = new PairedSocket(false, { local: lastPort, remote: 80 });
  const server = new PairedSocket(true, { local: 80, remote: lastPort }, address);
  PairedSocket.tie(client, server);
  return [client, server];
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
