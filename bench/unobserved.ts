/**
 * Loaded before firstbyte (`node --import bench/unobserved.ts …`): its events reach nobody, so that nothing is counted,
 * logged, kept or streamed. What is left is firstbyte without its observers.
 */
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

// Threads are started with the same flags, and have no bus.
if (isMainThread) {
  const [, program = ''] = process.argv;
  const events = pathToFileURL(join(dirname(program), `events${extname(program)}`));
  const { EventBus } = await import(events.href);
  EventBus.prototype.emit = () => {};
}
