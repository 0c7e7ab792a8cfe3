/** ffmpeg and mpv, where they are installed, which open a film at some place and leave, again and again. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../faults/chance.ts';
import { start } from '../players/program.ts';
import { picture, pictureFile } from './catalogue.ts';
import type { House } from './players.ts';

/** Of the film that they play, in seconds. */
const seconds = 30;

/** Between two of them, in milliseconds. */
const pause = 6000;

/** What one may take at most, in milliseconds: an origin in trouble makes it wait, and it asks again by itself. */
const deadline = 180_000;

/** Those that are installed. */
export const installed = (['ffmpeg', 'mpv'] as const).filter(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined,
);

/** They play until the soak is over; what ffmpeg decodes without a complaint is what it decodes of the file itself. */
export async function play(house: House, chance: Chance): Promise<void> {
  const [first, ...others] = installed;
  if (first === undefined) return;
  while (!house.over.aborted) {
    const name = chance.one([first, ...others]);
    const second = chance.between(0, seconds - 2);
    const { frames, errors, late } = await run(name, `http://127.0.0.1:${house.port}/films${picture}`, second);
    house.tally.requests += 1;
    house.tally.note(late ? `${name} late` : name);
    if (late) {
      house.tally.hung += 1;
      house.tally.tell(`${name} from second ${second} did not end within ${deadline / 1000} s`);
    } else if (name === 'ffmpeg' && errors === '' && frames !== (await framesOfFile(second))) {
      house.tally.wrong += 1;
      house.tally.tell(`ffmpeg decoded other frames from second ${second}`);
    }
    await sleep(pause, undefined, { signal: house.over }).catch(() => {});
  }
}

interface Run {
  /** What it wrote to its standard output. */
  readonly frames: string;
  readonly errors: string;
  readonly late: boolean;
}

const known = new Map<number, string>();

async function framesOfFile(second: number): Promise<string> {
  const frames = known.get(second) ?? (await run('ffmpeg', pictureFile, second)).frames;
  known.set(second, frames);
  return frames;
}

async function run(name: 'ffmpeg' | 'mpv', input: string, second: number): Promise<Run> {
  const ffmpeg = ['-nostdin', '-v', 'error', '-ss', `${second}`, '-i', input, '-t', '1', '-f', 'framecrc', '-'];
  const mpv = ['--no-config', '--really-quiet', '--vo=null', '--ao=null', `--start=${second}`, '--frames=20', input];
  const timeout = AbortSignal.timeout(deadline);
  const program = start(name, name === 'ffmpeg' ? ffmpeg : mpv, timeout);
  let frames = '';
  program.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
    frames += text;
  });
  await program.ended;
  return { frames, errors: program.errors(), late: timeout.aborted };
}
