/**
 * From the settings of one origin to its mount: the adapters that it is made of, one around the other.
 *
 *     HTTP (one for each base) → mirrors → pace
 */
import type { Mount } from './cache/cache.ts';
import type { Clock } from './clock.ts';
import type { OriginSettings, Settings } from './config.ts';
import type { EventBus } from './events.ts';
import { ConnectionSlots } from './fill/connection-slots.ts';
import { createHttpOrigin, type HttpOriginOptions } from './origin/http-origin.ts';
import { mirroredOrigin } from './origin/mirrors.ts';
import type { Origin } from './origin/origin.ts';
import { pacedOrigin } from './origin/paced-origin.ts';

/** Makes the origin of one base, where something else than HTTP over TCP is wanted. */
export type MakeOrigin = (settings: OriginSettings, options: HttpOriginOptions) => Origin;

export interface MountParts {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly makeOrigin?: MakeOrigin | undefined;
}

export function mount(settings: OriginSettings, all: Settings, parts: MountParts): Mount {
  const { ignoreQuery, keyHeaders, fields, keepDeleted, budgets, maxConnections, cache } = settings;
  return {
    origin: composed(settings, { ...all, ...budgets }.firstByteTimeout, parts),
    slots: new ConnectionSlots(maxConnections, all.maxQueued),
    mode: cache,
    policy: budgets,
    keepDeleted,
    identity: { ignoreQuery, keyHeaders, ownCredentials: fields.some(([name]) => name === 'authorization') },
  };
}

function composed(settings: OriginSettings, firstByteTimeout: number, parts: MountParts): Origin {
  const { name, url, fields, mirrors, maxRate } = settings;
  const { clock, events } = parts;
  const bases = [{ url, fields }, ...mirrors].map((base) => ({
    host: base.url.host,
    origin: httpOrigin({ ...settings, ...base }, parts),
  }));
  const [first] = bases;
  const origin =
    first !== undefined && bases.length === 1
      ? first.origin
      : mirroredOrigin({ name, bases, clock, events, firstByteTimeout });
  return maxRate === undefined ? origin : pacedOrigin(origin, maxRate, clock);
}

function httpOrigin(settings: OriginSettings, { clock, makeOrigin }: MountParts): Origin {
  const { name, url: base, fields, network, redirectTo, ca, connectTimeout, proxy } = settings;
  const options: HttpOriginOptions = { name, base, clock, connectTimeout, network, redirectTo, ca, fields, proxy };
  return makeOrigin?.(settings, options) ?? createHttpOrigin(options);
}
