/**
 * An origin over HTTP that the test opens and shuts: each of its files is given up to a gate, and further when the test
 * moves the gate. It counts nothing in time, so a slow origin is exactly as slow as the test wants it.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What it needs to know of one file. */
export interface GatedFile {
  readonly size: number;
  bytesAt(start: number, end: number): Buffer;
  readonly type?: string;
}

/** No byte from `from` to `until` is given. */
interface Semaphore {
  readonly from: number;
  readonly until: number;
}

const step = 64 * 1024;

export class GatedOrigin implements AsyncDisposable {
  readonly #files: ReadonlyMap<string, GatedFile>;
  readonly #gates = new Map<string, Semaphore>();
  readonly #waiting = new Set<() => void>();
  readonly #statuses = new Map<string, number>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  /** Bytes a second of one reply; as fast as they go where it is not set. */
  rate = Number.POSITIVE_INFINITY;
  /** The first byte of each request, by path, in the order in which they came. */
  readonly asked = new Map<string, number[]>();

  private constructor(files: Readonly<Record<string, GatedFile>>) {
    this.#files = new Map(Object.entries(files));
  }

  static async start(files: Readonly<Record<string, GatedFile>>): Promise<GatedOrigin> {
    const origin = new GatedOrigin(files);
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Gives no byte of `path` from `from` to `until`, and no head where `from` is below zero; until it is moved. */
  gate(path: string, from: number, until = Number.POSITIVE_INFINITY): void {
    this.#gates.set(path, { from, until });
    this.#wakeAll();
  }

  open(path: string): void {
    this.#gates.delete(path);
    this.#wakeAll();
  }

  /** Answers `path` with this status from now on. */
  refuse(path: string, status: number): void {
    this.#statuses.set(path, status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const file = this.#files.get(path);
    const status = this.#statuses.get(path) ?? (file === undefined ? 404 : 200);
    if (file === undefined || status !== 200) {
      response.writeHead(status, { 'content-length': 0 }).end();
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const [, first = '', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const start = first === '' ? 0 : Number(first);
    this.asked.set(path, [...(this.asked.get(path) ?? []), start]);
    await this.#open(path, -1, gone.signal);
    const end = last === '' ? file.size : Math.min(file.size, Number(last) + 1);
    if (start >= file.size) {
      response.writeHead(416, { 'content-range': `bytes */${file.size}`, 'content-length': 0 }).end();
      return;
    }
    response.writeHead(first === '' ? 200 : 206, {
      'accept-ranges': 'bytes',
      'content-type': file.type ?? 'video/mp4',
      etag: `"${file.size}"`,
      'content-length': end - start,
      ...(first !== '' && { 'content-range': `bytes ${start}-${end - 1}/${file.size}` }),
    });
    response.flushHeaders();
    for (let at = start; at < end && !gone.signal.aborted; ) {
      await this.#open(path, at, gone.signal);
      const gate = this.#gates.get(path);
      const until = Math.min(end, at + step, gate !== undefined && gate.from > at ? gate.from : end);
      if (!response.write(file.bytesAt(at, until))) {
        await once(response, 'drain', { signal: gone.signal }).catch(() => {});
      }
      if (this.rate !== Number.POSITIVE_INFINITY) await paced(((until - at) / this.rate) * 1000);
      at = until;
    }
    response.end();
  }

  #isShut(path: string, offset: number): boolean {
    const gate = this.#gates.get(path);
    return gate !== undefined && gate.from <= offset && offset < gate.until;
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when `offset` of `path` may be given, or when nobody waits any more. */
  async #open(path: string, offset: number, signal: AbortSignal): Promise<void> {
    while (this.#isShut(path, offset) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }
}

/** A rate is true in real time, and is nothing that a test waits for. */
function paced(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
