/**
 * The films: a clip of seconds is encoded, and copied again and again into each container, so that their indexes are
 * those of a film of minutes. They are made once and kept in the system's temporary directory.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../test/players/program.ts';

export const filmFolder = join(tmpdir(), 'firstbyte-network-films');

export interface Film {
  readonly file: string;
  /** In seconds. */
  readonly duration: number;
  /** How often the clip follows itself. */
  readonly times: number;
  readonly clip: ClipName;
  /** How ffmpeg writes it. */
  readonly muxer: readonly string[];
}

/** So long that AAC comes out even, in seconds. */
const clipDuration = 24;

const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'];
const exact = ['-fflags', '+bitexact', '-map_metadata', '-1'];
const sound = ['-f', 'lavfi', '-i', `sine=frequency=220:beep_factor=4:sample_rate=48000:duration=${clipDuration}`];
const hiss = (duration: number) => ['-f', 'lavfi', '-i', `anoisesrc=sample_rate=48000:duration=${duration}`];

/** Noise costs ffmpeg as many bits as it is given, whatever the rate. */
const pictures = (size: string) => [
  ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${clipDuration},noise=alls=60:allf=t`],
];
const h264 = (kilobits: number) => [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50', '-threads', '1'],
  ...['-b:v', `${kilobits}k`, '-maxrate', `${kilobits}k`, '-bufsize', `${kilobits}k`],
  // Fills up what the pictures do not need.
  ...['-x264-params', 'nal-hrd=cbr:force-cfr=1', '-flags:v', '+bitexact'],
];
const aac = (kilobits: number) => ['-c:a', 'aac', '-b:a', `${kilobits}k`, '-flags:a', '+bitexact'];

const clips = {
  'clip6000.mp4': [...pictures('640x360'), ...sound, ...h264(6000), ...aac(64)],
  'clip2000.mp4': [...pictures('640x360'), ...sound, ...h264(2000), ...aac(64)],
  'clip600.mp4': [...pictures('320x180'), ...sound, ...h264(600), ...aac(64)],
  'clip350.mp4': [...pictures('320x180'), ...sound, ...h264(350), ...aac(32)],
  'clip160.mp4': [...pictures('160x90'), ...sound, ...h264(160), ...aac(24)],
  'clip70.mp4': [...pictures('160x90'), ...sound, ...h264(70), ...aac(16)],
  'clip.avi': [...pictures('640x360'), ...sound, ...h264(6000), '-c:a', 'libmp3lame', '-b:a', '64k'],
  'clip.webm': [
    ...[...pictures('640x360'), ...sound, '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'],
    ...['-b:v', '6M', '-minrate', '6M', '-maxrate', '6M', '-c:a', 'libopus', '-b:a', '64k'],
  ],
  'clip.mp3': [...hiss(clipDuration), '-c:a', 'libmp3lame', '-b:a', '192k'],
  // Its frames are numbered, so that it can't follow itself.
  'whole.flac': [...hiss(10 * clipDuration), '-c:a', 'flac'],
  'clip.ogg': [...hiss(clipDuration), '-c:a', 'libvorbis', '-b:a', '192k'],
} as const;
type ClipName = keyof typeof clips;

function film(file: string, clip: ClipName, muxer: readonly string[] = [], times = 10): Film {
  return { file, clip, muxer, times, duration: times * clipDuration };
}

export const films = {
  tail: film('tail.mp4', 'clip6000.mp4'),
  front: film('front.mp4', 'clip6000.mp4', ['-movflags', '+faststart']),
  fragmented: film('fragmented.mp4', 'clip6000.mp4', ['-movflags', '+frag_keyframe+empty_moov+default_base_moof']),
  mkv: film('cues-end.mkv', 'clip6000.mp4'),
  mkvfront: film('cues-front.mkv', 'clip6000.mp4', ['-cues_to_front', '1']),
  webm: film('film.webm', 'clip.webm'),
  ts: film('film.ts', 'clip6000.mp4'),
  avi: film('film.avi', 'clip.avi'),
  mp3: film('film.mp3', 'clip.mp3'),
  flac: { ...film('film.flac', 'whole.flac'), times: 1 },
  ogg: film('film.ogg', 'clip.ogg'),
  large: film('large.mp4', 'clip6000.mp4', [], 121),
  episode: film('episode.mp4', 'clip6000.mp4', [], 3),
  episodemkv: film('episode.mkv', 'clip6000.mp4', [], 3),
  fit16: film('fit16.mp4', 'clip70.mp4', ['-movflags', '+faststart']),
  fit32: film('fit32.mp4', 'clip160.mp4', ['-movflags', '+faststart']),
  fit64: film('fit64.mp4', 'clip350.mp4', ['-movflags', '+faststart']),
  fit105: film('fit105.mp4', 'clip600.mp4', ['-movflags', '+faststart']),
  fit350: film('fit350.mp4', 'clip2000.mp4', ['-movflags', '+faststart']),
} as const satisfies Record<string, Film>;
export type FilmName = keyof typeof films;

/** Makes those that are not there yet; each appears whole or not at all. */
export async function makeFilms(names: Iterable<FilmName>): Promise<void> {
  await mkdir(filmFolder, { recursive: true });
  for (const name of new Set(names)) {
    const { file, clip, muxer, times } = films[name];
    await make(clip, clips[clip]);
    const loop = ['-stream_loop', String(times - 1), '-i', join(filmFolder, clip)];
    await make(file, [...loop, '-c', 'copy', ...muxer]);
  }
}

async function make(file: string, args: readonly string[]): Promise<void> {
  if (existsSync(join(filmFolder, file))) return;
  // Runs in process namespaces of their own have the same numbers.
  const draft = join(filmFolder, `draft-${randomUUID()}-${file}`);
  await run('ffmpeg', [...quiet, ...args, ...exact, draft]);
  await rename(draft, join(filmFolder, file));
}
