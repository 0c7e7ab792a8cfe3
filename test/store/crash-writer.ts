/**
 * A process to be killed: writes the content of one object with two writers, says `ready` and how far each came, and
 * never commits by itself. Arguments: directory, title, length.
 */
import { type Clock, systemClock } from '../../src/clock.ts';
import { label, objectName, representationOf, unheard, writeContent } from '../../src/testing/content.ts';
import { openDiskStore } from './disk-directory.ts';

/** Settles fifty times as often, so that the kill comes between any two steps. */
const hurried: Clock = { ...systemClock, after: (delay, wake) => systemClock.after(delay / 50, wake) };

const [directory = '', title = '', size = '0'] = process.argv.slice(2);
const length = Number(size);
const store = await openDiskStore(directory, { clock: hurried, blockSize: 16_384, segmentSize: 131_072 });
// Stays until it is killed; the timers of the clock do not keep a process alive.
setInterval(() => {}, 1000);
process.stdout.write('ready\n');
const object = await store.create(objectName(title), representationOf(length), label, unheard);
const middle = Math.floor(length / 2);
for (let written = 0; written < middle; written += 7001) {
  for (const [start, end] of [
    [written, Math.min(written + 7001, middle)],
    [middle + written, Math.min(middle + written + 7001, length)],
  ] as const) {
    await writeContent(object, { start, end });
  }
  process.stdout.write(`${written}\n`);
  await new Promise<void>((resolve) => systemClock.after(1, resolve));
}
