/** nginx over a folder: a listing of it at /films/, and its files at /signed/ behind signed URLs that expire. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromGuide } from './guide.ts';
import { freePort, startServer } from './server.ts';

export interface Nginx extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** `path` below /signed/ with a query that opens it for so many seconds. */
  sign(path: string, seconds: number): string;
  /** Resolves when nginx itself says that what `sign` gave has expired. */
  expired(signed: string): Promise<void>;
  /** What nginx has answered so far, in order. */
  answers(): Promise<readonly NginxAnswer[]>;
}

interface NginxAnswer {
  readonly method: string;
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
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    sign(path, seconds) {
      const expires = Math.floor(Date.now() / 1000) + seconds;
      const digest = createHash('md5').update(`${expires}/signed/${path} shared-secret`).digest('base64url');
      return `${path}?md5=${digest}&expires=${expires}`;
    },
    async expired(signed) {
      while ((await fetch(`${url}/signed/${signed}`, { method: 'HEAD' })).status !== 410) await sleep(50);
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
  const log = '\'{"method":"$request_method","path":"$uri","status":$status,"bytes":$body_bytes_sent}\'';
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
