/**
 * `GET /-/playlist/NAME/folder.m3u`: the films below a folder of an origin, for players that open playlists.
 *
 * It is guarded as media is, by the client's network, because players send no credentials.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Folders } from '../admin/folders.ts';
import { ProxyError } from '../errors.ts';
import { isMediaName } from '../http/folder-links.ts';
import { legiblePath } from '../kit/amounts.ts';
import { upTo } from '../kit/up-to.ts';

const root = '/-/playlist/';

interface PlaylistParts {
  readonly folders: Folders;
}

/** Answers a request for a playlist; `false` for any other request. `prefix` stands before `/NAME/` in its URLs. */
export function servePlaylist(
  { folders }: PlaylistParts,
  request: IncomingMessage,
  response: ServerResponse,
  prefix: string,
): boolean {
  const path = upTo(request.url ?? '', '?');
  const [, origin, folder = ''] = /^\/-\/playlist\/([a-z0-9][a-z0-9-]*)((?:\/[^?]*)?)\.m3u8?$/.exec(path) ?? [];
  if (!path.startsWith(root)) return false;
  if (request.method !== 'GET' && request.method !== 'HEAD') say(response, 405, 'A playlist is read with GET.');
  else if (isForeign(request)) say(response, 403, 'No page of another site gets a playlist.');
  else if (origin === undefined) say(response, 404, `A playlist is called ${root}NAME.m3u or ${root}NAME/folder.m3u.`);
  else {
    const given = new AbortController();
    response.once('close', () => given.abort());
    void answer(folders, request, response, { origin, folder: `${folder}/`, prefix }, given.signal).catch(() =>
      response.destroy(),
    );
  }
  return true;
}

async function answer(
  folders: Folders,
  request: IncomingMessage,
  response: ServerResponse,
  { origin, folder, prefix }: { readonly origin: string; readonly folder: string; readonly prefix: string },
  signal: AbortSignal,
): Promise<void> {
  let files: string[] | null;
  try {
    files = await folders.filesBelow(origin, folder, signal);
  } catch (error) {
    return say(response, 502, error instanceof ProxyError ? error.message : 'The folder could not be listed in time.');
  }
  if (files === null) return say(response, 404, 'There is no such folder, or its server lists nothing there.');
  const secure = 'encrypted' in request.socket;
  const base = `${secure ? 'https' : 'http'}://${request.headers.host ?? 'localhost'}${prefix}/${origin}`;
  const films = files.filter(isMediaName).map((target) => {
    const name = legiblePath(target.slice(target.lastIndexOf('/') + 1)).replace(/\.\w+$/, '');
    return `#EXTINF:-1,${name}\n${base}${target}\n`;
  });
  const text = Buffer.from(`#EXTM3U\n${films.join('')}`);
  const fields = { 'content-type': 'audio/x-mpegurl; charset=utf-8', 'content-length': text.length, ...securityFields };
  response.writeHead(200, fields).end(request.method === 'HEAD' ? undefined : text);
}

const securityFields = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const;

/** A page of another site can't read it, and shall not make the origin be asked either. */
function isForeign({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

function say(response: ServerResponse, status: number, sentence: string): void {
  const fields = { 'content-type': 'text/plain; charset=utf-8', ...securityFields };
  response.writeHead(status, status === 405 ? { ...fields, allow: 'GET, HEAD' } : fields).end(`${sentence}\n`);
}
