/** A daemon in a process of firstbyte's own: rehearsed, and with memory that is kept small. */
import { systemClock } from '../clock.ts';
import { startDaemon } from '../daemon.ts';
import { rehearse } from '../rehearsal.ts';
import { collect, freeMemoryWhenQuiet } from './free-memory.ts';
import type { Surroundings } from './invocation.ts';
import { growYoungGeneration } from './young-generation.ts';

export const startInOwnProcess: Surroundings['start'] = async (settings, settingSources, load) => {
  const started = startDaemon(settings, { settingSources, ...(load && { load }) });
  // While it waits for the index of its store.
  const [daemon] = await Promise.all([started, rehearse(() => collect())]);
  growYoungGeneration();
  await freeMemoryWhenQuiet(systemClock, settings);
  return daemon;
};
