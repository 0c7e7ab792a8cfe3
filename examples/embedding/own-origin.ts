/**
 * An origin of your own: films come out of a folder of this machine, as they could come out of an archive, a torrent or a
 * camera. `firstbyte/testing` has the tests that every origin must pass.
 *
 *     node own-origin.ts FOLDER FILM
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createFirstbyte, type Origin, type OriginReply, type OriginRequest } from 'firstbyte';

class FolderOrigin implements Origin {
  readonly name = 'folder';
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(
    { target, fields, method = 'GET', onConnected }: OriginRequest,
    signal: AbortSignal,
  ): Promise<OriginReply> {
    signal.throwIfAborted();
    onConnected?.();
    // firstbyte has refused targets with dot segments before.
    const path = join(this.#folder, decodeURIComponent(new URL(target, 'http://folder').pathname));
    const file = await open(path).catch(() => null);
    const { size = 0, mtimeMs = 0 } = (await file?.stat()) ?? {};
    if (file === null) return reply(404, [['content-length', '0']], null);
    const etag = `"${size}-${mtimeMs}"`;
    const field = (wanted: string) => fields.find(([name]) => name === wanted)?.[1];
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(field('range') ?? '') ?? [];
    const isCurrent = field('if-range') === undefined || field('if-range') === etag;
    const isRange = first !== undefined && isCurrent && Number(first) < size;
    const start = isRange ? Number(first) : 0;
    const end = isRange && last ? Math.min(Number(last) + 1, size) : size;
    const about = [['etag', etag], ['content-length', String(end - start)], ['content-type', 'video/mp4']] as const; // biome-ignore format: one line reads best
    const range = isRange ? ([['content-range', `bytes ${start}-${end - 1}/${size}`]] as const) : [];
    const stream = method === 'HEAD' ? null : file.createReadStream({ start, end: end - 1, signal });
    if (stream === null) await file.close();
    return reply(isRange ? 206 : 200, [...about, ...range], stream);
  }

  async close(): Promise<void> {}
}

/** The head of an answer, and its body one read at a time: what nobody pulls is not read. */
function reply(
  status: number,
  fields: OriginReply['fields'],
  stream: (AsyncIterable<Buffer> & { destroy(): unknown }) | null,
): OriginReply {
  const pieces = stream?.[Symbol.asyncIterator]();
  return {
    status,
    fields,
    closeDelimited: false,
    body: {
      async read() {
        const { value, done } = (await pieces?.next()) ?? { done: true };
        return done ? null : value;
      },
      cancel: () => stream?.destroy(),
    },
  };
}

const [folder = '.', film = 'film.mp4'] = process.argv.slice(2);
const origins = { home: { url: 'https://folder.invalid/', origin: new FolderOrigin(folder) } };
await using cache = await createFirstbyte({ origins });
const body = cache.open(`https://folder.invalid/${film}`, { start: 1000, end: 2000 });
let received = 0;
for await (const bytes of body) received += bytes.length;
console.log(`${received} bytes of ${(await body.head).length}`);
