/** What each player does with the film: opens it, seeks to one place after another, and plays on to its end. */
import assert from 'node:assert/strict';

/** Seconds. */
export const filmDuration = 40;
/** To 80 % and back to 10 %: where a player seeks to unless told otherwise. */
export const seekTargets: readonly number[] = [0.8 * filmDuration, 0.1 * filmDuration];

/** What a player showed, in seconds of the film. */
export interface Screening {
  /** Where it was after each seek. */
  readonly seeks: readonly number[];
  /** The last position that it played. */
  readonly end: number;
}

/** How far from the place asked for a player may land, and from the end stop, in seconds. */
const tolerance = 0.5;

/** Throws an `AssertionError` unless the film was seen at each of `places` and to its end. */
export function assertSeen({ seeks, end }: Screening, places: readonly number[]): void {
  for (const [index, place] of places.entries()) {
    const position = seeks[index] ?? Number.NaN;
    assert.ok(Math.abs(position - place) <= tolerance, `the seek to ${place} s came to ${position} s`);
  }
  assert.ok(end >= filmDuration - tolerance, `the film ended at ${end} s`);
}

/** Resolves when the film has been played to its end; rejects where the player met an error. */
export type Player = (url: string, signal: AbortSignal) => Promise<Screening>;

/** One that seeks to any `places`, to `seekTargets` where none are given. */
export type SeekingPlayer = (url: string, signal: AbortSignal, places?: readonly number[]) => Promise<Screening>;
