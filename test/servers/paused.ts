/** A player that has read a film's beginning and reads nothing more, until firstbyte has let go of the origin. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Exchange } from '../support/client.ts';
import { film } from '../support/film.ts';
import type { Nginx } from './nginx.ts';
import type { Stage } from './stage.ts';

/** More than the kernel holds on its way to a player that reads nothing. */
export const longFilm = film(32 * 1024 * 1024);

/** Flags with which firstbyte soon has nothing more to fetch for a player that is paused. */
export const shortAhead = ['--read-ahead', '256KiB', '--rest-timeout', '100ms'];

export interface PausedFilm {
  readonly player: Client;
  readonly reply: Exchange;
}

/**
 * Resolves when nginx, which has answered nobody before, is done with what it was asked for. `target` is called when
 * all is ready, for it may be good for a few seconds only.
 */
export async function pausedFilm(stage: Stage, nginx: Nginx, target: () => string): Promise<PausedFilm> {
  await stage.write('film.mp4', longFilm.bytesAt(0, longFilm.size));
  const player = await stage.player(longFilm);
  const reply = player.get(target());
  await reply.received(1);
  player.pause();
  // nginx notes an answer when it is over.
  while ((await nginx.answers()).length === 0) await sleep(50);
  await stage.atRest();
  return { player, reply };
}
