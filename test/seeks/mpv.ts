/** mpv, which reads a second ahead, as it does with a file: its larger cache would answer seeks without asking anybody. */
import { MpvSession } from '../players/mpv-session.ts';
import { deadline, type Seeker } from './seeker.ts';

export const seekInMpv: Seeker = async function* ({ url, places, watched, signal }) {
  await using mpv = new MpvSession(url, ['--cache=no'], signal);
  const resumed = () => mpv.until(({ event }) => event === 'playback-restart');
  /** Where it is when it has played from `place` for long enough. */
  const played = async (place: number) => {
    const enough = mpv.until(({ name, data }) => name === 'time-pos' && Number(data) >= place + watched);
    return Number((await inTime(enough, `playing on at ${place} s`)).data);
  };
  await inTime(mpv.ask('observe_property', 1, 'time-pos'), 'opening');
  await inTime(resumed(), 'opening');
  await played(0);
  for (const place of places) {
    const what = `the seek to ${place} s`;
    const soughtAt = performance.now();
    await inTime(mpv.ask('seek', place, 'absolute+exact'), what);
    await inTime(resumed(), what);
    const resumedAfter = performance.now() - soughtAt;
    const position = Number(await mpv.ask('get_property', 'time-pos'));
    yield { place, position, resumedAfter, playedTo: await played(place) };
  }
};

async function inTime<T>(event: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} took longer than ${deadline} s`)), deadline * 1000);
  try {
    return await Promise.race([event, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
