/** What `npm run network` measures, in one table: the cases, and how often each. */
import type { Case } from './results.ts';
import type { Way } from './ways.ts';

interface Planned extends Case {
  readonly runs: number;
  readonly ways: readonly Way[];
}

type Axis<T> = readonly T[];
interface Block {
  readonly links: Axis<Case['link']>;
  readonly starts?: Axis<Case['start']>;
  readonly films: Axis<Case['film']>;
  readonly players: Axis<Case['player']>;
  readonly operation?: Case['operation'];
  /** Direct and through firstbyte unless given. */
  readonly ways?: readonly Way[];
  readonly runs: number;
}

const both: readonly Way[] = ['direct', 'firstbyte'];

/** All that stands in one block is crossed with each other. */
const blocks: readonly Block[] = [
  // The links on which it matters, often enough for a median.
  { links: ['lte', 'satellite', 'transatlantic'], films: ['tail'], players: ['souphttpsrc'], runs: 5 },
  { links: ['lte', 'satellite', 'transatlantic'], films: ['mkv'], players: ['souphttpsrc'], runs: 5 },
  // What several connections at once are worth, and what is fetched before a player asks.
  {
    links: ['lte', 'satellite', 'transatlantic'],
    films: ['mkv'],
    players: ['mpv'],
    ways: [...both, 'single'],
    runs: 5,
  },
  {
    links: ['lte', 'satellite', 'transatlantic'],
    films: ['tail'],
    players: ['mpv'],
    ways: [...both, 'asked'],
    runs: 5,
  },
  { links: ['flaky'], films: ['mkv'], players: ['mpv', 'souphttpsrc'], runs: 5 },
  { links: ['dsl', 'fibre', 'lan'], films: ['tail'], players: ['mpv'], runs: 1 },
  // The other players.
  { links: ['lte', 'dsl'], films: ['front'], players: ['vlc', 'ffmpeg', 'chromium', 'curlhttpsrc'], runs: 1 },
  // Every container, where a round trip is long enough to be seen.
  {
    links: ['transatlantic'],
    films: ['front', 'fragmented', 'mkvfront', 'webm', 'ts', 'avi', 'mp3', 'flac', 'ogg', 'large'],
    players: ['mpv'],
    runs: 1,
  },
  // What else viewers and operators do.
  { links: ['satellite'], films: ['tail'], players: ['mpv'], operation: 'resume', ways: [...both, 'asked'], runs: 3 },
  {
    links: ['satellite'],
    films: ['tail'],
    players: ['souphttpsrc', 'curlhttpsrc', 'vlc', 'chromium'],
    operation: 'offline',
    ways: ['firstbyte'],
    runs: 1,
  },
  ...(['offline', 'restart', 'two', 'storm'] as const).map(
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
  { links: ['64KB'], films: ['fit16'], players: ['mpv'], operation: 'eight', runs: 1 },
  // Whether it is right about the line: ones that carry the film, and ones that don't, by 15 % at least.
  ...(
    [
      ['dsl', 'front'],
      ['lan', 'mkv'],
      ['350KB', 'fit350'],
      ['350KB', 'fit105'],
      ['105KB', 'fit105'],
      ['64KB', 'fit64'],
      ['32KB', 'fit32'],
      ['350KB', 'mkv'],
      ['350KB', 'front'],
      ['105KB', 'fit350'],
      ['64KB', 'fit105'],
      ['32KB', 'fit64'],
    ] as const
  ).map(
    ([link, film]): Block => ({
      ...{ links: [link], films: [film], players: ['mpv'], operation: 'watch', ways: ['firstbyte'], runs: 1 },
    }),
  ),
  // Servers that are waking up.
  {
    links: ['fibre'],
    starts: ['silent5', 'silent20', 'silent28', 'refused25'],
    films: ['front'],
    players: ['mpv', 'souphttpsrc', 'curlhttpsrc', 'vlc', 'ffmpeg', 'chromium'],
    operation: 'open',
    runs: 1,
  },
];

export const plan: readonly Planned[] = blocks.flatMap(
  ({ links, starts = ['ready'], films, players, operation = 'play', ways: planned = both, runs }) =>
    links.flatMap((link) =>
      starts.flatMap((start) =>
        films.flatMap((film) =>
          players.map((player) => ({ link, start, film, player, operation, runs, ways: planned })),
        ),
      ),
    ),
);
