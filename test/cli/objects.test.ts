/** What is cached, from the command line: the same with a firstbyte that runs and without. */
import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { matching } from '../../src/cli/objects.ts';
import type { ObjectReport } from '../../src/cli/replies.ts';
import { asked, films, json, Stage } from './stage.ts';

for (const running of [false, true]) {
  describe(running ? 'while a firstbyte owns the cache' : 'with no firstbyte running', () => {
    test('a film is warmed, listed, pinned, verified, exported and removed', async (t) => {
      const stage = await Stage.set(t);
      if (running) await stage.serve();

      const warmed = await stage.run('warm', '/films/a.mkv', 'films/b c.mkv', `${stage.originUrl}/sub/d.mp4`);
      assert.equal(warmed.code, 0, warmed.err);
      assert.match(warmed.out, /^warmed \/films\/a\.mkv: 2\.86 MiB present, in .*\nwarmed \/films\/b c\.mkv: 684 KiB/);
      assert.equal(stage.origin.fetchedTwice('/a.mkv').length, 0);

      const pinned = await stage.run('pin', '/films/a.mkv');
      assert.deepEqual([pinned.code, pinned.out], [0, 'pinned /films/a.mkv\n']);
      const listed = await stage.run('ls', '--sort', 'size');
      assert.deepEqual(
        listed.out.split('\n').map((line) => line.split('\t').slice(0, 5)),
        [
          ['/films/a.mkv', '2.86 MiB', '100 %', 'complete', 'pinned'],
          ['/films/b c.mkv', '684 KiB', '100 %', 'complete', ''],
          ['/films/sub/d.mp4', '488 KiB', '100 %', 'complete', ''],
          [''],
        ],
      );
      const unpinned = await stage.run('unpin', 'a.mkv');
      assert.deepEqual([unpinned.code, unpinned.out], [0, 'unpinned /films/a.mkv\n']);

      const verified = await stage.run('verify');
      assert.deepEqual([verified.code, verified.out], [0, 'checked 3 files, 4.01 MiB: all of it is right\n']);

      const exported = await stage.run('export', '/films/b c.mkv', stage.directory);
      assert.equal(exported.code, 0, exported.err);
      films['/b%20c.mkv']?.assertBytes(0, await readFile(join(stage.directory, 'b c.mkv')));

      const removed = await stage.run('rm', '*.mkv');
      assert.deepEqual(
        [removed.code, removed.out],
        [0, 'removed /films/a.mkv\nremoved /films/b c.mkv\nremoved 2 files, 3.53 MiB\n'],
      );
      const { objects } = (await json(stage.run('ls', '--json'))) as { objects: ObjectReport[] };
      assert.deepEqual(
        objects.map(({ path }) => path),
        ['/sub/d.mp4'],
      );
    });
  });
}

test('what nothing matches is code 6, and is named', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  for (const name of ['ls', 'rm', 'pin', 'unpin', 'verify']) {
    const { code, out, err } = await stage.run(name, 'nothing*');
    assert.deepEqual([code, out, err], [6, '', 'Nothing in the cache is "nothing*"\n'], name);
  }
  const foreign = await stage.run('warm', 'http://elsewhere.example/a.mkv');
  assert.equal(foreign.code, 6);
  assert.equal(
    foreign.err,
    `"http://elsewhere.example/a.mkv" is below no origin's URL; there are /films/ (${stage.originUrl}/)\n`,
  );
});

test('warm --head fetches the beginning, and what is not whole is not exported', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  const { jobs } = (await json(stage.run('warm', '--head', '512KiB', '--json', '/films/a.mkv'))) as {
    jobs: { state: string }[];
  };
  assert.deepEqual(
    jobs.map(({ state }) => state),
    ['done'],
  );
  const { objects } = (await json(stage.run('ls', '--json'))) as { objects: ObjectReport[] };
  const [object] = objects;
  assert.ok(object !== undefined && object.bytes >= 512 * 1024 && object.bytes < 3_000_000, `${object?.bytes}`);
  const exported = await stage.run('export', 'a.mkv', join(stage.directory, 'a.mkv'));
  assert.equal(exported.code, 1);
  assert.match(exported.err, /is present to \d+ % only: fetch the rest with firstbyte warm \/films\/a\.mkv/);
  assert.deepEqual(await readdir(stage.directory), ['cache']);
});

test('warm of what the origin does not have is code 1, with the reason', async (t) => {
  const stage = await Stage.set(t);
  const { code, out } = await stage.run('warm', '/films/none.mkv');
  assert.equal(code, 1);
  assert.match(out, /^not warmed \/films\/none\.mkv: .*404/);
});

test('a file that exists is replaced with --force alone, and - is standard output', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  await stage.run('warm', '/films/sub/d.mp4');
  const path = join(stage.directory, 'mine.mp4');
  await writeFile(path, 'mine');
  const refused = await stage.run('export', 'd.mp4', path);
  assert.deepEqual([refused.code, refused.err], [1, `${path} exists already: say --force to replace it\n`]);
  assert.equal(await readFile(path, 'utf8'), 'mine');
  assert.equal((await stage.run('export', '--force', 'd.mp4', path)).code, 0);
  films['/sub/d.mp4']?.assertBytes(0, await readFile(path));

  const piped = stage.start('export', 'd.mp4', '-');
  const parts: Buffer[] = [];
  piped.process.stdout?.setEncoding('latin1').on('data', (text: string) => parts.push(Buffer.from(text, 'latin1')));
  assert.equal((await piped.ended).code, 0);
  films['/sub/d.mp4']?.assertBytes(0, Buffer.concat(parts));
});

test('a block that is bad on disk is found, code 7, and --repair brings it back', async (t) => {
  const stage = await Stage.set(t);
  await stage.run('warm', '/films/a.mkv');
  await spoil(stage.cacheDir);
  const found = await stage.run('verify');
  assert.equal(found.code, 7, found.err);
  assert.match(found.out, /^checked 1 file, .* bad and dropped\n$/);
  assert.equal((await stage.run('verify')).code, 0);

  await stage.run('warm', '/films/a.mkv');
  await spoil(stage.cacheDir);
  const repaired = (await json(stage.run('verify', '--repair', '--json'))) as { bad: number; repaired: number };
  assert.ok(repaired.bad > 0);
  assert.equal(repaired.repaired, repaired.bad);
});

test('SIGINT cancels what is warmed: code 130, and what came is kept', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  stage.origin.always({ stallAfter: 1_000_000 });
  const warming = stage.start('warm', '/films/a.mkv');
  await asked(stage);
  warming.process.kill('SIGINT');
  const { code, out } = await warming.ended;
  assert.equal(code, 130);
  assert.match(out, /^cancelled \/films\/a\.mkv: .* fetched and kept\n$/);
});

test('rm --all asks on a terminal, and where nobody can answer it wants --yes', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  await stage.run('warm', '/films/sub/d.mp4');
  const silent = await stage.run('rm', '--all');
  assert.deepEqual([silent.code, /say --yes/.test(silent.err)], [2, true]);

  const asking = stage.onTerminal('rm', '--all');
  await asking.prints(/Remove everything \(1 file\)\? \[y\/N\] /);
  asking.types('n\n');
  assert.equal((await asking.ended).code, 0);
  assert.match((await stage.run('ls')).out, /d\.mp4/);

  const sure = stage.onTerminal('rm', '--all');
  await sure.prints(/\[y\/N\] /);
  sure.types('y\n');
  assert.match((await sure.ended).out, /removed 1 file, 488 KiB/);
  assert.equal((await stage.run('ls')).out, '');
});

test('on a terminal a list has titles and a total, and what takes over a second a bar', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  stage.origin.always({ rate: 1_000_000 });
  const warming = await stage.onTerminal('warm', '/films/a.mkv').ended;
  assert.equal(warming.code, 0, warming.out);
  assert.match(warming.out, /warming \/films\/a\.mkv [█▏▎▍▌▋▊▉]+ +\d.* of 2\.86 MiB, \d+ %, .*\/s, .* left/);
  const listed = await stage.onTerminal('ls').ended;
  assert.match(listed.out, /PATH +SIZE +PRESENT +STATE +PINNED +WATCHED/);
  assert.match(listed.out, /1 file, 2\.86 MiB present/);
  assert.ok(listed.out.includes('\x1b['), 'the titles are dim');
});

test('a pattern means a path with and without encoding, an id, a name, and all below', () => {
  const object = { id: 'ab'.repeat(32), origin: 'films', path: '/x/b%20c%20[1].mkv' } as ObjectReport;
  const meant = [
    '/films/x/b c [1].mkv',
    'films/x/b%20c%20[1].mkv',
    'abababab',
    '*.mkv',
    'b?c*',
    '/films/',
    '/films/x/*',
  ];
  for (const pattern of meant) assert.equal(matching(pattern)(object), true, pattern);
  const others = ['/films/x', 'b c', 'ababab', 'x/*', '*.mp4', '/film/', '.*', '/films/x/b c 1.mkv'];
  for (const pattern of others) assert.equal(matching(pattern)(object), false, pattern);
});

/** Writes zeros into the middle of each stored segment. */
async function spoil(cacheDir: string): Promise<void> {
  const objects = join(cacheDir, 'objects');
  const files = await readdir(objects, { recursive: true, withFileTypes: true });
  const segments = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  assert.ok(segments.length > 0);
  for (const path of segments) {
    const bytes = await readFile(path);
    bytes.fill(0, 300_000, 300_100);
    await truncate(path, 0);
    await writeFile(path, bytes);
  }
}
