/** Counters and histograms. Only the domain's events change them. */
import { countedPhases, type DomainEvent, type EventBus } from '../events.ts';
import type { Instruments } from './instruments.ts';
import { absent, methods } from './metrics.ts';
import { ReadAhead } from './read-ahead.ts';

export interface Counting {
  /** Received bytes that no client has been given yet, by origin. */
  unread(): ReadonlyMap<string, number>;
  /** Stops counting; the counts stay. */
  stop(): void;
}

/** Counts the events of the bus from now on. */
export function countEvents({ counter, gauge, histogram }: Instruments, events: EventBus): Counting {
  const requests = counter('requests');
  const ownErrors = counter('ownErrors');
  const firstByteWaits = histogram('firstByteWaits');
  const fills = gauge('fills');
  const fillFirstBytes = histogram('fillFirstBytes');
  const fillHeads = histogram('fillHeads');
  const fillsDone = counter('fillsDone');
  const fillsFailed = counter('fillsFailed');
  const retries = counter('retries');
  const heals = counter('heals');
  const breakerChanges = counter('breakerChanges');
  const refreshes = counter('refreshes');
  const bytesLanded = counter('bytesLanded');
  const bytesSent = counter('bytesSent');
  const failovers = counter('failovers');
  const readAhead = counter('readAhead');
  const evictions = counter('evictions');
  const evictedBytes = counter('evictedBytes');
  const blocksLost = counter('blocksLost');
  const clientBounds = counter('clientBounds');
  const bufferWaits = counter('bufferWaits');
  const stalledEnded = counter('stalledEnded');
  const bugs = counter('bugs');
  for (const phase of countedPhases) fills.set({ phase }, 0);

  const ahead = new ReadAhead((origin, fate, bytes) => readAhead.inc({ origin, fate }, bytes));

  const stop = events.subscribe((event: DomainEvent) => {
    ahead.take(event);
    switch (event.type) {
      case 'request-done': {
        const { outcome, cache } = event;
        const method = methods.find((known) => known === event.method) ?? 'other';
        const status = event.status ?? absent;
        return requests.inc({ origin: event.origin ?? absent, method, status, outcome, cache });
      }
      case 'own-error': {
        const { status, reason } = event;
        return ownErrors.inc({ origin: event.origin ?? absent, status, reason, phase: event.phase ?? absent });
      }
      case 'first-byte-wait':
        return firstByteWaits.observe({ origin: event.origin, outcome: event.outcome }, event.duration / 1000);
      case 'fill-state':
        // Every fill begins and ends idle, so no count is left over.
        if (event.from !== 'idle') fills.dec({ phase: event.from });
        if (event.to !== 'idle') fills.inc({ phase: event.to });
        return;
      case 'fill-first-byte':
        fillHeads.observe({ origin: event.origin }, (event.headAt - event.startedAt) / 1000);
        return fillFirstBytes.observe({ origin: event.origin }, (event.landedAt - event.startedAt) / 1000);
      case 'fill-done':
        return fillsDone.inc({ origin: event.origin });
      case 'fill-failed':
        return fillsFailed.inc({ origin: event.origin, reason: event.error });
      case 'retry':
        return (event.kind === 'heal' ? heals : retries).inc({ origin: event.origin, cause: event.cause });
      case 'breaker':
        return breakerChanges.inc({ origin: event.origin, to: event.to, cause: event.cause ?? absent });
      case 'refresh':
        return refreshes.inc({ origin: event.origin, reason: event.reason, outcome: event.outcome });
      case 'bytes-landed':
        return bytesLanded.inc({ origin: event.origin }, event.bytes);
      case 'bytes-sent':
        return bytesSent.inc({ origin: event.origin, source: event.source }, event.bytes);
      case 'failover':
        return failovers.inc({ origin: event.origin, cause: event.cause });
      case 'evicted':
        evictions.inc({ reason: event.reason });
        return evictedBytes.inc({ reason: event.reason }, event.bytes);
      case 'block-lost':
        return blocksLost.inc({ cause: event.cause });
      case 'client-bound':
        return clientBounds.inc({ bound: event.bound, action: event.action });
      case 'buffer-wait':
        return bufferWaits.inc({ outcome: event.outcome });
      case 'stalled-ended':
        return stalledEnded.inc();
      case 'bug':
        return bugs.inc();
    }
  });

  return { stop, unread: () => ahead.unread() };
}
