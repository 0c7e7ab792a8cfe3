/**
 * A running firstbyte whose N-th system call of one kind fails, once or from then on; and the same when that is over.
 *
 * While it lasts a viewer gets right bytes or an error to be seen. After it every film is whole and right again, a new
 * film is stored, and the process is still the same one. How soon that is depends on the machine: it is measured, and
 * `npm run crash` judges it.
 *
 * Short reads and writes are not faked here: a call whose result is made up has not read or written anything. A disk
 * that fills up writes short (`disk-trouble.test.ts`), and a file that was cut reads short (`bit-rot.ts`).
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Firstbyte } from './firstbyte.ts';
import { Library } from './library.ts';
import { Trace } from './strace.ts';
import { type Seen, watch } from './viewer.ts';

export interface CallFault {
  readonly calls: readonly string[];
  readonly error: string;
  /** Whether every later call fails as well, until the fault ends. */
  readonly sticky: boolean;
}

const kinds: readonly { readonly calls: readonly string[]; readonly errors: readonly string[] }[] = [
  // First, since what others push out of the store is read from memory afterwards.
  { calls: ['pread64', 'preadv'], errors: ['EIO'] },
  { calls: ['pwritev', 'pwritev2'], errors: ['EIO', 'ENOSPC'] },
  { calls: ['pwrite64'], errors: ['EIO', 'ENOSPC'] },
  { calls: ['fdatasync'], errors: ['EIO', 'ENOSPC'] },
  { calls: ['fsync'], errors: ['EIO'] },
  { calls: ['openat'], errors: ['EIO', 'ENOSPC', 'EMFILE'] },
  { calls: ['mkdir', 'mkdirat'], errors: ['EIO', 'ENOSPC'] },
  { calls: ['unlink', 'unlinkat', 'rmdir'], errors: ['EIO'] },
  { calls: ['rename', 'renameat', 'renameat2'], errors: ['EIO'] },
];

/** Every fault that there is. */
export const callFaults: readonly CallFault[] = kinds.flatMap(({ calls, errors }) =>
  errors.flatMap((error) => [false, true].map((sticky) => ({ calls, error, sticky }))),
);

/** Of a film that is on disk before each fault, in bytes. */
const keptSize = 1_500_007;

/** How long everything that was accepted takes to be made durable, and more than that, in milliseconds. */
const settleTime = 3000;

/** After so many milliseconds it has not recovered and will not. */
const hangs = 60_000;

/** What came of one fault. */
export interface FaultSeen {
  /** Calls that failed; with none of them the run was clean. */
  readonly injected: number;
  /** Replies that ended in an error that the viewer could see. */
  readonly visible: number;
  /** Milliseconds until all was well. */
  readonly recoveredAfter: number;
}

export class FaultyCalls implements AsyncDisposable {
  readonly #library: Library;
  readonly #firstbyte: Firstbyte;
  #versions = 0;

  private constructor(library: Library, firstbyte: Firstbyte) {
    this.#library = library;
    this.#firstbyte = firstbyte;
  }

  static async open(directory: string): Promise<FaultyCalls> {
    const library = await Library.open();
    const variables = { UV_THREADPOOL_SIZE: '1' };
    // What the system sends by itself is not read; `file-sender.test.ts` has the errors of that.
    const flags = ['--sendfile', 'off'];
    const firstbyte = await Firstbyte.start({ directory, origin: library.url, variables, flags });
    const faulty = new FaultyCalls(library, firstbyte);
    library.put('/kept', keptSize, 1);
    await watch(firstbyte, library, '/kept');
    while ((await firstbyte.durable('/kept')) < keptSize) await sleep(50);
    return faulty;
  }

  /** Lets the N-th call fail while films are watched, and then be again what it should. Throws what is not as it should be. */
  async fail({ calls, error, sticky }: CallFault, n: number): Promise<FaultSeen> {
    const which = `${error} at ${calls[0]} number ${n}${sticky ? ' and from then on' : ''}`;
    try {
      const { injected, visible } = await this.#during(calls, `error=${error}:when=${n}${sticky ? '+' : ''}`);
      return { injected, visible, recoveredAfter: await this.#recover() };
    } catch (error) {
      throw new Error(`${which}: ${error instanceof Error ? error.stack : error}\n${this.#firstbyte.log}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#firstbyte[Symbol.asyncDispose]();
    await this.#library[Symbol.asyncDispose]();
  }

  async #during(calls: readonly string[], inject: string): Promise<Pick<FaultSeen, 'injected' | 'visible'>> {
    this.#replace('/cold');
    await using trace = await Trace.attach(this.#firstbyte.pid, calls, inject);
    const seen = await Promise.all([this.#watch('/cold'), this.#watch('/cold', 1_900_000), this.#watch('/kept')]);
    const injected = await this.#injected(trace);
    seen.push(await this.#watch('/kept'));
    await trace.detach();
    assert.ok(this.#firstbyte.alive, 'the process lives');
    return { injected, visible: seen.filter(({ end }) => end !== 'whole').length };
  }

  /** How many calls failed so far; waits for the first, but no longer than until everything is durable. */
  async #injected(trace: Trace): Promise<number> {
    for (const deadline = performance.now() + settleTime; ; await sleep(50)) {
      const injected = (await trace.calls()).filter((call) => call.injected).length;
      if (injected > 0 || performance.now() > deadline) return injected;
    }
  }

  /** Resolves with how long it took until films that were there are whole, and they and a new one are stored. */
  async #recover(): Promise<number> {
    const endedAt = performance.now();
    this.#replace('/fresh');
    for (;;) {
      const seen = [await this.#watch('/kept'), await this.#watch('/cold'), await this.#watch('/fresh')];
      this.#library.forgetGiven();
      await this.#watch('/fresh');
      await this.#watch('/kept');
      const elapsed = performance.now() - endedAt;
      const given = this.#library.given('/fresh').size + this.#library.given('/kept').size;
      if (given === 0 && seen.every(({ end }) => end === 'whole')) return elapsed;
      assert.ok(elapsed < hangs, `${JSON.stringify(seen)}, ${given} bytes fetched again`);
      await sleep(50);
    }
  }

  #watch(path: string, from?: number): Promise<Seen> {
    return watch(this.#firstbyte, this.#library, path, from === undefined ? {} : { from });
  }

  /** Larger than what is kept in memory of a film that can't be stored. */
  #replace(path: string): void {
    this.#versions += 1;
    this.#library.put(path, 3_000_017 + this.#versions, 2 + (this.#versions % 8));
  }
}
