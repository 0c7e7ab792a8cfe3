/**
 * Kodi on a screen that nobody sees, as it is after its first start, steered over its JSON-RPC:
 * https://kodi.wiki/view/JSON-RPC_API/v13
 */
import { globSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { absent } from '../programs.ts';
import { freePort } from '../servers/server.ts';
import { type Program, start } from './program.ts';

const [binary = 'kodi.bin'] = globSync('/usr/lib/*/kodi/kodi.bin');

export const noKodi = absent('Kodi', 'test', '-x', binary) || absent('Xvfb', 'which', 'Xvfb');

/** For a foreign program there is no event to wait for: it is asked again after so many milliseconds. */
const interval = 50;

/** What it plays, in seconds. */
interface Playing {
  readonly player: number;
  readonly position: number;
}

export class Kodi implements AsyncDisposable {
  readonly #program: Program;
  readonly #url: string;
  readonly #parts: AsyncDisposableStack;
  /** Where it was when it was last asked, in seconds. A film that is being closed is at 0. */
  #position = 0;

  /** Its folder of settings is made in `home`; `sources` are the folders that its user has added, as URLs. */
  static async start(home: string, sources: readonly string[], signal: AbortSignal): Promise<Kodi> {
    await using parts = new AsyncDisposableStack();
    const port = await freePort();
    const settings = join(home, '.kodi/userdata');
    await mkdir(settings, { recursive: true });
    await writeFile(join(settings, 'guisettings.xml'), guiSettings(port));
    await writeFile(join(settings, 'sources.xml'), sourcesFor(sources));
    // Sound goes nowhere, but takes its time.
    await writeFile(join(home, '.asoundrc'), 'pcm.!default { type null }\nctl.!default { type null }\n');

    const screen = start('Xvfb', ['-displayfd', '1', '-screen', '0', '320x200x24', '-nolisten', 'tcp'], signal);
    parts.defer(() => end(screen));
    const lines = createInterface({ input: screen.process.stdout ?? process.stdin });
    const display = await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      screen.ended.then((code) => reject(new Error(`Xvfb ended with ${code}: ${screen.errors()}`)));
    });
    const own = [`HOME=${home}`, `DISPLAY=:${display}`, 'KODI_AE_SINK=ALSA', 'LIBGL_ALWAYS_SOFTWARE=1'];
    const program = start('env', [...own, binary, '--standalone'], signal);
    program.process.stdout?.resume();
    parts.defer(() => end(program));
    const kodi = new Kodi(program, `http://127.0.0.1:${port}/jsonrpc`, parts.move());
    await kodi.#until(() => kodi.#ask('JSONRPC.Ping').catch(() => null));
    return kodi;
  }

  private constructor(program: Program, url: string, parts: AsyncDisposableStack) {
    this.#program = program;
    this.#url = url;
    this.#parts = parts;
  }

  /** What it lists of a folder, which is in one of its sources: URLs. */
  async folder(directory: string): Promise<string[]> {
    const { files } = (await this.#ask('Files.GetDirectory', { directory, media: 'video' })) as {
      files: { file: string }[];
    };
    return files.map(({ file }) => file);
  }

  /** Opens a film, and resolves when it plays. */
  async open(file: string): Promise<void> {
    await this.#ask('Player.Open', { item: { file } });
    await this.#until(async () => ((await this.playing())?.position ?? 0) > 0);
  }

  /** Seeks; resolves with where it was first. */
  async seek(seconds: number): Promise<number> {
    const before = await this.#mustPlay();
    const time = { hours: 0, minutes: Math.floor(seconds / 60), seconds: Math.floor(seconds % 60), milliseconds: 0 };
    await this.#ask('Player.Seek', { playerid: before.player, value: { time } });
    const isThere = ({ position }: Playing) => Math.abs(position - seconds) < Math.abs(position - before.position);
    const landed = await this.#until(async () => {
      const now = await this.#mustPlay();
      return isThere(now) && now;
    });
    return landed.position;
  }

  /** Resolves when it has played on for so many seconds. */
  async playOn(seconds: number): Promise<void> {
    const { position } = await this.#mustPlay();
    await this.#until(async () => (await this.#mustPlay()).position >= position + seconds);
  }

  /** Resolves with the last place at which it was seen when the film is over. */
  async toEnd(): Promise<number> {
    await this.#until(async () => (await this.playing()) === null);
    return this.#position;
  }

  /** `null` where nothing plays. */
  async playing(): Promise<Playing | null> {
    const [active] = (await this.#ask('Player.GetActivePlayers')) as { playerid: number }[];
    if (active === undefined) return null;
    const { playerid } = active;
    const about = { playerid, properties: ['time'] };
    const told = (await this.#ask('Player.GetProperties', about).catch(() => null)) as { time: Time } | null;
    if (told === null) return null;
    const position = inSeconds(told.time);
    if (position > 0) this.#position = position;
    return { player: playerid, position };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }

  async #mustPlay(): Promise<Playing> {
    const playing = await this.playing();
    if (playing === null) throw new Error('Kodi plays no more');
    return playing;
  }

  async #until<T>(look: () => Promise<T>): Promise<Exclude<T, false | null>> {
    for (;;) {
      const { exitCode } = this.#program.process;
      if (exitCode !== null) throw new Error(`Kodi ended with ${exitCode}: ${this.#program.errors()}`);
      const seen = await look();
      if (seen !== false && seen !== null) return seen as Exclude<T, false | null>;
      await sleep(interval);
    }
  }

  async #ask(method: string, params: object = {}): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const response = await fetch(this.#url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
    if (error !== undefined) throw new Error(`Kodi answers ${method} with: ${error.message}`);
    return result;
  }
}

async function end(program: Program): Promise<void> {
  program.process.kill('SIGKILL');
  await program.ended;
}

interface Time {
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  readonly milliseconds: number;
}

function inSeconds({ hours, minutes, seconds, milliseconds }: Time): number {
  return 3600 * hours + 60 * minutes + seconds + milliseconds / 1000;
}

function guiSettings(port: number): string {
  const settings = {
    'services.webserver': true,
    'services.webserverport': port,
    'services.webserverauthentication': false,
    'services.esallinterfaces': false,
    'services.zeroconf': false,
  };
  const lines = Object.entries(settings).map(([name, value]) => `<setting id="${name}">${value}</setting>`);
  return `<settings version="2">${lines.join('')}</settings>`;
}

function sourcesFor(urls: readonly string[]): string {
  const sources = urls.map((url) => `<source><name>films</name><path pathversion="1">${url}</path></source>`);
  return `<sources><video><default pathversion="1"></default>${sources.join('')}</video></sources>`;
}
