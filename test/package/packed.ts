/**
 * The package as users install it: made by `npm pack`, and installed into an empty folder without a network. There is one
 * for all tests of a process.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildIfNeeded } from '../../tools/build.ts';

export const root = join(import.meta.dirname, '../..');
export const run = promisify(execFile);

export interface Packed extends AsyncDisposable {
  readonly tarball: string;
  /** A project that has the package, and the examples. */
  readonly folder: string;
  /** What npm said while it packed and installed. */
  readonly said: string;
}

/** Of the development's own packages the project has those that `others` names. */
export async function packed(others: readonly string[]): Promise<Packed> {
  await buildIfNeeded();
  const place = await mkdtemp(join(tmpdir(), 'firstbyte-package-'));
  const folder = join(place, 'project');
  await mkdir(folder);
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', place];
  const packing = await run('npm', pack, { cwd: root });
  const [{ filename }] = JSON.parse(packing.stdout) as [{ filename: string }];
  const tarball = join(place, filename);
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  const installing = await run('npm', [...install, tarball], { cwd: folder });
  await cp(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  for (const name of others) {
    const target = join(folder, 'node_modules', name);
    await mkdir(join(target, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), target);
  }
  return {
    tarball,
    folder,
    said: packing.stderr + installing.stderr + installing.stdout,
    [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
  };
}

/** Without a network: a package that needed another would fail. */
export const install = ['install', '--offline', '--omit=optional', '--no-audit', '--no-fund', '--foreground-scripts'];

/** What a folder takes, in bytes. */
export async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
