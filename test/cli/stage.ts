/** The command as a user calls it: a real process, an origin on loopback, and a cache directory of its own. */

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { startFirstbyte } from '../players/firstbyte.ts';
import { type Program, start } from '../players/program.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { type Film, film } from '../support/film.ts';
import { HttpOriginServer } from '../support/http-origin-server.ts';

const command = join(import.meta.dirname, '../../src/cli.ts');

/** How a command has ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export const films: Readonly<Record<string, Film>> = {
  '/a.mkv': film(3_000_000, 1),
  '/b%20c.mkv': film(700_000, 2),
  '/sub/d.mp4': film(500_000, 3),
  '/100%25%20wolf%3F.mkv': film(200_000, 4),
  '/no%231.mkv': film(100_000, 5),
};

export class Stage {
  readonly origin: HttpOriginServer;
  readonly originUrl: string;
  readonly cacheDir: string;
  /** For files that a test makes. */
  readonly directory: string;
  readonly #t: TestContext;

  private constructor(t: TestContext, origin: HttpOriginServer, port: number, directory: string) {
    this.#t = t;
    this.origin = origin;
    this.originUrl = `http://127.0.0.1:${port}`;
    this.directory = directory;
    this.cacheDir = join(directory, 'cache');
  }

  static async set(t: TestContext): Promise<Stage> {
    const origin = new HttpOriginServer({ clock: systemClock, films });
    const port = await origin.listen();
    t.after(() => origin.close());
    return new Stage(t, origin, port, await temporaryDirectory(t));
  }

  /** The flags that every command of this stage has. */
  get flags(): readonly string[] {
    return ['--origin', `films=${this.originUrl}`, '--cache-dir', this.cacheDir];
  }

  /** A daemon that owns the cache directory until the test ends; resolves with its address. */
  async serve(): Promise<string> {
    const firstbyte = await startFirstbyte(this.cacheDir, '--origin', `films=${this.originUrl}`);
    this.#t.after(() => firstbyte[Symbol.asyncDispose]());
    return firstbyte.url;
  }

  /** A command that runs; what follows `--` goes behind the flags. */
  start(name: string, ...args: readonly string[]): Running {
    return this.startWith(this.flags, name, ...args);
  }

  startWith(flags: readonly string[], name: string, ...args: readonly string[]): Running {
    const running = new Running(start(process.execPath, [command, name, ...flags, ...args]));
    this.#t.after(() => running.process.kill('SIGKILL'));
    return running;
  }

  run(name: string, ...args: readonly string[]): Promise<Ended> {
    return this.start(name, ...args).ended;
  }

  /** The same on a pseudo-terminal, 100 by 30, where both outputs are one; `script` is in every Debian. */
  onTerminal(name: string, ...args: readonly string[]): Running {
    const words = [process.execPath, command, name, ...this.flags, ...args];
    // Colours are off where a machine says that it tests.
    const line = `unset CI NO_COLOR; export TERM=xterm-256color; stty cols 100 rows 30; exec ${words.map((word) => `'${word}'`).join(' ')}`;
    const program = start('script', ['-qefc', line, '/dev/null'], undefined, ['pipe', 'pipe', 'pipe']);
    const running = new Running(program);
    this.#t.after(() => running.process.kill('SIGKILL'));
    return running;
  }
}

export class Running {
  readonly ended: Promise<Ended>;
  readonly process: Program['process'];
  out = '';
  err = '';
  #changed = Promise.withResolvers<void>();

  constructor(program: Program) {
    this.process = program.process;
    const changed = () => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
      changed();
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
      changed();
    });
    this.ended = program.ended.then((code) => ({ code, out: this.out, err: program.errors() }));
  }

  /** Resolves when it has printed what matches; rejects where it ends without. */
  prints(pattern: RegExp): Promise<void> {
    return this.#until(() => pattern.test(this.out));
  }

  /** The same for its standard error. */
  reports(pattern: RegExp): Promise<void> {
    return this.#until(() => pattern.test(this.err));
  }

  async #until(matches: () => boolean): Promise<void> {
    while (!matches()) {
      const over = await Promise.race([this.#changed.promise, this.ended]);
      if (over !== undefined && !matches()) throw new Error(`it ended without: ${over.out}${over.err}`);
    }
  }

  types(text: string): void {
    this.process.stdin?.write(text);
  }
}

/** Resolves when the origin has been asked for the first time. */
export async function asked({ origin }: Stage): Promise<void> {
  while (origin.requests.length === 0) await setImmediate();
}

/** The standard output of a command that succeeds, as JSON. */
export async function json(ended: Promise<Ended>): Promise<never> {
  const { code, out, err } = await ended;
  if (code !== 0) throw new Error(`it ended with ${code}: ${err}`);
  return JSON.parse(out) as never;
}
