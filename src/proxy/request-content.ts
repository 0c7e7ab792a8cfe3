/** The content of a request that is passed on. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/**
 * What the client sends, as it comes. Whoever is done with it may destroy it: the request and its connection do not end with
 * it. Where the client leaves in its midst it does not end: whoever passes it on hears of that by the client's own signal, and
 * nobody takes it for complete.
 */
export function contentOf(request: IncomingMessage): Readable {
  return Readable.from(piecesOf(request), { objectMode: false });
}

async function* piecesOf(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch {
    await new Promise<never>(() => {});
  }
}
