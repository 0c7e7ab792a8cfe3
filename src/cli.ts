#!/usr/bin/env node
/** The command `firstbyte`: looks at the version of Node, and sets V8 up, before anything else is loaded. */
import { setFlagsFromString } from 'node:v8';
import { complain, endWithTheReader, flushed } from './console.ts';

const oldest = 24;

if (Number.parseInt(process.versions.node, 10) < oldest) {
  complain(`firstbyte needs Node ${oldest} or newer; this is Node ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  // Network buffers die young. A young generation that does not grow frees them while they are still in the
  // processor's cache: a third less memory, and faster (docs/guide/benchmarks.md). It only counts before it has grown.
  setFlagsFromString('--semi-space-growth-factor=1');
  // What lives grows to twice its size, and not to four times, before the old generation is collected.
  setFlagsFromString('--heap-growing-percent=100');
  endWithTheReader();
  const { stayAlive } = await import('./clock.ts');
  stayAlive();
  const { runCommand } = await import('./cli/command.ts');
  const code = await runCommand(process.argv.slice(2));
  await flushed();
  process.exit(code);
}
