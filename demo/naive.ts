/**
 * `npm run naive`: the first byte of a film from a slow origin, through proxies that look and through one that is woken.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../src/config.ts';
import { startDaemon } from '../src/daemon.ts';
import { naiveProxies, startNaiveProxy } from './naive-proxies.ts';
import { startSlowOrigin } from './slow-origin.ts';

/** Milliseconds, and bytes a second. */
const silence = 3000;
const rate = 1_000_000;

async function play(url: string): Promise<string> {
  const askedAt = performance.now();
  const response = await fetch(url);
  let firstByteAt: number | null = null;
  let received = 0;
  for await (const bytes of response.body ?? []) {
    firstByteAt ??= performance.now() - askedAt;
    received += bytes.length;
  }
  const doneAt = performance.now() - askedAt;
  const firstByte = firstByteAt === null ? 'never' : `${(firstByteAt / 1000).toFixed(3)} s`;
  return [
    String(response.status).padEnd(6),
    firstByte.padEnd(10),
    `${(doneAt / 1000).toFixed(3)} s`,
    `${received} bytes`,
  ].join('  ');
}

await using running = new AsyncDisposableStack();
const origin = await startSlowOrigin({ folder: import.meta.dirname, silence, rate });
running.defer(() => origin.close());
const say = (name: string, line: string) => process.stdout.write(`${name.padEnd(24)}${line}\n`);

say('', 'status  first byte  done     received');
say('direct', await play(`${origin.url}/film.mp4`));
for (const [name, look] of Object.entries(naiveProxies)) {
  const proxy = await startNaiveProxy(origin.url, look);
  say(name, await play(`${proxy.url}/film.mp4`));
  proxy.close();
}
const cacheDir = await mkdtemp(join(tmpdir(), 'firstbyte-naive-'));
running.defer(() => rm(cacheDir, { recursive: true, force: true }));
const flags = { listen: '127.0.0.1:0', origins: `film=${origin.url}`, cacheDir, logLevel: 'error' };
const firstbyte = await startDaemon(loadSettings({ flags, env: {} }).settings);
running.defer(() => firstbyte.stop());
say('firstbyte', await play(`${firstbyte.addresses[0]}film/film.mp4`));
say('firstbyte, second time', await play(`${firstbyte.addresses[0]}film/film.mp4`));
