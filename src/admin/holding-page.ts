/**
 * A page of the held objects: filtered, sorted and cut. Pure.
 *
 * A cursor is the sort key of the last object on the page before, not its number. So objects that come and go in
 * between shift nothing.
 */
import type { FillPhase } from '../events.ts';
import type { Holding } from './holding.ts';

export const holdingSorts = ['path', '-path', 'used', '-used', 'bytes', '-bytes'] as const;
export type HoldingSort = (typeof holdingSorts)[number];

export interface HoldingQuery {
  readonly origin?: string | undefined;
  /** A part of the path, percent-encoded or not, in any case. */
  readonly q?: string | undefined;
  readonly state?: FillPhase | undefined;
  readonly pinned?: boolean | undefined;
  /** By path where absent; `-` reverses the order. */
  readonly sort?: HoldingSort | undefined;
  /** 100 where absent. */
  readonly limit?: number | undefined;
  /** The `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface HoldingPage {
  readonly objects: readonly Holding[];
  /** Where the next page begins; `null` where this is the last. */
  readonly next: string | null;
  /** How many objects all pages have, and how many bytes are held of them. */
  readonly total: number;
  readonly bytes: number;
}

/** The key by which a holding is sorted; no two have the same key. */
type SortKey = readonly [key: string | number, id: string];

export function pageOf(holdings: readonly Holding[], query: HoldingQuery): HoldingPage | 'no such cursor' {
  const { sort = 'path', limit = 100, cursor } = query;
  const after = cursor === undefined ? null : readCursor(cursor, sort);
  if (after === undefined) return 'no such cursor';
  const keyOf = keys[sort.replace('-', '') as keyof typeof keys];
  const direction = sort.startsWith('-') ? -1 : 1;
  const order = (one: Holding, other: Holding) => direction * compare(keyOf(one), one.id, keyOf(other), other.id);
  const found = holdings.filter((holding) => matches(holding, query));
  const rest =
    after === null
      ? found
      : found.filter((holding) => direction * compare(keyOf(holding), holding.id, after[0], after[1]) > 0);
  const objects = firstOf(rest, limit, order);
  const last = objects.at(-1);
  return {
    objects,
    next: last === undefined || objects.length === rest.length ? null : writeCursor([keyOf(last), last.id], sort),
    total: found.length,
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

const keys = {
  path: ({ path, origin }: Holding) => `${path}\n${origin}`,
  used: ({ lastUsed }: Holding) => lastUsed,
  bytes: ({ bytes }: Holding) => bytes,
};

/** The first `limit` of all in their order. What comes after these is not sorted: there may be a hundred times as many. */
function firstOf<T>(all: readonly T[], limit: number, order: (one: T, other: T) => number): T[] {
  let first: T[] = [];
  let last: T | undefined;
  for (const each of all) {
    if (last !== undefined && order(each, last) > 0) continue;
    first.push(each);
    if (first.length < 2 * limit) continue;
    first = first.sort(order).slice(0, limit);
    last = first.at(-1);
  }
  return first.sort(order).slice(0, limit);
}

function matches({ origin, path, state, pinned }: Holding, query: HoldingQuery): boolean {
  if (query.origin !== undefined && origin !== query.origin) return false;
  if (query.state !== undefined && state !== query.state) return false;
  if (query.pinned !== undefined && pinned !== query.pinned) return false;
  if (query.q === undefined) return true;
  const part = query.q.toLowerCase();
  return path.toLowerCase().includes(part) || decoded(path).toLowerCase().includes(part);
}

function decoded(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function compare(one: SortKey[0], oneId: string, other: SortKey[0], otherId: string): number {
  if (one !== other) return one < other ? -1 : 1;
  if (oneId === otherId) return 0;
  return oneId < otherId ? -1 : 1;
}

function writeCursor(key: SortKey, sort: HoldingSort): string {
  return Buffer.from(JSON.stringify([sort, ...key])).toString('base64url');
}

/** `undefined` where the text is no cursor, or one of another order. */
function readCursor(cursor: string, sort: HoldingSort): SortKey | undefined {
  try {
    const [of, key, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const right = of === sort && typeof id === 'string' && typeof key === (sort.endsWith('path') ? 'string' : 'number');
    return right ? [key as string | number, id] : undefined;
  } catch {
    return undefined;
  }
}
