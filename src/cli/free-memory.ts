/**
 * Memory that a burst of work took goes back to the system when the process is quiet again. By itself it would not: V8
 * collects where something is allocated, and counts a server as too busy to look again; the C library keeps what is freed
 * between things that live (docs/decisions/0041).
 *
 * It is due once V8 has collected its old generation.
 */
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import { findSystemCalls } from '../system-calls.ts';
import { QuietMemory } from './quiet-memory.ts';

/** Of this process, from now on. */
export async function freeMemoryWhenQuiet(clock: Clock, { sendfile }: Settings): Promise<void> {
  const calls = sendfile === 'on' ? (await findSystemCalls()).calls : null;
  const memory = new QuietMemory(clock, {
    used: processorTime,
    resident,
    collect: () => collect('last-resort'),
    trim: () => calls?.trimMemory(),
  });
  new PerformanceObserver((list) => {
    if (list.getEntries().some(isOwnCollection)) memory.noteCollection();
  }).observe({ entryTypes: ['gc'] });
}

/** Has V8 collect everything at once. Only as its last resort it also gives back the pages that come free. */
export function collect(flavor: 'regular' | 'last-resort' = 'regular'): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')({ type: 'major', execution: 'sync', flavor });
}

/** Read from a file: there may be no descriptor left. */
function resident(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch {
    return null;
  }
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Whether V8 has collected its old generation of its own accord. */
function isOwnCollection(entry: PerformanceEntry): boolean {
  const { kind, flags } = (entry as PerformanceEntry & { readonly detail: { kind: number; flags: number } }).detail;
  return (
    (kind & constants.NODE_PERFORMANCE_GC_MAJOR) !== 0 && (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) === 0
  );
}
