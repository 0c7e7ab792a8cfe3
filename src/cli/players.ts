/** The players that `firstbyte play` knows: how each is started, and how it is kept from disturbing the live line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { errorWords } from '../kit/system-words.ts';
import { CommandError } from './exit-codes.ts';

/** In the order in which they are tried. */
const players = {
  // What can't be played is no page of a video site.
  mpv: { program: 'mpv', args: ['--quiet', '--ytdl=no'] },
  vlc: { program: 'vlc', args: ['--quiet', '--play-and-exit'] },
  ffplay: { program: 'ffplay', args: ['-nostats', '-loglevel', 'error', '-autoexit'] },
  gst: { program: 'gst-play-1.0', args: ['--quiet'] },
} as const;

export type PlayerName = keyof typeof players;

/** A started player. Its output is a pipe; its input is the terminal. */
export interface Playing {
  readonly name: PlayerName;
  readonly program: ChildProcess;
}

/** The wanted player, or the first that is installed; `null` where none is. */
export async function startPlayer(
  wanted: PlayerName | null,
  url: string,
  more: readonly string[],
): Promise<Playing | null> {
  const names = wanted === null ? (Object.keys(players) as PlayerName[]) : [wanted];
  for (const name of names) {
    const { program: command, args } = players[name];
    const program = spawn(command, [...args, ...more, url], { stdio: ['inherit', 'pipe', 'pipe'] });
    try {
      await once(program, 'spawn');
      return { name, program };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') continue;
      throw new CommandError('failed', `The player ${command} cannot be started: ${errorWords(error)}`);
    }
  }
  if (wanted === null) return null;
  throw new CommandError('failed', `--player: ${players[wanted].program} is not installed, or not in PATH`);
}
