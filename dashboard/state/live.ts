/**
 * The live connection: one stream of events, kept open as long as the page is, and opened again where it broke off.
 * After a restart of firstbyte, the stream reports a gap and continues with the kept events.
 */
import { signal } from '@preact/signals';
import type { StatsReport } from '../../src/control/answers.ts';
import { get, ownPage } from '../api/client.ts';
import { readBlocks } from '../api/event-stream.ts';
import type { Happening, HappeningType } from '../api/happening.ts';
import { accepted } from '../api/token.ts';
import { announce } from './announce.ts';

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly since: number }
  /** Until the user enters a token that is accepted. */
  | { readonly state: 'refused' };

export const connection = signal<Connection>({ state: 'connecting' });
/** When firstbyte was restarted while this page was open, in wall-clock time. */
export const restartedAt = signal<number | null>(null);

/** All events but those of single network reads. */
const types: readonly HappeningType[] = [
  'fill-state',
  'fill-first-byte',
  'fill-done',
  'fill-failed',
  'line',
  'retry',
  'breaker',
  'refresh',
  'failover',
  'first-byte-wait',
  'own-error',
  'request-done',
  'job-done',
];

type Listener = (happening: Happening) => void;
const listeners = new Set<Listener>();
const resumptions = new Set<() => void>();

/** Returns the function that ends listening. */
export function onHappening(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls back whenever earlier data may be out of date: after each connection, and after a gap. */
export function onResumption(listener: () => void): () => void {
  resumptions.add(listener);
  return () => resumptions.delete(listener);
}

/** Milliseconds between two tries; doubles from the first to the last. */
const pauses = { first: 250, last: 4000 };
/** Two computations of the same start time differ by less, in milliseconds. */
const sameStart = 500;

let lastId = '0';
/** When firstbyte started, on the page's monotonic clock. */
let startedAt: number | null = null;

/** Connects, and connects again, for ever. */
export async function stayConnected(): Promise<never> {
  let pause = pauses.first;
  for (;;) {
    try {
      await listen(() => {
        pause = pauses.first;
      });
    } catch {
      // Any error leads to another try, and the page says that it is not connected.
    }
    if (connection.value.state === 'live') {
      connection.value = { state: 'lost', since: Date.now() };
      announce('No answer from firstbyte. Reconnecting…');
    }
    await sleep(pause);
    pause = Math.min(pauses.last, pause * 2);
  }
}

/** One connection, from its start to its end. Calls `hopeful` when the next try need not wait long. */
async function listen(hopeful: () => void): Promise<void> {
  const acceptedBefore = accepted.value;
  const { uptimeSeconds } = await get<StatsReport>('/stats').catch(async (problem) => {
    if (problem.status === 401) {
      connection.value = { state: 'refused' };
      await anotherToken(acceptedBefore);
      hopeful();
    }
    throw problem;
  });
  const started = performance.now() - uptimeSeconds * 1000;
  // Only a later start time is a restart: after a machine's sleep, the old one seems earlier.
  const restarted = startedAt !== null && started - startedAt > sameStart;
  if (restarted) restartedAt.value = Date.now() - uptimeSeconds * 1000;
  startedAt = started;
  const query = new URLSearchParams({ types: types.join(','), after: lastId });
  const response = await fetch(`/-/events?${query}`, { headers: ownPage, cache: 'no-store' });
  if (!response.ok || response.body === null) throw new Error(`The events answer with ${response.status}.`);
  const before = connection.value.state;
  connection.value = { state: 'live' };
  hopeful();
  if (restarted) announce('firstbyte restarted. Connected again.');
  else if (before === 'lost') announce('Connected again.');
  for (const listener of resumptions) listener();
  await readBlocks(response.body, ({ id, event, text }) => {
    if (id !== null) lastId = id;
    if (event === 'gap') for (const listener of resumptions) listener();
    else for (const listener of listeners) listener(JSON.parse(text) as Happening);
  });
}

/** Resolves when more than `before` tokens have been accepted. */
function anotherToken(before: number): Promise<void> {
  return new Promise((resolve) => {
    const unsubscribe = accepted.subscribe((now) => {
      if (now === before) return;
      resolve();
      // The first call comes before `subscribe` has returned.
      queueMicrotask(() => unsubscribe());
    });
  });
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
