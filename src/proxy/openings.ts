/** Opens what a request reads: a session of the entry that has the answer for this client. */
import { fixedBudgets } from '../budgets.ts';
import type { OpenRange } from '../bytes/byte-range.ts';
import type { Cache } from '../cache/cache.ts';
import type { Entry } from '../cache/entry.ts';
import { type Aim, FillFailed, type ReadSession, type SessionClient } from '../cache/read-session.ts';
import type { Clock } from '../clock.ts';
import { type Fields, someField } from '../http/fields.ts';
import type { Representation } from '../http/representation.ts';
import { isTrailField, trailOf } from '../http/via.ts';
import { headOnly, hintOf, isConditional, type Request } from './reply.ts';

/** So many entries of one target are tried for a request, whose answers vary by something else each time. */
const mostVariants = 4;

export interface OpeningParts {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly mount: string;
  readonly target: string;
  readonly request: Request;
  readonly client: Omit<SessionClient, 'said'>;
  /** Which bytes of a representation are wanted; `null` for none. */
  readonly choose: (representation: Representation) => OpenRange | null;
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
}

/**
 * Finds the entry for this client where answers vary; where the origin is out of reach, the first one will do. A session
 * that nothing is to be waited for is there at once. Rejects with `FillFailed`, or with the reason of `gone`; `null` where
 * nothing is mounted there.
 */
export function openFor(parts: OpeningParts): ReadSession | Promise<ReadSession> | null {
  const { cache, mount, target, request, choose, client } = parts;
  // Who waits is named to the origin by the proxies on his way.
  const hasTrail = someField(request.fields, isTrailField);
  const session = hasTrail ? null : cache.openNow(mount, target, request.fields, choose, client);
  if (session !== null) return session;
  const first = cache.open(mount, target, request.fields);
  return first && openLater(first, parts);
}

async function openLater(first: Entry, parts: OpeningParts): Promise<ReadSession> {
  const { cache, mount, target, request } = parts;
  for (let entry = first, turns = 1; ; turns += 1) {
    try {
      return await (entry.isVariant ? openVariant(entry, parts) : openSession(entry, parts, entry.upstream.said));
    } catch (error) {
      const isVaried = error instanceof FillFailed && error.failure.kind === 'varied' && turns < mostVariants;
      const next = isVaried ? cache.open(mount, target, request.fields) : null;
      if (next === null) throw error;
      entry = next;
    }
  }
}

/** Has the first entry in its place where the origin turns out to be out of reach. */
async function openVariant(entry: Entry, parts: OpeningParts): Promise<ReadSession> {
  const { cache, clock, mount, target, request, gone } = parts;
  const firstEntry = () => cache.openFirst(mount, target, request.fields);
  const unreachable = new AbortController();
  const late = clock.after(fixedBudgets.outOfReach.ms, () => {
    if (cache.isOutOfReach(mount) && entry !== firstEntry()) unreachable.abort();
  });
  try {
    const signal = AbortSignal.any([gone, unreachable.signal]);
    return await openSession(entry, { ...parts, gone: signal }, entry.upstream.said);
  } catch (error) {
    const stored = unreachable.signal.aborted ? firstEntry() : null;
    if (stored === null) throw error;
    return await openSession(stored, parts);
  } finally {
    late.cancel();
  }
}

/** Without `said` whatever is stored will do. */
async function openSession(entry: Entry, parts: OpeningParts, said?: Fields): Promise<ReadSession> {
  const { request, choose, client, gone } = parts;
  const trail = trailOf(request.fields);
  const part = trail.length === 0 ? null : entry.upstream.trails.accompany(trail);
  const open = (hint: Aim) => entry.openSession(hint, choose, gone, said === undefined ? client : { ...client, said });
  try {
    const session = await openAt(request, open);
    if (part === null) return session;
    return {
      ...session,
      leave: () => {
        session.leave();
        part();
      },
    };
  } catch (error) {
    part?.();
    throw error;
  }
}

async function openAt(request: Request, open: (hint: Aim) => Promise<ReadSession>): Promise<ReadSession> {
  try {
    return await open(hintOf(request));
  } catch (error) {
    const past = error instanceof FillFailed && error.failure.kind === 'unsatisfiable';
    if (!past || !isConditional(request)) throw error;
    // Conditions come before the range: they may ask for the whole, or for nothing.
    return await open(headOnly);
  }
}
