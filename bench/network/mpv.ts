/** mpv under its own settings, without pictures and sound, and without a line that it writes again and again. */
import { MpvSession } from '../../test/players/mpv-session.ts';
import type { PlayerStart } from './player.ts';

export const playInMpv: PlayerStart = async (url, screen, signal) => {
  const mpv = new MpvSession(url, ['--term-status-msg='], signal);
  // While it seeks, it tells the place that it was sent to as its position, and shows nothing.
  let shows = false;
  let position = Number.NaN;
  mpv.listen(({ event, name, data, reason }) => {
    if (name === 'time-pos' && typeof data === 'number') position = data;
    if (event === 'seek') shows = false;
    if (event === 'playback-restart') shows = true;
    if (shows && (name === 'time-pos' || event === 'playback-restart') && !Number.isNaN(position))
      screen.show(position);
    if (event === 'end-file' && reason !== 'eof') screen.fail(`ended by ${reason}: ${mpv.output}`);
  });
  mpv.ended.then((code) => screen.fail(`ended with ${code}: ${mpv.output}`));
  await mpv.ask('observe_property', 1, 'time-pos');
  return {
    async seek(place) {
      shows = false;
      await mpv.ask('seek', place, 'absolute');
    },
    async facts() {
      const property = (name: string) => mpv.ask('get_property', name).catch(() => null);
      return {
        duration: (await property('duration')) as number | null,
        seekable: (await property('seekable')) as boolean | null,
      };
    },
    [Symbol.asyncDispose]: () => mpv[Symbol.asyncDispose](),
  };
};
