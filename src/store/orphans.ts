/** Directories of objects that no row of the index names: what a crash between two steps leaves behind. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What `directoryName` gives; anything else in the place of objects is not ours to remove. */
const objectDirectory = /^[0-9a-f]{64}\.[0-9a-f]{16}$/;

/** The paths of all orphans under the directory of objects, `named` being the names of directories that are not. */
export async function findOrphans(objects: string, named: ReadonlySet<string>): Promise<string[]> {
  const orphans: string[] = [];
  for (const family of await readdir(objects, { withFileTypes: true })) {
    if (!family.isDirectory()) continue;
    const path = join(objects, family.name);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory() && objectDirectory.test(entry.name) && !named.has(entry.name)) {
        orphans.push(join(path, entry.name));
      }
    }
  }
  return orphans;
}

/** Removes them, one after another, until the signal aborts; what is left will be found again. */
export async function removeOrphans(orphans: readonly string[], signal: AbortSignal): Promise<void> {
  for (const orphan of orphans) {
    if (signal.aborted) return;
    await rm(orphan, { recursive: true, force: true });
  }
}
