/** A server that sends exactly the bytes a test gives it, over TCP or TLS on loopback. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';

export class RawServer {
  readonly #server: net.Server;
  readonly #accepted: RawConnection[] = [];
  readonly #unseen: RawConnection[] = [];
  readonly #waiting: Array<(connection: RawConnection) => void> = [];

  private constructor(server: net.Server, event: string) {
    this.#server = server;
    server.on(event, (socket: Socket) => {
      const connection = new RawConnection(socket);
      this.#accepted.push(connection);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#unseen.push(connection);
      else waiting(connection);
    });
    server.on('tlsClientError', () => {});
  }

  static async listen(secure?: { readonly key: string; readonly cert: string }): Promise<RawServer> {
    const options = { allowHalfOpen: true, noDelay: true };
    const server =
      secure === undefined
        ? new RawServer(net.createServer(options), 'connection')
        : new RawServer(tls.createServer({ ...options, ...secure }), 'secureConnection');
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  /** Answers every request, on every connection, with what `answer` makes of its head. */
  static async answering(
    answer: (head: string) => string | Uint8Array,
    secure?: { readonly key: string; readonly cert: string },
  ): Promise<RawServer> {
    const server = await RawServer.listen(secure);
    server.#server.on(secure === undefined ? 'connection' : 'secureConnection', async () => {
      const connection = await server.next();
      while (connection.open) await connection.write(answer(await connection.request()));
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections so far. */
  get accepted(): number {
    return this.#accepted.length;
  }

  /** The next connection that no earlier call has returned; waits for it. */
  next(): Promise<RawConnection> {
    const connection = this.#unseen.shift();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when every connection so far is closed. */
  async allClosed(): Promise<void> {
    await Promise.all(this.#accepted.map(({ closed }) => closed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const connection of this.#accepted) connection.destroy();
    await this.allClosed();
  }
}

export class RawConnection {
  /** Resolves when both sides are done with it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #received = '';
  #waiting: (() => void) | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('data', (bytes: Buffer) => {
      this.#received += bytes.toString('latin1');
      this.#waiting?.();
    });
  }

  get open(): boolean {
    return !this.#socket.destroyed;
  }

  /** Bytes that the kernel has taken. */
  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** The next request, from its first byte to its empty line. */
  async request(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end >= 0) {
        const head = this.#received.slice(0, end + 4);
        this.#received = this.#received.slice(end + 4);
        return head;
      }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  /** Resolves when the kernel has taken all of it, or the connection is gone. */
  write(bytes: string | Uint8Array): Promise<void> {
    const raw = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    return new Promise((resolve) => this.#socket.write(raw, () => resolve()));
  }

  /** Ends this side in an orderly way. */
  end(): void {
    this.#socket.end();
  }

  /** Breaks the connection off. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
