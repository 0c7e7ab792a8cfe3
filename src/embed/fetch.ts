/**
 * `fetch` without a network: a request goes to firstbyte over a connection in memory, in the very form in which a player's
 * comes, and its reply is a `Response`.
 *
 * The connection is ended with the reply, or when nobody wants the rest of it.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { stayAwake } from '../clock.ts';
import { CutError } from './errors.ts';

/** Fields of one connection, which is not that of whoever has made the request (RFC 9110 §7.6.1). */
const ofConnection: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host']);

/** Statuses of replies without content, for which a `Response` takes none. */
const withoutContent: ReadonlySet<number> = new Set([204, 205, 304]);

/** Rejects with the signal's reason, with `ended()` where that is not null, or with a `CutError`. */
export async function fetchOver(
  connect: () => Duplex,
  path: string,
  request: Request,
  ended: () => Error | null,
): Promise<Response> {
  const { method, signal, body } = request;
  signal.throwIfAborted();
  const connection = connect();
  using _ = stayAwake();
  // It holds the request: a signal that was made from another hears of that only while its request lives.
  const failed = (cause: unknown) =>
    request.signal.aborted ? request.signal.reason : (ended() ?? new CutError('The reply was cut.', { cause }));
  try {
    const sent = httpRequest({
      createConnection: () => connection,
      method,
      path,
      headers: [...[...request.headers].filter(([name]) => !ofConnection.has(name)), ['host', 'localhost']].flat(),
      signal,
    });
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).on('error', reject);
      if (body === null) sent.end();
      else Readable.fromWeb(body).on('error', reject).pipe(sent);
    });
    const { statusCode: status = 502, statusMessage: statusText = '' } = reply;
    const headers = new Headers();
    for (let at = 0; at < reply.rawHeaders.length; at += 2) {
      const [name = '', value = ''] = reply.rawHeaders.slice(at, at + 2);
      if (!ofConnection.has(name.toLowerCase())) headers.append(name, value);
    }
    const isEmpty = method === 'HEAD' || withoutContent.has(status);
    if (isEmpty) reply.resume();
    return new Response(isEmpty ? null : contentOf(reply, failed), { status, statusText, headers });
  } catch (error) {
    connection.destroy();
    throw failed(error);
  }
}

/** The content of a reply as it comes, one piece ahead of whoever reads it. */
function contentOf(reply: IncomingMessage, failed: (cause: unknown) => unknown): ReadableStream<Uint8Array> {
  const pieces: AsyncIterator<Buffer> = reply[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      using _ = stayAwake();
      try {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.length));
      } catch (error) {
        controller.error(failed(error));
      }
    },
    cancel() {
      reply.destroy();
    },
  });
}
