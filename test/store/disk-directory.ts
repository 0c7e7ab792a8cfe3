/** A directory that goes away with its test, and a disk store in it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { createDiskStore, type DiskStore, type DiskStoreOptions } from '../../src/store/disk/disk-store.ts';
import type { ObjectName } from '../../src/store/store.ts';
import type { StoreEvents } from '../../src/store/store-events.ts';
import { label, representationOf, unheard, writeContent } from '../../src/testing/content.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';

export async function temporaryDirectory(t: TestContext, parent = tmpdir()): Promise<string> {
  const directory = await mkdtemp(join(parent, 'firstbyte-store-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** What a store has told, in words. */
export interface Told extends StoreEvents {
  readonly told: string[];
}

export function listener(): Told {
  const told: string[] = [];
  return {
    told,
    evicted: (reason, { path }, bytes) => told.push(`evicted ${path} ${reason} ${bytes}`),
    blockLost: ({ path }, cause, bytes) => told.push(`lost ${path} ${cause} ${bytes}`),
    bufferWaited: (outcome) => told.push(`waited ${outcome}`),
    stateChanged: (trouble) => told.push(trouble === null ? 'storing' : `passing ${trouble.code}`),
    leftover: ({ code }) => told.push(`leftover ${code}`),
  };
}

export function openDiskStore(directory: string, options: Partial<DiskStoreOptions> = {}): Promise<DiskStore> {
  return createDiskStore({ directory, clock: systemClock, ...options });
}

/** Leaves an object in the store, whole and closed. */
export async function keepWhole(store: DiskStore, name: ObjectName, length: number): Promise<void> {
  const object = await store.create(name, representationOf(length), label, unheard);
  await writeContent(object, { start: 0, end: length });
  await object.close();
}

/** Lets the disk do what it has begun: it has its own time. */
export async function diskTurns(): Promise<void> {
  for (let turn = 0; turn < 400; turn += 1) await stat(tmpdir());
}

/** Lets half a minute pass, and the disk and the index as long as they take, until the store has told `what` last. */
export async function untilTold({ told }: Told, clock: VirtualClock, what: string): Promise<void> {
  for (let turn = 0; told.at(-1) !== what; turn += 1) {
    assert.ok(turn < 2000, `told ${told.join()}`);
    if (turn < 30) await clock.advance(1000);
    await diskTurns();
  }
}
