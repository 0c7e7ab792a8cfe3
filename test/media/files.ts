/** A few seconds of film and sound in each container, made by ffmpeg once a run. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../players/program.ts';

const seconds = 6;
const pictures = ['-f', 'lavfi', '-i', `testsrc=size=64x48:rate=25:duration=${seconds}`];
const sound = ['-f', 'lavfi', '-i', `sine=sample_rate=48000:duration=${seconds}`];
const film = (video: string, audio: string) => [...pictures, ...sound, '-c:v', video, '-c:a', audio, '-g', '25'];
const h264 = [...film('libx264', 'aac'), '-preset', 'ultrafast'];

/** How ffmpeg makes each. */
export const files = {
  'index-behind.mp4': h264,
  'index-before.mp4': [...h264, '-movflags', '+faststart'],
  'fragments.mp4': [...h264, '-movflags', '+frag_keyframe+empty_moov+default_base_moof'],
  'film.mov': h264,
  'cues-behind.mkv': h264,
  'cues-before.mkv': [...h264, '-reserve_index_space', '2048'],
  'live.mkv': [...h264, '-f', 'matroska', '-live', '1'],
  'film.webm': film('libvpx', 'libopus'),
  'film.avi': film('mpeg4', 'mp2'),
  'film.ts': h264,
  'film.m2ts': [...h264, '-mpegts_m2ts_mode', '1'],
  'vorbis.ogg': [...sound, '-c:a', 'libvorbis'],
  'opus.ogg': [...sound, '-c:a', 'libopus'],
  'sound.flac': [...sound, '-c:a', 'flac'],
  'sound.wav': [...sound, '-c:a', 'pcm_s16le'],
  'variable.mp3': [...sound, '-c:a', 'libmp3lame', '-q:a', '4'],
  'constant.mp3': [...sound, '-c:a', 'libmp3lame', '-b:a', '96k', '-write_xing', '0', '-id3v2_version', '0'],
} as const satisfies Record<string, readonly string[]>;
export type FileName = keyof typeof files;

export const durationMs = seconds * 1000;

export async function makeFiles(): Promise<Readonly<Record<FileName, Buffer>>> {
  const folder = await mkdtemp(join(tmpdir(), 'firstbyte-media-'));
  try {
    const made: [string, Buffer][] = [];
    for (const [name, args] of Object.entries(files)) {
      const path = join(folder, name);
      await run('ffmpeg', ['-v', 'error', '-nostdin', ...args, path]);
      made.push([name, await readFile(path)]);
    }
    return Object.fromEntries(made) as Record<FileName, Buffer>;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
