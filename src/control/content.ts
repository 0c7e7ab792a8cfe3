/** The content of a request to the control API, however it is framed (RFC 9112 §6.3): so many bytes, within so much time. */
import { fixedBudgets } from '../budgets.ts';
import { type Clock, within } from '../clock.ts';
import { never, untilAborted } from '../until-aborted.ts';
import { Problem } from './problem.ts';

/** In bytes: a job may name every object of a large cache, 68 bytes each. Only who has a token gets to send any. */
const mostContent = 8 * 1024 * 1024;

/** The same request with all of its content at hand. Rejects with a `Problem`. */
export async function withContent(request: Request, clock: Clock): Promise<Request> {
  const { body, url, method, headers } = request;
  if (body === null) return request;
  const { ms: limit } = fixedBudgets.controlContent;
  const late = () => new Problem(408, `The body of the request did not come within ${limit / 1000} s.`);
  const content = await within({ clock, limit, late, signal: never }, (signal) =>
    untilAborted(contentOf(body), signal),
  );
  return new Request(url, { method, headers, body: content });
}

async function contentOf(body: ReadableStream<Uint8Array>): Promise<Buffer<ArrayBuffer>> {
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let piece = await reader.read(); piece.value !== undefined; piece = await reader.read()) {
    pieces.push(piece.value);
    size += piece.value.length;
    if (size > mostContent) throw new Problem(413, `The body of a request may have at most ${mostContent} bytes.`);
  }
  return Buffer.concat(pieces);
}
