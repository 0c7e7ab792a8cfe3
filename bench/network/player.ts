/** What all players have in common here. */
import type { Screen } from './screen.ts';

export interface Facts {
  /** In seconds; `null` where the player does not know. */
  readonly duration: number | null;
  readonly seekable: boolean | null;
}

/** A player that plays in real time, as its users have it, and tells its screen what it shows. */
export interface Playing extends AsyncDisposable {
  /** Resolves when the player has taken the command. */
  seek(place: number): Promise<void>;
  facts(): Promise<Facts>;
}

/** Starts to play `url`. */
export type PlayerStart = (url: string, screen: Screen, signal: AbortSignal) => Promise<Playing>;
