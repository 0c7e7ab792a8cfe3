/**
 * Through an HTTP proxy: a tunnel to a host and port, asked for with CONNECT (RFC 9110 §9.3.6).
 *
 * The proxy resolves the target's name. Its own address is the operator's choice, and is not judged.
 */
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
 * leads there. Rejects with a `ProxyError`, with the stream's own error, or with the signal's reason; then the stream
 * is destroyed.
 */
export async function openTunnel(
  stream: Duplex,
  authority: string,
  proxy: ConnectProxy,
  signal: AbortSignal,
): Promise<Duplex> {
  const { url, authorization } = proxy;
  const credentials = authorization === null ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  try {
    stream.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
    judge(await readHead(stream, url.host, signal), authority, url.host);
    return stream;
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

function judge(head: string, authority: string, proxy: string): void {
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?= |\r)/.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) {
    throw new ProxyError('http_protocol_error', `The proxy ${proxy} answered with something else than HTTP/1.1.`);
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
function readHead(stream: Duplex, proxy: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const settle = (outcome: () => void) => {
      stream.off('readable', onReadable);
      stream.off('error', onError);
      stream.off('end', onEnd);
      stream.off('close', onEnd);
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const onReadable = () => {
      for (let bytes = stream.read(); bytes !== null; bytes = stream.read()) {
        read = Buffer.concat([read, bytes]);
        const end = read.indexOf('\r\n\r\n');
        if (end >= 0) {
          settle(() => {
            if (read.length > end + 4) stream.unshift(read.subarray(end + 4));
            resolve(read.toString('latin1', 0, end + 4));
          });
          return;
        }
        if (read.length > maxHeadSize) {
          const error = new ProxyError('http_protocol_error', `The proxy ${proxy} sent a head that is too large.`);
          return settle(() => reject(error));
        }
      }
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onEnd = () => {
      const message = `The proxy ${proxy} closed the connection before it answered.`;
      settle(() => reject(new ProxyError('connection_terminated', message)));
    };
    const onAbort = () => settle(() => reject(signal.reason));
    stream.on('readable', onReadable);
    stream.on('error', onError);
    stream.on('end', onEnd);
    stream.on('close', onEnd);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    onReadable();
  });
}
