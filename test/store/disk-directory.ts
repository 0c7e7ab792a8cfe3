/** A directory that goes away with its test, and a disk store in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { createDiskStore, type DiskStoreOptions } from '../../src/store/disk-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { Upkeep } from '../../src/store/upkeep.ts';

export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-store-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function openDiskStore(directory: string, options: Partial<DiskStoreOptions> = {}): Promise<Store & Upkeep> {
  return createDiskStore({ directory, clock: systemClock, ...options });
}
