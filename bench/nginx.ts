/** nginx beside firstbyte: a cache in slices with a lock, one of whole films, and plain files sent by the kernel, as its manual advises. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test/servers/server.ts';

/** Plain files lie in `folder`/files and are found under /files/; what is asked for under /whole/ is cached as it comes. */
export async function startNginx(
  folder: string,
  origin: { url: string },
): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  await mkdir(join(folder, 'files'), { recursive: true });
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configuration(folder, port, new URL(origin.url).host));
  const child = spawn('nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', file], { stdio: 'ignore' });
  await accepts(port, child);
  return { child, url: `http://127.0.0.1:${port}` };
}

function configuration(folder: string, port: number, origin: string): string {
  const user = userInfo().uid === 0 ? `user ${userInfo().username};` : '';
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${folder}/${of};`);
  return `
${user}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  ${places.join('\n  ')}
  proxy_cache_path ${folder}/cache keys_zone=films:10m max_size=20g use_temp_path=off;
  upstream origin { server ${origin}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    location /files/ { root ${folder}; }
    location /whole/ {
      proxy_pass http://origin/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache films;
      proxy_cache_valid 200 1d;
    }
    location / {
      slice 1m;
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Range $slice_range;
      proxy_cache films;
      proxy_cache_key $uri$is_args$args$slice_range;
      proxy_cache_valid 200 206 1d;
      proxy_cache_lock on;
      proxy_cache_lock_age 120s;
      proxy_cache_lock_timeout 120s;
    }
  }
}
`;
}

async function accepts(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    const socket = createConnection({ host: '127.0.0.1', port });
    const accepted = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (accepted) return;
    await sleep(50);
  }
  throw new Error('nginx does not accept connections');
}
