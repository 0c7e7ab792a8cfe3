/** rclone's http remote, which reads the pages of nginx' folders through firstbyte, in real time. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run } from '../players/program.ts';
import { absent } from '../programs.ts';
import { film } from '../support/film.ts';
import { fromGuide } from './guide.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { Stage } from './stage.ts';

const skip = absent('nginx', 'nginx', '-v') || absent('rclone', 'rclone', 'version');

/** Sizes by name: folders in folders, names that URLs must encode, an empty file, one of many blocks. */
const tree: Readonly<Record<string, number>> = {
  'film.mp4': 3_000_017,
  'empty.mp4': 0,
  'one byte.mp4': 1,
  'series/01 - 100 %.mkv': 262_144,
  'series/02 - a+b & c.mkv': 70_000,
  'series/03 - what?.mkv': 70_001,
  'series/04 - #4; [x].mkv': 70_002,
  "series/extra/über 'uns'.mkv": 70_003,
  ...Object.fromEntries(Array.from({ length: 24 }, (_, number) => [`many/${number}.mp4`, 10_000 + number])),
};

describe('rclone through firstbyte', { skip, concurrency: true }, () => {
  test('lists every file of every folder with its size', async () => {
    await using stage = await Stage.open();
    await folderStage(stage);
    assert.deepEqual(await listing(stage), linesOf(tree));
  });

  test('copies all of it, byte for byte, and the second time nginx is asked for pages only', async () => {
    await using stage = await Stage.open();
    const nginx = await folderStage(stage);
    await copyAndCompare(stage, 'first');
    const asked = (await nginx.answers()).length;
    await copyAndCompare(stage, 'second');
    const later = (await nginx.answers()).slice(asked).map(({ path }) => path);
    assert.ok(later.length > 0);
    assert.deepEqual(
      later.filter((path) => !path.endsWith('/')),
      [],
    );
  });

  test('sees at once what was added and what was taken away', async () => {
    await using stage = await Stage.open();
    const nginx = await folderStage(stage);
    await listing(stage);
    await stage.write('series/05.mkv', film(1000).bytesAt(0, 1000));
    await rm(join(stage.folder, 'films/one byte.mp4'));
    const asked = (await nginx.answers()).length;
    const { 'one byte.mp4': _, ...rest } = tree;
    assert.deepEqual(await listing(stage), linesOf({ ...rest, 'series/05.mkv': 1000 }));
    const pages = (await nginx.answers()).slice(asked).filter(({ path }) => path.endsWith('/'));
    assert.equal(new Set(pages.map(({ path }) => path)).size, pages.length, 'nginx gives each page once');
  });
});

/** nginx and firstbyte as the guide has them, with the tree. */
async function folderStage(stage: Stage): Promise<Nginx> {
  for (const [name, size] of Object.entries(tree)) await stage.write(name, film(size).bytesAt(0, size));
  const nginx = stage.use(await startNginx(stage.folder));
  await stage.serve(fromGuide('nginx: folders', 'json', { 'http://media.example/': `${nginx.url}/` }));
  return nginx;
}

async function listing(stage: Stage): Promise<string[]> {
  const lines = await rclone(stage, 'lsf', '-R', '--files-only', '--format', 'ps', ':http:');
  return lines.trim().split('\n').sort();
}

function linesOf(sizes: Readonly<Record<string, number>>): string[] {
  return Object.entries(sizes)
    .map(([name, size]) => `${name};${size}`)
    .sort();
}

async function copyAndCompare(stage: Stage, name: string): Promise<void> {
  const copy = join(stage.folder, name);
  await rclone(stage, 'copy', ':http:', copy);
  for (const [path, size] of Object.entries(tree)) film(size).assertBytes(0, await readFile(join(copy, path)));
  for (const [path, size] of Object.entries(tree)) assert.equal((await readFile(join(copy, path))).length, size, path);
}

/** Without its own retries, which would hide what went wrong. */
function rclone(stage: Stage, ...words: readonly string[]): Promise<string> {
  const flags = ['--config', '/dev/null', '--retries', '1', '--low-level-retries', '1', '--http-url', stage.url];
  return run('rclone', [...words, ...flags]);
}
