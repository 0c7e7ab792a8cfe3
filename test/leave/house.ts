/** Where replies are left: a firstbyte as users start it, whose films are in the cache, whole and on disk. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lent } from '../../src/lent.ts';
import { Firstbyte } from '../crash/firstbyte.ts';
import { startOrigin } from '../players/origin.ts';

/** The file that raw clients leave; its content is noise, so that no two bytes can be mistaken for each other. */
export const noise = 'noise.mkv';
const noiseSize = 24 * 1024 * 1024;

/** Who is not answered within this hangs, in milliseconds. */
const hangs = 10_000;

/** What is lent to somebody; what else there is may be kept for the next request, for half a minute. */
const lentToSomebody = ['requests', 'readers', 'buffers', 'starved', 'stalled', 'descriptors', 'listeners'] as const;

export interface HouseOptions {
  readonly flags?: readonly string[];
  /** Another build of firstbyte; this one where absent. */
  readonly program?: string | undefined;
  /** Makes more files in the folder of the origin, and names them. */
  readonly furnish?: (folder: string) => Promise<readonly string[]>;
}

export class House implements AsyncDisposable {
  readonly firstbyte: Firstbyte;
  /** Of the raw clients' file. */
  readonly content: Buffer;
  readonly #folder: string;

  private constructor(firstbyte: Firstbyte, content: Buffer, folder: string) {
    this.firstbyte = firstbyte;
    this.content = content;
    this.#folder = folder;
  }

  /** Resolves when every film is in the cache, and the origin is gone. */
  static async open({ flags = [], program, furnish = async () => [] }: HouseOptions = {}): Promise<House> {
    const folder = await mkdtemp(join(tmpdir(), 'firstbyte-leave-'));
    const [files, directory] = [join(folder, 'files'), join(folder, 'cache')];
    await mkdir(files);
    const content = randomBytes(noiseSize);
    await writeFile(join(files, noise), content);
    const films = [noise, ...(await furnish(files))];
    await using origin = await startOrigin(files, { rate: Number.POSITIVE_INFINITY });
    const kept = ['--media-freshness', '1d', ...flags];
    const firstbyte = await Firstbyte.start({ directory, origin: origin.url, flags: kept, program });
    for (const film of films) {
      const reply = await fetch(`${firstbyte.url}/films/${film}`);
      const whole = Buffer.from(await reply.arrayBuffer());
      if (!whole.equals(await readFile(join(files, film)))) throw new Error(`${film} came with wrong bytes`);
      while ((await firstbyte.durable(`/${film}`)) < whole.length) await sleep(100);
    }
    return new House(firstbyte, content, folder);
  }

  get port(): number {
    return Number(new URL(this.firstbyte.url).port);
  }

  /** Milliseconds that a piece of the cached file takes, on a connection of its own; `null` where it never comes. */
  async hit(start: number): Promise<number | null> {
    const before = performance.now();
    try {
      const reply = await fetch(`${this.firstbyte.url}/films/${noise}`, {
        headers: { range: `bytes=${start}-${start + 999}`, connection: 'close' },
        signal: AbortSignal.timeout(hangs),
      });
      const bytes = Buffer.from(await reply.arrayBuffer());
      if (!bytes.equals(this.content.subarray(start, start + 1000))) throw new Error('a hit with wrong bytes');
      return performance.now() - before;
    } catch (error) {
      if (error instanceof DOMException && error.name === 'TimeoutError') return null;
      throw error;
    }
  }

  /** What is lent to somebody still when a minute has passed; empty as soon as nothing is. */
  async stillLent(things: readonly (keyof Lent)[] = lentToSomebody, patience = 60_000): Promise<Partial<Lent>> {
    for (const until = performance.now() + patience; ; await sleep(100)) {
      const lent = await this.firstbyte.lent();
      const left = things.filter((thing) => lent[thing] > 0).map((thing) => [thing, lent[thing]] as const);
      if (left.length === 0 || performance.now() > until) return Object.fromEntries(left);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.firstbyte[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
