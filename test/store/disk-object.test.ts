import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { Capacity } from '../../src/store/capacity.ts';
import { Backlog } from '../../src/store/disk/backlog.ts';
import { BlockIndex } from '../../src/store/disk/block-index.ts';
import { createBufferPool } from '../../src/store/disk/buffer-pool.ts';
import { DiskObject } from '../../src/store/disk/disk-object.ts';
import { DiskReads } from '../../src/store/disk/disk-reads.ts';
import { HeldOnDisk } from '../../src/store/disk/held-on-disk.ts';
import type { SegmentRow } from '../../src/store/disk/index/rows.ts';
import type { ObjectFiles } from '../../src/store/disk/object-directory.ts';
import { Slabs } from '../../src/store/disk/slabs.ts';
import { Inventory } from '../../src/store/inventory.ts';
import type { StoreError } from '../../src/store/store.ts';
import { contentAt, label, objectName, representationOf } from '../../src/testing/content.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const layout = { blockSize: 100, segmentSize: 300 };

/** Files that do what the test says; every call is noted. */
class ScriptedFiles implements ObjectFiles {
  readonly calls: string[] = [];
  readonly #bytes = Buffer.alloc(10_000);
  writeError: Error | null = null;
  readError: Error | null = null;
  isOpen = true;
  /** What `read` waits for; `undefined` for nothing. */
  reading: Promise<void> | undefined;
  /** What `write` waits for; `undefined` for nothing. */
  writing: Promise<void> | undefined;
  /** What a file takes on the disk when it is synced, in bytes. */
  real = layout.segmentSize;
  /** What `sync` waits for after that. */
  syncing: Promise<void> = Promise.resolve();

  async write({ start, end, buffers }: { start: number; end: number; buffers: readonly Buffer[] }): Promise<void> {
    this.calls.push(`write ${start}-${end}`);
    await this.writing;
    if (this.writeError !== null) throw this.writeError;
    Buffer.concat(buffers).copy(this.#bytes, start);
  }

  async read(buffer: Buffer, start: number): Promise<void> {
    this.calls.push(`read ${start}-${start + buffer.length}`);
    await this.reading;
    if (this.readError !== null) throw this.readError;
    this.#bytes.copy(buffer, 0, start);
  }

  fileAt(start: number): { descriptor: number; offset: number } | null {
    return this.isOpen ? { descriptor: 7, offset: start % layout.segmentSize } : null;
  }

  async sync(segment: number, measured: (real: number) => void): Promise<void> {
    this.calls.push(`sync ${segment}`);
    measured(this.real);
    await this.syncing;
  }

  async removeSegment(segment: number): Promise<void> {
    this.calls.push(`remove ${segment}`);
  }

  reset(): void {
    this.calls.push('reset');
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function makeObject(length: number | null, segments: readonly SegmentRow[] = []) {
  const files = new ScriptedFiles();
  const failures: StoreError[] = [];
  const row = {
    name: objectName('film'),
    generation: '0'.repeat(16),
    label,
    pinned: false,
    representation: representationOf(length),
    used: 0,
    place: null,
    segments,
  };
  const clock = new VirtualClock();
  const inventory = new Inventory<HeldOnDisk<DiskObject>>();
  const { segmentSize } = layout;
  const capacity = new Capacity<HeldOnDisk>({ clock, segmentSize, inventory, onFullChange() {} });
  const held = new HeldOnDisk<DiskObject>(row, length, false, 0);
  capacity.admit(held);
  const health = {
    trouble: null as StoreError | null,
    fail(error: StoreError) {
      if (health.trouble !== null) return;
      health.trouble = error;
      failures.push(error);
    },
  };
  const pool = createBufferPool({ size: layout.blockSize, limit: 1000, clock });
  const backlog = new Backlog(10_000);
  const medium = {
    layout,
    reads: new DiskReads(pool),
    backlog,
    slabs: new Slabs(),
    clock,
    capacity,
    health,
    space: {
      admit(_: HeldOnDisk, { start, end }: ByteRange) {
        if (health.trouble !== null) throw health.trouble;
        capacity.reserve(held, start, end);
      },
      evicting: null,
      withRoom: <Result>(_: number, work: () => Promise<Result>) => work(),
    },
    committer: { noteDirty() {}, async commit() {} },
    events: { blockLost() {} },
  };
  const lost: [number, number][] = [];
  const blocks = new BlockIndex(layout, length, segments);
  const object = new DiskObject(held, { representation: row.representation, blocks }, files, medium);
  inventory.acquire(held, ({ start, end }) => lost.push([start, end]));
  return { object, files, failures, lost, health, pool, backlog, capacity };
}

/** The object as its index row remembers it, over the same files. */
function blocksOf(rows: readonly SegmentRow[]): Record<number, number> {
  return Object.fromEntries(rows.map(({ number, blocks }) => [number, blocks[0] ?? 0]));
}

test('no row names a block before its bytes are synced', async () => {
  const { object, files } = makeObject(1000);
  const { promise, resolve } = Promise.withResolvers<void>();
  files.syncing = promise;
  await writeTo(object, 0, 250);
  const settled = object.sync();
  while (!files.calls.includes('sync 0')) await Promise.resolve();
  assert.deepEqual(blocksOf(object.takeRow().segments), {});
  resolve();
  await settled;
  assert.deepEqual(blocksOf(object.takeRow().segments), { 0: 0b011 });
  assert.deepEqual(files.calls, ['write 0-250', 'sync 0']);
});

test('what could not be synced is lost, and never named', async () => {
  const { object, files, failures, lost, health } = makeObject(1000);
  await writeTo(object, 0, 250);
  files.syncing = Promise.reject(systemError('EIO'));
  await object.sync();
  files.syncing = Promise.resolve();
  assert.deepEqual(lost, [
    [0, 100],
    [100, 200],
    [200, 250],
  ]);
  health.trouble = null;
  await object.sync();
  assert.deepEqual(object.takeRow().segments, []);
  assert.deepEqual(object.durable, []);
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['EIO'],
  );
  await writeTo(object, 0, 300);
  await object.sync();
  assert.deepEqual(object.durable, [{ start: 0, end: 300 }]);
  await assertReads(object, 0, 300);
});

test('after a failed write, what was accepted before and after is still read', async () => {
  const { object, files } = makeObject(1000);
  await writeTo(object, 0, 150);
  await object.sync();
  files.writeError = systemError('ENOSPC');
  await writeTo(object, 150, 350);
  await object.sync();
  await assertReads(object, 0, 350);
  assert.deepEqual(object.durable, [{ start: 0, end: 100 }]);
  await assert.rejects(async () => object.write(350, contentAt(350, 351)), { name: 'StoreError', code: 'ENOSPC' });
});

test('bytes count until they are on disk, or given up', async () => {
  const { object, files, health, backlog } = makeObject(1000);
  await writeTo(object, 0, 150);
  assert.equal(backlog.bytes, 150);
  await object.sync();
  assert.equal(backlog.bytes, 0);
  files.writeError = systemError('EIO');
  await writeTo(object, 150, 350);
  await object.sync();
  assert.equal(backlog.bytes, 200);
  health.trouble = null;
  await object.leave();
  assert.equal(backlog.bytes, 0);
});

test('what could not be written is written when the medium is well again', async () => {
  const { object, files, health } = makeObject(1000);
  files.writeError = systemError('ENOSPC');
  await writeTo(object, 0, 350);
  await object.sync();
  assert.deepEqual(object.durable, []);
  files.writeError = null;
  health.trouble = null;
  await object.sync();
  assert.deepEqual(object.durable, [{ start: 0, end: 300 }]);
  await assertReads(object, 0, 350);
});

test('an evicted segment is told of before its file goes, and can be written again', async () => {
  const { object, files, lost } = makeObject(1000);
  await writeTo(object, 0, 600);
  await object.sync();
  object.takeRow();
  const evicted = object.evict(0);
  assert.deepEqual(lost, [[0, 300]]);
  await evicted;
  assert.equal(files.calls.at(-1), 'remove 0');
  assert.deepEqual(object.durable, [{ start: 300, end: 600 }]);
  assert.deepEqual(blocksOf(object.takeRow().segments), { 0: 0 });
  await writeTo(object, 0, 100);
  await object.sync();
  assert.deepEqual(blocksOf(object.takeRow().segments), { 0: 0b001 });
  await assertReads(object, 0, 100);
});

test('a read across an eviction is not believed, nor does it harm what was written since', async () => {
  const { object, files, lost } = makeObject(1000);
  await writeTo(object, 0, 100);
  await object.sync();
  const reading = object.read({ start: 0, end: 100 }, never);
  await object.evict(0);
  await writeTo(object, 0, 100);
  await assert.rejects(async () => reading, { name: 'StoreError' });
  assert.deepEqual(lost, [[0, 100]]);
  await object.sync();
  await assertReads(object, 0, 100);
  assert.ok(files.calls.includes('remove 0'));
});

test('a write across which its file is given up is made again', async () => {
  for (const giveUp of [(object: DiskObject) => object.evict(0), (object: DiskObject) => object.invalidate()]) {
    const { object, files } = makeObject(1000);
    const { promise, resolve } = Promise.withResolvers<void>();
    files.writing = promise;
    await writeTo(object, 0, 200);
    const synced = object.sync();
    while (files.calls.length === 0) await Promise.resolve();
    await giveUp(object);
    files.writing = undefined;
    resolve();
    await synced;
    assert.deepEqual(
      files.calls.filter((call) => call.startsWith('write')),
      ['write 0-200', 'write 0-200'],
    );
    assert.deepEqual(object.durable, [{ start: 0, end: 200 }]);
  }
});

test("who gives a read up waits no longer, but its buffer is nobody else's before the system is done with it", async () => {
  const { object, files, pool } = makeObject(1000);
  await writeTo(object, 0, 900);
  await object.sync();
  const { promise, resolve } = Promise.withResolvers<void>();
  files.reading = promise;
  const gone = new AbortController();
  const reads = [0, 300, 600].map(async (start) => object.read({ start, end: start + 100 }, gone.signal));
  await new Promise(setImmediate);
  assert.equal(pool.lent, 3);
  gone.abort();
  for (const read of reads) await assert.rejects(read, { name: 'StoreError', code: 'ETIMEDOUT' });
  await new Promise(setImmediate);
  assert.deepEqual([pool.lent, pool.waiting], [3, 0], 'the system may still write into them');
  files.reading = undefined;
  resolve();
  await new Promise(setImmediate);
  assert.equal(pool.lent, 0);
  await assertReads(object, 0, 900);
});

test('of many reads eight run at once, and whoever has had nothing yet goes first', async () => {
  const { object, files, pool } = makeObject(1000);
  await writeTo(object, 0, 900);
  await object.sync();
  files.calls.length = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  files.reading = promise;
  const ended: string[] = [];
  const read = async (name: string, isFirst: boolean) => {
    const slice = await object.read({ start: 0, end: 100 }, never, isFirst);
    ended.push(name);
    slice.release();
  };
  const reads = Array.from({ length: 20 }, (_, index) => read(`next ${index}`, false));
  await new Promise(setImmediate);
  assert.equal(files.calls.length, 8);
  assert.equal(object.readAhead({ start: 100, end: 200 }, never), null, 'others need it more');
  reads.push(read('first', true));
  files.reading = undefined;
  resolve();
  await Promise.all(reads);
  assert.ok(ended.indexOf('first') < 10, ended.join());
  assert.equal(pool.lent, 0);
});

test('a sync across an eviction names nothing of what was written since', async () => {
  const { object, files } = makeObject(1000);
  const { promise, resolve } = Promise.withResolvers<void>();
  await writeTo(object, 0, 100);
  files.syncing = promise;
  const settled = object.sync();
  while (!files.calls.includes('sync 0')) await Promise.resolve();
  void object.evict(0);
  resolve();
  await settled;
  assert.deepEqual(object.durable, []);
});

test('what is written while its segment is being made durable is counted', async () => {
  const { object, files, capacity } = makeObject(1000);
  const { promise, resolve } = Promise.withResolvers<void>();
  files.syncing = promise;
  files.real = 100;
  await writeTo(object, 0, 100);
  const settled = object.sync();
  while (!files.calls.includes('sync 0')) await Promise.resolve();
  await writeTo(object, 100, 200);
  await object.checkpoint();
  resolve();
  await settled;
  assert.equal(capacity.bytes, 200);
});

test('a segment that is evicted before its turn to be synced is not touched again', async () => {
  const { object, files } = makeObject(1000);
  const { promise, resolve } = Promise.withResolvers<void>();
  await writeTo(object, 0, 100);
  await writeTo(object, 300, 400);
  files.syncing = promise;
  const settled = object.sync();
  while (!files.calls.includes('sync 0')) await Promise.resolve();
  await object.evict(1);
  resolve();
  await settled;
  assert.ok(!files.calls.includes('sync 1'));
  assert.deepEqual(object.durable, [{ start: 0, end: 100 }]);
});

test('a segment of which no block is whole leaves no file when the last has closed the object', async () => {
  const { object, files } = makeObject(1000);
  await writeTo(object, 0, 100);
  await writeTo(object, 300, 350);
  await object.sync();
  await object.leave();
  assert.ok(files.calls.includes('remove 1'));
  assert.ok(!files.calls.includes('remove 0'));
  assert.deepEqual([...object.held.bySegment.keys()], [0]);
});

test('a written block is named early, and as durable only when it is synced', async () => {
  const { object, files } = makeObject(1000);
  await writeTo(object, 0, 250);
  await object.checkpoint();
  const [early] = object.takeRow().segments;
  assert.deepEqual([early?.blocks[0], early?.early[0], early?.bytes], [0, 0b011, 0]);
  await object.sync();
  const [synced] = object.takeRow().segments;
  assert.deepEqual([synced?.blocks[0], synced?.early[0], synced?.bytes], [0b011, 0, 200]);
  const restored = makeObject(1000, early === undefined ? [] : [early]);
  await restored.files.write({ start: 0, end: 200, buffers: [contentAt(0, 200)] });
  assert.deepEqual(restored.object.durable, [{ start: 0, end: 200 }]);
  await assertReads(restored.object, 0, 200);
  await restored.object.sync();
  assert.deepEqual(blocksOf(restored.object.takeRow().segments), { 0: 0b011 });
  assert.deepEqual(files.calls, ['write 0-250', 'sync 0']);
});

test('an early block that is not what was written is lost when it is read after a restart, not blessed by a sync', async () => {
  const first = makeObject(1000);
  await writeTo(first.object, 0, 100);
  await first.object.checkpoint();
  const { object, files, lost } = makeObject(1000, first.object.takeRow().segments);
  await files.write({ start: 0, end: 100, buffers: [Buffer.alloc(100)] });
  await object.sync();
  await assert.rejects(async () => object.read({ start: 0, end: 100 }, never), { code: 'CORRUPT' });
  assert.deepEqual(lost, [[0, 100]]);
});

test('a read for which there is no descriptor loses nothing for good', async () => {
  const { object, files, lost } = makeObject(200);
  await writeTo(object, 0, 200);
  await object.sync();
  object.takeRow();
  files.readError = systemError('EMFILE');
  await assert.rejects(async () => object.read({ start: 0, end: 100 }, never), { code: 'EMFILE' });
  assert.deepEqual(lost, [[0, 100]]);
  assert.deepEqual(object.durable, [{ start: 0, end: 200 }]);
  assert.deepEqual(object.takeRow().segments, []);
});

test('a writer that waits for room is told of the failure', async () => {
  const { object, files } = makeObject(null);
  files.writeError = systemError('EROFS');
  const wait = object.write(0, Buffer.alloc(5 * 1024 * 1024));
  assert.ok(wait instanceof Promise);
  await assert.rejects(wait, { name: 'StoreError', code: 'EROFS' });
});

test('a failure that nobody waits for is not thrown at the process', async () => {
  const { object, files, failures } = makeObject(null);
  files.writeError = systemError('EROFS');
  void object.write(0, Buffer.alloc(5 * 1024 * 1024));
  await object.sync();
  assert.equal(failures.length, 1);
});

test('no write reaches over the edge of a segment file', async () => {
  const { object, files } = makeObject(1000);
  await object.write(250, contentAt(250, 950));
  await object.sync();
  const writes = files.calls.filter((call) => call.startsWith('write'));
  assert.deepEqual(writes, ['write 250-300', 'write 300-600', 'write 600-900', 'write 900-950']);
});

test('adjacent buffers are written at once, whatever order they came in', async () => {
  const { object, files } = makeObject(1000);
  for (const start of [50, 0, 150, 100]) await writeTo(object, start, start + 50);
  await object.sync();
  assert.deepEqual(
    files.calls.filter((call) => call.startsWith('write')),
    ['write 0-200'],
  );
});

test('a block that was written in order is not read back for its checksum, one that was not is', async () => {
  const { object, files } = makeObject(200);
  await writeTo(object, 60, 100);
  await writeTo(object, 0, 60);
  await writeTo(object, 150, 200);
  await object.checkpoint();
  await writeTo(object, 100, 150);
  await object.sync();
  assert.deepEqual(
    files.calls.filter((call) => call.startsWith('read')),
    ['read 100-200'],
  );
  const restored = makeObject(200, object.takeRow().segments);
  await restored.files.write({ start: 0, end: 200, buffers: [contentAt(0, 200)] });
  await assertReads(restored.object, 0, 200);
});

test('a restored block is read whole and checked once, then read as asked', async () => {
  const first = makeObject(200);
  await writeTo(first.object, 0, 200);
  await first.object.sync();
  const { object, files } = makeObject(200, first.object.takeRow().segments);
  await files.write({ start: 0, end: 200, buffers: [contentAt(0, 200)] });
  files.calls.length = 0;
  await assertReads(object, 10, 20);
  await assertReads(object, 10, 20);
  assert.deepEqual(files.calls, ['read 0-100', 'read 10-20']);
});

test('a block that can not be read is no longer durable', async () => {
  const { object, files } = makeObject(200);
  await writeTo(object, 0, 200);
  await object.sync();
  object.takeRow();
  files.readError = systemError('EIO');
  await assert.rejects(async () => object.read({ start: 110, end: 120 }, never), { name: 'StoreError', code: 'EIO' });
  assert.deepEqual(object.durable, [{ start: 0, end: 100 }]);
  assert.deepEqual(blocksOf(object.takeRow().segments), { 0: 0b01 });
});

test('a detached object becomes no more durable', async () => {
  const { object } = makeObject(100);
  await writeTo(object, 0, 100);
  object.held.detached = true;
  await object.sync();
  assert.deepEqual(object.durable, []);
  await assertReads(object, 0, 100);
});

/** The part of a file for a range, as offset and length; `null` where there is none. */
function partOf(object: DiskObject, start: number, end: number): readonly [number, number] | null {
  let found: readonly [number, number] | null = null;
  object.useFile({ start, end }, ({ offset, length }) => {
    found = [offset, length];
    return 0;
  });
  return found;
}

test('a part of a file ends with its segment, and with what has been written', async () => {
  const { object, files } = makeObject(1000);
  await writeTo(object, 0, 450);
  assert.equal(partOf(object, 0, 100), null, 'it is in memory only');
  await object.sync();
  assert.deepEqual(partOf(object, 0, 1000), [0, 300]);
  assert.deepEqual(partOf(object, 250, 280), [250, 30]);
  assert.deepEqual(partOf(object, 350, 1000), [50, 100]);
  assert.equal(partOf(object, 450, 1000), null);
  files.isOpen = false;
  assert.equal(partOf(object, 0, 1000), null);
  assert.deepEqual(object.useFile({ start: 0, end: 100 }, () => 0) ?? 'none', 'none');
});

test('no part of a file holds a block that has not been compared since the start', async () => {
  const { object, files } = makeObject(1000);
  await writeTo(object, 0, 300);
  await object.sync();
  const { segments } = object.takeRow();
  const again = makeObject(1000, segments);
  await again.files.write({ start: 0, end: 300, buffers: [contentAt(0, 300)] });
  assert.equal(partOf(again.object, 0, 300), null);
  await assertReads(again.object, 100, 150);
  assert.equal(partOf(again.object, 0, 300), null);
  assert.deepEqual(partOf(again.object, 120, 300), [120, 80]);
  await assertReads(again.object, 0, 300);
  assert.deepEqual(partOf(again.object, 0, 300), [0, 300]);
  assert.ok(files.calls.length > 0);
});

test('no part of a file holds what was lost or evicted', async () => {
  const { object } = makeObject(1000);
  await writeTo(object, 0, 600);
  await object.sync();
  await object.evict(0);
  assert.equal(partOf(object, 0, 600), null);
  assert.deepEqual(partOf(object, 300, 600), [0, 300]);
  object.invalidate();
  assert.equal(partOf(object, 300, 600), null);
});

async function writeTo(object: DiskObject, start: number, end: number): Promise<void> {
  await object.write(start, contentAt(start, end));
}

async function assertReads(object: DiskObject, start: number, end: number): Promise<void> {
  for (let offset = start; offset < end; ) {
    const { bytes, release } = await object.read({ start: offset, end }, never);
    assert.deepEqual(bytes, contentAt(offset, offset + bytes.length));
    offset += bytes.length;
    release();
  }
}

test('it is saved when the index holds what it holds, and not before', async () => {
  const { object } = makeObject(1000);
  assert.equal(object.isSaved, true);
  await writeTo(object, 0, 250);
  assert.equal(object.isSaved, false);
  await object.sync();
  assert.equal(object.isSaved, false, 'what is synced is not named yet');
  const row = object.takeRow();
  assert.equal(object.isSaved, false, 'nor what is being saved');
  object.saved(row);
  assert.equal(object.isSaved, true);
  object.describe({ ...object.representation, validatedAt: 5 });
  const refused = object.takeRow();
  object.notSaved(refused);
  assert.equal(object.isSaved, false);
  const early = object.takeRow();
  object.noteDirty();
  object.saved(early);
  assert.equal(object.isSaved, false, 'what has changed meanwhile is not saved');
  object.saved(object.takeRow());
  assert.equal(object.isSaved, true);
});

test('an early block that was found is not saved before it is durable', async () => {
  const first = makeObject(1000);
  await writeTo(first.object, 0, 100);
  await first.object.checkpoint();
  const { object } = makeObject(1000, first.object.takeRow().segments);
  assert.equal(object.isSaved, false);
});
