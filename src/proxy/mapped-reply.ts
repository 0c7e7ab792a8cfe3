/** The reply to a request that was passed on, with the places that it names as the mount calls them. */
import { FillFailed, type ReadSession } from '../cache/read-session.ts';
import { ProxyError } from '../errors.ts';
import { fieldsWhere } from '../http/fields.ts';
import type { ErrorReply } from './error-reply.ts';
import { type MountPlace, mappedFields, mappedMultistatus } from './mapped-urls.ts';
import type { Reply } from './reply.ts';

/** A list of a folder that is longer than this is not read to its end, in bytes. */
const longestList = 16 * 1024 * 1024;

/** Rejects with `FillFailed`, or with the signal's reason. */
export async function mappedReply(
  session: ReadSession,
  reply: Reply,
  target: string,
  at: MountPlace,
  signal: AbortSignal,
): Promise<Reply | ErrorReply> {
  const fields = mappedFields(reply.fields, target, at);
  if (reply.status !== 207 || reply.body.kind !== 'run') return { ...reply, fields };
  const list = await contentOf(session, signal);
  const body = Buffer.from(mappedMultistatus(list.toString('utf8'), target, at));
  const others = fieldsWhere(fields, (name) => name !== 'content-length');
  return { status: reply.status, fields: others, body, outcome: 'passed', error: null };
}

/** All bytes that a session gives. */
async function contentOf({ reader }: ReadSession, signal: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  while ((await reader.arrival(signal)) === 'bytes') {
    const slice = await reader.take(signal)?.slice;
    if (slice === undefined) continue;
    pieces.push(Buffer.from(slice.bytes));
    size += slice.bytes.length;
    slice.release();
    if (size > longestList) {
      const error = new ProxyError('http_protocol_error', 'The list of the folder is too long.');
      throw new FillFailed({ kind: 'error', error });
    }
  }
  return Buffer.concat(pieces);
}
