/** `firstbyte serve` as users start it: a process of its own that can be killed, traced and looked into. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { firstbyteProgram } from '../../bench/programs.ts';
import type { FillReport } from '../../src/control/answers.ts';
import type { Lent } from '../../src/lent.ts';
import { type Program, start } from '../players/program.ts';

export interface FirstbyteOptions {
  readonly directory: string;
  /** The origin's URL; it is mounted at `/films/`. */
  readonly origin: string;
  readonly flags?: readonly string[];
  /** Variables of its environment, beside those of this process. */
  readonly variables?: Readonly<Record<string, string>>;
  /** How many files and connections the system lets it have open (`prlimit`); as many as this process unless given. */
  readonly openFiles?: number;
  /** Another build of it; this one where absent. */
  readonly program?: string | undefined;
}

export class Firstbyte implements AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** Milliseconds from the start of the process until it was ready. */
  readonly readyAfter: number;
  readonly #directory: string;
  readonly #program: Program;

  private constructor(url: string, readyAfter: number, directory: string, program: Program) {
    this.url = url;
    this.readyAfter = readyAfter;
    this.#directory = directory;
    this.#program = program;
  }

  /** Resolves when it is ready; rejects with what it complained of where it ends before that. */
  static async start({
    directory,
    origin,
    flags = [],
    variables = {},
    openFiles,
    program = firstbyteProgram(),
  }: FirstbyteOptions): Promise<Firstbyte> {
    const serve = ['--listen', '127.0.0.1:0', '--cache-dir', directory, '--origin', `films=${origin}`];
    const environment = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const startedAt = performance.now();
    const limited = openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}:${openFiles}`];
    // `env` and `prlimit` become the program, so that the process is still ours to kill.
    const started = start('env', [...environment, ...limited, process.execPath, program, 'serve', ...serve, ...flags]);
    const ready = Promise.withResolvers<string>();
    createInterface({ input: started.process.stdout ?? process.stdin }).on('line', (line) => {
      const [, url] = /^firstbyte ready on (http:\S+)\/$/.exec(line) ?? [];
      if (url !== undefined) ready.resolve(url);
    });
    started.ended.then((code) => ready.reject(new Error(`firstbyte ended with ${code}: ${started.errors()}`)));
    return new Firstbyte(await ready.promise, performance.now() - startedAt, directory, started);
  }

  get pid(): number {
    return this.#program.process.pid ?? 0;
  }

  get alive(): boolean {
    const { exitCode, signalCode } = this.#program.process;
    return exitCode === null && signalCode === null;
  }

  /** What it has written to its log so far. */
  get log(): string {
    return this.#program.errors();
  }

  /** How many descriptors it has open (Linux: read from /proc, as is what follows). */
  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Resident memory, in bytes. */
  get resident(): number {
    return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'))?.[1]) * 1024;
  }

  /** What is lent at this moment. */
  async lent(): Promise<Lent> {
    return ((await this.#control('stats')) as { lent: Lent }).lent;
  }

  async fills(): Promise<readonly FillReport[]> {
    const { fills } = (await this.#control('fills')) as { fills: FillReport[] };
    return fills;
  }

  /** How many bytes of a film, that is open, are durable: these are read from disk. */
  async durable(path: string): Promise<number> {
    const fill = (await this.fills()).find((one) => one.path === path);
    const { durable = [] } = (await this.#control(`objects/${fill?.objectId}`)) as { durable?: [number, number][] };
    return durable.reduce((sum, [start, end]) => sum + end - start, 0);
  }

  /** Keeps a film from eviction; resolves when that is promised. */
  async pin(path: string): Promise<void> {
    const fill = (await this.fills()).find((one) => one.path === path);
    const { token } = JSON.parse(await readFile(join(this.#directory, 'owner'), 'utf8')) as { token: string };
    const url = `${this.url}/-/api/v1/objects/${fill?.objectId}/pin`;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const { status } = await fetch(url, { method: 'PUT', headers, body: '{}' });
    if (status !== 200) throw new Error(`${path} could not be pinned: ${status}`);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#program.process.kill('SIGKILL');
    await this.#program.ended;
  }

  /** SIGTERM; rejects unless it ends cleanly. */
  async stop(): Promise<void> {
    this.#program.process.kill('SIGTERM');
    const code = await this.#program.ended;
    if (code !== 0) throw new Error(`firstbyte ended with ${code}: ${this.log}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.alive) await this.kill();
  }

  async #control(name: string): Promise<unknown> {
    return (await fetch(`${this.url}/-/api/v1/${name}`)).json();
  }
}
