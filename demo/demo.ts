/**
 * `npm start`: a film from an origin that is silent for 3 s and then gives 1 MB/s, through firstbyte, twice; then a
 * link where it plays in a browser. Everything is in one process and on loopback; the cache is a temporary directory.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { loadSettings } from '../src/config.ts';
import { startDaemon } from '../src/daemon.ts';
import { playOnce } from './playback.ts';
import { startSlowOrigin } from './slow-origin.ts';
import { type Paint, timelinesText } from './timeline.ts';

const usage = `npm start                  plays, shows both timelines, and serves until Ctrl-C
npm start -- --once        ends after the check: 0 if all was right, 1 if not
npm start -- --port 8787   listens on that port and not on any free one`;

/** Milliseconds, and bytes a second. */
const silence = 3000;
const rate = 1_000_000;

const say = (line: string) => process.stdout.write(`${line}\n`);
const paint: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout });

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { once: { type: 'boolean', default: false }, port: { type: 'string', default: '0' } },
    });
    if (/^\d{1,5}$/.test(values.port)) return values;
  } catch {
    // An unknown option: the answer is the same.
  }
  return null;
}

/** Plays the film cold and cached, shows both, and says what was wrong with them, if anything. */
async function show(port: string, running: AsyncDisposableStack, signal: AbortSignal) {
  const film = await readFile(join(import.meta.dirname, 'film.mp4'));
  const cacheDir = await mkdtemp(join(tmpdir(), 'firstbyte-demo-'));
  running.defer(() => rm(cacheDir, { recursive: true, force: true }));
  const origin = await startSlowOrigin({ folder: import.meta.dirname, silence, rate });
  running.defer(() => origin.close());
  const { settings } = loadSettings({
    flags: {
      listen: `127.0.0.1:${port}`,
      origins: `film=${origin.url}`,
      cacheDir,
      logLevel: 'warn',
      drainTimeout: '0s',
    },
    env: {},
  });
  const firstbyte = await startDaemon(settings);
  running.defer(() => firstbyte.stop());
  const url = `${firstbyte.addresses[0]}film/film.mp4`;

  say(`A film of ${(film.length / 1e6).toFixed(1)} MB, from an origin that is silent for ${silence / 1000} s and then`);
  say(`gives ${rate / 1e6} MB/s, is played through firstbyte: first cold, then from the cache.\n`);
  const cold = await playOnce(url, film, firstbyte.events, signal);
  const askedCold = origin.exchanges.length;
  const cached = await playOnce(url, film, firstbyte.events, signal);
  say(timelinesText({ cold: cold.timeline, cached: cached.timeline }, paint));

  const askedAgain = origin.exchanges.length > askedCold ? 'The origin was asked again for what was cached.' : null;
  const fault = cold.fault ?? cached.fault ?? askedAgain;
  say(fault ?? `Each of ${film.length} bytes was right, twice. The second time the origin was not asked.`);
  return { url, fault };
}

const options = readOptions();
if (options === null) {
  say(usage);
  process.exit(2);
}
// Listened for from the start, so that the temporary directory goes whenever the demo is ended.
const interruption = new AbortController();
const interrupted = once(interruption.signal, 'abort');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interruption.abort());

await using running = new AsyncDisposableStack();
try {
  const { url, fault } = await show(options.port, running, interruption.signal);
  if (options.once) {
    process.exitCode = fault === null ? 0 : 1;
  } else {
    say(`\nIt plays in a browser, too:  ${paint('cyan', url)}`);
    say(`and cold, with the silence:  ${paint('cyan', `${url}?cold`)}`);
    say('\nCtrl-C ends it.');
    await interrupted;
  }
} catch (error) {
  if (!interruption.signal.aborted) throw error;
  process.exitCode = 1;
}
