/** The objects of the contract of stores: their names, what is stored in them, and that it is what is read. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Representation } from '../http/representation.ts';
import type { Lost, ObjectLabel, Store, StoreObject } from '../store/store.ts';
import { never } from '../until-aborted.ts';

const kibibyte = 1024;

/** The name of the object that a test means by `title`. */
export function objectName(title: string): string {
  return createHash('sha256').update(title).digest('hex');
}

/** What every test object is called by people. */
export const label: ObjectLabel = { origin: 'films', path: '/film.mp4' };

/** For those who do not ask what is lost. */
export const unheard: Lost = () => {};

export function representationOf(length: number | null, fields: Representation['fields'] = []): Representation {
  return { length, validator: { kind: 'etag', value: '"v1"', strong: true }, fields, validatedAt: 1000, ranges: true };
}

/** The bytes that every test object has at these offsets: no two near ones alike in a row, and none zero throughout. */
export function contentAt(start: number, end: number): Buffer {
  const bytes = Buffer.allocUnsafe(end - start);
  for (let place = 0; place < bytes.length; place += 1) {
    const offset = start + place;
    bytes[place] = (offset % 251) ^ (Math.floor(offset / 251) % 241);
  }
  return bytes;
}

/** Writes the content of `range` in buffers of `step` bytes, as the port asks it to be done. */
export async function writeContent(object: StoreObject, range: ByteRange, step = 50_000): Promise<void> {
  for (let start = range.start; start < range.end; start += step) {
    await object.write(start, contentAt(start, Math.min(start + step, range.end)));
  }
}

/** Reads `range` slice by slice and checks every byte of it. */
export async function assertContent(object: StoreObject, range: ByteRange): Promise<void> {
  for (let start = range.start; start < range.end; ) {
    const slice = await object.read({ start, end: range.end }, never);
    const end = start + slice.bytes.length;
    assert.ok(end > start && end <= range.end, `${end} is past ${start} and not past ${range.end}`);
    assert.ok(slice.bytes.length <= 256 * kibibyte);
    assert.ok(slice.bytes.equals(contentAt(start, end)), `wrong bytes between ${start} and ${end}`);
    slice.release();
    start = end;
  }
}

export async function openAgain(store: Store, title: string): Promise<StoreObject> {
  const object = await store.find(objectName(title), unheard);
  assert.ok(object, `${title} is found`);
  return object;
}
