/**
 * An ext4 file system in a file: a disk whose power can be cut.
 *
 * What had reached the device when the power went is what the file holds at one instant. A copy takes longer than an
 * instant, so it counts only if the file was still the same at its end. The model is a disk that loses nothing of what
 * it was given and keeps its order; what it was never given is lost: dirty pages, and transactions not yet committed.
 */
import { execFile } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Room in memory that is asked for before a disk is put there, in bytes. */
const spare = 512 * 1024 * 1024;

/** In memory where there is room, so that a disk that lasts for seconds costs a real one nothing. */
function place(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize >= spare ? '/dev/shm' : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** How often a copy is tried that the disk was written to under. */
const tries = 200;

/** How the file system orders content and descriptions: ext4's own way, and the one that promises least. */
export type Journal = 'ordered' | 'writeback';

/** For a test's `skip`: why no file can be mounted here; `false` where it can. In CI only a kernel's refusal is one. */
export async function noLoopDisk(): Promise<string | false> {
  try {
    await using disk = await LoopDisk.make(16);
    await writeFile(join(disk.path, 'trial'), '');
    return false;
  } catch (error) {
    const { message } = error as Error;
    const installed = !/ENOENT/.test(message);
    if (process.env.CI === 'true' && !installed) throw new Error(`CI runs every test: ${message}`);
    return installed ? `this kernel or user can't mount a file: ${message}` : `needs e2fsprogs and mount: ${message}`;
  }
}

export class LoopDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'mounted');
  }

  /** A new file system of so many mebibytes, mounted. */
  static async make(mebibytes: number, journal: Journal = 'ordered'): Promise<LoopDisk> {
    const disk = new LoopDisk(await mkdtemp(join(place(), 'firstbyte-disk-')));
    try {
      await writeFile(disk.#image, '');
      await truncate(disk.#image, mebibytes * 1024 * 1024);
      await run('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', disk.#image]);
      await disk.#mount(`data=${journal},commit=1,errors=remount-ro`);
      return disk;
    } catch (error) {
      await rm(disk.#folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The same disk after a power cut at this instant, mounted again, its journal replayed. Nothing is synced before. */
  async cutPower(): Promise<LoopDisk> {
    const after = new LoopDisk(await mkdtemp(join(place(), 'firstbyte-disk-')));
    try {
      for (let tried = 1; !(await sameWhileCopied(this.#image, after.#image)); tried += 1) {
        if (tried === tries) throw new Error(`The disk did not stand still for a copy, ${tries} times in a row.`);
      }
      await after.#mount('data=ordered');
      return after;
    } catch (error) {
      await rm(after.#folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the kernel does to a damaged file system (`errors=remount-ro`); it takes a restart to be over. */
  async turnReadOnly(): Promise<void> {
    const { stdout } = await run('findmnt', ['--noheadings', '--output', 'SOURCE', this.path]);
    await writeFile(`/sys/fs/ext4/${basename(stdout.trim())}/trigger_fs_error`, '1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', ['--lazy', this.path]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #image(): string {
    return join(this.#folder, 'image');
  }

  async #mount(options: string): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await run('mount', ['-o', `loop,${options}`, this.#image, this.path]);
  }
}

/** Whether the source was the same at the end of the copy as at its beginning, as far as the copy can tell. */
async function sameWhileCopied(source: string, copy: string): Promise<boolean> {
  await copyFile(source, copy);
  const [now, copied] = await Promise.all([readFile(source), readFile(copy)]);
  return now.equals(copied);
}
