/**
 * The page at `/-/`: the files that `npm run build` makes of `dashboard/`, read once and served from memory.
 *
 * The files hold no secret, so everyone may get them. What the page shows comes from the control API, which checks each
 * request. The page's policy forbids loading from or sending to another server, and being framed.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { listMembers } from '../http/fields.ts';
import { parseEntityTags, weaklyEqual } from '../http/validator.ts';
import { readOwnFolder } from '../own-files.ts';

const root = '/-/';

const securityFields = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "media-src 'self'",
    "worker-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The best coding first. Each lies beside the file, under its name with this ending. */
const codings = { br: '.br', gzip: '.gz' } as const;
type Coding = keyof typeof codings | 'identity';

interface PageFile {
  readonly type: string;
  /** Whether its name contains a hash of its content, so that it never changes. */
  readonly immutable: boolean;
  readonly tag: string;
  readonly contents: ReadonlyMap<Coding, Buffer>;
}

export class Page {
  #files: Promise<ReadonlyMap<string, PageFile> | null> | null = null;

  /** Answers a request for the page or one of its files; `false` for any other request. */
  serve(request: IncomingMessage, response: ServerResponse): boolean {
    const [path = ''] = (request.url ?? '').split('?');
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    if (path === '/-') {
      response.writeHead(308, { location: root, 'content-length': 0 }).end();
      return true;
    }
    if (path !== root && !path.startsWith(`${root}assets/`)) return false;
    this.#answer(path, request, response).catch(() => response.destroy());
    return true;
  }

  async #answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const files = await this.#read();
    if (files === null) {
      return say(response, 503, 'The page was not built: "npm run build" in the source tree of firstbyte builds it.');
    }
    const file = files.get(path);
    if (file === undefined) return say(response, 404, 'The page has no such file.');
    const coding = codingFor(request.headers['accept-encoding'] ?? '', file);
    const content = file.contents.get(coding) ?? Buffer.alloc(0);
    const etag = `"${file.tag}-${coding}"`;
    const fields = {
      ...securityFields,
      etag,
      vary: 'accept-encoding',
      'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (isKnown(request.headers['if-none-match'], etag)) {
      response.writeHead(304, fields).end();
      return;
    }
    response.writeHead(200, {
      ...fields,
      'content-type': file.type,
      'content-length': content.length,
      ...(coding !== 'identity' && { 'content-encoding': coding }),
    });
    response.end(request.method === 'HEAD' ? undefined : content);
  }

  /** `null` where the page was not built; it looks again at the next request. */
  #read(): Promise<ReadonlyMap<string, PageFile> | null> {
    this.#files ??= readOwnFolder('dashboard').then(pageOf, () => {
      this.#files = null;
      return null;
    });
    return this.#files;
  }
}

function pageOf(files: ReadonlyMap<string, Buffer>): ReadonlyMap<string, PageFile> {
  const endings: readonly string[] = Object.values(codings);
  const plain = [...files.keys()].filter((name) => !endings.includes(extname(name)));
  return new Map(plain.map((name) => [name === 'index.html' ? root : root + name, pageFileOf(name, files)]));
}

function pageFileOf(name: string, files: ReadonlyMap<string, Buffer>): PageFile {
  const plain = files.get(name) ?? Buffer.alloc(0);
  const contents = new Map<Coding, Buffer>([['identity', plain]]);
  for (const coding of ['br', 'gzip'] as const) {
    const content = files.get(name + codings[coding]);
    if (content !== undefined) contents.set(coding, content);
  }
  return {
    type: contentTypes[extname(name)] ?? 'application/octet-stream',
    immutable: extname(name) !== '.html',
    tag: createHash('sha256').update(plain).digest('base64url').slice(0, 16),
    contents,
  };
}

/** The smallest coding that the client accepts (RFC 9110 §12.5.3). Weights other than 0 are ignored. */
function codingFor(accepted: string, { contents }: PageFile): Coding {
  const taken = listMembers(accepted.toLowerCase()).filter((member) => !/;\s*q=0(\.0*)?\s*$/.test(member));
  const names = new Set(taken.map((member) => member.split(';')[0]?.trim()));
  return (['br', 'gzip'] as const).find((coding) => names.has(coding) && contents.has(coding)) ?? 'identity';
}

/** RFC 9110 §13.1.2. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const [own] = parseEntityTags(etag);
  return own !== undefined && parseEntityTags(ifNoneMatch).some((tag) => weaklyEqual(tag, own));
}

function say(response: ServerResponse, status: number, sentence: string): void {
  const fields = { ...securityFields, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(status, fields).end(`${sentence}\n`);
}
