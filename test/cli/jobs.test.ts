/** Long work from the command line: warm and verify, to their end, their failure or their cancelling. */
import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ObjectReport } from '../../src/control/answers.ts';
import { asked, json, Stage } from './stage.ts';

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
  assert.match(
    exported.err,
    /^Only \d+ % of \/films\/a\.mkv is cached: download the rest with firstbyte warm '\/films\/a\.mkv'/,
  );
  assert.deepEqual(await readdir(stage.directory), ['cache']);
});

test('warm of what the origin does not have is code 1, with the reason', async (t) => {
  const stage = await Stage.set(t);
  const { code, out } = await stage.run('warm', '/films/none.mkv');
  assert.equal(code, 1);
  assert.match(out, /^not warmed \/films\/none\.mkv: .*404/);
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
  assert.match(out, /^cancelled \/films\/a\.mkv: .* cached\n$/);
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
