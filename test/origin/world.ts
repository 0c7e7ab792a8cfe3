/** Hosts in memory for an HTTP origin: what each answers to a target, and what was asked of it. */
import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { systemClock } from '../../src/clock.ts';
import type { Destination } from '../../src/origin/dial.ts';
import { createHttpOrigin, type HttpOriginOptions } from '../../src/origin/http-origin.ts';
import type { Origin } from '../../src/origin/origin.ts';

export const film = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfilm';

export function redirect(location: string, status = 302, body = ''): string {
  return `HTTP/1.1 ${status} Found\r\nLocation: ${location}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Hosts in memory, by `name:port` or by `name` alone, each with what it answers to a target. */
export class World {
  readonly heads: string[] = [];
  readonly connected: Destination[] = [];
  readonly #answers: Readonly<Record<string, (target: string) => string>>;
  readonly #addresses: Readonly<Record<string, readonly string[]>>;

  constructor(
    answers: Readonly<Record<string, (target: string) => string>>,
    addresses: Readonly<Record<string, readonly string[]>> = {},
  ) {
    this.#answers = answers;
    this.#addresses = addresses;
  }

  origin(base: string, options: Partial<HttpOriginOptions> = {}): Origin {
    return createHttpOrigin({
      name: 'films',
      base: new URL(base),
      clock: systemClock,
      connectTimeout: 10_000,
      resolve: async (hostname) => this.#addresses[hostname] ?? ['93.184.216.34'],
      connect: async (destination) => {
        this.connected.push(destination);
        const { hostname, port } = destination;
        const answer = this.#answers[`${hostname}:${port}`] ?? this.#answers[hostname] ?? assert.fail(hostname);
        const [near, far] = duplexPair();
        far.on('data', (bytes: Buffer) => {
          const head = bytes.toString('latin1');
          this.heads.push(head);
          far.write(answer(head.split(' ')[1] ?? ''), 'latin1');
        });
        return near;
      },
      ...options,
    });
  }

  get targets(): string[] {
    return this.heads.map((head) => head.split(' ')[1] ?? '');
  }
}
