/**
 * The values that are read at a scrape: waiters, readers, fetches, use of origins, the process.
 *
 * Nothing is counted here. Each value is read where it lives, so it can't be wrong.
 */
import type { Gauge } from 'prom-client';
import type { StoreUsage } from '../admin/holdings.ts';
import { breakerPhases } from '../events.ts';
import { type FillsView, fetchStates } from '../fill/view.ts';
import { type Lent, lentThings } from '../lent.ts';
import { version } from '../version.ts';
import type { Instruments } from './instruments.ts';
import { connectionStates, requestStates } from './metrics.ts';
import type { OriginSource } from './origins.ts';
import { delayStats, type ProcessSnapshot } from './process-snapshot.ts';

/** All clients at one moment; `most…` is the largest value that one client has. */
export interface ClientsSnapshot {
  readonly clients: number;
  readonly connections: Readonly<Record<(typeof connectionStates)[number], number>>;
  readonly mostConnections: number;
  readonly connectionLimit: number;
  readonly requests: Readonly<Record<(typeof requestStates)[number], number>>;
  readonly mostRequests: number;
  readonly unread: number;
  readonly mostUnread: number;
}

export const noClients: ClientsSnapshot = {
  clients: 0,
  connections: { idle: 0, busy: 0 },
  mostConnections: 0,
  connectionLimit: 0,
  requests: { underway: 0, queued: 0 },
  mostRequests: 0,
  unread: 0,
  mostUnread: 0,
};

/** Where the values are read. */
export interface Readings {
  readonly fills: FillsView;
  /** The mounted origins. */
  origins(): readonly OriginSource[];
  process(): ProcessSnapshot;
  /** How full the store is, its limit, and why it stores nothing. */
  store(): Pick<StoreUsage, 'bytes' | 'limit' | 'trouble'>;
  /** How many clients read the event stream. */
  observers(): number;
  /** The clients' connections and requests. */
  clients(): ClientsSnapshot;
  /** How many things are lent. */
  lent(): Lent;
  /** Received bytes that no client has been given yet, by origin. */
  unread(): ReadonlyMap<string, number>;
}

/** Returns the function that updates every gauge. */
export function createGauges({ counter, gauge }: Instruments, readings: Readings): () => void {
  const waiters = gauge('waiters');
  const readers = gauge('readers');
  const cursors = gauge('cursors');
  const connections = gauge('connections');
  const connectionLimit = gauge('connectionLimit');
  const queued = gauge('queued');
  const breaker = gauge('breaker');
  const unread = gauge('unread');
  const storeBytes = gauge('storeBytes');
  const storeLimit = gauge('storeLimit');
  const storePassing = gauge('storePassing');
  const observers = gauge('observers');
  const delays = gauge('eventLoopDelay');
  const processorTime = counter('processorTime');
  const openDescriptors = gauge('openDescriptors');
  const lent = gauge('lent');
  const clientConnections = gauge('clientConnections');
  const clientRequests = gauge('clientRequests');
  const ofClients: [Gauge, (snapshot: ClientsSnapshot) => number][] = [
    [gauge('clients'), (snapshot) => snapshot.clients],
    [gauge('clientConnectionLimit'), (snapshot) => snapshot.connectionLimit],
    [gauge('clientUnread'), (snapshot) => snapshot.unread],
    [gauge('clientMostConnections'), (snapshot) => snapshot.mostConnections],
    [gauge('clientMostRequests'), (snapshot) => snapshot.mostRequests],
    [gauge('clientMostUnread'), (snapshot) => snapshot.mostUnread],
  ];
  const single: [Gauge, (snapshot: ProcessSnapshot) => number][] = [
    [gauge('residentMemory'), (snapshot) => snapshot.residentMemory],
    [gauge('heapUsed'), (snapshot) => snapshot.heapUsed],
    [gauge('heapTotal'), (snapshot) => snapshot.heapTotal],
    [gauge('startedAt'), (snapshot) => snapshot.startedAt],
  ];
  gauge('build').set({ version, node: process.version }, 1);

  const lookAtOrigins = () => {
    const origins = readings.origins();
    const names = origins.map(({ name }) => name);
    for (const each of [waiters, readers, cursors, connections, connectionLimit, queued, breaker, unread]) each.reset();
    for (const origin of names) {
      for (const each of [waiters, readers, unread]) each.set({ origin }, 0);
      for (const state of fetchStates) cursors.set({ origin, state }, 0);
    }
    for (const { name: origin, slots, reachability } of origins) {
      connections.set({ origin }, slots.used);
      connectionLimit.set({ origin }, slots.limit);
      queued.set({ origin }, slots.queued);
      for (const phase of breakerPhases) breaker.set({ origin, phase }, reachability.state.phase === phase ? 1 : 0);
    }
    for (const fill of readings.fills.fills()) {
      const { origin } = fill;
      waiters.inc({ origin }, fill.waiters);
      readers.inc({ origin }, fill.readers.length);
      for (const { state } of fill.fetches) cursors.inc({ origin, state });
    }
    for (const [origin, bytes] of readings.unread()) unread.set({ origin }, bytes);
  };

  const lookAtProcess = () => {
    const snapshot = readings.process();
    for (const [each, of] of single) each.set(of(snapshot));
    for (const stat of delayStats) delays.set({ stat }, snapshot.eventLoopDelay[stat]);
    processorTime.reset();
    processorTime.inc(snapshot.processorTime);
    if (snapshot.openDescriptors === null) openDescriptors.remove({});
    else openDescriptors.set(snapshot.openDescriptors);
  };

  const lookAtStore = () => {
    const { bytes, limit, trouble } = readings.store();
    storeBytes.set(bytes);
    storeLimit.set(limit ?? 0);
    storePassing.set(trouble === null ? 0 : 1);
  };

  const lookAtClients = () => {
    const snapshot = readings.clients();
    for (const [each, of] of ofClients) each.set(of(snapshot));
    for (const state of connectionStates) clientConnections.set({ state }, snapshot.connections[state]);
    for (const state of requestStates) clientRequests.set({ state }, snapshot.requests[state]);
  };

  return () => {
    lookAtClients();
    lookAtOrigins();
    lookAtStore();
    lookAtProcess();
    observers.set(readings.observers());
    const counts = readings.lent();
    for (const what of lentThings) lent.set({ what }, counts[what]);
  };
}
