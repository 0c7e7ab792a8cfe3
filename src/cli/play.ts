/**
 * `firstbyte play`: plays one file through the cache.
 *
 *     URL → an origin, or a source of the running firstbyte → address → player, with a live line → the player's code
 */
import { once } from 'node:events';
import { sleep } from '../clock.ts';
import type { FillReport, StatsReport } from '../control/answers.ts';
import { showablePath } from '../showable.ts';
import { CommandError } from './exit-codes.ts';
import { fillLine } from './fill-words.ts';
import { type Ending, Interruption, type Invocation, textOption } from './invocation.ts';
import { LiveLine } from './live-line.ts';
import { type PlayerName, type Playing, startPlayer } from './players.ts';
import { openSession, type Session } from './session.ts';
import { listOrigins, targetNamed, targetOf } from './targets.ts';
import { placeWords } from './words.ts';

/** The live line is updated so often. */
const intervalMs = 200;

/** The file that is played, by its origin and path. */
interface Film {
  readonly address: string;
  readonly origin: string;
  readonly path: string;
}

export async function play(invocation: Invocation): Promise<Ending> {
  const { operands, options, around } = invocation;
  const [written = '', ...more] = operands;
  await using session = await openSession(invocation, originsFor(written, invocation));
  const film = await filmOf(written, session);
  const wanted = textOption(invocation, 'player');
  const startedAt = around.clock.wallTime();
  using interruption = new Interruption(around);
  const player =
    wanted === 'none' ? null : await startPlayer((wanted as PlayerName | undefined) ?? null, film.address, more);
  if (player === null || options.json) {
    around.print(options.json ? `${JSON.stringify({ url: film.address })}\n` : `${film.address}\n`);
  }
  using line = new LiveLine(around);
  const ended = new AbortController();
  const watching = watch(session, film, line, invocation, AbortSignal.any([interruption.signal, ended.signal]));
  const ending = await (player === null ? untilStopped(session, interruption) : playing(player, line, interruption));
  ended.abort();
  await watching;
  await sayWhy(session, film, startedAt, around);
  return ending;
}

/** A player says that it can't play; why is known here alone. */
async function sayWhy(
  { control }: Session,
  film: Film,
  since: number,
  { complain }: Invocation['around'],
): Promise<void> {
  const stats = await control.get<StatsReport>('stats').catch(() => null);
  const failed = stats?.failedWaits.findLast(
    ({ origin, path, time }) => origin === film.origin && path === film.path && Date.parse(time) >= since,
  );
  if (failed !== undefined) complain(`Cannot play ${placeWords(film)}: ${failed.message}\n`);
}

/** An origin for a URL that no configured origin has. */
function originsFor(written: string, { load }: Invocation): { origins?: Record<string, string> } {
  if (!/^https?:\/\//i.test(written)) return {};
  const configured = load().settings.origins.map(({ name, url }) => ({ name, base: url.href }));
  if (targetOf(written, configured) !== null) return {};
  const url = new URL(written);
  const name = url.hostname.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '') || 'play';
  url.pathname = url.search = url.hash = '';
  return { origins: { [name]: url.href } };
}

async function filmOf(written: string, { control, media }: Session): Promise<Film> {
  if (media === null) {
    throw new CommandError(
      'failed',
      'firstbyte listens on a Unix socket only, which no player opens: start it with --listen HOST:PORT',
    );
  }
  const target = await targetNamed(written, await listOrigins(control), control);
  if (target !== null) {
    const path = showablePath(target.target);
    return { address: `${media}${target.origin}${target.target}`, origin: target.origin, path };
  }
  const { play } = await control.send<{ play: string }>('POST', 'sources', { url: written });
  return { address: new URL(play, media).href, origin: '~', path: play.slice(play.lastIndexOf('/')) };
}

/** A firstbyte that was running before continues without this command. */
async function untilStopped({ here }: Session, { signal }: Interruption): Promise<Ending> {
  if (here && !signal.aborted) await once(signal, 'abort');
  return 'stopped';
}

/** Resolves with the exit code of the player, or of the signal that ended it. */
async function playing({ program }: Playing, line: LiveLine, { signal }: Interruption): Promise<Ending> {
  for (const output of [program.stdout, program.stderr]) {
    output?.setEncoding('utf8').on('data', (text: string) => line.print(text));
  }
  const onAbort = () => program.kill('SIGTERM');
  signal.addEventListener('abort', onAbort, { once: true });
  const [code, endedBy]: [number | null, NodeJS.Signals | null] = (await once(program, 'close')) as never;
  signal.removeEventListener('abort', onAbort);
  if (code !== null) return code;
  return endedBy === 'SIGINT' ? 'interrupted' : endedBy === 'SIGTERM' ? 'terminated' : 'failed';
}

/** Shows the state of the film until the signal aborts. */
async function watch(
  { control }: Session,
  { origin, path }: Film,
  line: LiveLine,
  { around }: Invocation,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { fills } = await control.get<{ fills: readonly FillReport[] }>('fills', signal);
      const fill = fills.find((each) => each.origin === origin && each.path === path);
      if (fill === undefined) line.show('', 'Waiting for the player');
      else line.show(fill.phase, fillLine(fill));
      await sleep(around.clock, intervalMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      line.print(`${error instanceof Error ? error.message : error}\n`);
      return;
    }
  }
}
