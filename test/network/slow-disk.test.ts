/**
 * A disk that takes 200 ms for each read: whoever plays what the page cache holds does not notice it.
 *
 * The disk is a file that is mounted, and a control group lets this process read five times a second from it (root,
 * e2fsprogs, and the controller of block devices of cgroups, version 1).
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { LoopDisk, noLoopDisk } from '../crash/loop-disk.ts';
import { film } from '../support/film.ts';
import { RealStage } from './real-stage.ts';

const MiB = 1024 * 1024;
const groups = '/sys/fs/cgroup/blkio';

/** This process reads from the file system at `path` so often a second, until what is returned is disposed of. */
function throttle(path: string, readsPerSecond: number): Disposable {
  const device = execFileSync('findmnt', ['-no', 'MAJ:MIN', '--target', path], { encoding: 'utf8' }).trim();
  const group = join(groups, `firstbyte-test-${process.pid}`);
  mkdirSync(group);
  writeFileSync(join(group, 'blkio.throttle.read_iops_device'), `${device} ${readsPerSecond}`);
  writeFileSync(join(group, 'cgroup.procs'), String(process.pid));
  return {
    [Symbol.dispose]() {
      writeFileSync(join(groups, 'cgroup.procs'), String(process.pid));
      rmdirSync(group);
    },
  };
}

/** Has the system forget the pages of every large file below `directory`. */
async function forgetPages(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || statSync(path).size <= 3 * MiB) continue;
    const flags = ['oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'];
    execFileSync('dd', [`of=${path}`, ...flags], { stdio: 'ignore' });
  }
}

function noThrottle(): string | false {
  try {
    readFileSync(join(groups, 'blkio.throttle.read_iops_device'));
    return false;
  } catch {
    return 'needs root and the blkio controller of cgroups';
  }
}

const skip = (await noLoopDisk()) || noThrottle();

test('others have their first byte at once while a film comes from a disk that takes 200 ms a read', {
  skip,
}, async () => {
  await using disk = await LoopDisk.make(160);
  const [cold, warm] = [film(60 * MiB, 1), film(3 * MiB, 2)];
  const stage = new RealStage({ film: cold, films: { '/warm.mp4': warm }, directory: disk.path });
  try {
    await stage.open();
    for (let plays = 0; plays < 2; plays += 1) {
      // What is sent by the system has been compared since the start.
      if (plays > 0) await stage.restart();
      await stage.completed(await stage.get(null), cold.size);
      await stage.completed((await stage.player({ film: warm })).get('/films/warm.mp4'), warm.size);
    }
    await forgetPages(disk.path);
    using _ = throttle(disk.path, 5);
    const slow = await stage.get(null);
    const player = await stage.player({ film: warm });
    const times: number[] = [];
    while (times.length < 50 || slow.bodyBytes < MiB) {
      const other = player.get('/films/warm.mp4', { range: '5000-5999' });
      await stage.completed(other, 1000);
      times.push(other.firstByteAfter ?? Number.POSITIVE_INFINITY);
    }
    assert.ok(slow.bodyBytes < cold.size / 2, `${slow.bodyBytes} bytes came of the slow film`);
    // Whoever waits for the disk has half a read of it before them, or more.
    const late = times.filter((time) => time > 100);
    assert.ok(late.length < times.length / 2, `${times.length} replies, later than 100 ms: ${late.map(Math.round)}`);
  } finally {
    await stage.close();
  }
});
