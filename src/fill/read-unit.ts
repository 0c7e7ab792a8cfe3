/** The unit in which a fill is read, planned and finished: one block of the store, so that whole units become durable. */
import { mostRead } from '../store/store.ts';

/** In bytes; reads end at its multiples. */
export const readUnit = mostRead;

/** Where the unit that holds the byte before `offset` ends. */
export function unitEnd(offset: number): number {
  return Math.ceil(offset / readUnit) * readUnit;
}

/**
 * Where a request for `start` to `end` ends: in whole units. An empty range is wanted for the head of the answer alone,
 * and costs one byte: no request can ask for none.
 */
export function requestEnd(start: number, end: number): number {
  return Math.max(start + 1, unitEnd(end));
}
