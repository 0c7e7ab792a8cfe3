/**
 * `strace(1)` around a process that runs already: sees its system calls, and makes the N-th of them go wrong.
 *
 * `when=N` counts for each thread and each call by itself, from the moment of attaching; so what is traced runs with
 * one thread of libuv (`UV_THREADPOOL_SIZE=1`), beside the main thread and the index' own.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, start } from '../players/program.ts';
import { absent } from '../programs.ts';

/** For a test's `skip`. Where it is installed, it may still not be allowed. */
export const noStrace = absent('strace', 'strace', '--follow-forks', '--output', '/dev/null', 'true');

/** The calls by which a store changes a file system; a name that this strace does not know is no error (`?`). */
export const changingCalls = [
  ...['pwrite64', 'pwritev', 'pwritev2', 'fdatasync', 'fsync', 'openat', 'mkdir', 'mkdirat', 'chmod', 'fchmod'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'rmdir', 'ftruncate', 'fallocate'],
] as const;

/** One call as strace wrote it down. */
export interface TracedCall {
  readonly thread: number;
  readonly name: string;
  readonly injected: boolean;
}

export class Trace implements AsyncDisposable {
  readonly #program: Program;
  readonly #folder: string;

  private constructor(program: Program, folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  /** Traces these calls of process `pid`; `inject` is what follows the call's name, such as `error=EIO:when=3`. */
  static async attach(pid: number, calls: readonly string[], inject?: string): Promise<Trace> {
    const folder = await mkdtemp(join(tmpdir(), 'firstbyte-strace-'));
    const set = calls.map((call) => `?${call}`).join(',');
    const program = start('strace', [
      ...['--follow-forks', '--attach', String(pid), '--output', join(folder, 'calls')],
      ...['--trace', set, ...(inject === undefined ? [] : ['--inject', `${set}:${inject}`])],
    ]);
    const attached = Promise.withResolvers<void>();
    program.process.stderr?.on('data', () => /attached/.test(program.errors()) && attached.resolve());
    program.ended.then(() => attached.reject(new Error(`strace ended: ${program.errors()}`)));
    await attached.promise;
    return new Trace(program, folder);
  }

  /** What was traced so far, in order. Lines that only resume a call are left out. */
  async calls(): Promise<TracedCall[]> {
    const text = await readFile(join(this.#folder, 'calls'), 'latin1');
    return [...text.matchAll(/^(\d+) +(\w+)\((.*)$/gm)].map(([, thread, name = '', rest = '']) => ({
      thread: Number(thread),
      name,
      injected: rest.includes('(INJECTED)'),
    }));
  }

  /** Lets go of the process, which runs on as if nothing had been; `calls` may be asked after it. */
  async detach(): Promise<void> {
    const { exitCode, signalCode } = this.#program.process;
    if (exitCode !== null || signalCode !== null) return;
    this.#program.process.kill('SIGINT');
    await this.#program.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.detach();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
