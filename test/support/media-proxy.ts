/** The proxy alone, in front of a cache that a test scripts: with parts of which nothing is seen unless it says so. */
import type { Cache } from '../../src/cache/cache.ts';
import type { Clock } from '../../src/clock.ts';
import { EventBus } from '../../src/events.ts';
import { MediaProxy, type ProxyParts } from '../../src/proxy/proxy.ts';
import { roomForAll } from './client-limits.ts';

/** No origin is mounted, so that whoever is answered at all gets a 404. */
const empty = { isMounted: () => false, open: () => null } as unknown as Cache;

export function mediaProxy(clock: Clock, parts: Partial<ProxyParts> = {}): MediaProxy {
  return new MediaProxy({
    ...roomForAll,
    cache: empty,
    clock,
    events: new EventBus(),
    patience: { patience: null, patienceInterval: 1 },
    allowFrom: [],
    allowHosts: [],
    systemCalls: null,
    pseudonym: 'firstbyte-of-a-test',
    onForeignHost: () => {},
    headTimeout: 15_000,
    stalledMemory: 1024 * 1024,
    control: () => {},
    ...parts,
  });
}
