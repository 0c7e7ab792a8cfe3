import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBufferPool } from '../../src/store/buffer-pool.ts';
import { DiskObject, type ObjectFiles } from '../../src/store/disk-object.ts';
import type { SegmentRow } from '../../src/store/sqlite-index.ts';
import type { StoreError } from '../../src/store/store.ts';
import { contentAt, label, objectName, representationOf } from '../contract/store-contract.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const layout = { blockSize: 100, segmentSize: 300 };

/** Files that do what the test says; every call is noted. */
class ScriptedFiles implements ObjectFiles {
  readonly calls: string[] = [];
  readonly #bytes = Buffer.alloc(10_000);
  writeError: Error | null = null;
  readError: Error | null = null;
  /** What `sync` waits for. */
  syncing: Promise<void> = Promise.resolve();

  async write({ start, end, buffers }: { start: number; end: number; buffers: readonly Buffer[] }): Promise<void> {
    this.calls.push(`write ${start}-${end}`);
    if (this.writeError !== null) throw this.writeError;
    Buffer.concat(buffers).copy(this.#bytes, start);
  }

  async read(buffer: Buffer, start: number): Promise<void> {
    this.calls.push(`read ${start}-${start + buffer.length}`);
    if (this.readError !== null) throw this.readError;
    this.#bytes.copy(buffer, 0, start);
  }

  sync(segment: number): Promise<void> {
    this.calls.push(`sync ${segment}`);
    return this.syncing;
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  async remove(): Promise<void> {
    this.calls.push('remove');
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
    segments,
  };
  const object = new DiskObject(row, files, {
    layout,
    pool: createBufferPool({ size: layout.blockSize, limit: 1000, clock: new VirtualClock() }),
    clock: new VirtualClock(),
    onDirty() {},
    onFailure: (error) => failures.push(error),
    onBlockLost() {},
  });
  return { object, files, failures };
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
  const settled = object.settle();
  while (!files.calls.includes('sync 0')) await Promise.resolve();
  assert.deepEqual(blocksOf(object.takeRow().segments), {});
  resolve();
  await settled;
  assert.deepEqual(blocksOf(object.takeRow().segments), { 0: 0b011 });
  assert.deepEqual(files.calls, ['write 0-250', 'sync 0']);
});

test('a block whose sync failed is never named, and nothing after it is', async () => {
  const { object, files, failures } = makeObject(1000);
  await writeTo(object, 0, 300);
  files.syncing = Promise.reject(systemError('EIO'));
  await object.settle();
  files.syncing = Promise.resolve();
  await object.settle();
  assert.deepEqual(object.takeRow().segments, []);
  assert.deepEqual(object.durable, []);
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['EIO'],
  );
  await assert.rejects(async () => object.write(300, contentAt(300, 400)), { name: 'StoreError', code: 'EIO' });
  await assertReads(object, 0, 300);
});

test('after a failed write, what was accepted before and after is still read', async () => {
  const { object, files } = makeObject(1000);
  await writeTo(object, 0, 150);
  await object.settle();
  files.writeError = systemError('ENOSPC');
  await writeTo(object, 150, 350);
  await object.settle();
  await assertReads(object, 0, 350);
  assert.deepEqual(object.durable, [{ start: 0, end: 100 }]);
  await assert.rejects(async () => object.write(350, contentAt(350, 351)), { name: 'StoreError', code: 'ENOSPC' });
});

test('a write after a failure throws at once, so that nobody takes its bytes for present', async () => {
  const { object, files } = makeObject(1000);
  files.writeError = systemError('EIO');
  object.write(0, contentAt(0, 100));
  await object.settle();
  assert.throws(() => object.write(100, contentAt(100, 200)), { name: 'StoreError', code: 'EIO' });
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
  await object.settle();
  assert.equal(failures.length, 1);
});

test('no write reaches over the edge of a segment file', async () => {
  const { object, files } = makeObject(1000);
  await object.write(250, contentAt(250, 950));
  await object.settle();
  const writes = files.calls.filter((call) => call.startsWith('write'));
  assert.deepEqual(writes, ['write 250-300', 'write 300-600', 'write 600-900', 'write 900-950']);
});

test('adjacent buffers are written at once, whatever order they came in', async () => {
  const { object, files } = makeObject(1000);
  for (const start of [50, 0, 150, 100]) await writeTo(object, start, start + 50);
  await object.settle();
  assert.deepEqual(
    files.calls.filter((call) => call.startsWith('write')),
    ['write 0-200'],
  );
});

test('a block that landed in order is not read back for its checksum, one that did not is', async () => {
  const { object, files } = makeObject(200);
  await writeTo(object, 0, 60);
  await writeTo(object, 60, 100);
  await writeTo(object, 150, 200);
  await writeTo(object, 100, 150);
  await object.settle();
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
  await first.object.settle();
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
  await object.settle();
  object.takeRow();
  files.readError = systemError('EIO');
  await assert.rejects(async () => object.read({ start: 110, end: 120 }), { name: 'StoreError', code: 'EIO' });
  assert.deepEqual(object.durable, [{ start: 0, end: 100 }]);
  assert.deepEqual(blocksOf(object.takeRow().segments), { 0: 0b01 });
});

test('a forgotten object becomes no more durable, and unlinks its files when left', async () => {
  const { object, files } = makeObject(100);
  await writeTo(object, 0, 100);
  object.forgotten = Promise.resolve();
  await object.settle();
  assert.deepEqual(object.durable, []);
  await assertReads(object, 0, 100);
  await object.leave();
  assert.equal(files.calls.at(-1), 'remove');
});

async function writeTo(object: DiskObject, start: number, end: number): Promise<void> {
  await object.write(start, contentAt(start, end));
}

async function assertReads(object: DiskObject, start: number, end: number): Promise<void> {
  for (let offset = start; offset < end; ) {
    const { bytes, release } = await object.read({ start: offset, end });
    assert.deepEqual(bytes, contentAt(offset, offset + bytes.length));
    offset += bytes.length;
    release();
  }
}
