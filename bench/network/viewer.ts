/** One opening of the film by one player: what the viewer does, and what he sees of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Facts, Playing } from './player.ts';
import { type Screen, type Stalls, type Start, stallsOf, startOf } from './screen.ts';
import type { Stage } from './stage.ts';

/** What a viewer saw. Seconds. */
export interface Seen extends Start {
  /** When the player was started, in seconds from the start of the turn. */
  readonly openedAt: number;
  /** In the time that was watched in sequence from the first moving picture on. */
  readonly stalls: Stalls | null;
  readonly seeks: readonly Sought[];
  readonly facts: Facts | null;
  /** The player's own error, or what did not come in time. */
  readonly failure: string | null;
}

export interface Sought extends Start {
  readonly place: number;
}

/** How long a player may take for a picture, in milliseconds. */
const patience = 60_000;
/** How long pictures may take to move. */
const movePatience = 20_000;

/** Ends a viewing before its time. */
class Hopeless extends Error {}

export class Viewer implements AsyncDisposable {
  readonly screen: Screen;
  readonly #playing: Playing;
  readonly #canSeek: boolean;
  readonly #openedAt: number;
  readonly #seeks: Sought[] = [];
  #start: Start = { frame: null, moving: null };
  #stalls: Stalls | null = null;

  private constructor({ screen, playing }: { screen: Screen; playing: Playing }, stage: Stage) {
    this.screen = screen;
    this.#playing = playing;
    this.#canSeek = stage.canSeek;
    this.#openedAt = (screen.startedAt - stage.startedAt) / 1000;
  }

  /** Opens the film, does what is to be done with it, and leaves. */
  static async view(stage: Stage, act: (viewer: Viewer) => Promise<void>, query = ''): Promise<Seen> {
    await using viewer = new Viewer(await stage.play(query), stage);
    try {
      await act(viewer);
    } catch (error) {
      viewer.screen.fail(error instanceof Error ? error.message : String(error));
    }
    return await viewer.#seen();
  }

  /** Waits for the first picture, and for pictures that move. */
  async opens(): Promise<void> {
    this.#start = await this.#startSince(this.screen.startedAt);
    if (this.#start.moving === null) throw new Hopeless('no moving picture');
  }

  /** Watches for so many seconds from the first moving picture on. */
  async watches(seconds: number): Promise<void> {
    const from = this.screen.startedAt + (this.#start.moving ?? 0) * 1000;
    const to = from + seconds * 1000;
    await this.screen.until(() => null, to - performance.now());
    this.#stalls = stallsOf(this.screen.sights, from, to);
  }

  /** Seeks to `place`, in seconds, and waits for moving pictures there. Nothing, with a player that can't seek. */
  async seeks(place: number): Promise<void> {
    if (!this.#canSeek) return;
    const since = performance.now();
    await this.#playing.seek(place);
    const start = await this.#startSince(since, place);
    this.#seeks.push({ place, ...start });
    if (start.frame === null) throw new Hopeless(`no picture after the seek to ${place} s`);
  }

  /** Seeks, and waits for nothing but so many seconds. */
  async skims(place: number, seconds: number): Promise<void> {
    if (!this.#canSeek) return;
    await this.#playing.seek(place);
    await sleep(seconds * 1000);
  }

  /** Where it is now, in seconds of the film. */
  get position(): number {
    return this.screen.sights.at(-1)?.position ?? 0;
  }

  async #startSince(since: number, place?: number): Promise<Start> {
    const now = () => startOf(this.screen.sights, since, place);
    const frame = await this.screen.until(() => now().frame, patience);
    if (frame !== null) await this.screen.until(() => now().moving, movePatience);
    return now();
  }

  async #seen(): Promise<Seen> {
    const { failure } = this.screen;
    const facts = failure === null ? await this.#playing.facts().catch(() => null) : null;
    return { openedAt: this.#openedAt, ...this.#start, stalls: this.#stalls, seeks: this.#seeks, facts, failure };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#playing[Symbol.asyncDispose]();
  }
}
