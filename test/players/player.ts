/** What each player does with the film: opens it, seeks to 80 % and back to 10 %, and plays on to its end. */

/** Seconds. */
export const filmDuration = 40;
export const seekTargets = [0.8 * filmDuration, 0.1 * filmDuration] as const;

/** What a player showed, in seconds of the film. */
export interface Screening {
  /** Where it was after each seek. */
  readonly seeks: readonly number[];
  /** The last position that it played. */
  readonly end: number;
}

/** Resolves when the film has been played to its end; rejects where the player met an error. */
export type Player = (url: string, signal: AbortSignal) => Promise<Screening>;
