/**
 * A refresh hook that is an HTTP endpoint: the question is POSTed as JSON, the answer is JSON with status 200.
 *
 * Redirects are not followed. An endpoint in the configuration may be anywhere but at firstbyte itself, because the
 * operator chose it. An endpoint that was handed in at run time may have to be public.
 */
import type { Socket } from 'node:net';
import { type buildConnector, Client } from 'undici';
import { ProxyError } from '../errors.ts';
import type { Network } from './address-guard.ts';
import { type DialOptions, dial } from './dial.ts';
import { type Refresh, type RefreshQuestion, unanswered } from './refresh.ts';

/** Bytes of an answer. */
const mostOutput = 64 * 1024;

/**
 * @param endpoint a user name and password in it are sent as basic authentication; where the network is `public`, it may
 * have no other address
 */
export function endpointRefresh(endpoint: URL, network: Network, dialing: DialOptions): Refresh {
  const { username, password } = endpoint;
  const url = new URL(endpoint);
  url.username = url.password = '';
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const fields = {
    accept: 'application/json',
    'content-type': 'application/json',
    ...(username + password !== '' && { authorization: `Basic ${credentials.toString('base64')}` }),
  };
  return (question, signal) => {
    const connect: buildConnector.connector = (_options, connected) => {
      dial({ url, network }, dialing, signal).then(
        // undici uses nothing of a socket that other streams lack.
        (stream) => connected(null, stream as Socket),
        (error) => connected(error instanceof ProxyError ? unconnected(error, question) : error, null),
      );
    };
    return post(url, fields, connect, question, signal);
  };
}

async function post(
  url: URL,
  headers: Record<string, string>,
  connect: buildConnector.connector,
  question: RefreshQuestion,
  signal: AbortSignal,
) {
  const body = JSON.stringify(question);
  // The caller's signal is the only deadline; a connection of its own leaves nothing open.
  const client = new Client(url.origin, { connect, headersTimeout: 0, bodyTimeout: 0, pipelining: 0 });
  try {
    const path = url.pathname + url.search;
    const reply = await client.request({ path, method: 'POST', headers, body, signal });
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
    throw unasked(error.code, error, question);
  } finally {
    void client.destroy();
  }
}

/** The error of a question that could not be sent; a forbidden address stays final. */
function unconnected(error: ProxyError, question: RefreshQuestion): ProxyError {
  if (!error.retryable) return error;
  const { cause } = error;
  return unasked(cause instanceof Error && 'code' in cause ? cause.code : error.type, error, question);
}

function unasked(why: unknown, error: Error, { origin }: RefreshQuestion): ProxyError {
  return unanswered(origin, `its endpoint could not be asked (${why})`, error);
}

function parse(bytes: Buffer, origin: string): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw unanswered(origin, 'its endpoint answered no JSON');
  }
}
