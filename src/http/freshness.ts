/** May an answer be stored (RFC 9111 §3), for how long is it fresh (§4.2), how old is it (§4.2.3). */
import { remembered } from '../kit/remembered.ts';
import { deltaSeconds, parseCacheControl, responseDirectives, targetedDirectives } from './cache-control.ts';
import { type Fields, fieldsWhere, fieldValue, listMembers, parseDecimal } from './fields.ts';
import { parseHttpDate, parseOriginDate } from './http-date.ts';
import type { Representation } from './representation.ts';

/**
 * `rfc9111`: a shared cache and nothing more. `media`: the same, but media of which the origin says nothing is
 * fresh for a default of our own. `always`: a private cache by the operator's choice, for origins that forbid storing films.
 */
export type CacheMode = 'media' | 'rfc9111' | 'always';

/** Statuses that may be stored without explicit freshness (RFC 9110 §15.1). */
const heuristicallyCacheable: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
]);

/** What is about one request, its range or its condition, and what no cache may store (RFC 6585). */
const neverStored: ReadonlySet<number> = new Set([400, 412, 416, 428, 429, 431, 511]);

/** An answer, with the client's fields of its request. */
export interface Answered {
  readonly requestFields: Fields;
  readonly status: number;
  readonly fields: Fields;
}

/** Whether the answer to a GET may be stored (RFC 9111 §3). */
export function storable(answered: Answered, mode: CacheMode): boolean {
  const { status, fields } = answered;
  if (isOperators(status, mode)) return true;
  if (neverStored.has(status) || forOneClient(answered, mode)) return false;
  if (mode === 'media' && isPage(fields) && explicitLifetime(fields, 'shared', 0) === null) return false;
  const directives = responseDirectives(fields);
  // §5.2.2.3
  if (directives.has('must-understand') && !heuristicallyCacheable.has(status)) return false;
  return (
    heuristicallyCacheable.has(status) || directives.has('public') || explicitLifetime(fields, 'shared', 0) !== null
  );
}

/**
 * Whether the answer to a GET is for the one client that asked: not for those who wait for the same, either (RFC 9111 §4).
 * A `live` stream is passed on as it comes, and whoever joins it gets nothing that was given before: in media mode
 * `no-store`, which radio says always, forbids it to nobody.
 */
export function forOneClient({ requestFields, status, fields }: Answered, mode: CacheMode, live = false): boolean {
  if (isOperators(status, mode)) return false;
  const directives = responseDirectives(fields);
  if (directives.has('private')) return true;
  // An answer that varies by everything matches no other request (§4.1).
  if (listMembers(fieldValue(fields, 'vary') ?? '').includes('*')) return true;
  // In media mode a client's credentials are part of the key.
  if (mode === 'rfc9111' && !allowsCredentials(requestFields, fields)) return true;
  if (live && mode === 'media') return false;
  if (parseCacheControl(fieldValue(requestFields, 'cache-control')).has('no-store')) return true;
  // A status that we understand overrides no-store where the origin asks us to understand it (§5.2.2.3).
  return directives.has('no-store') && !(directives.has('must-understand') && heuristicallyCacheable.has(status));
}

/** Whether the operator has decided that it is stored, and for all. */
function isOperators(status: number, mode: CacheMode): boolean {
  return mode === 'always' && (status === 200 || status === 206);
}

/**
 * Whether an answer may go from one request to others although one of them bears credentials (RFC 9111 §3.5): those may have
 * chosen it, or choose another.
 */
export function allowsCredentials(requestFields: Fields, fields: Fields): boolean {
  if (fieldValue(requestFields, 'authorization') === null) return true;
  const directives = responseDirectives(fields);
  return directives.has('public') || directives.has('s-maxage') || directives.has('must-revalidate');
}

export interface Freshness {
  /** Wall-clock milliseconds from which on it is stale. */
  readonly until: number;
  /** Until when it may be served at once and stale, while the origin is asked; after that the origin is asked first. */
  readonly behindUntil: number;
}

/**
 * Until when a stored representation may be served without asking (RFC 9111 §4.2). `mediaDefault` is how long one
 * without explicit freshness is fresh, in milliseconds; strict mode does without it.
 */
export function freshUntil(representation: Representation, mediaDefault: number, mode: CacheMode): Freshness {
  const { until, behindUntil } = ownFreshness(representation, mediaDefault, mode);
  const { ledHereForMs, validatedAt } = representation;
  if (ledHereForMs === undefined || mode === 'always') return { until, behindUntil };
  const ledUntil = validatedAt + ledHereForMs;
  return { until: Math.min(until, ledUntil), behindUntil: Math.min(behindUntil, ledUntil) };
}

/** For how many milliseconds a redirect may be believed: a temporary one no longer than it says (RFC 9110 §15.4.3). */
export function redirectLifetime(fields: Fields, isTemporary: boolean, arrivedAt: number): number {
  const directives = responseDirectives(fields);
  if (directives.has('no-store') || directives.has('no-cache')) return 0;
  return explicitLifetime(fields, 'shared', arrivedAt) ?? (isTemporary ? 0 : Number.POSITIVE_INFINITY);
}

function ownFreshness(representation: Representation, mediaDefault: number, mode: CacheMode): Freshness {
  const { fields, validatedAt } = representation;
  const bornAt = validatedAt - initialAge(representation);
  const lifetime = explicitLifetime(fields, mode === 'always' ? 'private' : 'shared', validatedAt);
  const neverFresh = responseDirectives(fields).has('no-cache') || lifetime === 0;
  if (mode === 'always' && neverFresh) return forEver(validatedAt + mediaDefault);
  if (neverFresh || (mode === 'rfc9111' && !tellsAge(fields))) return { until: validatedAt, behindUntil: validatedAt };
  if (lifetime === null && mode !== 'rfc9111' && (mode === 'always' || isMedia(representation))) {
    return forEver(validatedAt + mediaDefault);
  }
  const until = bornAt + (lifetime ?? heuristicLifetime(representation));
  // RFC 5861 §3
  const behind = mustRevalidate(representation)
    ? 0
    : (deltaSeconds(responseDirectives(fields), 'stale-while-revalidate') ?? 0);
  return { until, behindUntil: until + behind * 1000 };
}

/** Media of which the origin says nothing are never waited for. */
function forEver(until: number): Freshness {
  return { until, behindUntil: Number.POSITIVE_INFINITY };
}

/** Films, sound and pictures hardly ever change; playlists, pages and listings may change at any moment. */
function isMedia({ fields, changeable }: Representation): boolean {
  const type = fieldValue(fields, 'content-type') ?? 'application/octet-stream';
  if (changeable || /mpegurl|dash\+xml|dash\.mpd|vnd\.ms-sstr|scpls|smil|xspf/i.test(type)) return false;
  return /^(video|audio|image|font)\/|^application\/(octet-stream|mp4|ogg|x-matroska)\b/i.test(type);
}

/** A page of HTML, such as the listing of a directory: of what is there now, not of what was. */
function isPage(fields: Fields): boolean {
  return /^(text\/html|application\/xhtml\+xml)\b/i.test(fieldValue(fields, 'content-type') ?? '');
}

/** Whether it may not be served stale, even where the origin cannot be reached (RFC 9111 §4.2.4). */
export function mustRevalidate(representation: Representation): boolean {
  const directives = responseDirectives(representation.fields);
  // A shared cache reads s-maxage as proxy-revalidate (§5.2.2.10).
  return ['must-revalidate', 'proxy-revalidate', 's-maxage', 'no-cache'].some((name) => directives.has(name));
}

/** Whether the origin says for how long it is fresh, were it for no time at all. */
export function saysFreshness({ fields, validatedAt }: Representation): boolean {
  return responseDirectives(fields).has('no-cache') || explicitLifetime(fields, 'shared', validatedAt) !== null;
}

/** For `Age`, in whole seconds (RFC 9111 §4.2.3); `now` is wall-clock milliseconds. */
export function currentAge(representation: Representation, now: number): number {
  const resident = Math.max(0, now - representation.validatedAt);
  return Math.floor((initialAge(representation) + resident) / 1000);
}

/** RFC 9111 §4.2.1, in milliseconds; `null` where the origin does not say. */
function explicitLifetime(fields: Fields, cache: 'shared' | 'private', validatedAt: number): number | null {
  const directives = responseDirectives(fields);
  const shared = cache === 'shared' ? deltaSeconds(directives, 's-maxage') : null;
  const seconds = shared ?? deltaSeconds(directives, 'max-age');
  if (seconds !== null) return seconds * 1000;
  const expires = fieldValue(fields, 'expires');
  // A targeted field speaks for Expires too (RFC 9213 §2.2).
  if (expires === null || targetedDirectives(fields) !== null) return null;
  // An invalid date, `0` above all, is in the past (§5.3).
  const until = parseHttpDate(expires) ?? Number.NEGATIVE_INFINITY;
  return Math.max(0, until - sentAt(fields, validatedAt));
}

/** A tenth of the time for which it had not changed (RFC 9111 §4.2.2), in milliseconds. */
function heuristicLifetime({ fields, validatedAt }: Representation): number {
  const modified = parseOriginDate(fieldValue(fields, 'last-modified') ?? '');
  return modified === null ? 0 : Math.max(0, (sentAt(fields, validatedAt) - modified) / 10);
}

/** How old the answer was when it came: `corrected_initial_age` of RFC 9111 §4.2.3, in milliseconds. */
function initialAge({ fields, validatedAt }: Representation): number {
  const apparent = Math.max(0, validatedAt - sentAt(fields, validatedAt));
  return Math.max(apparent, timesOf(fields).age * 1000);
}

/** What an answer says of when it was made: `Date` in wall-clock milliseconds, and `Age` in seconds. */
const timesOf = remembered((fields: Fields): { readonly date: number | null; readonly age: number } => ({
  date: parseOriginDate(fieldValue(fields, 'date') ?? ''),
  // Of several values the first counts (§5.1).
  age: parseDecimal(listMembers(fieldValue(fields, 'age') ?? '')[0] ?? '') ?? 0,
}));

/** Whether its `Age` can be read: what was stored for nobody knows how long may be stale. It counts as young in other modes. */
function tellsAge(fields: Fields): boolean {
  const lines = fieldsWhere(fields, (name) => name === 'age');
  return lines.length < 2 && lines.every(([, line]) => parseDecimal(listMembers(line)[0] ?? '') !== null);
}

/** The origin's `Date`; the moment of arrival where it sent none (RFC 9110 §6.6.1). */
function sentAt(fields: Fields, arrivedAt: number): number {
  return timesOf(fields).date ?? arrivedAt;
}
