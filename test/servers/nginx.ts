/** nginx over a folder: a listing of it at /films/, and its files at /signed/ behind signed URLs that expire. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fromGuide } from './guide.ts';
import { freePort, startServer } from './server.ts';

export interface Nginx extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** The query that opens `path` until `expires`, in seconds since 1970. */
  signature(path: string, expires: number): string;
  /** What nginx has answered so far, in order. */
  answers(): Promise<readonly NginxAnswer[]>;
}

export interface NginxAnswer {
  readonly path: string;
  readonly status: number;
  /** Of the body. */
  readonly bytes: number;
}

/** `folder` gets what nginx needs; its films lie in `folder`/films. */
export async function startNginx(folder: string): Promise<Nginx> {
  const port = await freePort();
  const own = join(folder, 'nginx');
  await mkdir(own, { recursive: true });
  await chmod(own, 0o777);
  const file = join(own, 'nginx.conf');
  await writeFile(file, configuration(own, port, join(folder, 'films')));
  const server = await startServer('nginx', ['-e', 'stderr', '-p', own, '-c', file], port);
  return {
    url: `http://127.0.0.1:${port}`,
    signature(path, expires) {
      const digest = createHash('md5').update(`${expires}${path} shared-secret`).digest('base64url');
      return `md5=${digest}&expires=${expires}`;
    },
    async answers() {
      const lines = (await readFile(join(own, 'access.log'), 'utf8')).trim().split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as NginxAnswer);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function configuration(own: string, port: number, films: string): string {
  const user = userInfo().uid === 0 ? `user ${userInfo().username};` : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${own}/${of};`);
  const log = '\'{"path":"$uri","status":$status,"bytes":$body_bytes_sent}\'';
  return `
    ${user}
    daemon off;
    worker_processes 1;
    pid ${own}/nginx.pid;
    events {}
    http {
      log_format answers escape=json ${log};
      access_log ${own}/access.log answers;
      ${temporary.join('\n')}
      types { video/mp4 mp4; text/html html; }
      default_type application/octet-stream;
      server {
        listen 127.0.0.1:${port};
        ${fromGuide('nginx: signed URLs that expire', 'nginx', { '/srv/films/': `${films}/` })}
        ${fromGuide('nginx: folders', 'nginx', { '/srv/films/': `${films}/` })}
      }
    }`;
}
