/** The system calls that send files, on the real system: a test here is skipped where the system has none. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants as fsConstants, readSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, symlink } from 'node:fs/promises';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { descriptorOf, findSystemCalls, type SystemCalls } from '../src/system-calls.ts';
import { film } from './support/film.ts';

const MiB = 1024 * 1024;
const movie = film(2 * MiB + 1);

interface Stage {
  readonly calls: SystemCalls;
  readonly path: string;
  readonly file: FileHandle;
  /** Both ends of a connection; the first one is sent to. */
  readonly ends: readonly [Socket, Socket];
}

/** A file in a directory of its own, and a connection; `null` where there are no calls here. */
async function stage(t: TestContext): Promise<Stage | null> {
  const { calls } = await findSystemCalls();
  if (calls === null) {
    t.skip('needs Linux and the package of koffi for it');
    return null;
  }
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-calls-'));
  const path = join(directory, 'file');
  const file = await open(path, 'w+');
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  t.after(async () => {
    near.destroy();
    client.destroy();
    server.close();
    await file.close();
    await rm(directory, { recursive: true });
  });
  return { calls, path, file, ends: [near, client] };
}

/** What comes over a connection until so many bytes are there. */
async function received(socket: Socket, count: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  while (size < count) {
    const [piece] = (await once(socket, 'data')) as [Buffer];
    pieces.push(piece);
    size += piece.length;
  }
  return Buffer.concat(pieces);
}

/** Whether the system has let go of the file's pages: not every file system does. */
function dropped(path: string): boolean {
  const { status } = spawnSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], {
    stdio: 'ignore',
  });
  return status === 0;
}

test('bytes that lie beyond 4 GiB of a file arrive as they are', async (t) => {
  const set = await stage(t);
  if (set === null) return;
  const { calls, file, ends } = set;
  const offset = 5 * 2 ** 30 + 7;
  await file.write(movie.bytesAt(1000, 3000), 0, 2000, offset);
  assert.equal(calls.sendFile(descriptorOf(ends[0]) ?? -1, file.fd, offset, 2000), 2000);
  movie.assertBytes(1000, await received(ends[1], 2000));
});

test('a full socket takes what fits, then nothing, and all of it arrives', async (t) => {
  const set = await stage(t);
  if (set === null) return;
  const { calls, file, ends } = set;
  await file.truncate(64 * MiB);
  await file.write(movie.bytesAt(0, MiB), 0, MiB, 0);
  const socket = descriptorOf(ends[0]) ?? -1;
  let sent = 0;
  let last = 0;
  do {
    last = calls.sendFile(socket, file.fd, sent, 8 * MiB);
    sent += Math.max(0, last);
  } while (last > 0 && sent < 64 * MiB);
  assert.equal(last, -constants.errno.EAGAIN);
  const arrived = await received(ends[1], sent);
  movie.assertBytes(0, arrived.subarray(0, Math.min(sent, MiB)));
});

test('the end of a file gives nothing, and what is no file or no socket an error', async (t) => {
  const set = await stage(t);
  if (set === null) return;
  const { calls, file, ends } = set;
  const socket = descriptorOf(ends[0]) ?? -1;
  assert.equal(calls.sendFile(socket, file.fd, 10, 10), 0);
  assert.equal(calls.sendFile(socket, -1, 0, 10), -constants.errno.EBADF);
  ends[0].destroy();
  assert.equal(descriptorOf(ends[0]), null);
  assert.equal(calls.isCached(-1, 0, 10), false);
});

test('a client that has gone is an error, and no signal that ends the process', async (t) => {
  const set = await stage(t);
  if (set === null) return;
  const { calls, file, ends } = set;
  await file.write(movie.bytesAt(0, MiB));
  ends[1].resetAndDestroy();
  await once(ends[1], 'close');
  const results: number[] = [];
  for (let tries = 0; tries < 3; tries += 1) results.push(calls.sendFile(descriptorOf(ends[0]) ?? -1, file.fd, 0, MiB));
  const { ECONNRESET, EPIPE, EBADF } = constants.errno;
  assert.ok([ECONNRESET, EPIPE, EBADF].includes(-(results.at(-1) ?? 0)), String(results));
});

test('what the system has dropped from its page cache does not count as cached, nor what is half there', async (t) => {
  const set = await stage(t);
  if (set === null) return;
  const { calls, path, file } = set;
  await file.write(movie.bytesAt(0, movie.size));
  if (!calls.isCached(file.fd, 0, movie.size)) return t.skip('this file system does not tell');
  assert.equal(calls.isCached(file.fd, movie.size - 10, 10), true);
  assert.equal(calls.isCached(file.fd, movie.size - 10, 11), false);
  if (!dropped(path) || calls.isCached(file.fd, 0, 4096)) return t.skip('this file system keeps its pages');
  // As far from each other as the kernel reads ahead and more.
  for (const at of [0, movie.size - 1]) await file.read(Buffer.alloc(1), 0, 1, at);
  assert.equal(calls.isCached(file.fd, 0, 4096), true);
  assert.equal(calls.isCached(file.fd, movie.size - 1, 1), true);
  assert.equal(calls.isCached(file.fd, 0, movie.size), false);
  await file.read(Buffer.alloc(movie.size), 0, movie.size, 0);
  assert.equal(calls.isCached(file.fd, 0, movie.size), true);
});

test('the system writes into no memory but its own, however often that of others is collected', async (t) => {
  const set = await stage(t);
  if (set === null) return;
  const { calls, file } = set;
  await file.write(Buffer.alloc(4096, 0x55));
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 20; round += 1) {
    collect();
    // Of the size of what a call could write into, so that they get the place of what was collected.
    const others = [1, 8, 16, 24, 40].flatMap((size) =>
      Array.from({ length: 500 }, () => Buffer.allocUnsafeSlow(size).fill(0xaa)),
    );
    calls.isCached(file.fd, 0, 4096);
    calls.sendFile(-1, file.fd, 0, 1);
    assert.ok(others.every((other) => other.every((byte) => byte === 0xaa)));
  }
});

test('a file whose path the system knows is opened without the disk, and no link is followed', async (t) => {
  const set = await stage(t);
  if (set === null) return;
  const { calls, path, file } = set;
  await file.write(movie.bytesAt(0, 100));
  const { O_RDONLY, O_NOFOLLOW } = fsConstants;
  const descriptor = calls.openCached(path, O_RDONLY | O_NOFOLLOW);
  if (
    descriptor === -constants.errno.EAGAIN ||
    descriptor === -constants.errno.EINVAL ||
    descriptor === -constants.errno.ENOSYS
  )
    return t.skip('this kernel knows no RESOLVE_CACHED');
  const bytes = Buffer.alloc(100);
  assert.equal(readSync(descriptor, bytes, 0, 100, 0), 100);
  closeSync(descriptor);
  movie.assertBytes(0, bytes);
  await symlink(path, `${path}-link`);
  assert.equal(calls.openCached(`${path}-link`, O_RDONLY | O_NOFOLLOW), -constants.errno.ELOOP);
  assert.ok(calls.openCached(`${path}-none`, O_RDONLY) < 0);
});

test('the system gets back what a burst leaves between things that live', async (t) => {
  const { calls } = await findSystemCalls();
  if (calls === null) return t.skip('needs Linux and the package of koffi for it');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const living = burst(200 * MiB);
  const before = process.memoryUsage.rss();
  collect();
  // The second one waits for the thread that frees what the first one found.
  collect();
  calls.trimMemory();
  const less = before - process.memoryUsage.rss();
  assert.ok(less >= 150 * MiB, `${Math.round(less / MiB)} MiB less`);
  assert.ok(living.every((buffer) => buffer.every((byte) => byte === 1)));
});

/** Takes so many bytes in pieces, and keeps every 32nd. */
function burst(bytes: number): Buffer[] {
  const size = MiB / 16;
  const pieces = Array.from({ length: bytes / size }, () => Buffer.allocUnsafeSlow(size).fill(1));
  return pieces.filter((_, place) => place % 32 === 31);
}
