/**
 * A refresh hook that is an HTTP endpoint: the question is POSTed as JSON, the answer is JSON with status 200.
 *
 * Redirects are not followed. An endpoint of the configuration is the operator's own choice, so no address guard is in
 * between; for one that was handed in at run time there may be.
 */
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { ProxyError } from '../errors.ts';
import { isPublicAddress, type Network } from './address-guard.ts';
import { type Refresh, type RefreshQuestion, unanswered } from './refresh.ts';

/** Bytes of an answer. */
const mostOutput = 64 * 1024;

/**
 * @param endpoint a user name and password in it are sent as basic authentication; where the network is `public`, its
 * host may be no private address as it stands
 */
export function endpointRefresh(endpoint: URL, network: Network = 'private'): Refresh {
  const { username, password } = endpoint;
  const url = new URL(endpoint);
  url.username = url.password = '';
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const fields = {
    accept: 'application/json',
    'content-type': 'application/json',
    ...(username + password !== '' && { authorization: `Basic ${credentials.toString('base64')}` }),
  };
  return (question, signal) => post(url, fields, network, question, signal);
}

async function post(
  url: URL,
  headers: Record<string, string>,
  network: Network,
  question: RefreshQuestion,
  signal: AbortSignal,
) {
  const body = JSON.stringify(question);
  const connect = network === 'public' ? { lookup: publicAddresses } : {};
  // The caller's signal is the only deadline; a connection of its own leaves nothing open.
  const dispatcher = new Agent({ connect, connectTimeout: 0, headersTimeout: 0, bodyTimeout: 0, pipelining: 0 });
  try {
    const reply = await request(url, { method: 'POST', headers, body, signal, dispatcher });
    if (reply.statusCode !== 200) throw unanswered(question.origin, `its endpoint answered ${reply.statusCode}`);
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of reply.body as AsyncIterable<Buffer>) {
      parts.push(part);
      size += part.length;
      if (size > mostOutput) throw unanswered(question.origin, 'its endpoint said too much');
    }
    return parse(Buffer.concat(parts), question.origin);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw unanswered(question.origin, `its endpoint could not be asked (${error.code})`, error);
  } finally {
    void dispatcher.destroy();
  }
}

/** The addresses of a name, which must be public, all of them. */
const publicAddresses: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    if (addresses.every(({ address }) => isPublicAddress(address))) return callback(null, addresses);
    const message = `${hostname} has an address that is not public.`;
    callback(new ProxyError('destination_ip_prohibited', message, { setting: 'network' }), []);
  });
};

function parse(bytes: Buffer, origin: string): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw unanswered(origin, 'its endpoint answered no JSON');
  }
}
