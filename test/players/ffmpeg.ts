/**
 * ffmpeg, which seeks only as it opens: one run has the film open three times (from its start, from 80 % and from
 * 10 %), decodes a little of the first two and the third to its end. Any error that it meets is an error here.
 */
import { type Player, seekTargets } from './player.ts';
import { run } from './program.ts';

export const playInFfmpeg: Player = async (url, signal) => {
  const [far, back] = seekTargets.map(String);
  const inputs = [
    ...['-t', '2', '-i', url],
    ...['-ss', `${far}`, '-t', '2', '-i', url],
    ...['-ss', `${back}`, '-i', url],
  ];
  const outputs = ['-map', '0:v', '-map', '1:v', '-map', '2:v', '-map', '2:a', '-f', 'framecrc', '-'];
  const frames = await run('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-copyts', ...inputs, ...outputs], signal);
  const [, ofFar = [], ofBack = []] = [0, 1, 2].map((stream) => timesOf(frames, stream));
  return { seeks: [ofFar[0] ?? Number.NaN, ofBack[0] ?? Number.NaN], end: ofBack.at(-1) ?? Number.NaN };
};

/** The seconds at which a stream's frames stand, from lines `stream, dts, pts, …` in units of `#tb stream: 1/25`. */
function timesOf(frames: string, stream: number): number[] {
  const unit = Number(new RegExp(`^#tb ${stream}: 1/(\\d+)$`, 'm').exec(frames)?.[1]);
  return [...frames.matchAll(new RegExp(`^${stream}, *\\d+, *(\\d+),`, 'gm'))].map(([, pts]) => Number(pts) / unit);
}
