/** What `npm run network` measures, in one table: the cases, and how often each. */
import type { Case } from './results.ts';

interface Planned extends Case {
  readonly runs: number;
}

type Axis<T> = readonly T[];
interface Block {
  readonly links: Axis<Case['link']>;
  readonly starts?: Axis<Case['start']>;
  readonly films: Axis<Case['film']>;
  readonly players: Axis<Case['player']>;
  readonly operation?: Case['operation'];
  readonly runs: number;
}

/** All that stands in one block is crossed with each other. */
const blocks: readonly Block[] = [
  // The links on which it matters, often enough for a median.
  { links: ['lte', 'satellite', 'transatlantic'], films: ['tail', 'mkv'], players: ['mpv', 'souphttpsrc'], runs: 5 },
  { links: ['flaky'], films: ['mkv'], players: ['mpv', 'souphttpsrc'], runs: 5 },
  { links: ['dsl', 'fibre', 'lan'], films: ['tail'], players: ['mpv'], runs: 1 },
  // The other players.
  { links: ['lte', 'dsl'], films: ['front'], players: ['ffmpeg', 'chromium', 'curlhttpsrc'], runs: 1 },
  // Every container, where a round trip is long enough to be seen.
  {
    links: ['transatlantic'],
    films: ['front', 'fragmented', 'mkvfront', 'webm', 'ts', 'avi', 'mp3', 'flac', 'ogg', 'large'],
    players: ['mpv'],
    runs: 1,
  },
  // What else viewers and operators do.
  ...(['offline', 'restart', 'resume', 'two', 'storm'] as const).map(
    (operation): Block => ({
      ...{ links: ['satellite'], films: ['tail'], players: ['mpv'], operation, runs: 1 },
    }),
  ),
  // Lines that carry just what the film needs.
  { links: ['16KB'], films: ['fit16'], players: ['mpv'], runs: 1 },
  { links: ['32KB'], films: ['fit32'], players: ['mpv'], runs: 1 },
  { links: ['64KB'], films: ['fit64'], players: ['mpv'], runs: 1 },
  { links: ['105KB'], films: ['fit105'], players: ['mpv'], runs: 1 },
  { links: ['350KB'], films: ['fit350'], players: ['mpv', 'souphttpsrc'], runs: 1 },
  // Servers that are waking up.
  {
    links: ['fibre'],
    starts: ['silent5', 'silent20', 'silent28', 'refused25'],
    films: ['front'],
    players: ['mpv', 'souphttpsrc', 'curlhttpsrc', 'ffmpeg', 'chromium'],
    operation: 'open',
    runs: 1,
  },
];

export const plan: readonly Planned[] = blocks.flatMap(
  ({ links, starts = ['ready'], films, players, operation = 'play', runs }) =>
    links.flatMap((link) =>
      starts.flatMap((start) =>
        films.flatMap((film) => players.map((player) => ({ link, start, film, player, operation, runs }))),
      ),
    ),
);
