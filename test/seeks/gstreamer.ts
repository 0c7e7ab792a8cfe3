/** GStreamer's playbin, as an application uses it: playing in real time, and pausing while it says that it buffers. */

import { firstSight, Screen } from '../../bench/network/screen.ts';
import { playInGstreamer } from '../../bench/network/scripted-players.ts';
import { deadline, type Seeker } from './seeker.ts';

export const seekInGstreamer: Seeker = async function* ({ url, places, watched, signal }) {
  const screen = new Screen();
  await using playing = await playInGstreamer('souphttpsrc')(url, screen, signal);
  const inTime = async <T>(what: string, find: () => T | null): Promise<T> => {
    const found = await screen.until(find, deadline * 1000);
    if (found !== null) return found;
    throw new Error(screen.failure === null ? `${what} took longer than ${deadline} s` : `${what}: ${screen.failure}`);
  };
  /** Where it is when it has played on from `place`, where it was at `since`, for long enough. */
  const played = (place: number, since: number) =>
    inTime(`playing on at ${place} s`, () => {
      const last = screen.sights.at(-1);
      return last !== undefined && last.at >= since && last.position >= place + watched ? last.position : null;
    });
  await played(0, screen.startedAt);
  for (const place of places) {
    const soughtAt = performance.now();
    await playing.seek(place);
    const first = await inTime(`the seek to ${place} s`, () => firstSight(screen.sights, soughtAt, place));
    const resumedAfter = first.at - soughtAt;
    yield { place, position: first.position, resumedAfter, playedTo: await played(place, first.at) };
  }
};
