/** Real trouble with a real disk under a whole firstbyte: playback goes on, and storing resumes when there is room. */
import assert from 'node:assert/strict';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Firstbyte } from './firstbyte.ts';
import { Library } from './library.ts';
import { LoopDisk, noLoopDisk } from './loop-disk.ts';
import { lookOnDisk } from './on-disk.ts';
import { watch } from './viewer.ts';

const skip = await noLoopDisk();

/** A disk that holds the first film and a part of the second. */
const mebibytes = 32;
/** Each is larger than what is kept in memory of one that can't be stored. */
const films = { '/first': 9_000_011, '/large': 40_000_003, '/next': 9_100_019 };

/** It keeps what it can, until the disk itself says no. */
const unlimited = ['--max-size', '1TiB', '--min-free', '0B'];

/** After so many milliseconds it has not recovered and will not; `store/disk-trouble.test.ts` has how soon it must. */
const recoveryTime = 60_000;

class Stage implements AsyncDisposable {
  readonly library: Library;
  readonly disk: LoopDisk;
  readonly firstbyte: Firstbyte;
  readonly #parts: AsyncDisposableStack;

  private constructor(library: Library, disk: LoopDisk, firstbyte: Firstbyte, parts: AsyncDisposableStack) {
    this.library = library;
    this.disk = disk;
    this.firstbyte = firstbyte;
    this.#parts = parts;
  }

  static async open(): Promise<Stage> {
    await using parts = new AsyncDisposableStack();
    const library = parts.use(await Library.open());
    for (const [path, size] of Object.entries(films)) library.put(path, size, size % 7);
    const disk = parts.use(await LoopDisk.make(mebibytes));
    const directory = join(disk.path, 'cache');
    const firstbyte = parts.use(await Firstbyte.start({ directory, origin: library.url, flags: unlimited }));
    return new Stage(library, disk, firstbyte, parts.move());
  }

  /** Leaves no room for half of a film. */
  async fillUp(ballast: string): Promise<void> {
    const { bavail, bsize } = await statfs(this.disk.path);
    await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 1_000_000), 1));
  }

  /** Whole and right; returns how many bytes of it the origin gave for that. */
  async play(path: keyof typeof films): Promise<number> {
    this.library.forgetGiven();
    const { end, bytes } = await watch(this.firstbyte, this.library, path);
    assert.equal(end, 'whole', `${path} ended after ${bytes} bytes\n${this.firstbyte.log}`);
    return this.library.given(path).size;
  }

  /** Resolves when a film that was just played costs the origin nothing, every time it is played. */
  async isStored(path: keyof typeof films): Promise<void> {
    for (const deadline = performance.now() + recoveryTime; ; await sleep(50)) {
      await this.play(path);
      if ((await this.play(path)) === 0) return;
      assert.ok(performance.now() < deadline, `${path} is fetched again and again\n${this.firstbyte.log}`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

function onDisk(name: string, check: (stage: Stage, t: TestContext) => Promise<void>): void {
  test(name, { skip }, async (t) => {
    await using stage = await Stage.open();
    await check(stage, t);
  });
}

describe('a film plays to its end, with right bytes,', { concurrency: 3 }, () => {
  onDisk('on a disk that it fills and is larger than', async (stage) => {
    await stage.play('/first');
    await stage.play('/large');
    await stage.play('/large');
    await stage.play('/first');
    // Where the disk is full, what was watched least recently gives way; so part of it is free again.
    const { bsize, blocks } = await statfs(stage.disk.path);
    assert.ok(films['/large'] > blocks * bsize, 'the film is larger than the disk');
    assert.notDeepEqual((await lookOnDisk(join(stage.disk.path, 'cache'))).named, [], 'nothing is stored');
  });

  onDisk('on a disk that is full from the start, and is stored as soon as there is room', async (stage) => {
    const ballast = join(stage.disk.path, 'ballast');
    await stage.fillUp(ballast);
    await stage.play('/next');
    await stage.play('/next');
    assert.match(stage.firstbyte.log, /ENOSPC/);
    await rm(ballast);
    await stage.isStored('/next');
  });

  onDisk('on a disk that has become read-only', async (stage) => {
    await stage.play('/first');
    await stage.isStored('/first');
    await stage.disk.turnReadOnly();
    assert.equal(await stage.play('/first'), 0);
    await stage.play('/next');
    await stage.play('/next');
    await assert.rejects(writeFile(join(stage.disk.path, 'trial'), ''), { code: 'EROFS' });
  });

  onDisk('when the directory is removed under it', async (stage) => {
    await stage.play('/first');
    await rm(join(stage.disk.path, 'cache', 'objects'), { recursive: true });
    await stage.play('/first');
    await stage.play('/next');
    await rm(join(stage.disk.path, 'cache'), { recursive: true });
    await stage.play('/first');
    await stage.play('/next');
    assert.ok(stage.firstbyte.alive);
  });
});
