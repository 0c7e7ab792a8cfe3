/** Sentences for events of the stream. All times are those of the events. */
import type { DomainEvent } from '../events.ts';
import { durationWords, placeWords, sizeWords } from './words.ts';

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
    const from = range === null || range.start === 0 ? '' : ` from ${sizeWords(range.start)} on`;
    const first = firstByteOutAt === null ? '' : `, the first after ${between(acceptedAt, firstByteOutAt)}`;
    return `${method} ${place}${from}: ${status ?? 'no status'}, ${outcome}, ${cache}, ${sizeWords(bytes)} sent${first}, ${between(acceptedAt, doneAt)} in all`;
  },
  'fill-state': (event) => `${placeWords(event)}: ${event.from} → ${event.to}`,
  'fill-first-byte': (event) => {
    const queued = event.queued > 0 ? ` after ${durationWords(event.queued)} in the queue` : '';
    return `${placeWords(event)}: the first byte from ${sizeWords(event.offset)} on came in ${between(event.startedAt, event.landedAt)}${queued}`;
  },
  'fill-done': (event) =>
    `${placeWords(event)}: all ${sizeWords(event.length)} are there, in ${durationWords(event.duration)}`,
  'fill-failed': (event) => `${placeWords(event)}: failed: ${event.message}`,
  line: (event) => `${placeWords(event)}: ${event.message}`,
  retry: (event) => {
    const what = event.kind === 'heal' ? `healing at ${sizeWords(event.offset)}` : 'asking again';
    return `${placeWords(event)}: ${what} in ${durationWords(event.delay)}, attempt ${event.attempt} (${event.cause})`;
  },
  breaker: (event) => {
    const cause = event.cause === null ? '' : `, last error: ${event.cause.replaceAll('_', ' ')}`;
    if (event.to === 'closed') return `/${event.origin}/ is reached again`;
    if (event.from === 'closed') return `/${event.origin}/ is out of reach${cause}`;
    return `/${event.origin}/ is out of reach${event.to === 'open' ? ' still' : ', and tried again'}${cause}`;
  },
  refresh: (event) =>
    `${placeWords(event)}: its address was asked for (${event.reason}): ${event.outcome} after ${durationWords(event.duration)}`,
  'first-byte-wait': (event) =>
    `request ${event.request} to /${event.origin}/ waited ${durationWords(event.duration)} for its first byte: ${event.outcome}`,
  'own-error': (event) => {
    const { origin, path, status, waited, message } = event;
    const place = origin === null ? path : placeWords({ origin, path });
    return `${place}: answered with ${status} after ${durationWords(waited)}: ${message}`;
  },
  failover: (event) => `/${event.origin}/: ${event.to} is asked in place of ${event.from} (${event.cause})`,
  'job-done': (event) => `job ${event.job}, ${event.kind}: ${event.outcome}, ${sizeWords(event.done)}`,
  evicted: (event) => {
    const place = event.origin === '' ? 'what an earlier version stored' : placeWords(event);
    return `${place}: ${sizeWords(event.bytes)} evicted (${event.reason})`;
  },
  'block-lost': (event) =>
    `${placeWords(event)}: ${sizeWords(event.bytes)} on disk are bad (${event.cause}) and dropped`,
  'buffer-wait': (event) =>
    `a read from disk waited ${durationWords(event.duration)} for memory (bufferMemory): ${event.outcome}`,
  'stalled-ended': (event) =>
    `a client that took nothing was disconnected, with ${event.stalled} more of them left (stalledMemory)`,
  'store-state': (event) =>
    event.to === 'passing'
      ? `the store takes nothing more (${event.code ?? 'no reason known'}); films go past it`
      : 'the store takes again what comes',
  'client-bound': ({ client, bound, action }) => `client ${client} ${boundWords[bound]}: ${actionWords[action]}`,
  bug: (event) => `bug: ${event.message}`,
};

const boundWords = {
  connections: 'has as many connections as it may (connectionsPerClient)',
  requests: 'has as many requests under way as it may (requestsPerClient)',
  unread: 'has as much unread as it may (unreadPerClient)',
  descriptors: 'meets the limit of open files',
} as const;

const actionWords = {
  'closed-idle': 'an idle connection was closed',
  'closed-stalled': 'the connection that was stalled the longest was closed',
  'closed-busy': 'the connection that was quiet the longest was closed',
  queued: 'a request waits',
  refused: 'one was refused',
  'held-back': 'less is fetched ahead',
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
