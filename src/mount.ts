/**
 * From the settings of one origin to its mount: the adapters that it is made of, one around the other.
 *
 *     HTTP → content-verified mirror (one a base) → mirrors → rate limit → limit of all origins → refresh hook
 *
 * A source is an origin of one target, which is at one address.
 */

import type { NewSource } from './admin/sources.ts';
import { fixedBudgets } from './budgets.ts';
import type { Mount, PagePolicy } from './cache/cache.ts';
import { tokenLabel } from './cache/entrances.ts';
import type { Clock } from './clock.ts';
import type { OriginSettings, Settings } from './config.ts';
import type { EventBus } from './events.ts';
import { ConnectionSlots } from './fill/connection-slots.ts';
import { Lessons } from './fill/lessons.ts';
import { Parallelism } from './fill/parallelism.ts';
import { RequestRate } from './fill/request-rate.ts';
import type { Fields } from './http/fields.ts';
import type { OwnListeners } from './http/own-listeners.ts';
import { Concurrency } from './origin/concurrency.ts';
import { contentVerifiedMirror } from './origin/content-verified-mirror.ts';
import type { DialOptions } from './origin/dial.ts';
import { fixedUrlOrigin } from './origin/fixed-url-origin.ts';
import { createHttpOrigin, type HttpOriginOptions } from './origin/http-origin.ts';
import { mirroredOrigin } from './origin/mirrors.ts';
import type { Origin } from './origin/origin.ts';
import { type RateAllowance, RateLimitedOrigin } from './origin/rate-limited-origin.ts';
import { Reachability } from './origin/reachability.ts';
import { createRefreshingOrigin, type Refresh } from './origin/refresh.ts';
import { commandRefresh } from './origin/refresh-command.ts';
import { endpointRefresh } from './origin/refresh-endpoint.ts';

/** Makes the origin of one base, where something else than HTTP over TCP is wanted; `null` where that is. */
export type MakeOrigin = (settings: OriginSettings, options: HttpOriginOptions) => Origin | null;

export interface MountParts {
  readonly clock: Clock;
  /** For what is done although nobody asks: its timers are nobody's loan. */
  readonly upkeepClock: Clock;
  readonly events: EventBus;
  readonly makeOrigin?: MakeOrigin | undefined;
  /** The hook of every origin whose settings name none. */
  readonly refresh?: Refresh | undefined;
  /** Where firstbyte itself listens, and what it calls itself towards its origins. */
  readonly own?: OwnListeners | undefined;
  readonly pseudonym?: string | undefined;
  /** What all origins may take together, in bytes a second; absent where each may take what comes. */
  readonly total?: RateAllowance | undefined;
  /** Told when one more connection to an origin is at work, or one less. */
  readonly onBusy?: HttpOriginOptions['onBusy'];
}

/** A mount, and what there is to show of it. */
export interface WatchedMount extends Mount {
  readonly name: string;
  /** Without credentials. */
  readonly base: string;
  readonly reachability: Reachability;
  readonly lessons: Lessons;
  readonly parallelism: Parallelism;
  /** How fast bytes are taken from it. */
  readonly throttle: Pick<RateLimitedOrigin, 'rate'>;
  /** How many requests a second it gets; `null` for any number. */
  readonly requests: { rate: number | null };
}

export function mount(settings: OriginSettings, all: Settings, parts: MountParts): WatchedMount {
  const { name, url, ignoreQuery, keyHeaders, fields, keepDeleted, budgets, maxConnections, cache } = settings;
  const { fill, maxRequestRate, parallelFetches } = settings;
  const { clock, events } = parts;
  const { firstByteTimeout } = { ...all, ...budgets };
  const reachability = new Reachability({ name, clock: parts.upkeepClock, events, wait: firstByteTimeout });
  const concurrency = new Concurrency(clock);
  const bases = mirrored(settings, firstByteTimeout, { ...parts, reachability, concurrency });
  const throttle = new RateLimitedOrigin(bases, settings.maxRate ?? null, clock);
  const rateOf = (perSecond: number | null) => (perSecond === null ? null : new RequestRate(perSecond, clock));
  const slots = new ConnectionSlots(maxConnections, all.maxQueued, rateOf(maxRequestRate ?? null), concurrency);
  return {
    name,
    base: url.href,
    reachability,
    lessons: new Lessons(parts.upkeepClock),
    throttle,
    requests: {
      get rate() {
        return slots.rate?.perSecond ?? null;
      },
      set rate(perSecond) {
        slots.rate = rateOf(perSecond);
      },
    },
    origin: refreshed(withinTotal(throttle, parts), settings, parts),
    slots,
    parallelism: new Parallelism(clock, parallelFetches),
    mode: cache,
    policy: { ...budgets, fill },
    keepDeleted,
    methods: settings.methods,
    allowOrigins:
      settings.allowOrigins ?? pagesFor(fields, settings.refresh !== undefined || parts.refresh !== undefined),
    identity: {
      ignoreQuery,
      keyHeaders,
      ownFields: fields.map(([field]) => field),
    },
  };
}

/** Around the limit of its own: what all have together. */
function withinTotal(origin: Origin, { total, clock }: MountParts): Origin {
  return total === undefined ? origin : new RateLimitedOrigin(origin, total, clock);
}

/** What the bytes of a source come through. */
export function openSource(source: NewSource, all: Settings, parts: MountParts): Omit<Mount, 'identity'> {
  const { url, fields, refresh: endpoint, network } = source;
  const { clock, events } = parts;
  const settings: OriginSettings = {
    name: tokenLabel,
    url: new URL(url.origin),
    fields,
    mirrors: [],
    network,
    redirectTo: network === 'private' ? 'any' : 'public',
    maxConnections: all.maxConnections,
    parallelFetches: all.parallelFetches,
    connectTimeout: all.connectTimeout,
    budgets: {},
    cache: 'media',
    ignoreQuery: [],
    keyHeaders: [],
    keepDeleted: false,
    methods: [],
    fill: 'window',
    mirrorProof: 'validator',
  };
  const reachability = new Reachability({
    name: tokenLabel,
    clock: parts.upkeepClock,
    events,
    wait: all.firstByteTimeout,
  });
  const concurrency = new Concurrency(clock);
  const atUrl = withinTotal(fixedUrlOrigin(overHttp(settings, { ...parts, reachability, concurrency }), url), parts);
  const { connectTimeout } = settings;
  const dialing = { clock, connectTimeout, own: parts.own };
  const refresh = endpoint === null ? null : endpointRefresh(endpoint, network, dialing);
  const origin =
    refresh === null
      ? atUrl
      : createRefreshingOrigin(atUrl, { refresh, timeout: fixedBudgets.hookAnswer.ms, clock, events });
  const allowOrigins = pagesFor(fields, endpoint !== null);
  const slots = new ConnectionSlots(all.maxConnections, all.maxQueued, null, concurrency);
  const parallelism = new Parallelism(clock, all.parallelFetches);
  return { origin, reachability, slots, parallelism, mode: 'media', allowOrigins };
}

/** Which pages may read where the operator has not said: those of this machine, unless his credentials open it. */
function pagesFor(fields: Fields, hasHook: boolean): PagePolicy {
  return hasHook || fields.some(([name]) => name !== 'user-agent') ? [] : ['loopback'];
}

interface BaseParts extends MountParts {
  readonly reachability: Reachability;
  readonly concurrency: Concurrency;
}

function mirrored(settings: OriginSettings, firstByteTimeout: number, parts: BaseParts): Origin {
  const { name, url, fields, mirrors, mirrorProof } = settings;
  if (mirrors.length === 0) return overHttp(settings, parts);
  const bases = [{ url, fields }, ...mirrors].map((base) => ({
    host: base.url.host,
    origin:
      mirrorProof === 'overlap'
        ? contentVerifiedMirror(overHttp({ ...settings, ...base }, parts))
        : overHttp({ ...settings, ...base }, parts),
  }));
  return mirroredOrigin({ name, bases, firstByteTimeout, clock: parts.clock, events: parts.events });
}

function overHttp(settings: OriginSettings, parts: BaseParts): Origin {
  const { clock, reachability, makeOrigin, own, pseudonym, onBusy, concurrency } = parts;
  const { name, url: base, fields, network, redirectTo, ca, connectTimeout, proxy, cache, mendTypes = true } = settings;
  const options: HttpOriginOptions = {
    name,
    base,
    clock,
    connectTimeout,
    network,
    redirectTo,
    ca,
    fields,
    proxy,
    own,
    pseudonym,
    reachability,
    onBusy,
    concurrency,
    mendTypes: mendTypes && cache !== 'rfc9111',
  };
  const made = makeOrigin?.(settings, options) ?? null;
  return made === null ? createHttpOrigin(options) : withFormerNames(made);
}

/** An origin of an embedding program, which may read a request by the names that it had in earlier versions. */
function withFormerNames(origin: Origin): Origin {
  return {
    name: origin.name,
    open: (request, signal) =>
      origin.open(request.resolved === undefined ? request : { ...request, place: request.resolved }, signal),
    close: () => origin.close(),
  };
}

function refreshed(origin: Origin, { refresh: written, connectTimeout }: OriginSettings, parts: MountParts): Origin {
  const { clock, events, own } = parts;
  const refresh = written === undefined ? parts.refresh : hookOf(written, { clock, connectTimeout, own });
  if (refresh === undefined) return origin;
  return createRefreshingOrigin(origin, {
    refresh,
    timeout: written?.timeout ?? fixedBudgets.hookAnswer.ms,
    clock,
    events,
  });
}

function hookOf(written: NonNullable<OriginSettings['refresh']>, dialing: DialOptions): Refresh {
  return 'command' in written ? commandRefresh(written.command) : endpointRefresh(written.endpoint, 'private', dialing);
}
