/**
 * An origin in a process of its own, which does on real sockets what it is told over IPC.
 *
 * Arguments: the film's size and, for TLS, the paths of a certificate and its key. It says its port first, then
 * answers each `Order` with an `Answer`. It ends with the channel to whoever started it.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { systemClock } from '../../src/clock.ts';
import { film } from '../support/film.ts';
import { type Behaviour, HttpOriginServer } from '../support/http-origin-server.ts';

export interface Order {
  /** What it does from now on, with which version of the film. */
  readonly always: Omit<Behaviour, 'film'>;
  readonly version: number;
  /** What it does to the next requests, one after the other. */
  readonly next: ReadonlyArray<Omit<Behaviour, 'film'>>;
}

export interface Answer {
  /** Requests so far. */
  readonly heard: number;
}

const [size = '', certificate, key] = process.argv.slice(2);
const origin = new HttpOriginServer({ clock: systemClock, films: film(Number(size)) });

process.on('message', ({ always, version, next }: Order) => {
  origin.forgetNext();
  origin.always({ ...always, film: film(Number(size), version) });
  origin.next(...next);
  process.send?.({ heard: origin.requests.length } satisfies Answer);
});
process.on('disconnect', () => process.exit());

async function listen(): Promise<number> {
  if (certificate === undefined || key === undefined) return origin.listen();
  const identity = { cert: readFileSync(certificate), key: readFileSync(key) };
  const server = createServer(identity, (socket) => origin.accept(socket)).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => {});
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

process.send?.(await listen());
