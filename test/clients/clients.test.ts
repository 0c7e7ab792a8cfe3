/** What plays directly plays through firstbyte: programs that read in their own ways, each with bytes that they or we check. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { run, start } from '../players/program.ts';
import { absent } from '../programs.ts';
import { startNginx } from '../servers/nginx.ts';
import { Stage } from '../servers/stage.ts';
import { film } from '../support/film.ts';

const size = 6_000_017;
const bytes = film(size).bytesAt(0, size);
/** Debian's, which has its modules. */
const python = '/usr/bin/python3';
const here = (name: string) => join(import.meta.dirname, name);
const noNginx = absent('nginx', 'nginx', '-v');

/** firstbyte before an nginx that has the film; `direct` and `url` end with a slash. */
async function scene() {
  const stage = await Stage.open();
  await stage.write('film.bin', bytes);
  const nginx = stage.use(await startNginx(stage.folder));
  const direct = `${nginx.url}/films/`;
  const settings = { firstByteTimeout: '5s', healTimeout: '5s' };
  await stage.serve(JSON.stringify({ origins: { films: { url: direct.slice(0, -1) } }, ...settings }));
  const out = join(stage.folder, 'out');
  await mkdir(out);
  return { stage, nginx, url: stage.url, out, files: join(stage.folder, 'films') };
}

async function assertSame(path: string, expected: Uint8Array = bytes): Promise<void> {
  assert.ok((await readFile(path)).equals(expected), `${path} is not what the server has`);
}

test('zsync fetches the blocks that it lacks', { skip: noNginx || absent('zsync', 'zsync', '-V') }, async () => {
  const { stage, url, out, files } = await scene();
  await using _ = stage;
  const old = Buffer.from(bytes);
  // In some hundred places, so that it asks for as many ranges.
  for (let at = 1000; at < size; at += 15_000) old.writeUInt8(old.readUInt8(at) ^ 0xff, at);
  const [before, after] = [join(stage.folder, 'old.bin'), join(out, 'new.bin')];
  await writeFile(before, old);
  await run('zsyncmake', ['-b', '2048', '-u', 'film.bin', '-o', join(files, 'film.zsync'), join(files, 'film.bin')]);
  await run('zsync', ['-q', '-i', before, '-o', after, `${url}film.zsync`]);
  await assertSame(after);
});

test('aria2 checks every piece', { skip: noNginx || absent('aria2', 'aria2c', '--version') }, async () => {
  const { stage, url, out } = await scene();
  await using _ = stage;
  const piece = 256 * 1024;
  const hashes = Array.from({ length: Math.ceil(size / piece) }, (_, index) =>
    createHash('sha1')
      .update(bytes.subarray(index * piece, (index + 1) * piece))
      .digest('hex'),
  );
  const metalink = `<?xml version="1.0" encoding="UTF-8"?><metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="film.bin">
    <size>${size}</size><pieces length="${piece}" type="sha-1">${hashes.map((hash) => `<hash>${hash}</hash>`).join('')}</pieces>
    <url>${url}film.bin</url></file></metalink>`;
  const file = join(stage.folder, 'film.meta4');
  await writeFile(file, metalink);
  const options = [
    '--check-integrity=true',
    '--split=5',
    '--max-connection-per-server=5',
    '--min-split-size=1M',
    '--quiet',
  ];
  await run('aria2c', [...options, '--no-conf', '--max-tries=1', '--dir', out, '--metalink-file', file]);
  await assertSame(join(out, 'film.bin'));
});

test('wget goes on where it was', { skip: noNginx || absent('wget', 'wget', '--version') }, async () => {
  const { stage, url, out } = await scene();
  await using _ = stage;
  const file = join(out, 'film.bin');
  await writeFile(file, bytes.subarray(0, 2_345_678));
  await run('wget', ['-q', '-c', '-O', file, `${url}film.bin`]);
  await assertSame(file);
});

test('a torrent has it for a web seed', {
  skip: noNginx || absent('libtorrent', python, '-c', 'import libtorrent'),
}, async () => {
  const { stage, url, out, files } = await scene();
  await using _ = stage;
  await run(python, [here('web_seed.py'), join(files, 'film.bin'), `${url}film.bin`, out]);
  await assertSame(join(out, 'film.bin'));
});

/** Why no file system can be mounted here, which no package mends; `false` where it can. Root makes the device itself. */
function noFuseDevice(): string | false {
  if (!/\tfuse$/m.test(readFileSync('/proc/filesystems', 'utf8'))) return 'the kernel has no FUSE';
  if (!existsSync('/dev/fuse')) {
    if (process.getuid?.() !== 0) return 'there is no /dev/fuse, and only root could make it';
    const made = spawnSync('mknod', ['-m', '600', '/dev/fuse', 'c', '10', '229'], { encoding: 'utf8' });
    if (made.status !== 0) return `there is no /dev/fuse, and it can not be made: ${made.stderr.trim()}`;
  }
  try {
    closeSync(openSync('/dev/fuse', 'r+'));
    return false;
  } catch (error) {
    return `/dev/fuse can not be opened: ${error instanceof Error ? error.message : error}`;
  }
}

const noFuse =
  absent('httpfs2', 'sh', '-c', 'command -v httpfs2') || absent('fio', 'fio', '--version') || noFuseDevice();
test('a file system over HTTP reads what fio has written', {
  skip: noNginx || noFuse,
}, async () => {
  const { stage, url, files } = await scene();
  await using _ = stage;
  const job = ['--name=check', '--verify=crc32c', '--bs=16k', '--size=8m', '--minimal', '--output=/dev/null'];
  await run('fio', [...job, `--filename=${join(files, 'fio.bin')}`, '--rw=write', '--do_verify=0']);
  const mounted = join(stage.folder, 'mounted');
  await mkdir(mounted);
  await run('httpfs2', [`${url}fio.bin`, mounted]);
  try {
    await run('fio', [
      ...job,
      `--filename=${join(mounted, 'fio.bin')}`,
      '--rw=randread',
      '--readonly',
      '--verify_only',
      '--allow_file_create=0',
      '--invalidate=0',
    ]);
  } finally {
    await run('fusermount', ['-u', '-z', mounted]);
  }
});

const noApsw = absent('apsw', python, '-c', 'import apsw');
const rows = 20_000;

for (const what of ['all the time', 'while the server is gone', 'while the file is replaced'] as const) {
  test(`SQLite over ranges gives right rows ${what}`, { skip: noNginx || noApsw }, async () => {
    const { stage, nginx, url, files } = await scene();
    await using _ = stage;
    const file = join(files, 'film.db');
    await run(python, [here('make_database.py'), file, String(rows)]);
    const then = new Date(Date.now() - 86_400_000);
    await utimes(file, then, then);
    // The whole is there before the server goes.
    if (what === 'while the server is gone') await (await fetch(`${url}film.db`)).arrayBuffer();
    const program = start(python, [here('sqlite.py'), `${url}film.db`, String(rows), '2000', '7']);
    const lines: string[] = [];
    assert.ok(program.process.stdout);
    for await (const line of createInterface({ input: program.process.stdout })) {
      lines.push(line);
      if (lines.length !== 3) continue;
      if (what === 'while the server is gone') await nginx[Symbol.asyncDispose]();
      if (what === 'while the file is replaced') await replace(file);
    }
    const code = await program.ended;
    assert.notEqual(code, 3, program.errors());
    if (what !== 'while the file is replaced') assert.deepEqual([code, lines.at(-1)], [0, 'ok'], program.errors());
  });
}

/** Other rows of the same size under the same name. */
async function replace(file: string): Promise<void> {
  const other = await readFile(file);
  other.fill(0, 4096);
  await writeFile(`${file}.new`, other);
  await truncate(`${file}.new`, other.length);
  await rename(`${file}.new`, file);
  await rm(`${file}.new`, { force: true });
}
