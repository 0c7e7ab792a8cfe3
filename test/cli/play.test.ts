/** One film, one command: through a firstbyte of its own or the one that runs, in a player or none. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startSlowOrigin } from '../../demo/slow-origin.ts';
import { absent } from '../programs.ts';
import { films, json, Stage } from './stage.ts';

/**
 * A player by the name of mpv, first in PATH, that counts the bytes of the film and ends with 7 when `close` is called.
 * It asks an address of the test whether it may end, and is answered then.
 */
async function standIn(t: TestContext, directory: string): Promise<{ close(): void }> {
  const closed = Promise.withResolvers<void>();
  const gate = createServer((_, response) => void closed.promise.then(() => response.end()));
  t.after(() => gate.close());
  const port = await new Promise<number>((resolve) => {
    gate.listen(0, '127.0.0.1', () => resolve((gate.address() as AddressInfo).port));
  });
  const bin = join(directory, 'bin');
  await mkdir(bin);
  const source = `#!/bin/sh
for url; do :; done
exec '${process.execPath}' -e 'fetch(process.argv[1]).then((r) => r.arrayBuffer()).then((b) => { console.log(process.argv.slice(2).join(" "), b.byteLength); process.exitCode = 7; return fetch("http://127.0.0.1:${port}/") })' "$url" "$@"
`;
  await writeFile(join(bin, 'mpv'), source);
  await chmod(join(bin, 'mpv'), 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${bin}${delimiter}${PATH}`;
  t.after(() => {
    process.env.PATH = PATH;
  });
  return { close: closed.resolve };
}

test('any URL plays with no firstbyte running, and the command ends with its player', async (t) => {
  const stage = await Stage.set(t);
  const player = await standIn(t, stage.directory);
  const flags = ['--cache-dir', stage.cacheDir];
  const url = `${stage.originUrl}/a.mkv`;
  const playing = stage.startWith(flags, 'play', url, '--', '--fullscreen');
  await playing.reports(/(downloading for .*|complete) · .*3 MB/);
  player.close();
  const { code, out, err } = await playing.ended;
  assert.deepEqual([code, out], [7, '']);
  assert.match(err, /--quiet --ytdl=no --fullscreen http:\/\/127\.0\.0\.1:\d+\/127-0-0-1\/a\.mkv 3000000/);
});

test('a URL plays whose port is the one that firstbyte would serve at', async (t) => {
  const stage = await Stage.set(t);
  const flags = ['--cache-dir', stage.cacheDir, '--listen', new URL(stage.originUrl).host];
  const playing = stage.startWith(flags, 'play', '--player', 'none', `${stage.originUrl}/a.mkv`);
  await playing.prints(/^http:.*\n/);
  const reply = await fetch(playing.out.trim());
  films['/a.mkv']?.assertBytes(0, Buffer.from(await reply.arrayBuffer()));
  playing.process.kill('SIGINT');
  assert.equal((await playing.ended).code, 0);
});

test('what a running firstbyte has an origin for plays through that', async (t) => {
  const stage = await Stage.set(t);
  const url = await stage.serve();
  const named = (await json(stage.run('play', '--player', 'none', '--json', '/films/a.mkv'))) as { url: string };
  assert.equal(named.url, `${url}films/a.mkv`);
  const own = await stage.run('play', '--player', 'none', `${stage.originUrl}/b%20c.mkv?key=1`);
  assert.deepEqual([own.code, own.out], [0, `${url}films/b%20c.mkv?key=1\n`]);
});

test('with no player the address is served until a signal', async (t) => {
  const stage = await Stage.set(t);
  const playing = stage.start('play', '--player', 'none', '/films/sub/d.mp4');
  await playing.prints(/^http:.*\n/);
  const reply = await fetch(playing.out.trim());
  films['/sub/d.mp4']?.assertBytes(0, Buffer.from(await reply.arrayBuffer()));
  playing.process.kill('SIGINT');
  assert.equal((await playing.ended).code, 0);
});

test('a player that cannot be started is told with the reason', async (t) => {
  const stage = await Stage.set(t);
  await writeFile(join(stage.directory, 'mpv'), 'no program', { mode: 0o644 });
  const { PATH } = process.env;
  process.env.PATH = stage.directory;
  t.after(() => {
    process.env.PATH = PATH;
  });
  const { code, err } = await stage.run('play', '--player', 'mpv', '/films/a.mkv');
  assert.deepEqual([code, err], [1, 'The player mpv cannot be started: no permission\n']);
});

test('a player that is not installed, and a path under no origin, are told by their names', async (t) => {
  const stage = await Stage.set(t);
  const { PATH } = process.env;
  process.env.PATH = stage.directory;
  t.after(() => {
    process.env.PATH = PATH;
  });
  const missing = await stage.run('play', '--player', 'mpv', '/films/a.mkv');
  assert.deepEqual([missing.code, missing.err], [1, '--player: mpv is not installed, or not in PATH\n']);
  const wrong = await stage.run('play', '--player', 'winamp', '/films/a.mkv');
  assert.deepEqual([wrong.code, /Allowed choices are mpv, vlc, ffplay, gst, none/.test(wrong.err)], [2, true]);
  const foreign = await stage.run('play', '/series/a.mkv');
  assert.deepEqual(
    [foreign.code, /"\/series\/a\.mkv" belongs to no origin. Configured: \/films\//.test(foreign.err)],
    [6, true],
  );
});

test('mpv plays a real film, on a terminal, with a live line', {
  skip: absent('mpv', 'mpv', '--version'),
}, async (t) => {
  const stage = await Stage.set(t);
  const origin = await startSlowOrigin({ folder: 'demo', silence: 1200, rate: 2_000_000 });
  t.after(() => origin.close());
  const url = `${origin.url}/film.mp4`;
  const player = ['--', '--no-config', '--vo=null', '--ao=null', '--length=1'];
  const { code, out } = await stage.onTerminal('play', '--player', 'mpv', url, ...player).ended;
  assert.equal(code, 0, out);
  assert.match(out, /waiting for the origin: .* of 30 s/);
  assert.ok(out.includes('\r\x1b[K'), 'the line is gone at the end');
});
