/**
 * What lies in a cache directory, compared with what its index names; seen from outside, by a reader of its own.
 *
 * A running owner has locked the database, so a copy of it is read; that is whole only while nothing is written.
 */
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Until an owner that has just begun must have swept what a crash left behind, in milliseconds. */
const settleTimeout = 60_000;

export interface OnDisk {
  /** Directories of objects that the index does not name, by their paths under the directory of objects. */
  readonly orphanDirectories: readonly string[];
  /** Files in the directories of named objects that the index does not name. */
  readonly orphanFiles: readonly string[];
  /** What the index names, by the same paths. */
  readonly named: readonly string[];
}

/** Looks into a cache directory, whose owner may be running but must be at rest. */
export async function lookOnDisk(directory: string): Promise<OnDisk> {
  const { objects, segments } = await namedByIndex(directory);
  const orphanDirectories: string[] = [];
  const orphanFiles: string[] = [];
  const root = join(directory, 'objects');
  for (const family of await readdir(root)) {
    for (const object of await readdir(join(root, family))) {
      if (!objects.has(object)) {
        orphanDirectories.push(join(family, object));
        continue;
      }
      const files = await readdir(join(root, family, object));
      orphanFiles.push(...files.map((file) => join(family, object, file)).filter((path) => !segments.has(path)));
    }
  }
  return { orphanDirectories, orphanFiles, named: [...segments] };
}

/** Waits until the directory, whose owner may be running, holds nothing that its index does not name. */
export async function settled(directory: string): Promise<void> {
  for (const deadline = performance.now() + settleTimeout; ; await sleep(20)) {
    const { orphanDirectories, orphanFiles } = await lookOnDisk(directory);
    if (orphanDirectories.length + orphanFiles.length === 0) return;
    if (performance.now() < deadline) continue;
    throw new Error(`The index does not name ${[...orphanDirectories, ...orphanFiles].join(', ')}.`);
  }
}

async function namedByIndex(directory: string): Promise<{ objects: Set<string>; segments: Set<string> }> {
  const copy = await mkdtemp(join(tmpdir(), 'firstbyte-index-'));
  try {
    const present = await readdir(directory);
    for (const file of ['index.sqlite', 'index.sqlite-wal'].filter((name) => present.includes(name))) {
      await copyFile(join(directory, file), join(copy, file));
    }
    using database = new DatabaseSync(join(copy, 'index.sqlite'));
    const rows = database
      .prepare('SELECT name, generation, number FROM objects LEFT JOIN segments ON segments.object = objects.id')
      .all() as { name: string; generation: string; number: number | null }[];
    const objects = new Set(rows.map(({ name, generation }) => `${name}.${generation}`));
    const segments = rows.flatMap(({ name, generation, number }) =>
      number === null ? [] : [join(name.slice(0, 2), `${name}.${generation}`, String(number))],
    );
    return { objects, segments: new Set(segments) };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}
