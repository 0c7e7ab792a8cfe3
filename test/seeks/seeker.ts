/** What a player does here: it plays, and is sent to one place of the film after another. */

/** One seek. Times and places are in seconds of the film, `resumedAfter` in milliseconds. */
export interface Sought {
  readonly place: number;
  /** Where it was when it had resumed. */
  readonly position: number;
  /** From the seek until it had resumed. */
  readonly resumedAfter: number;
  /** How far it has then played on. */
  readonly playedTo: number;
}

interface Seeking {
  readonly url: string;
  readonly places: readonly number[];
  /** How much is watched at the beginning and at each place, in seconds. */
  readonly watched: number;
  readonly signal: AbortSignal;
}

/** Plays the film at `url` and gives each seek as it is done; throws where a player meets an error or its deadline. */
export type Seeker = (seeking: Seeking) => AsyncIterable<Sought>;

/** How long a player may take to open the film, to resume after a seek or to play on, in seconds. */
export const deadline = 60;

/** How far from the place asked for a player may land, in seconds. */
const tolerance = 0.5;

/** What is wrong with a seek, or `null`. */
export function wrongWith({ place, position, playedTo }: Sought, watched: number): string | null {
  if (!(Math.abs(position - place) <= tolerance)) return `the seek to ${place} s came to ${position} s`;
  if (!(playedTo >= place + watched)) return `after the seek to ${place} s it played only to ${playedTo} s`;
  return null;
}
