/** A request as it is written (RFC 9112 §3, §5, §7.1): its head, and its content as that comes. */
import type { Duplex, Readable } from 'node:stream';
import { type Fields, fieldValue } from '../http/fields.ts';

/** One request on one connection. */
export interface ExchangeRequest {
  readonly method: string;
  readonly path: string;
  readonly fields: Fields;
  readonly content: Readable | null;
}

const token = /^[!#$%&'*+.^_`|~\w-]+$/;
const text = /^[\t\x20-\x7e\x80-\xff]*$/;
const target = /^[\x21-\xff]+$/;

/** Methods whose requests say that they have no content, where they have none (RFC 9110 §8.6). */
const withContent: ReadonlySet<string> = new Set(['PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PUT', 'QUERY']);

/**
 * The head of a request to `host`, in Latin-1; `null` where no head can carry it. Servers are known that send a body after a
 * HEAD: no other request follows that one on its connection.
 */
export function requestHead({ method, path, fields, content }: ExchangeRequest, host: string): string | null {
  const isSendable = token.test(method) && target.test(path);
  if (!isSendable || !fields.every(([name, value]) => token.test(name) && text.test(value))) return null;
  const framing: Fields = isChunked({ fields, content }) ? [['transfer-encoding', 'chunked']] : [];
  const empty: Fields = content === null && withContent.has(method) ? [['content-length', '0']] : [];
  const all: Fields = [
    ['host', host],
    ['connection', method === 'HEAD' ? 'close' : 'keep-alive'],
    ...fields,
    ...framing,
    ...empty,
  ];
  return `${method} ${path} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function isChunked({ fields, content }: Pick<ExchangeRequest, 'fields' | 'content'>): boolean {
  return content !== null && fieldValue(fields, 'content-length') === null;
}

/**
 * Writes the content of a request behind its head, no faster than the stream takes it. Rejects where it is not as long as
 * the head says, and where it fails itself; never ends where the connection does.
 */
export async function sendContent(request: ExchangeRequest & { content: Readable }, stream: Duplex): Promise<void> {
  const { content, fields } = request;
  const length = Number(fieldValue(fields, 'content-length') ?? Number.NaN);
  const chunked = isChunked(request);
  let sent = 0;
  for await (const bytes of content as AsyncIterable<Buffer>) {
    if (bytes.length === 0) continue;
    sent += bytes.length;
    if (sent > length) throw new Error('The content of a request is longer than its head says.');
    if (chunked) stream.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    const isRoom = stream.write(bytes) && !chunked;
    const hasMore = chunked ? stream.write('\r\n', 'latin1') : isRoom;
    if (!hasMore) await new Promise<void>((resolve) => stream.once('drain', resolve));
  }
  if (sent < length) throw new Error('The content of a request is shorter than its head says.');
  if (chunked) stream.write('0\r\n\r\n', 'latin1');
}
