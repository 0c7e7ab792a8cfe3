/**
 * The whole of firstbyte as one schedule has it: its store and settings, the network, and the bases with their films.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDiskStore } from '../../src/store/disk/disk-store.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { findSystemCalls } from '../../src/system-calls.ts';
import { Film } from '../support/film.ts';
import { etagOf } from '../support/film-fields.ts';
import type { Behaviour } from '../support/http-origin-server.ts';
import { type RigOptions, type VirtualRig, virtualRig } from '../support/rig.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import type { Identity, Schedule } from './schedule.ts';
import { smallSegment } from './settings.ts';

/** Where the bytes of one simulation are kept. */
export interface Place {
  readonly options: Pick<RigOptions, 'store' | 'cacheDir' | 'clock'>;
  clear(): Promise<void>;
}

export async function placeOf({ settings: { store, room, written } }: Schedule): Promise<Place> {
  const limits = room === null ? {} : { maxSize: { bytes: room }, segmentSize: smallSegment };
  if (store === 'memory') {
    const clock = new VirtualClock();
    return { options: { clock, store: createMemoryStore({ clock, ...limits }) }, async clear() {} };
  }
  const clock = new VirtualClock(undefined, { files: true });
  const folder = await mkdtemp(join(tmpdir(), 'firstbyte-simulation-'));
  const directory = join(folder, 'cache');
  const { calls } = await findSystemCalls();
  const bufferMemory = Number.parseInt(written.bufferMemory, 10) * 1024 * 1024;
  return {
    // A store with so little room can't be written into a configuration.
    options:
      room === null
        ? { clock, cacheDir: directory }
        : {
            clock,
            store: await createDiskStore({ directory, clock, bufferMemory, openCached: calls?.openCached, ...limits }),
          },
    // Where something went wrong, somebody may be writing there still.
    clear: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {}),
  };
}

export async function rigFor(schedule: Schedule, place: Place['options']): Promise<VirtualRig> {
  const { versions, identity, rate, delay, fates, mirror } = schedule;
  const { maxConnections, budgets, written } = schedule.settings;
  const film = filmOf(versions[0]);
  const rig = await virtualRig({
    ...place,
    films: film,
    relay: { rate, delay },
    settings: {
      ...written,
      drainTimeout: '0s',
      firstByteTimeout: `${budgets.firstByte}ms`,
      healTimeout: `${budgets.heal}ms`,
      queueTimeout: `${budgets.queue}ms`,
      stallTimeout: `${budgets.stall}ms`,
    },
    mount: { maxConnections, mirrorProof: 'overlap' },
    mirrors: mirror === null ? [] : [{ origin: mirrored(film) }],
  });
  rig.networks[1]?.origin.next(...(mirror?.fates ?? []));
  rig.origin.always({ film, ...identified(film, identity) });
  rig.origin.next(...fates);
  return rig;
}

export function filmOf({ size, seed }: Schedule['versions'][number]): Film {
  return new Film(size, seed);
}

export function tagOf(film: Film, identity: Identity): string | null {
  if (identity === 'tag') return etagOf(film);
  return identity === 'weak tag' ? `W/${etagOf(film)}` : null;
}

export function mirrorTagOf(film: Film): string {
  return `"mirror-${film.size}-${film.seed}"`;
}

/** How the second base gives a film. */
export function mirrored(film: Film): Behaviour {
  return { film, fields: { etag: mirrorTagOf(film) } };
}

/** The fields that tell a version from others, where they are not the usual ones. */
export function identified(film: Film, identity: Identity): { fields: NonNullable<Behaviour['fields']> } {
  if (identity === 'tag') return { fields: {} };
  return { fields: { etag: tagOf(film, identity), ...(identity === 'date' ? {} : { 'last-modified': null }) } };
}
