/**
 * A server whose URLs expire after two seconds, and a refresh hook that makes fresh ones: the film plays on.
 *
 *     node examples/expiring-urls.ts
 *
 * The hook is a command, here this very file with the word `hook`: a question comes in as JSON on standard input, the
 * answer goes out as JSON on standard output.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { loadSettings, type RefreshAnswer, type RefreshQuestion, startDaemon } from 'firstbyte';

/** What the server and the hook both know; a real hook would read it from a file that nobody else can read. */
const key = 'not a secret';
const lifetime = 2000;

const signatureOf = (path: string, until: string) => createHmac('sha256', key).update(`${path} ${until}`).digest('hex');

if (process.argv[2] === 'hook') await hook(process.argv[3] ?? '');
else await demonstrate();

async function hook(server: string): Promise<void> {
  const { target }: RefreshQuestion = JSON.parse(await text(process.stdin));
  const until = String(Date.now() + lifetime);
  const answer: RefreshAnswer = {
    url: `${server}${target}?until=${until}&signature=${signatureOf(target, until)}`,
    expiresIn: lifetime / 1000,
  };
  process.stdout.write(JSON.stringify(answer));
}

async function demonstrate(): Promise<void> {
  const server = await startServer();
  const { settings } = loadSettings({
    flags: {
      listen: '127.0.0.1:0',
      store: 'memory',
      readAhead: '64KiB',
      restTimeout: '0ms',
      logLevel: 'error',
      origins: {
        films: { url: server.url, refresh: { command: [process.execPath, import.meta.filename, 'hook', server.url] } },
      },
    },
    env: {},
  });
  const firstbyte = await startDaemon(settings);
  firstbyte.events.subscribe((event) => {
    if (event.type === 'refresh') process.stdout.write(`the hook was asked (${event.reason}): ${event.outcome}\n`);
  });

  for (const range of ['bytes=0-99999', 'bytes=500000-599999', 'bytes=900000-999999']) {
    const reply = await fetch(`${firstbyte.addresses[0]}films/holiday.mkv`, { headers: { range } });
    const { byteLength } = await reply.arrayBuffer();
    process.stdout.write(`${range}: ${reply.status}, ${byteLength} bytes\n`);
    await pause(lifetime);
  }
  await firstbyte.stop();
  server.stop();
}

/** Serves a film of 1 MB to whoever has a signature that holds. */
async function startServer(): Promise<{ url: string; stop: () => void }> {
  const film = Buffer.alloc(1_000_000, 'film');
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server');
    const until = searchParams.get('until') ?? '';
    const holds = searchParams.get('signature') === signatureOf(pathname, until) && Number(until) > Date.now();
    if (!holds) return void response.writeHead(403).end();
    const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const [start, end] = [Number(first), Math.min(last === '' ? film.length : Number(last) + 1, film.length)];
    response.writeHead(206, {
      'content-length': end - start,
      'content-range': `bytes ${start}-${end - 1}/${film.length}`,
      etag: '"one"',
    });
    response.end(film.subarray(start, end));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}
