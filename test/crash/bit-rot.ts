/**
 * Bit rot: a cache directory with one place of it flipped, zeroed or cut, and what viewers then get.
 *
 * The directory is made once, in two states: as a clean stop leaves it, and as kill -9 leaves it, with the index' log
 * (`-wal`) beside it. Each place is damaged in a copy, which a whole firstbyte then serves.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadSettings } from '../../src/config.ts';
import { type Daemon, startDaemon } from '../../src/daemon.ts';
import { Chance } from '../faults/chance.ts';
import { Library } from './library.ts';
import { lookOnDisk } from './on-disk.ts';
import { watch } from './viewer.ts';

const films = { '/clip': 90_001, '/short': 700_013, '/film': 1_500_007 };
const paths = Object.keys(films);
const blockSize = 256 * 1024;

/** What is done to the bytes from an offset on. */
type Damage = 'flip' | 'zero' | 'cut';

/** What came of one damaged place. */
export interface Rot {
  readonly file: 'index' | 'log' | 'segment' | 'other';
  readonly damage: Damage;
  /** Bytes that had to be fetched again. */
  readonly fetched: number;
}

export class BitRot implements AsyncDisposable {
  readonly #library: Library;
  readonly #folder: string;

  private constructor(library: Library, folder: string) {
    this.#library = library;
    this.#folder = folder;
  }

  static async open(): Promise<BitRot> {
    const rot = new BitRot(await Library.open(), await mkdtemp(join(tmpdir(), 'firstbyte-rot-')));
    for (const [seed, path] of paths.entries()) rot.#library.put(path, films[path as keyof typeof films], seed + 1);
    await rot.#store();
    return rot;
  }

  /** Damages the place that `seed` means, and has everything read; throws where anything else than that is needed. */
  async damage(seed: number): Promise<Rot> {
    const chance = new Chance(seed);
    const directory = join(this.#folder, 'damaged');
    await cp(join(this.#folder, chance.one(['stopped', 'killed'])), directory, { recursive: true });
    try {
      const what = await damageOne(directory, chance);
      this.#library.forgetGiven();
      await this.#serve(directory, (daemon) => this.#watchAll(daemon));
      const fetched = paths.reduce((sum, path) => sum + this.#library.given(path).size, 0);
      if (what.file === 'segment' && what.damage !== 'cut') {
        assert.ok(fetched > 0 && fetched <= 2 * blockSize, `${fetched} bytes were fetched for a damage of one place`);
      }
      return { ...what, fetched };
    } catch (error) {
      throw new Error(`damaged with the seed ${seed}: ${error instanceof Error ? error.stack : error}`);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#library[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Makes both states; what a running owner has on disk while it is at rest is what its kill would leave. */
  async #store(): Promise<void> {
    const directory = join(this.#folder, 'stopped');
    await this.#serve(directory, async (daemon) => {
      await this.#watchAll(daemon);
      const segments = paths.length;
      while ((await lookOnDisk(directory)).named.length < segments) await sleep(20);
      await cp(directory, join(this.#folder, 'killed'), { recursive: true });
    });
  }

  async #watchAll({ addresses }: Daemon): Promise<void> {
    const url = addresses[0]?.replace(/\/$/, '') ?? '';
    for (const path of paths) {
      const { end, bytes } = await watch({ url }, this.#library, path);
      assert.equal(end, 'whole', `${path} ended after ${bytes} bytes`);
    }
  }

  async #serve(directory: string, use: (daemon: Daemon) => Promise<void>): Promise<void> {
    const flags = { listen: ['127.0.0.1:0'], cacheDir: directory, origins: [`films=${this.#library.url}`] };
    const daemon = await startDaemon(loadSettings({ flags, env: {} }).settings, { log: () => {} });
    try {
      await use(daemon);
    } finally {
      await daemon.stop();
    }
  }
}

async function damageOne(directory: string, chance: Chance): Promise<Pick<Rot, 'file' | 'damage'>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sized = await Promise.all(files.map(async (path) => ({ path, size: (await stat(path)).size })));
  const [first, ...others] = sized
    .filter(({ size }) => size > 0)
    .sort((one, other) => (one.path < other.path ? -1 : 1));
  assert.ok(first);
  const { path, size } = chance.one([first, ...others]);
  const damage = chance.one<Damage>(['flip', 'zero', 'cut']);
  const offset = chance.between(0, size - 1);
  if (damage === 'cut') {
    await truncate(path, offset);
  } else {
    const bytes = Buffer.alloc(damage === 'flip' ? 1 : Math.min(size - offset, chance.about(1, 5000)));
    await using file = await open(path, 'r+');
    if (damage === 'flip') {
      await file.read(bytes, 0, 1, offset);
      bytes.writeUInt8(bytes.readUInt8(0) ^ (1 << chance.between(0, 7)), 0);
    }
    await file.write(bytes, 0, bytes.length, offset);
  }
  return { file: kindOf(path), damage };
}

function kindOf(path: string): Rot['file'] {
  if (/\/objects\/.*\/\d+$/.test(path)) return 'segment';
  if (path.endsWith('-wal')) return 'log';
  return path.endsWith('index.sqlite') ? 'index' : 'other';
}
