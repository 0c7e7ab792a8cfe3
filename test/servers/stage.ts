/** What the tests with real servers share: a folder of films, firstbyte as users start it, and its players. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { type Firstbyte, startFirstbyte } from '../players/firstbyte.ts';
import { Client } from '../support/client.ts';
import type { Film } from '../support/film.ts';

export class Stage implements AsyncDisposable {
  /** Its films lie in `films/`. */
  readonly folder: string;
  /** Firstbyte's mount `films`, with a slash at the end; there once `serve` has resolved. */
  url = '';
  readonly #props = new AsyncDisposableStack();
  #flags: readonly string[] = [];
  #firstbyte: Firstbyte | null = null;

  private constructor(folder: string) {
    this.folder = folder;
    this.#props.defer(() => rm(folder, { recursive: true, force: true }));
  }

  static async open(): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'firstbyte-servers-'));
    await mkdir(join(folder, 'films'));
    return new Stage(folder);
  }

  /** Ends with the stage, before what was there earlier. */
  use<Prop extends AsyncDisposable>(prop: Prop): Prop {
    return this.#props.use(prop);
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.folder, 'films', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }

  /** Starts firstbyte with a configuration, in which `films` is mounted, and further flags. */
  async serve(configuration: string, ...flags: readonly string[]): Promise<void> {
    const file = join(this.folder, 'firstbyte.json');
    await writeFile(file, configuration);
    await this.#start(['--config', file, ...flags]);
  }

  /** Ends firstbyte as SIGTERM does, and starts it again on the same cache, at another port. */
  async restart(): Promise<void> {
    await this.#firstbyte?.[Symbol.asyncDispose]();
    await this.#start(this.#flags);
  }

  async #start(flags: readonly string[]): Promise<void> {
    this.#flags = flags;
    this.#firstbyte = this.use(await startFirstbyte(join(this.folder, 'cache'), ...flags));
    this.url = `${this.#firstbyte.url}films/`;
  }

  /** Resolves when firstbyte asks nobody for anything, and no body is under way. */
  async atRest(): Promise<void> {
    for (;;) {
      const reply = await fetch(new URL('/-/api/v1/fills', this.url));
      const { fills } = (await reply.json()) as { fills: { cursors: unknown[] }[] };
      if (fills.every(({ cursors }) => cursors.length === 0)) return;
      await sleep(50);
    }
  }

  /** A player that checks each byte; it leaves with the stage. */
  async player(film?: Film): Promise<Client> {
    const player = await Client.connect(Number(new URL(this.url).port), {
      clock: systemClock,
      ...(film === undefined ? {} : { film }),
    });
    return this.#props.adopt(player, () => player.leave());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#props.disposeAsync();
  }
}
