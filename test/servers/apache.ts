/** Apache with WebDAV over a folder, for one user, as the guide shows it. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromGuide } from './guide.ts';
import { freePort, startServer } from './server.ts';

/** Where Debian has Apache's modules; those of every configuration, and what that is besides. */
const modules = '/usr/lib/apache2/modules';
const usual = ['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'mime'];

const user = 'anna';
export const password = 'open sesame';

export interface Apache extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** Uploads a file as WebDAV's clients do. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  etag(name: string): Promise<string>;
}

/** `folder` gets what Apache needs; its films lie in `folder`/films. */
export async function startApache(folder: string): Promise<Apache> {
  const port = await freePort();
  const own = join(folder, 'apache');
  const films = join(folder, 'films');
  await mkdir(own, { recursive: true });
  // Apache refuses to serve as root; whom it serves as then must be able to write.
  for (const place of [own, films]) await chmod(place, 0o777);
  await chmod(folder, 0o755);
  await writeFile(join(own, 'users'), `${user}:{SHA}${createHash('sha1').update(password).digest('base64')}\n`);
  const file = join(own, 'apache.conf');
  await writeFile(file, configuration(own, port, films));
  const server = await startServer('apache2', ['-f', file, '-D', 'FOREGROUND'], port);
  const url = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const ask = async (name: string, request: RequestInit) => {
    const response = await fetch(`${url}/${name}`, { ...request, headers });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`Apache answers ${request.method} with ${response.status}`);
    return response;
  };
  return {
    url,
    put: async (name, bytes) => void (await ask(name, { method: 'PUT', body: bytes })),
    etag: async (name) => (await ask(name, { method: 'HEAD' })).headers.get('etag') ?? '',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function configuration(own: string, port: number, films: string): string {
  return `${baseConfiguration(own, String(port), films, ['auth_basic', 'dav', 'dav_fs', 'autoindex'])}
    DavLockDB "${own}/locks"
    ${fromGuide('Apache: WebDAV', 'apache', { '/srv/films': films, '/srv/users': join(own, 'users') })}`;
}

/** An Apache with those modules over `films`, which has what it writes itself in `own`. */
export function baseConfiguration(own: string, port: string, films: string, loaded: readonly string[]): string {
  return `
    ServerRoot "${own}"
    ServerName films
    Listen 127.0.0.1:${port}
    PidFile "${own}/pid"
    ErrorLog "${own}/error.log"
    DefaultRuntimeDir "${own}"
    Mutex file:${own}
    ${process.getuid?.() === 0 ? 'User nobody\nGroup nogroup' : ''}
    ${[...usual, ...loaded].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
    TypesConfig /dev/null
    AddType video/mp4 .mp4
    DocumentRoot "${films}"`;
}
