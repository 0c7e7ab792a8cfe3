/**
 * One turn's programs: the origin at the far end of the link, and at the near end a player, with firstbyte or without.
 * It also keeps what can be seen of them from outside while somebody plays.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FillReport, StatsReport } from '../../src/control/answers.ts';
import { Firstbyte } from '../../test/crash/firstbyte.ts';
import { compareHeld } from '../../test/seeks/held.ts';
import { type Film, filmFolder } from './films.ts';
import { added, dead, type Link, type LinkCounts, open } from './link.ts';
import { Origin, type OriginRequest, type StartName } from './origin.ts';
import type { PlayerStart, Playing } from './player.ts';
import type { LinkProfile } from './profiles.ts';
import { Screen } from './screen.ts';
import type { Way } from './ways.ts';

export interface StageOptions {
  readonly link: Link;
  readonly profile: LinkProfile;
  readonly seed: number;
  readonly start: StartName;
  readonly film: Film;
  readonly play: PlayerStart;
  readonly canSeek: boolean;
  readonly way: Way;
  /** For caches and logs; what is there goes. */
  readonly folder: string;
}

/** What the API shows at one moment. */
export interface ApiMoment {
  /** Seconds from the start of the turn. */
  readonly at: number;
  readonly phase: FillReport['phase'];
  readonly reason: string;
  readonly presentBytes: number;
  /** Of the reader that has least: seconds in front of it at its speed. */
  readonly secondsAhead: number | null;
  readonly waiters: number;
  /** What it says of the line; `null` where it says nothing yet. */
  readonly line: NonNullable<FillReport['line']>['outcome'] | null;
  /** State and speed of each fetch. */
  readonly fetches: readonly { readonly state: string; readonly speed: number | null }[];
}

/** What was seen from outside in one turn. */
export interface Outside {
  readonly origin: {
    readonly requests: number;
    readonly connections: number;
    /** Bodies, as nginx gave them to its kernel. */
    readonly bytes: number;
    readonly statuses: Readonly<Record<string, number>>;
    /** One by one, to look at where a figure surprises. */
    readonly log: readonly OriginRequest[];
  };
  readonly link: LinkCounts;
  /** Empty without firstbyte. */
  readonly api: readonly ApiMoment[];
  /** Errors of firstbyte's own: status and reason. */
  readonly ownErrors: readonly string[];
  readonly bugs: number;
  /** Bytes that firstbyte held and that are those of the film. */
  readonly compared: number;
  /** Where one was not. */
  readonly wrongByte: string | null;
}

export class Stage implements AsyncDisposable {
  readonly film: Film;
  readonly way: Way;
  readonly canSeek: boolean;
  /** In milliseconds. */
  readonly startedAt = performance.now();
  readonly #options: StageOptions;
  readonly #moments: ApiMoment[] = [];
  readonly #carried: LinkCounts[] = [];
  readonly #over = new AbortController();
  #origin: Origin;
  #firstbyte: Firstbyte | null;

  private constructor(options: StageOptions, origin: Origin, firstbyte: Firstbyte | null) {
    this.film = options.film;
    this.way = options.way;
    this.canSeek = options.canSeek;
    this.#options = options;
    this.#origin = origin;
    this.#firstbyte = firstbyte;
    if (firstbyte !== null) void this.#watchApi();
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { link, profile, seed, start, way, folder } = options;
    await rm(folder, { recursive: true, force: true });
    const firstbyte = way === 'direct' ? null : await serve(options);
    await link.become(profile, seed);
    const origin = await Origin.start(link, filmFolder, join(folder, 'origin'), start);
    return new Stage(options, origin, firstbyte);
  }

  /** Starts the player; another query is another title. It is the caller's to end. */
  async play(query = ''): Promise<{ screen: Screen; playing: Playing }> {
    const { film, link, play } = this.#options;
    const base = this.#firstbyte === null ? `http://${link.far}` : `${this.#firstbyte.url}/films`;
    const screen = new Screen();
    const playing = await play(`${base}/${film.file}${query}`, screen, this.#over.signal);
    return { screen, playing };
  }

  /** From now on no packet passes. */
  async cut(): Promise<void> {
    this.#carried.push(await this.#options.link.become(dead));
  }

  /** firstbyte ends cleanly and starts again. */
  async restart(): Promise<void> {
    if (this.#firstbyte === null) return;
    const port = new URL(this.#firstbyte.url).port;
    await this.#firstbyte.stop();
    this.#firstbyte = await serve(this.#options, ['--listen', `127.0.0.1:${port}`]);
  }

  /** Ends all but the link, which is open then, and tells what was seen. Rejects where firstbyte holds a wrong byte. */
  async end(): Promise<Outside> {
    this.#over.abort();
    const firstbyte = this.#firstbyte;
    let own = { ownErrors: [] as string[], bugs: 0, compared: 0, wrongByte: null as string | null };
    if (firstbyte !== null) {
      const stats = (await (await fetch(`${firstbyte.url}/-/api/v1/stats`)).json()) as StatsReport;
      const held = await compareHeld(firstbyte.url, join(filmFolder, this.film.file)).catch((error: Error) => error);
      own = {
        ownErrors: stats.ownErrors.last.map(({ status, reason, message }) => `${status} ${reason}: ${message}`),
        bugs: stats.bugs,
        compared: held instanceof Error ? 0 : held,
        wrongByte: held instanceof Error ? held.message : null,
      };
    }
    this.#carried.push(await this.#options.link.become(open));
    const link = {
      down: added(this.#carried.map(({ down }) => down)),
      up: added(this.#carried.map(({ up }) => up)),
    };
    await firstbyte?.stop();
    this.#firstbyte = null;
    const requests = await this.#origin.end();
    return { origin: sumOf(requests), link, api: this.#moments, ...own };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#firstbyte?.[Symbol.asyncDispose]();
    await this.#origin.end();
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  async #watchApi(): Promise<void> {
    for (let second = 1; !this.#over.signal.aborted; second += 1) {
      const wait = this.startedAt + second * 1000 - performance.now();
      await sleep(Math.max(0, wait), undefined, { signal: this.#over.signal }).catch(() => {});
      // A firstbyte that is being started again has no answer.
      const [fill] = (await this.#firstbyte?.fills().catch(() => [])) ?? [];
      if (fill !== undefined) this.#moments.push(momentOf(fill, (performance.now() - this.startedAt) / 1000));
    }
  }
}

/** What firstbyte is told, by the way. */
const wayFlags: Readonly<Record<Way, readonly string[]>> = {
  direct: [],
  firstbyte: [],
  single: ['--parallel-fetches', '1'],
  asked: ['--prefetch', 'off'],
};

function serve({ link, folder, way }: StageOptions, flags: readonly string[] = []): Promise<Firstbyte> {
  const origin = `http://${link.far}/`;
  return Firstbyte.start({ directory: join(folder, 'cache'), origin, flags: [...wayFlags[way], ...flags] });
}

function momentOf(fill: FillReport, at: number): ApiMoment {
  const { phase, reason, presentBytes, readers, waiters, cursors, line } = fill;
  const ahead = readers.map(({ secondsAhead }) => secondsAhead).filter((seconds) => seconds !== null);
  return {
    ...{ at, phase, reason, presentBytes, waiters },
    line: line?.outcome ?? null,
    secondsAhead: ahead.length > 0 ? Math.min(...ahead) : null,
    fetches: cursors.map(({ state, speed }) => ({ state, speed })),
  };
}

function sumOf(requests: readonly OriginRequest[]): Outside['origin'] {
  const statuses: Record<string, number> = {};
  for (const { status } of requests) statuses[status] = (statuses[status] ?? 0) + 1;
  return {
    requests: requests.length,
    connections: new Set(requests.map(({ connection }) => connection)).size,
    bytes: requests.reduce((sum, { bytes }) => sum + bytes, 0),
    statuses,
    log: requests,
  };
}
