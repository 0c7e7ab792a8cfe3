/**
 * The system calls that Node does not offer: `sendfile(2)`; what is known without the disk, the name of a file and a part
 * of its content; and freed memory that goes back to the system. This is the one file that calls functions of the C
 * library, and that knows the descriptor of a socket.
 *
 * Node has no stable way to call them. koffi's prebuilt binary, an optional dependency, does that on Linux. A socket's
 * descriptor is in a field that Node does not document. So a trial shows at the start that all of this works here. Where
 * it does not, there are no such calls, and bodies are read and written.
 */
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { constants } from 'node:os';
import { fixedBudgets } from './budgets.ts';
import { systemClock, within } from './clock.ts';
import { never, untilAborted } from './until-aborted.ts';

export interface SystemCalls {
  /**
   * Sends bytes of a file to a socket, as many as it takes at once; `file` and `socket` are descriptors. Returns how many
   * that were, or the negative number of the error. Where a page is not in the page cache, the thread waits for the disk.
   */
  sendFile(socket: number, file: number, offset: number, count: number): number;
  /** Whether these bytes of the file are in the page cache. `false` as well where the system does not say. */
  isCached(file: number, offset: number, count: number): boolean;
  /**
   * Opens a file with flags of `open(2)`, where the system has its whole path in memory, and returns its descriptor; or the
   * negative number of an error: `EAGAIN` where it would have to ask the disk.
   */
  openCached(path: string, flags: number): number;
  /** Gives back to the system what the C library keeps of freed memory, as far as it can (`malloc_trim(3)`). */
  trimMemory(): void;
}

/** The calls; or why there are none, in words that end a sentence. */
export type FoundCalls = { readonly calls: SystemCalls } | { readonly calls: null; readonly reason: string };

/** The descriptor of a socket at this moment: to be used before anything else runs. `null` where it has none (any more). */
export function descriptorOf(socket: Socket): number | null {
  const { fd } = (socket as Socket & { readonly _handle?: { readonly fd?: number } | null })._handle ?? {};
  return fd !== undefined && fd >= 0 ? fd : null;
}

let found: Promise<FoundCalls> | null = null;

/** Loads the calls and tries them, once in a process. Never rejects. */
export function findSystemCalls(): Promise<FoundCalls> {
  found ??= find();
  return found;
}

async function find(): Promise<FoundCalls> {
  const { platform, arch } = process;
  if (platform !== 'linux') return { calls: null, reason: `${platform} is not Linux` };
  const name = `@koromix/koffi-linux-${arch}`;
  try {
    const calls = bind(createRequire(import.meta.url)(name));
    await proved(calls);
    return { calls };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'MODULE_NOT_FOUND' ? `the package ${name} is not installed` : message;
    return { calls: null, reason };
  }
}

interface Library {
  func(declaration: string): (...given: unknown[]) => number;
}

/** What is used of koffi. */
interface Koffi {
  load(library: null): Library;
  errno(): number;
  address(memory: ArrayBufferView): bigint;
}

/** Gives what is in the page cache, and an error in place of a wait (preadv2(2)). */
const RWF_NOWAIT = 8;

/** Counts the pages of a file that are in the page cache (Linux 6.5); it has no function in the C library. */
const SYS_cachestat = 451;

/** `openat2(2)` (Linux 5.6); it has no function in the C library either. */
const SYS_openat2 = 437;

/** The directory of a relative path: none is given here. */
const AT_FDCWD = -100;

/** `O_CLOEXEC`, which Node does not name: children get no descriptor of ours. */
const closeOnExec = 0o2000000;

/** Fails in place of a wait for the disk (Linux 5.12). */
const RESOLVE_CACHED = 0x20;

/** Where pages can't be counted, one is looked at in so many bytes: the kernel reads no less at once. */
const lookEvery = 64 * 1024;

function bind(koffi: Koffi): SystemCalls {
  const library = koffi.load(null);
  const sendfile = library.func('int64_t sendfile(int out, int in, uint32_t *offset, size_t count)');
  const preadv2 = library.func('int64_t preadv2(int file, uint64_t *pieces, int count, int64_t offset, int flags)');
  const syscall = library.func(
    'long syscall(long number, int file, uint64_t *range, uint64_t *counts, uint32_t flags)',
  );

  const openat2 = library.func(
    'long syscall(long number, int directory, const char *path, uint64_t *how, size_t size)',
  );
  const pageSize = library.func('int getpagesize()')();
  const trim = trimOf(library);

  // The system writes into these: each has memory of its own, which does not move and lives as long as the calls.
  // The position is in two halves, low and high: both platforms of these binaries are little-endian.
  const position = new Uint32Array(new ArrayBuffer(8));
  const range = new BigUint64Array(new ArrayBuffer(16));
  const counts = new BigUint64Array(new ArrayBuffer(40));
  const how = new BigUint64Array(new ArrayBuffer(24));
  // An `iovec`, and behind it the byte to which it points.
  const piece = new BigUint64Array(new ArrayBuffer(24));
  piece.set([BigInt(koffi.address(piece)) + 16n, 1n]);
  let counting = true;

  /** `false` as well while the page is on its way from the disk, which `cachestat` counts as cached. */
  const isAt = (file: number, offset: number) => preadv2(file, piece, 1, offset, RWF_NOWAIT) === 1;

  /** `null` where this system does not count. */
  const isWhole = (file: number, offset: number, count: number): boolean | null => {
    range[0] = BigInt(offset);
    range[1] = BigInt(count);
    counting &&= syscall(SYS_cachestat, file, range, counts, 0) === 0;
    const pages = Math.floor((offset + count - 1) / pageSize) - Math.floor(offset / pageSize) + 1;
    return counting ? Number(counts[0]) === pages : null;
  };

  return {
    sendFile(socket, file, offset, count) {
      position[0] = offset % 2 ** 32;
      position[1] = Math.floor(offset / 2 ** 32);
      const sent = sendfile(socket, file, position, count);
      return sent >= 0 ? sent : -koffi.errno();
    },
    isCached(file, offset, count) {
      const end = offset + count;
      if (count <= 0 || !isAt(file, end - 1)) return false;
      const whole = isWhole(file, offset, count);
      if (whole !== null) return whole;
      for (let at = offset; at < end; at += lookEvery) if (!isAt(file, at)) return false;
      return true;
    },
    openCached(path, flags) {
      how.set([BigInt(flags | closeOnExec), 0n, BigInt(RESOLVE_CACHED)]);
      const file = openat2(SYS_openat2, AT_FDCWD, path, how, how.byteLength);
      return file >= 0 ? file : -koffi.errno();
    },
    trimMemory() {
      trim(0);
    },
  };
}

/** A function of glibc alone. */
function trimOf(library: Library): (...given: unknown[]) => number {
  try {
    return library.func('int malloc_trim(size_t kept)');
  } catch {
    return () => 0;
  }
}

/** In bytes. */
const mostTried = 64 * 1024;

/** Rejects where a call does not do what it should: with a file that was just read, and a connection of its own. */
async function proved(calls: SystemCalls): Promise<void> {
  await using file = await open(import.meta.filename);
  const { size } = await file.stat();
  // In a single executable it is larger than a socket takes at once.
  const { buffer: content } = await file.read({ buffer: Buffer.alloc(Math.min(size, mostTried)) });
  if (calls.sendFile(-1, file.fd, 0, 1) !== -constants.errno.EBADF) throw new Error('sendfile tells no error');
  if (calls.isCached(file.fd, size, 1)) throw new Error('what is past the end of a file counts as cached');
  const late = () => new Error('sendfile brought nothing');
  const limits = { clock: systemClock, limit: fixedBudgets.sendfileTrial.ms, late, signal: never };
  const offset = Math.floor(content.length / 2);
  const received = await within(limits, (signal) => sentOver(calls, file.fd, offset, content.length - offset, signal));
  if (!received.equals(content.subarray(offset))) throw new Error('sendfile sends other bytes');
}

/** What arrives over a connection on loopback of what is sent. */
async function sentOver(
  calls: SystemCalls,
  file: number,
  offset: number,
  count: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const server = createServer((accepted) => {
    accepted.on('error', reject);
    const socket = descriptorOf(accepted);
    const sent = socket === null ? null : calls.sendFile(socket, file, offset, count);
    if (sent !== count) reject(new Error(`sendfile took ${sent} bytes of ${count}`));
    accepted.destroySoon();
  });
  let client: Socket | null = null;
  server.on('error', reject);
  server.listen({ port: 0, host: '127.0.0.1' }, () => {
    const pieces: Buffer[] = [];
    client = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', reject);
    client.on('data', (piece) => pieces.push(piece));
    client.on('end', () => resolve(Buffer.concat(pieces)));
  });
  try {
    return await untilAborted(promise, signal);
  } finally {
    server.close();
    (client as Socket | null)?.destroy();
  }
}
