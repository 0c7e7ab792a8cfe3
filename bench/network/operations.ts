/** What is done with a player in one turn, in one table: each operation gives what was seen in its parts. */
import type { Facts } from './player.ts';
import { type Stalls, type Start, stallsOf, startOf } from './screen.ts';
import type { Stage, Viewing } from './stage.ts';

/** What a viewer saw of one opening of the film. Seconds. */
export interface Seen extends Start {
  /** In the time that was watched from the first moving picture on. */
  readonly stalls: Stalls | null;
  readonly seeks: readonly (Start & { readonly place: number })[];
  readonly facts: Facts | null;
  /** The player's own error, or what did not come in time. */
  readonly failure: string | null;
}

/** How long a player may take for a picture, in milliseconds. */
const patience = 60_000;
/** How long it is waited for pictures that move. */
const movePatience = 20_000;

interface Watching {
  /** How long it is watched from the first moving picture on, in seconds. */
  readonly watch: number;
  /** Where it then seeks to, as shares of the film. */
  readonly seeks: readonly number[];
}

export type Operation = (stage: Stage) => Promise<Readonly<Record<string, Seen>>>;

const there = { watch: 20, seeks: [0.8, 0.1] };

export const operations = {
  /** Cold, and once more. */
  play: async (stage) => ({
    cold: await watch(stage, there),
    warm: await watch(stage, { ...there, watch: 3 }),
  }),
} as const satisfies Record<string, Operation>;
export type OperationName = keyof typeof operations;

/** One opening of the film, from the start of the player to its end. */
async function watch(stage: Stage, watching: Watching): Promise<Seen> {
  await using viewing = await stage.play();
  return await view(viewing, stage.film.duration, watching);
}

async function view({ screen, playing }: Viewing, duration: number, { watch, seeks }: Watching): Promise<Seen> {
  const { sights, startedAt } = screen;
  const seen: Seen = { frame: null, moving: null, stalls: null, seeks: [], facts: null, failure: null };
  const start = await startSince(startedAt);
  const opened = { ...seen, ...start };
  if (start.moving === null) return { ...opened, failure: screen.failure ?? 'no moving picture' };

  const from = startedAt + start.moving * 1000;
  await screen.until(() => null, from + watch * 1000 - performance.now());
  const stalls = stallsOf(sights, from, from + watch * 1000);
  const found: (Start & { place: number })[] = [];
  const trouble = async () => {
    for (const share of seeks) {
      const place = share * duration;
      const since = performance.now();
      await playing.seek(place);
      const sought = { place, ...(await startSince(since, place)) };
      found.push(sought);
      if (sought.frame === null) return screen.failure ?? `no picture after the seek to ${place} s`;
    }
    return screen.failure;
  };
  const failure = await trouble().catch((error: Error) => screen.failure ?? error.message);
  const facts = await playing.facts().catch(() => null);
  return { ...opened, stalls, seeks: found, facts, failure };

  async function startSince(since: number, place?: number): Promise<Start> {
    const now = () => startOf(sights, since, place);
    const frame = await screen.until(() => now().frame, patience);
    if (frame !== null) await screen.until(() => now().moving, movePatience);
    return now();
  }
}
