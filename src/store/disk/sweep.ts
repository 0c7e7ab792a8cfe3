/**
 * Compares the directory of objects with what the index names: what a crash between two steps leaves behind goes, what
 * is gone is no longer named, and sizes are those of the file system. It runs beside everything else, one call at a time.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Holding } from '../holding.ts';
import { directoryName } from './object-directory.ts';
import { statBlock } from './segment-files.ts';

/** What `directoryName` gives; anything else in the place of objects is not ours to remove. */
const objectDirectory = /^[0-9a-f]{64}\.[0-9a-f]{16}$/;
const segmentFile = /^(0|[1-9]\d{0,15})$/;

export interface Swept {
  readonly objects: string;
  /** Everything that is named now, by what its directory is called. */
  named(directory: string): Holding | undefined;
  /** Whether anyone has it open: then it looks after itself. */
  isOpen(holding: Holding): boolean;
  /** Unlinks the file of a segment that nobody names. */
  removeFile(path: string): Promise<void>;
  correct(holding: Holding, segment: number, real: number): void;
  /** The files of these segments are not there. */
  missing(holding: Holding, segments: readonly number[]): Promise<void>;
}

/** `known` is what was named when the store was opened. */
export async function sweep(swept: Swept, known: readonly Holding[], signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  for (const family of await readdir(swept.objects, { withFileTypes: true })) {
    if (!family.isDirectory()) continue;
    const path = join(swept.objects, family.name);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (signal.aborted) return;
      if (!entry.isDirectory() || !objectDirectory.test(entry.name)) continue;
      seen.add(entry.name);
      const holding = swept.named(entry.name);
      if (holding === undefined) await rm(join(path, entry.name), { recursive: true, force: true });
      else await sweepObject(swept, holding, join(path, entry.name));
    }
  }
  for (const holding of known) {
    if (signal.aborted) return;
    const segments = [...holding.bySegment.keys()];
    const name = directoryName(holding.name, holding.generation);
    if (segments.length === 0 || seen.has(name) || swept.named(name) !== holding || swept.isOpen(holding)) continue;
    await swept.missing(holding, segments);
  }
}

async function sweepObject(swept: Swept, holding: Holding, path: string): Promise<void> {
  const before = [...holding.bySegment.keys()];
  const files = new Set(await readdir(path).catch(() => []));
  for (const file of files) {
    const number = Number(file);
    if (!segmentFile.test(file)) continue;
    if (!holding.bySegment.has(number)) {
      await swept.removeFile(join(path, file));
      continue;
    }
    const stats = await lstat(join(path, file)).catch(() => null);
    // What is on its way into a segment is counted when it is synced.
    if (stats !== null && !holding.bySegment.get(number)?.busy)
      swept.correct(holding, number, stats.blocks * statBlock);
  }
  const missing = before.filter((number) => !files.has(String(number)));
  if (missing.length > 0 && !swept.isOpen(holding)) await swept.missing(holding, missing);
}
