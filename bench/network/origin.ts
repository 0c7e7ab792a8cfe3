/** The origin at the far end of the link: nginx, and what it says of itself; a gate in front of it for slow starts. */
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../../test/players/program.ts';
import type { Link } from './link.ts';

/** How an origin starts: `silent` accepts connections and answers nothing for so long, `refused` accepts none. */
export const starts = {
  ready: { silent: 0, refused: 0 },
  silent5: { silent: 5000, refused: 0 },
  silent20: { silent: 20_000, refused: 0 },
  silent28: { silent: 28_000, refused: 0 },
  refused25: { silent: 0, refused: 25_000 },
} as const;
export type StartName = keyof typeof starts;

/** One request, as nginx logs it. */
export interface OriginRequest {
  /** When its answer was over, as seconds of the epoch, and how long it took from its first byte. */
  readonly at: number;
  readonly took: number;
  /** Which connection it came on. */
  readonly connection: number;
  readonly path: string;
  /** Its Range field, or nothing. */
  readonly range: string;
  readonly status: number;
  /** Of the body, as handed to the kernel: what a client left in the middle may not have come to it. */
  readonly bytes: number;
}

const publicPort = 80;
const innerPort = 8080;

export class Origin {
  /** With a slash at the end. */
  readonly url: string;
  readonly #link: Link;
  readonly #folder: string;
  readonly #ended = new AbortController();
  #programs: Program[] = [];

  private constructor(link: Link, folder: string) {
    this.url = `http://${link.far}/`;
    this.#link = link;
    this.#folder = folder;
  }

  /** Serves the files of `films`; `folder` gets what nginx needs. Its start begins now. */
  static async start(link: Link, films: string, folder: string, name: StartName): Promise<Origin> {
    const { silent, refused } = starts[name];
    const origin = new Origin(link, folder);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'nginx.conf'), configuration(folder, films, silent > 0 ? innerPort : publicPort));
    if (refused > 0) void origin.#serveAfter(refused);
    else await origin.#serve();
    if (silent > 0) await origin.#gate(silent);
    return origin;
  }

  /** Ends it, and gives what it was asked; what is under way at that time has to come to its end within a second. */
  async end(): Promise<readonly OriginRequest[]> {
    this.#ended.abort();
    for (const { process, ended } of this.#programs) {
      // Closes idle connections, and waits for those that have a request.
      process.kill('SIGQUIT');
      const over = await Promise.race([ended.then(() => true), sleep(1000, false)]);
      if (!over) process.kill('SIGKILL');
      await ended;
    }
    const log = await readFile(join(this.#folder, 'access.log'), 'utf8').catch(() => '');
    const lines = log.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as OriginRequest);
  }

  async #serveAfter(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#ended.signal }).catch(() => {});
    if (!this.#ended.signal.aborted) await this.#serve();
  }

  async #serve(): Promise<void> {
    const args = ['-p', this.#folder, '-e', join(this.#folder, 'error.log'), '-c', join(this.#folder, 'nginx.conf')];
    const nginx = this.#link.startFar('nginx', args);
    this.#programs.push(nginx);
    // nginx writes its own number when it listens.
    for (;;) {
      const pid = await readFile(join(this.#folder, 'nginx.pid'), 'utf8').catch(() => '');
      if (pid.trim() !== '') return;
      const { exitCode } = nginx.process;
      if (exitCode !== null) throw new Error(`nginx ended with ${exitCode}: ${nginx.errors()}`);
      await sleep(10);
    }
  }

  async #gate(silent: number): Promise<void> {
    const args = [join(import.meta.dirname, 'gate.ts'), publicPort, innerPort, silent].map(String);
    const gate = this.#link.startFar(process.execPath, args);
    this.#programs.unshift(gate);
    await once(createInterface({ input: gate.process.stdout ?? process.stdin }), 'line');
  }
}

/** One process, so that nothing of it stays when it is killed. */
function configuration(folder: string, films: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (of) => `${of}_temp_path ${folder}/${of};`,
  );
  const fields = [
    ...['"at":$msec', '"took":$request_time', '"connection":$connection', '"path":"$uri"', '"range":"$http_range"'],
    ...['"status":$status', '"bytes":$body_bytes_sent'],
  ];
  return `
user root;
daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
  log_format facts escape=json '{${fields.join(',')}}';
  access_log ${folder}/access.log facts;
  sendfile on;
  ${temporary.join('\n  ')}
  types { video/mp4 mp4; video/x-matroska mkv; video/webm webm; video/mp2t ts; video/x-msvideo avi;
    audio/mpeg mp3; audio/flac flac; audio/ogg ogg; }
  default_type application/octet-stream;
  server { listen ${port}; root ${films}; }
}
`;
}
