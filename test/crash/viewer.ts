/** A viewer who trusts nobody: compares each byte with the version that the reply's head names. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Firstbyte } from './firstbyte.ts';
import type { Library } from './library.ts';

export interface Watching {
  /** The offset of the first byte asked for; without it the whole film is asked for, without a range. */
  readonly from?: number;
  /** Leaves after so many bytes, */
  readonly most?: number;
  /** in this way. */
  readonly leaves?: 'end' | 'reset';
  /** Bytes a second that it reads at, */
  readonly rate?: number;
  /** until this aborts: then it takes what there is. */
  readonly unhurried?: AbortSignal;
}

/** `whole` and `left` are as they should be; the others are troubles that a viewer can see. */
export type Seen =
  | { readonly end: 'whole' | 'left'; readonly bytes: number }
  | { readonly end: 'cut' | 'refused'; readonly bytes: number }
  | { readonly end: 'status'; readonly status: number; readonly bytes: 0 };

/** Watches one film. Throws where a byte is wrong, or where a reply that is not whole ends as if it were. */
export async function watch(
  { url }: Pick<Firstbyte, 'url'>,
  library: Library,
  path: string,
  { from, most = Number.POSITIVE_INFINITY, leaves = 'end', rate = Number.POSITIVE_INFINITY, unhurried }: Watching = {},
): Promise<Seen> {
  const headers = from === undefined ? {} : { range: `bytes=${from}-` };
  const asked = request(`${url}/films${path}`, { agent: false, headers });
  const reply = await headOf(asked);
  if (reply === null) return { end: 'refused', bytes: 0 };
  const { statusCode: status = 0, headers: fields } = reply;
  if (status !== 200 && status !== 206) {
    reply.resume();
    return { end: 'status', status, bytes: 0 };
  }
  // Of nothing there is no range, and the answer to that question names no version.
  const isEmpty = status === 200 && fields['content-length'] === '0' && library.films.get(path)?.size === 0;
  if (isEmpty) {
    reply.resume();
    return { end: 'whole', bytes: 0 };
  }
  const version = library.version(fields.etag ?? '');
  const start = from ?? 0;
  const length = Number(fields['content-length']);
  if (length !== version.size - start || (from !== undefined) !== (status === 206)) {
    throw new Error(`${path} from ${start}: a ${status} of ${length} bytes for a film of ${version.size}`);
  }
  const startedAt = performance.now();
  let bytes = 0;
  try {
    for await (const piece of reply as AsyncIterable<Buffer>) {
      const wrong = version.firstDifference(start + bytes, piece);
      if (wrong !== null) throw new WrongByte(`${path} (${fields.etag}): byte ${wrong} of ${version.size} is wrong`);
      bytes += piece.length;
      if (bytes >= most) {
        if (leaves === 'reset') asked.socket?.resetAndDestroy();
        return { end: 'left', bytes };
      }
      const early = (bytes / rate) * 1000 - (performance.now() - startedAt);
      if (early >= 1 && !unhurried?.aborted)
        await sleep(early, undefined, { ...(unhurried && { signal: unhurried }) }).catch(() => {});
    }
  } catch (error) {
    if (error instanceof WrongByte) throw error;
    return { end: 'cut', bytes };
  } finally {
    asked.destroy();
  }
  if (bytes !== length) throw new Error(`${path} from ${start}: ended cleanly after ${bytes} of ${length} bytes`);
  return { end: 'whole', bytes };
}

class WrongByte extends Error {}

/** The reply once its head is there; `null` where the connection failed before. */
function headOf(asked: ClientRequest): Promise<IncomingMessage | null> {
  return new Promise((resolve) => {
    asked.once('response', resolve);
    // It may fail again when it is left.
    asked.on('error', () => resolve(null));
    asked.end();
  });
}
