/** The programs of a bench: the origin, the players, firstbyte and nginx, each a process of its own in one folder. */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Channel } from './channel.ts';
import type { Job, JobResult } from './client.ts';
import { Footprint } from './machine.ts';
import { startNginx } from './nginx.ts';
import type { Sent } from './origin.ts';

const root = join(import.meta.dirname, '..');

/** A server that is measured. */
export interface Server {
  readonly name: 'direct' | 'firstbyte' | 'nginx';
  /** Where the origin's films are, without a slash at the end. */
  readonly url: string;
  readonly footprint: Footprint;
}

/** A server that can be ended, and then started again on the same cache. */
export interface Mortal extends Server {
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** The command of firstbyte: what was built, or the sources where they are newer than that. */
export function firstbyteProgram(): string {
  const built = join(root, 'dist/cli.js');
  const sources = join(root, 'src');
  const changed = readdirSync(sources, { recursive: true, encoding: 'utf8' }).map(
    (path) => statSync(join(sources, path)).mtimeMs,
  );
  const isCurrent = existsSync(built) && statSync(built).mtimeMs >= Math.max(...changed);
  return isCurrent ? built : join(sources, 'cli.ts');
}

/** The version of nginx, or `null` where it is not installed. */
export function nginxVersion(): string | null {
  const { stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return /nginx\/(\S+)/.exec(stderr ?? '')?.[1] ?? null;
}

/** One bench's programs, all in front of one origin; they end with it. */
export class Stage implements AsyncDisposable {
  /** Flags of Node's own for every firstbyte that is started. */
  static readonly node: string[] = [];
  readonly folder: string;
  readonly #command: readonly string[];
  readonly #children = new Set<ChildProcess>();
  readonly #client: Channel;
  readonly #origin: Channel;

  private constructor(folder: string, command: readonly string[]) {
    this.folder = folder;
    this.#command = command;
    process.once('exit', this.#abandon);
    this.#client = this.#fork('client.ts').channel;
    this.#origin = this.#fork('origin.ts').channel;
  }

  /** `program` is the command of firstbyte; `node` are flags of Node's own for it. */
  static async open(program: string, node: readonly string[] = []): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), 'firstbyte-bench-')), [...node, program]);
  }

  /** The cache directory of firstbyte. */
  get cache(): string {
    return join(this.folder, 'firstbyte');
  }

  run(job: Job): Promise<JobResult> {
    return this.#client.ask('run', job);
  }

  bytesRead(): Promise<number> {
    return this.#client.ask('bytes');
  }

  leave(): Promise<void> {
    return this.#client.ask('leave');
  }

  /** What the origin sent of the film at `path`. */
  async sent(path: string): Promise<Sent> {
    const all = await this.#origin.ask<Record<string, Sent>>('sent');
    return all[path] ?? { requests: 0, bytes: 0, most: 0 };
  }

  /** Waits until the disk has what was written, so that nobody's turn pays for the one before. */
  settle(): void {
    spawnSync('sync', ['--file-system', this.folder]);
  }

  async direct(): Promise<Server> {
    const port = await this.#origin.ask<number>('port');
    return { name: 'direct', url: `http://127.0.0.1:${port}`, footprint: new Footprint(process.pid) };
  }

  /** `more` are flags beyond those that it needs. */
  async firstbyte(...more: string[]): Promise<Mortal> {
    const { url } = await this.direct();
    const flags = [...more, '--listen', '127.0.0.1:0', '--cache-dir', this.cache, '--origin', `films=${url}`];
    const child = spawn(process.execPath, [...Stage.node, ...this.#command, 'serve', ...flags], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#children.add(child);
    const ready = Promise.withResolvers<string>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, address] = /^firstbyte ready on (http:\S+)\/$/.exec(line) ?? [];
      if (address !== undefined) ready.resolve(address);
    });
    child.once('exit', (code) => ready.reject(new Error(`firstbyte ended with ${code}`)));
    const address = await ready.promise;
    const end = (signal: 'SIGTERM' | 'SIGKILL') => endOf(child, signal);
    return { name: 'firstbyte', url: `${address}/films`, footprint: new Footprint(child.pid ?? 0), end };
  }

  /** `null` where it is not installed. */
  async nginx(): Promise<Server | null> {
    if (nginxVersion() === null) return null;
    const { child, url } = await startNginx(join(this.folder, 'nginx'), await this.direct());
    this.#children.add(child);
    return { name: 'nginx', url, footprint: new Footprint(child.pid ?? 0) };
  }

  /** Everyone who can be measured. */
  async everyone(): Promise<Server[]> {
    const nginx = await this.nginx();
    return [await this.direct(), await this.firstbyte(), ...(nginx === null ? [] : [nginx])];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await endOf(child, 'SIGTERM');
    process.off('exit', this.#abandon);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What is left to do when the bench itself is ended in the middle. */
  readonly #abandon = (): void => {
    for (const child of this.#children) child.kill('SIGTERM');
    // They write until they have ended.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };

  #fork(file: string): { channel: Channel } {
    const child = fork(join(import.meta.dirname, file), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#children.add(child);
    return { channel: new Channel(child) };
  }
}

async function endOf(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}
