/** The doctor's checks of the cache directory: file system, free space, and write speed. */
import { randomBytes } from 'node:crypto';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import { sizeWords, speedWords } from '../kit/amounts.ts';
import { errorWords } from '../kit/system-words.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** File systems by the magic number of `statfs`. */
const fileSystems: Readonly<Record<number, { readonly name: string; readonly concern?: string }>> = {
  61267: { name: 'ext4' },
  1481003842: { name: 'xfs' },
  2435016766: { name: 'btrfs' },
  801189825: { name: 'zfs' },
  2035054128: { name: 'overlayfs', concern: 'the cache is lost with the container' },
  16914836: { name: 'tmpfs', concern: 'this is memory: the cache is lost when the machine restarts' },
  26985: { name: 'NFS', concern: 'locks and durability are not certain there' },
  4283649346: { name: 'SMB', concern: 'locks and durability are not certain there' },
  4266872130: { name: 'SMB', concern: 'locks and durability are not certain there' },
  1702057286: { name: 'FUSE', concern: 'locks and durability are not certain there' },
};

const gibibyte = 1024 ** 3;
/** Less free space than this is a warning, in bytes. */
const littleRoom = 2 * gibibyte;
/** The trial writes at most so many bytes, for at most so many milliseconds. */
const trialSize = 64 * 1024 ** 2;
const trialTimeMs = 2000;
/** A slower disk slows down a fast origin, in bytes a second. */
const slowDisk = 20 * 1024 ** 2;

const another = 'choose a directory on a local disk with --cache-dir';

export async function* diskFindings({ cacheDir, store }: Settings, clock: Clock): AsyncGenerator<Finding> {
  if (store === 'memory') {
    yield warn('the cache', 'is in memory', 'it is lost at the end; --store disk keeps it');
    return;
  }
  const place = await nearestDirectory(cacheDir);
  const { type, bavail, bsize } = await statfs(place);
  const { name, concern } = fileSystems[type] ?? { name: `a file system of type 0x${type.toString(16)}` };
  const about = `the cache in ${cacheDir}`;
  yield concern === undefined ? ok(about, `is on ${name}`) : warn(about, `is on ${name}: ${concern}`, another);
  const free = bavail * bsize;
  yield free >= littleRoom
    ? ok(about, `has ${sizeWords(free)} free`)
    : warn(about, `has ${sizeWords(free)} free`, `free more, or ${another}`);
  try {
    const speed = await writingSpeed(place, clock);
    const said = `writes ${speedWords(speed)} (with fsync)`;
    yield speed >= slowDisk ? ok(about, said) : warn(about, said, another);
  } catch (error) {
    yield fail(
      about,
      `cannot be written: ${errorWords(error)}`,
      `give it to the user that runs firstbyte, or ${another}`,
    );
  }
}

/** The directory, or the nearest existing one above it. */
async function nearestDirectory(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() || path === dirname(path) ? path : nearestDirectory(dirname(path));
}

async function writingSpeed(directory: string, clock: Clock): Promise<number> {
  const path = join(directory, `.firstbyte-trial-${randomBytes(8).toString('hex')}`);
  const bytes = randomBytes(4 * 1024 ** 2);
  const file = await open(path, 'wx', 0o600);
  try {
    const startedAt = clock.now();
    let written = 0;
    while (written < trialSize && clock.now() - startedAt < trialTimeMs) {
      written += (await file.write(bytes)).bytesWritten;
      await file.datasync();
    }
    return written / ((clock.now() - startedAt) / 1000);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
