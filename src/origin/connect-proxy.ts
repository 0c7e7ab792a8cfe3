/**
 * Through an HTTP proxy: a tunnel to a host and port, asked for with CONNECT (RFC 9110 §9.3.6).
 *
 * The proxy resolves the target's name. The proxy's own address is the operator's choice, and no guard judges it.
 */
import { on } from 'node:events';
import type { Duplex } from 'node:stream';
import { ProxyError } from '../errors.ts';

/** A proxy to connect through. */
export interface ConnectProxy {
  /** Only its host and port matter. */
  readonly url: URL;
  /** The value of `Proxy-Authorization`, or `null`. */
  readonly authorization: string | null;
}

/** Bytes of the proxy's answer. */
const maxHeadSize = 16 * 1024;

const setting = { setting: 'proxy' };

/**
 * Asks the proxy at the other end of `stream` for a tunnel to `authority` (host and port); resolves when the stream
 * leads there. Rejects with a `ProxyError`, with the stream's own error, or with the signal's reason.
 */
export async function openTunnel(
  stream: Duplex,
  authority: string,
  proxy: ConnectProxy,
  signal: AbortSignal,
): Promise<void> {
  const { url, authorization } = proxy;
  const credentials = authorization === null ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  try {
    stream.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
    judge(await readHead(stream, url.host, signal), authority, url.host);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

function judge(head: string, authority: string, proxy: string): void {
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?= |\r)/.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) {
    throw new ProxyError('http_protocol_error', `The proxy ${proxy} did not answer in HTTP/1.1.`);
  }
  if (status >= 200 && status < 300) return;
  if (status === 504) {
    throw new ProxyError('connection_timeout', `The proxy ${proxy} could not connect to ${authority} in time.`);
  }
  if (status >= 500) {
    throw new ProxyError('connection_refused', `The proxy ${proxy} could not connect to ${authority} (${status}).`);
  }
  const why = status === 407 ? 'asks for other credentials' : `refuses to connect to ${authority} (${status})`;
  throw new ProxyError('proxy_configuration_error', `The proxy ${proxy} ${why}.`, setting);
}

/** Everything up to the first empty line; what follows is put back. */
async function readHead(stream: Duplex, proxy: string, signal: AbortSignal): Promise<string> {
  let read = Buffer.alloc(0);
  const arrivals = on(stream, 'readable', { signal, close: ['end', 'close'] });
  try {
    do {
      for (let bytes = stream.read(); bytes !== null; bytes = stream.read()) {
        read = Buffer.concat([read, bytes]);
        const end = read.indexOf('\r\n\r\n');
        if (end >= 0) {
          await arrivals.return?.();
          if (read.length > end + 4) stream.unshift(read.subarray(end + 4));
          return read.toString('latin1', 0, end + 4);
        }
        if (read.length > maxHeadSize) {
          throw new ProxyError('http_protocol_error', `The proxy ${proxy} sent a head that is too large.`);
        }
      }
    } while (!(await arrivals.next()).done);
  } finally {
    await arrivals.return?.();
  }
  throw new ProxyError('connection_terminated', `The proxy ${proxy} closed the connection before it answered.`);
}
