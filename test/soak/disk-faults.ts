/**
 * What befalls the disk of a soak: it is full for a while, and files of it disappear.
 *
 * As root it is a small file system of its own; else only the cache is small, and the disk is never full.
 */
import { mkdtemp, readdir, rm, statfs, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoopDisk, noLoopDisk } from '../crash/loop-disk.ts';
import type { Chance } from '../faults/chance.ts';

/** Far less than all films have, in mebibytes. */
const mebibytes = 320;

export class SmallDisk implements AsyncDisposable {
  /** For firstbyte alone. */
  readonly directory: string;
  /** In words, what it is. */
  readonly words: string;
  readonly flags: readonly string[];
  readonly #parts: AsyncDisposable;
  /** Where it is mounted; `null` where it is no disk of its own. */
  readonly #mounted: string | null;

  private constructor(parts: AsyncDisposable, mounted: string | null, folder: string) {
    this.#parts = parts;
    this.#mounted = mounted;
    this.directory = join(folder, 'cache');
    this.flags = mounted === null ? ['--max-size', '128MiB'] : ['--max-size', '60%', '--min-free', '0B'];
    this.words = mounted === null ? 'a cache of 128 MiB' : `a disk of ${mebibytes} MiB that is full now and then`;
  }

  static async make(): Promise<SmallDisk> {
    if ((await noLoopDisk()) === false) {
      const disk = await LoopDisk.make(mebibytes);
      return new SmallDisk(disk, disk.path, disk.path);
    }
    const folder = await mkdtemp(join(tmpdir(), 'firstbyte-soak-'));
    const parts = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
    return new SmallDisk(parts, null, folder);
  }

  /** Troubles until `over` aborts; then all is well. */
  async suffer(chance: Chance, over: AbortSignal): Promise<void> {
    const wait = (least: number, most: number) =>
      sleep(chance.between(least, most), undefined, { signal: over }).catch(() => {});
    while (!over.aborted) {
      await wait(10_000, 40_000);
      if (over.aborted) return;
      if (this.#mounted === null || chance.is(0.5)) {
        await this.#loseOne(chance);
        continue;
      }
      const ballast = join(this.#mounted, 'ballast');
      await fill(ballast, this.#mounted);
      await wait(1000, 10_000);
      await rm(ballast, { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }

  /** One of the files with bytes of films is gone. */
  async #loseOne(chance: Chance): Promise<void> {
    const root = join(this.directory, 'objects');
    const all = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = all.filter((entry) => entry.isFile());
    const lost = files[chance.between(0, Math.max(0, files.length - 1))];
    if (lost !== undefined) await unlink(join(lost.parentPath, lost.name)).catch(() => {});
  }
}

/** Takes all that is left of a disk. */
async function fill(path: string, disk: string): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  try {
    await writeFile(path, Buffer.alloc(bavail * bsize, 1));
  } catch {
    // firstbyte wrote meanwhile: then it was full a little earlier.
  }
}
