/** File servers as people start them for a folder of films: one row each, and what CI must have for it. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { absent } from '../programs.ts';
import { baseConfiguration } from './apache.ts';
import { startNginx } from './nginx.ts';
import { freePort, startServer } from './server.ts';

export interface FileServer {
  readonly name: string;
  /** Why it can't be started here; `false` where it can. */
  readonly skip: string | false;
  /** Serves `folder`/films; `folder` may get what the server needs. */
  start(folder: string): Promise<RunningServer>;
}

interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** Path of the films, with a slash at both ends. */
  readonly path: string;
  /** User and password as a URL has them, where it asks for them. */
  readonly login?: string;
}

const ofNpm = join(import.meta.dirname, '../../tools/servers/serve.js');

export const fileServers: readonly FileServer[] = [
  ...['express', 'express4', 'http-server', 'serve', 'fastify'].map((name) => ({
    name,
    skip: absent(name, process.execPath, ofNpm, name),
    start: (folder: string) => byCommand(process.execPath, (port) => [ofNpm, name, films(folder), port]),
  })),
  {
    name: 's3rver',
    skip: absent('s3rver', process.execPath, ofNpm, 's3'),
    start: startS3,
  },
  {
    name: 'caddy',
    skip: absent('Caddy', 'caddy', 'version'),
    start: (folder) =>
      byCommand('caddy', (port) => ['file-server', '--root', films(folder), '--listen', `127.0.0.1:${port}`]),
  },
  {
    name: 'lighttpd',
    skip: absent('lighttpd', 'lighttpd', '-v'),
    async start(folder) {
      const own = join(folder, 'lighttpd');
      await mkdir(own);
      const configuration = (port: string) =>
        `server.document-root = "${films(folder)}"\nserver.port = ${port}\nserver.bind = "127.0.0.1"\n` +
        'mimetype.assign = ( ".mp4" => "video/mp4" )\n';
      const file = join(own, 'conf');
      return byCommand(
        'lighttpd',
        () => ['-D', '-f', file],
        (port) => writeFile(file, configuration(port)),
      );
    },
  },
  {
    name: 'Python',
    skip: absent('Python', 'python3', '--version'),
    start: (folder) =>
      byCommand('python3', (port) => ['-m', 'http.server', port, '--bind', '127.0.0.1', '--directory', films(folder)]),
  },
  ...['http', 'webdav'].map((protocol) => ({
    name: `rclone serve ${protocol}`,
    skip: absent('rclone', 'rclone', 'version'),
    start: (folder: string) =>
      byCommand('rclone', (port) => [
        ...['serve', protocol, films(folder), '--addr', `127.0.0.1:${port}`],
        ...['--config', '/dev/null'],
      ]),
  })),
  {
    name: 'Apache with Digest',
    skip: absent('Apache', 'apache2', '-v'),
    async start(folder) {
      const own = join(folder, 'apache');
      await mkdir(own);
      // Whom it serves as must be able to read.
      for (const place of [folder, own, films(folder)]) await chmod(place, 0o755);
      const secret = createHash('md5').update('anna:films:sesame').digest('hex');
      await writeFile(join(own, 'users'), `anna:films:${secret}\n`);
      const file = join(own, 'conf');
      const running = await byCommand(
        'apache2',
        () => ['-f', file, '-D', 'FOREGROUND'],
        (port) => writeFile(file, digestConfiguration(own, port, films(folder))),
      );
      return { ...running, login: 'anna:sesame' };
    },
  },
  {
    name: 'nginx',
    skip: absent('nginx', 'nginx', '-v'),
    async start(folder) {
      const nginx = await startNginx(folder);
      return {
        port: Number(new URL(nginx.url).port),
        path: '/films/',
        [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
      };
    },
  },
];

/** An S3 with the films in its bucket `films`. */
export async function startS3(folder: string): Promise<RunningServer> {
  return { ...(await byCommand(process.execPath, (port) => [ofNpm, 's3', films(folder), port])), path: '/films/' };
}

function digestConfiguration(own: string, port: string, root: string): string {
  return `${baseConfiguration(own, port, root, ['auth_digest'])}
    <Directory "${root}">
      AuthType Digest
      AuthName films
      AuthDigestDomain /
      AuthDigestNonceLifetime 2
      AuthUserFile "${own}/users"
      Require valid-user
    </Directory>`;
}

function films(folder: string): string {
  return join(folder, 'films');
}

/** `prepare` writes what the server reads at its start. */
async function byCommand(
  command: string,
  args: (port: string) => readonly string[],
  prepare: (port: string) => Promise<void> = async () => {},
): Promise<RunningServer> {
  const port = await freePort();
  await prepare(String(port));
  const server = await startServer(command, args(String(port)), port);
  return { port, path: '/', [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
