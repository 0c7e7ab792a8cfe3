/**
 * A refresh hook that is an HTTP endpoint: the question is POSTed as JSON, the answer is JSON with status 200.
 *
 * Redirects are not followed. An endpoint in the configuration may be anywhere but at firstbyte itself, because the
 * operator chose it. An endpoint that was handed in at run time may have to be public.
 */
import { Readable } from 'node:stream';
import { ProxyError } from '../errors.ts';
import type { Fields } from '../http/fields.ts';
import type { Network } from './address-guard.ts';
import { type DialOptions, dial } from './dial.ts';
import { OriginConnection } from './origin-connection.ts';
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
  const fields: Fields = [
    ['accept', 'application/json'],
    ['content-type', 'application/json'],
    ...(username + password === '' ? [] : [['authorization', `Basic ${credentials.toString('base64')}`] as const]),
  ];
  return async (question, signal) => {
    const reached = async <T>(asked: Promise<T>): Promise<T> => {
      try {
        return await asked;
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof ProxyError ? unreached(error, question) : error;
      }
    };
    const connection = new OriginConnection(url, await reached(dial({ url, network }, dialing, signal)));
    try {
      return await post(connection, url, fields, question, { signal, reached });
    } finally {
      // One of its own leaves nothing open.
      connection.close();
    }
  };
}

interface Posting {
  /** The only deadline. */
  readonly signal: AbortSignal;
  /** Gives errors of the connection the form of those of a refresh. */
  reached<T>(asked: Promise<T>): Promise<T>;
}

async function post(
  connection: OriginConnection,
  url: URL,
  fields: Fields,
  question: RefreshQuestion,
  { signal, reached }: Posting,
): Promise<Record<string, unknown>> {
  const content = Buffer.from(JSON.stringify(question));
  const request = {
    method: 'POST',
    path: url.pathname + url.search,
    fields: [...fields, ['content-length', String(content.length)]] as const,
    content: Readable.from([content]),
  };
  const { status, body } = await reached(connection.send(request, signal, () => {}).head);
  if (status !== 200) throw unanswered(question.origin, `its endpoint answered ${status}`);
  const parts: Buffer[] = [];
  let size = 0;
  for (let part = await reached(body.read()); part !== null; part = await reached(body.read())) {
    parts.push(Buffer.from(part));
    size += part.length;
    if (size > mostOutput) throw unanswered(question.origin, 'its endpoint said too much');
  }
  return parse(Buffer.concat(parts), question.origin);
}

/** The error of a question that could not be asked, or whose answer broke off; a forbidden address stays final. */
function unreached(error: ProxyError, { origin }: RefreshQuestion): ProxyError {
  const { cause, type } = error;
  const why = cause instanceof Error && 'code' in cause ? cause.code : type;
  return error.retryable ? unanswered(origin, `its endpoint could not be asked (${why})`, error) : error;
}

function parse(bytes: Buffer, origin: string): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw unanswered(origin, 'its endpoint answered no JSON');
  }
}
