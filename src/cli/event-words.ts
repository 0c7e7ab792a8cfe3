/** Sentences for events of the stream. All times are those of the events. */
import type { DomainEvent } from '../events.ts';
import { durationWords, sizeWords } from '../kit/amounts.ts';
import { cacheWords, outcomeWords } from '../kit/request-words.ts';
import { placeWords } from './words.ts';

/** An event in JSON: every timestamp is a time of day (ISO 8601). */
type Told<T> = T extends object
  ? { readonly [Key in keyof T]: Key extends 'at' | `${string}At` ? string | Extract<T[Key], null> : Told<T[Key]> }
  : T;

type Type = DomainEvent['type'];
type ToldEvent<T extends Type> = Told<Extract<DomainEvent, { type: T }>>;

export interface EventWords {
  readonly at: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly words: string;
}

/** Events of which a film has many. */
const frequent: readonly string[] = ['buffer-wait', 'fill-state', 'fill-first-byte', 'first-byte-wait', 'traffic'];

export function isFrequent(type: string): boolean {
  return frequent.includes(type);
}

/** A sentence for each event of the stream. */
const sentences: {
  readonly [T in Exclude<Type, 'bytes-landed' | 'bytes-sent'>]: (event: ToldEvent<T>) => string;
} = {
  'request-done': (event) => {
    const { method, origin, path, range, status, outcome, cache, bytes } = event;
    const { acceptedAt, firstByteOutAt, doneAt } = event.timeline;
    const place = origin === null ? path : placeWords({ origin, path });
    const from = range === null || range.start === 0 ? '' : ` from ${sizeWords(range.start)}`;
    const sent = bytes === 0 ? '' : `, ${sizeWords(bytes)}`;
    const first = firstByteOutAt === null ? '' : `, first byte ${between(acceptedAt, firstByteOutAt)}`;
    const took = between(acceptedAt, doneAt);
    return `${method} ${place}${from} → ${status ?? 'no reply'} ${outcomeWords[outcome]} in ${took}${sent}${cacheWords[cache]}${first}`;
  },
  'fill-state': (event) => `${placeWords(event)}: ${event.from} → ${event.to}`,
  'fill-first-byte': (event) => {
    const queued = event.queued > 0 ? `, queued ${durationWords(event.queued)} before` : '';
    return `${placeWords(event)}: first byte at ${sizeWords(event.offset)} after ${between(event.startedAt, event.landedAt)}${queued}`;
  },
  'fill-done': (event) =>
    `${placeWords(event)}: downloaded ${sizeWords(event.length)} in ${durationWords(event.duration)}`,
  'fill-failed': (event) => `${placeWords(event)}: failed: ${event.message}`,
  line: (event) => `${placeWords(event)}: ${event.message}`,
  retry: (event) => {
    const what = event.kind === 'heal' ? `interrupted at ${sizeWords(event.offset)}, retrying` : 'retrying';
    return `${placeWords(event)}: ${what} in ${durationWords(event.delay)} (attempt ${event.attempt}). Last error: ${event.cause}`;
  },
  breaker: (event) => {
    const cause = event.cause === null ? '' : `, last error: ${event.cause.replaceAll('_', ' ')}`;
    if (event.to === 'closed') return `/${event.origin}/ is reached again`;
    if (event.from === 'closed') return `/${event.origin}/ is out of reach${cause}`;
    return `/${event.origin}/ is ${event.to === 'open' ? 'still out of reach' : 'out of reach, retrying'}${cause}`;
  },
  refresh: (event) =>
    `${placeWords(event)}: new address (${event.reason}): ${event.outcome} after ${durationWords(event.duration)}`,
  'first-byte-wait': (event) =>
    `request ${event.request} to /${event.origin}/: first byte after ${durationWords(event.duration)}, ${event.outcome}`,
  'own-error': (event) => {
    const { origin, path, status, waited, message } = event;
    const place = origin === null ? path : placeWords({ origin, path });
    return `${place} → ${status} after ${durationWords(waited)}: ${message}`;
  },
  failover: (event) => `/${event.origin}/: switched from ${event.from} to ${event.to} (${event.cause})`,
  'job-done': (event) => `job ${event.job}, ${event.kind}: ${event.outcome}, ${sizeWords(event.done)}`,
  evicted: (event) => {
    const place = event.origin === '' ? 'what an earlier version stored' : placeWords(event);
    return `${place}: ${sizeWords(event.bytes)} evicted (${event.reason})`;
  },
  'block-lost': (event) =>
    `${placeWords(event)}: dropped ${sizeWords(event.bytes)} that were damaged on disk (${event.cause})`,
  'buffer-wait': (event) =>
    `a read from disk waited ${durationWords(event.duration)} for memory (bufferMemory): ${event.outcome}`,
  'stalled-ended': (event) => `disconnected a client that read nothing (${event.stalled} more like it; stalledMemory)`,
  'store-state': (event) =>
    event.to === 'passing'
      ? `caching stopped (${event.code ?? 'no reason known'}); playback continues without it`
      : 'caching resumed',
  'client-bound': ({ client, bound, action }) => `client ${client} ${boundWords[bound]}: ${actionWords[action]}`,
  bug: (event) => `bug: ${event.message}`,
};

const boundWords = {
  connections: 'has the most connections it may have (connectionsPerClient)',
  requests: 'has the most requests it may have (requestsPerClient)',
  unread: 'has the most unread bytes it may have (unreadPerClient)',
  descriptors: 'has the most connections while open files run out',
} as const;

const actionWords = {
  'closed-idle': 'an idle connection was closed',
  'closed-stalled': 'its longest stalled connection was closed',
  'closed-busy': 'its longest quiet connection was closed',
  queued: 'a request waits',
  refused: 'one was refused',
  'held-back': 'less is downloaded ahead',
} as const;

const levels: { readonly [T in Type]?: EventWords['level'] } = {
  'fill-failed': 'warn',
  'own-error': 'warn',
  'block-lost': 'warn',
  bug: 'error',
};

/** An unknown event is shown by its fields. */
export function eventWords(event: { readonly type: string; readonly at: string }): EventWords {
  const { type, at, ...fields } = event;
  const sentence = (sentences as Record<string, ((event: unknown) => string) | undefined>)[type];
  const level = (levels as Record<string, EventWords['level'] | undefined>)[type] ?? 'info';
  return { at, level, words: sentence?.(event) ?? `${type.replaceAll('-', ' ')}${fieldWords(fields)}` };
}

function fieldWords(fields: object): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
}

function between(from: string, to: string): string {
  return durationWords(Date.parse(to) - Date.parse(from));
}
