/** What the gauges look at, with nothing going on, for a test to change in what it is about. */

import { noClients, type Readings } from '../../src/control/gauges.ts';
import { nothingLent } from '../../src/lent.ts';

export function readings(changes: Partial<Readings> = {}): Omit<Readings, 'unread'> {
  return {
    fills: { fills: () => [] },
    origins: () => [],
    store: () => ({ bytes: 0, limit: null, trouble: null }),
    observers: () => 0,
    clients: () => noClients,
    lent: () => nothingLent,
    process: () => ({
      startedAt: 0,
      residentMemory: 0,
      heapUsed: 0,
      heapTotal: 0,
      processorTime: 0,
      openDescriptors: 0,
      eventLoopDelay: { mean: 0, p50: 0, p99: 0, max: 0 },
    }),
    ...changes,
  };
}
