/** ffmpeg, which reads a film no faster than it plays; it can't seek while it runs, so a seek is another run. */
import { createInterface } from 'node:readline';
import { type Program, run, start } from '../../test/players/program.ts';
import type { PlayerStart } from './player.ts';

export const playInFfmpeg: PlayerStart = async (url, screen, signal) => {
  let program: Program;
  /** Plays from `place` on; decodes all, and tells each picture (where there are none: each piece of sound) by its time. */
  const playFrom = (place: number) => {
    const input = ['-re', ...(place > 0 ? ['-ss', String(place)] : []), '-i', url];
    const output = ['-map', '0:v?', '-map', '0:a?', '-f', 'framecrc', '-flush_packets', '1', '-'];
    const own = start('ffmpeg', ['-nostdin', '-v', 'error', '-copyts', ...input, ...output], signal);
    program = own;
    const units: number[] = [];
    createInterface({ input: own.process.stdout ?? process.stdin }).on('line', (line) => {
      const [, stream, unit] = /^#tb (\d+): 1\/(\d+)$/.exec(line) ?? [];
      if (unit !== undefined) units[Number(stream)] = Number(unit);
      const [, time] = /^0, *-?\d+, *(\d+),/.exec(line) ?? [];
      if (time !== undefined && own === program) screen.show(Number(time) / (units[0] ?? 1));
    });
    own.ended.then((code) => {
      if (own === program) screen.fail(`ended with ${code}: ${own.errors()}`);
    });
  };
  playFrom(0);
  const end = async () => {
    const { process, ended } = program;
    process.kill('SIGKILL');
    await ended;
  };
  return {
    async seek(place) {
      const before = program;
      playFrom(place);
      before.process.kill('SIGKILL');
      await before.ended;
    },
    async facts() {
      const probe = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'default=nw=1:nk=1', url];
      const duration = Number(await run('ffprobe', probe, signal));
      return { duration: Number.isFinite(duration) ? duration : null, seekable: null };
    },
    [Symbol.asyncDispose]: end,
  };
};
