/** What is done in one turn, in one table: each operation gives what was seen in its parts. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from './stage.ts';
import { type Seen, Viewer } from './viewer.ts';

type Operation = (stage: Stage) => Promise<Readonly<Record<string, Seen>>>;

/** Shares of the film. */
const tenPlaces = [0.5, 0.9, 0.1, 0.7, 0.3, 0.95, 0.2, 0.8, 0.05, 0.6];

/**
 * The place at a share of the film, in seconds: half a second past a keyframe of nearly every film here, so that a seek
 * costs its bytes and not those of the seconds that are decoded before its picture.
 */
const placeAt = (share: number, { film }: Stage): number => share * film.duration + 0.5;

/** Opens the film, watches it for so many seconds, and seeks to 80 % and back to 10 %. */
const play = (stage: Stage, seconds: number) =>
  Viewer.view(stage, async (viewer) => {
    await viewer.opens();
    await viewer.watches(seconds);
    for (const share of [0.8, 0.1]) await viewer.seeks(placeAt(share, stage));
  });

export const operations = {
  /** Cold, and once more. */
  play: async (stage) => ({ cold: await play(stage, 20), warm: await play(stage, 3) }),

  /** Only whether it plays. */
  open: async (stage) => ({
    cold: await Viewer.view(stage, async (viewer) => {
      await viewer.opens();
      await viewer.watches(5);
    }),
  }),

  /** Some seconds at each of ten places; then there is no network, and each of them is wanted again. */
  offline: async (stage) => {
    const tour = (places: readonly number[], seconds: number) =>
      Viewer.view(stage, async (viewer) => {
        await viewer.opens();
        await viewer.watches(4);
        for (const share of places) {
          await viewer.seeks(placeAt(share, stage));
          await sleep(seconds * 1000);
        }
      });
    const cold = await tour(tenPlaces, 4);
    // Without firstbyte nothing plays there.
    if (stage.way === 'direct') return { cold };
    await stage.cut();
    return { cold, offline: await tour(tenPlaces.toReversed(), 1) };
  },

  /** firstbyte is started again while the film plays. */
  restart: async (stage) => ({
    cold: await Viewer.view(stage, async (viewer) => {
      await viewer.opens();
      const restarted = sleep(8000).then(() => stage.restart());
      await viewer.watches(20);
      await restarted;
      await viewer.seeks(placeAt(0.8, stage));
    }),
  }),

  /** Opened and at once sent to where somebody left it long ago; left; and opened there again. */
  resume: async (stage) => {
    const openAt = async (viewer: Viewer, place: number) => {
      await viewer.opens();
      await viewer.seeks(place);
      await sleep(8000);
      return viewer.position;
    };
    let left = placeAt(0.5, stage);
    const view = () =>
      Viewer.view(stage, async (viewer) => {
        left = await openAt(viewer, left);
      });
    const cold = await view();
    await sleep(3000);
    return { cold, back: await view() };
  },

  /** Two players, of which the second comes later and watches another place. */
  two: async (stage) => {
    const second = async () => {
      await sleep(5000);
      return Viewer.view(stage, async (viewer) => {
        await viewer.opens();
        await viewer.seeks(placeAt(0.6, stage));
        await viewer.watches(15);
      });
    };
    const [one, other] = await Promise.all([play(stage, 25), second()]);
    return { cold: one, second: other };
  },

  /** A minute of it, long enough for a player that will have to wait to have done so. */
  watch: async (stage) => ({
    cold: await Viewer.view(stage, async (viewer) => {
      await viewer.opens();
      await viewer.watches(60);
    }),
  }),

  /** Eight titles, each opened a second after the one before. */
  eight: async (stage) => {
    const titles = Array.from({ length: 8 }, async (_, title) => {
      await sleep(title * 1000);
      const seen = await Viewer.view(stage, (viewer) => viewer.opens(), `?title=${title}`);
      return [`title ${title + 1}`, seen] as const;
    });
    return Object.fromEntries(await Promise.all(titles));
  },

  /** Twelve places in six seconds, and then one that is waited for. */
  storm: async (stage) => ({
    cold: await Viewer.view(stage, async (viewer) => {
      await viewer.opens();
      await viewer.watches(4);
      for (const share of [...tenPlaces, 0.4, 0.15]) await viewer.skims(placeAt(share, stage), 0.5);
      await viewer.seeks(placeAt(0.8, stage));
      await sleep(5000);
    }),
  }),
} as const satisfies Record<string, Operation>;
export type OperationName = keyof typeof operations;
