/** mpv, which opens the film paused, seeks, and then plays on faster than real time. */
import { MpvSession } from './mpv-session.ts';
import { type SeekingPlayer, seekTargets } from './player.ts';

export const playInMpv: SeekingPlayer = async (url, signal, places = seekTargets) => {
  // Opens paused, so that the seeks start from a known place.
  await using mpv = new MpvSession(url, ['--speed=12', '--pause'], signal);
  await mpv.ask('observe_property', 1, 'time-pos');
  await mpv.until(({ event }) => event === 'playback-restart');
  const seeks: number[] = [];
  for (const place of places) {
    await mpv.ask('seek', place, 'absolute+exact');
    await mpv.until(({ event }) => event === 'playback-restart');
    seeks.push(Number(await mpv.ask('get_property', 'time-pos')));
  }
  await mpv.ask('set_property', 'pause', false);
  const { reason } = await mpv.until(({ event }) => event === 'end-file');
  if (reason !== 'eof' || (await mpv.ended) !== 0) throw new Error(`mpv ended by ${reason}: ${mpv.output}`);
  return { seeks, end: mpv.position };
};
