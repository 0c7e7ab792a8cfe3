/** An origin over HTTP, and what a test says to it and reads of it. */
import { systemClock } from '../../src/clock.ts';
import { ProxyError, type ProxyErrorType } from '../../src/errors.ts';
import type { Fields } from '../../src/http/fields.ts';
import { createHttpOrigin, type HttpOriginOptions } from '../../src/origin/http-origin.ts';
import type { Origin, OriginReply } from '../../src/origin/origin.ts';
import type { OriginBench } from '../../src/testing/origin-contract.ts';
import { peerOf } from './peer.ts';
import type { RawServer } from './raw-server.ts';

const free = new AbortController().signal;

/** An origin at `port` of loopback that is closed with the test. */
export function originAt(port: number, options: Partial<HttpOriginOptions> = {}): Origin & AsyncDisposable {
  const base = new URL(`http://127.0.0.1:${port}`);
  const origin = createHttpOrigin({ name: 'films', base, clock: systemClock, connectTimeout: 10_000, ...options });
  return Object.assign(origin, { [Symbol.asyncDispose]: () => origin.close() });
}

/** What the contract of origins needs of one that asks that server. */
export function contractBench(origin: Origin, server: RawServer): OriginBench {
  return {
    origin,
    next: async () => peerOf(await server.next()),
    [Symbol.asyncDispose]: async () => {
      await origin.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

export function open(origin: Origin, target = '/film', fields: Fields = [], signal = free): Promise<OriginReply> {
  return origin.open({ target, fields }, signal);
}

export async function readAll({ body }: OriginReply): Promise<string> {
  let text = '';
  for (let bytes = await body.read(); bytes !== null; bytes = await body.read()) text += bytes.toString('latin1');
  return text;
}

/** Whether an error is a `ProxyError` of that type, for `assert.rejects`; its sentence never holds a secret. */
export function isProxyError(type: ProxyErrorType): (error: unknown) => boolean {
  return (error) => error instanceof ProxyError && error.type === type && !/secret|\?/.test(error.message);
}
