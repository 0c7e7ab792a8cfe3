/**
 * The timelines of the requests for one path, made of events: those of each request, and those of its fill between the
 * request's start and end.
 */

import { grouped } from '../../src/kit/amounts.ts';
import { cacheWords, outcomeWords } from '../../src/kit/request-words.ts';
import type { Happening, HappeningOf } from '../api/happening.ts';

/** Moments are milliseconds of the day's clock. */
export interface Timeline {
  readonly request: number;
  readonly acceptedAt: number;
  readonly steps: readonly Step[];
  /** `null` while the request is under way. */
  readonly end: { readonly at: number; readonly words: string } | null;
}

interface Step {
  readonly name: 'connected' | 'head' | 'first byte received' | 'first byte sent' | 'done';
  readonly at: number;
}

/** At most so many events are kept. */
const mostHappenings = 500;
const mostTimelines = 12;

/** At most so many milliseconds lie between the arrival of a byte and the waking of its reader. */
const sameMoment = 20;

/** The events to keep for the timelines of `path` at `origin`, with `happening` added. */
export function remember(
  known: readonly Happening[],
  happening: Happening,
  { origin, path, since }: { origin: string; path: string; since: number },
): readonly Happening[] {
  const concerns =
    happening.type === 'first-byte-wait'
      ? happening.origin === origin
      : (happening.type === 'request-done' || happening.type === 'fill-first-byte') &&
        happening.origin === origin &&
        happening.path === path;
  if (!concerns || Date.parse(happening.at) < since) return known;
  return [...known, happening].slice(-mostHappenings);
}

/** The newest first. */
export function timelinesOf(happenings: readonly Happening[]): Timeline[] {
  const firstBytes = happenings.filter((happening) => happening.type === 'fill-first-byte');
  const waits = happenings.filter((happening) => happening.type === 'first-byte-wait');
  const over = happenings.filter((happening) => happening.type === 'request-done');
  const done = over.map((each) => timelineOf(each, firstBytes));
  const going = waits
    .filter(({ request, outcome }) => outcome === 'served' && over.every((each) => each.request !== request))
    .flatMap((wait) => goingOn(wait, firstBytes));
  return [...done, ...going].sort((one, other) => other.acceptedAt - one.acceptedAt).slice(0, mostTimelines);
}

/**
 * The event of a wait has no path. It belongs to this path where it ended when a byte of this path arrived, to the
 * millisecond.
 */
function goingOn(
  { at, duration, request }: HappeningOf<'first-byte-wait'>,
  firstBytes: readonly HappeningOf<'fill-first-byte'>[],
): Timeline[] {
  const waitedUntil = Date.parse(at);
  const landed = firstBytes.find(({ landedAt }) => Math.abs(Date.parse(landedAt) - waitedUntil) <= sameMoment);
  if (landed === undefined) return [];
  return [{ request, acceptedAt: waitedUntil - duration, steps: stepsOf(landed), end: null }];
}

function stepsOf({ connectedAt, headAt, landedAt }: HappeningOf<'fill-first-byte'>): Step[] {
  return [
    ...(connectedAt === null ? [] : [{ name: 'connected', at: Date.parse(connectedAt) } as const]),
    { name: 'head', at: Date.parse(headAt) },
    { name: 'first byte received', at: Date.parse(landedAt) },
  ];
}

function timelineOf(
  done: HappeningOf<'request-done'>,
  firstBytes: readonly HappeningOf<'fill-first-byte'>[],
): Timeline {
  const { acceptedAt, firstByteOutAt, doneAt } = done.timeline;
  const accepted = Date.parse(acceptedAt);
  const out = firstByteOutAt === null ? null : Date.parse(firstByteOutAt);
  const ended = Date.parse(doneAt);
  // The request waited for the bytes that arrived last before its first byte went out.
  const landed = firstBytes.findLast(
    ({ startedAt, landedAt }) => Date.parse(startedAt) >= accepted - 1 && Date.parse(landedAt) <= (out ?? ended) + 1,
  );
  const steps = landed === undefined ? [] : stepsOf(landed);
  if (out !== null) steps.push({ name: 'first byte sent', at: out });
  steps.push({ name: 'done', at: ended });
  return { request: done.request, acceptedAt: accepted, steps, end: { at: ended, words: endWords(done) } };
}

function endWords({ status, outcome, cache, bytes, range }: HappeningOf<'request-done'>): string {
  if (status === 304) return '304 not modified';
  const from = range === null ? '' : ` from byte ${grouped(range.start)}`;
  const sent = bytes === 0 ? '' : `, ${grouped(bytes)} bytes${from}`;
  return `${status ?? 'no reply'} ${outcomeWords[outcome]}${cacheWords[cache]}${sent}`;
}
