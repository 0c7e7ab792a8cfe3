/**
 * Files that come with the program: they lie beside it, or inside it where it is a single executable. This is the one file
 * that knows which.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import * as sea from 'node:sea';
import { Worker } from 'node:worker_threads';

const isExecutable = sea.isSea();

/**
 * The files of a folder of the build and those below it, by their paths in it; from the sources, of the last build. Rejects
 * with the system's error.
 */
export async function readOwnFolder(name: string): Promise<ReadonlyMap<string, Buffer>> {
  if (!isExecutable) return readFolder(join(import.meta.dirname, isSource() ? '../dist' : '.', name));
  const keys = sea.getAssetKeys().filter((key) => key.startsWith(`${name}/`));
  return new Map(keys.map((key) => [key.slice(name.length + 1), Buffer.from(sea.getRawAsset(key) as ArrayBuffer)]));
}

/** Starts a thread; `source` is the place of its file below `src/`, which is called the same in a build. */
export function startOwnWorker(source: string): Worker {
  // Flags of the program that firstbyte runs in are not for this thread: some of them would end it.
  const options = { execArgv: [] };
  const name = `${source.slice(source.lastIndexOf('/') + 1)}.js`;
  if (isExecutable) return new Worker(sea.getAsset(name, 'utf8'), { ...options, eval: true });
  return new Worker(new URL(isSource() ? `./${source}.ts` : `./${name}`, import.meta.url), options);
}

function isSource(): boolean {
  return import.meta.url.endsWith('.ts');
}

async function readFolder(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = async (path: string) => [relative(directory, path).replaceAll('\\', '/'), await readFile(path)] as const;
  return new Map(await Promise.all(paths.map(read)));
}
