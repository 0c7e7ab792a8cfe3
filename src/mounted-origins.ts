/**
 * The mounted origins: those of the start, and what a new configuration makes of them.
 *
 * A changed origin is mounted anew. Replies that are under way continue with the origin as it was, which is closed when
 * the last of its titles is.
 */
import type { Cache } from './cache/cache.ts';
import type { OriginSettings } from './config.ts';
import type { WatchedMount } from './mount.ts';
import type { Origin } from './origin/origin.ts';

/** The names of the origins that a new configuration has added, changed and removed. */
export interface OriginChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

interface Mounted {
  /** What its settings say, to compare with others. */
  readonly said: string;
  readonly maxConnections: number;
  readonly mount: WatchedMount;
}

export class MountedOrigins {
  readonly #open: (settings: OriginSettings) => WatchedMount;
  readonly #mounted = new Map<string, Mounted>();
  /** Origins that are mounted no more, and whose titles are not closed yet. */
  readonly #leaving = new Set<Origin>();

  constructor(origins: readonly OriginSettings[], open: (settings: OriginSettings) => WatchedMount) {
    this.#open = open;
    for (const settings of origins) this.#add(settings);
  }

  get all(): WatchedMount[] {
    return Array.from(this.#mounted.values(), ({ mount }) => mount);
  }

  /** How many connections they may have together. */
  get connections(): number {
    return [...this.#mounted.values()].reduce((sum, { maxConnections }) => sum + maxConnections, 0);
  }

  /** From now on these are the origins of new requests. */
  change(wanted: readonly OriginSettings[], cache: Pick<Cache, 'mount' | 'unmount'>): OriginChanges {
    const before = new Map(this.#mounted);
    const stays = ({ name, ...settings }: OriginSettings) => before.get(name)?.said === saidBy({ name, ...settings });
    const moved = wanted.filter((settings) => !stays(settings));
    const removed = [...before.keys()].filter((name) => !wanted.some((settings) => settings.name === name));
    for (const name of [...removed, ...moved.map(({ name }) => name)]) this.#remove(name, cache);
    for (const settings of moved) cache.mount(settings.name, this.#add(settings));
    const isNew = (name: string) => !before.has(name);
    const names = moved.map(({ name }) => name);
    return { added: names.filter(isNew), changed: names.filter((name) => !isNew(name)), removed };
  }

  async close(): Promise<void> {
    await Promise.all([...this.all.map(({ origin }) => origin), ...this.#leaving].map((origin) => origin.close()));
  }

  #add(settings: OriginSettings): WatchedMount {
    const mount = this.#open(settings);
    this.#mounted.set(settings.name, { said: saidBy(settings), maxConnections: settings.maxConnections, mount });
    return mount;
  }

  #remove(name: string, cache: Pick<Cache, 'unmount'>): void {
    const mounted = this.#mounted.get(name);
    if (mounted === undefined) return;
    const { origin } = mounted.mount;
    this.#mounted.delete(name);
    this.#leaving.add(origin);
    const closed = cache.unmount(name).then(() => origin.close());
    void closed.then(() => this.#leaving.delete(origin));
  }
}

function saidBy(settings: OriginSettings): string {
  return JSON.stringify(settings);
}
