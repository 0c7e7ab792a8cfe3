/**
 * What a cache proxy does that does not wait for events: three ways of finding out that a byte is there, each in the
 * fewest lines. They stand beside firstbyte in docs/guide/first-byte.md, and serve nothing else.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What has been downloaded of one film so far. */
interface Download {
  readonly landed: Buffer[];
  size: number;
  whole: boolean;
}

/** Decides when a reply may begin or go on; `sent` bytes have gone out. Resolves with `false` to refuse. */
type Look = (download: Download, sent: number) => Promise<boolean>;

const unit = 1024 * 1024;

/** Looks once, and refuses what is not there yet. */
const looksFirst: Look = async ({ size }, sent) => size > sent;

/** Looks every 10 ms whether a whole unit is there. */
const wholeUnits: Look = async (download, sent) => {
  while (download.size < sent + unit && !download.whole) await pause(10);
  return true;
};

/** Looks again and again, each time after a longer pause. */
const polls: Look = async (download, sent) => {
  for (let delay = 100; download.size <= sent && !download.whole; delay = Math.min(2000, delay * 1.6))
    await pause(delay);
  return true;
};

export const naiveProxies = { 'looks first': looksFirst, 'whole units': wholeUnits, polls };

/** Serves the films of `origin` (without a slash at the end) as `look` does it. */
export async function startNaiveProxy(origin: string, look: Look): Promise<{ url: string; close(): void }> {
  const ended = new AbortController();
  const server = createServer((request, response) => {
    const download: Download = { landed: [], size: 0, whole: false };
    bringIn(`${origin}${request.url}`, download, ended.signal).catch(() => {});
    reply(response, download, look).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      ended.abort();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bringIn(url: string, download: Download, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, { signal });
  for await (const bytes of answer.body ?? []) {
    download.landed.push(Buffer.from(bytes));
    download.size += bytes.length;
  }
  download.whole = true;
}

async function reply(response: ServerResponse, download: Download, look: Look): Promise<void> {
  let sent = 0;
  while (!response.destroyed) {
    if (!(await look(download, sent))) {
      response.writeHead(503, { 'retry-after': '1' }).end();
      return;
    }
    const next = Buffer.concat(download.landed).subarray(sent);
    sent += next.length;
    response.write(next);
    if (download.whole && sent === download.size) break;
  }
  response.end();
}
