/**
 * A long film that costs little to make: half a minute of noise is encoded at 8 Mbit/s, and copied again and again.
 *
 * One version of ffmpeg always makes the same bytes. The clip's length is odd, so that a block of the film in the
 * place of another is seen.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../players/program.ts';

/** MP4 with its index (moov) at the end, and Matroska, whose Cues are at the end. */
export const containers = ['film.mp4', 'film.mkv'] as const;
export type Container = (typeof containers)[number];

/** So long that AAC comes out even, in seconds. */
const clipDuration = 24;

export interface LongFilm {
  readonly folder: string;
  /** In seconds. */
  readonly duration: number;
}

const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'];
const exact = ['-fflags', '+bitexact', '-map_metadata', '-1'];

/** Makes the film in `folder`, once for each of `kinds`, of `size` bytes or a little more. */
export async function makeLongFilm(folder: string, size: number, kinds: readonly Container[]): Promise<LongFilm> {
  const clip = join(folder, 'clip.mp4');
  const picture = `testsrc2=size=640x360:rate=25:duration=${clipDuration}`;
  const sound = `sine=frequency=220:beep_factor=4:sample_rate=48000:duration=${clipDuration}`;
  await run('ffmpeg', [
    ...[...quiet, '-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', sound, '-vf', 'noise=alls=60:allf=t'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '49', '-threads', '1'],
    ...['-b:v', '8M', '-maxrate', '8M', '-bufsize', '8M', '-flags:v', '+bitexact'],
    ...['-c:a', 'aac', '-b:a', '64k', '-flags:a', '+bitexact', ...exact, clip],
  ]);
  const times = Math.ceil(size / (await stat(clip)).size);
  for (const container of kinds) {
    const loop = ['-stream_loop', String(times - 1), '-i', clip];
    await run('ffmpeg', [...quiet, ...loop, '-c', 'copy', ...exact, join(folder, container)]);
  }
  return { folder, duration: times * clipDuration };
}
