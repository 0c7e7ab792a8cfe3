/** The content of a fill's byte map, as ranges and as text. */
import type { FillReport, Span } from '../../src/control/answers.ts';
import { countWords, shareWords, sizeWords } from '../../src/kit/amounts.ts';
import { gapsIn } from './byte-columns.ts';

export interface MapScene {
  /** The length; the largest known offset where the length is unknown. */
  readonly length: number;
  readonly lengthKnown: boolean;
  readonly present: readonly Span[];
  /** Present bytes directly ahead of a player. */
  readonly ahead: readonly Span[];
  /** The ranges that connections bring: from the position of each to the end of its body. */
  readonly landing: readonly Span[];
  /** The positions at which bytes arrive. */
  readonly cursors: readonly number[];
  readonly players: readonly number[];
}

export function sceneOf(fill: FillReport): MapScene {
  const { present, cursors, readers } = fill;
  const reached = Math.max(
    1,
    present.at(-1)?.[1] ?? 0,
    ...cursors.map(({ position }) => position),
    ...readers.map(({ position }) => position),
  );
  const length = fill.length ?? reached;
  const moving = cursors.filter(({ state }) => state === 'filling' || state === 'starting' || state === 'retrying');
  return {
    length,
    lengthKnown: fill.length !== null,
    present,
    ahead: readers.filter(({ ahead }) => ahead > 0).map(({ position, ahead }): Span => [position, position + ahead]),
    landing: moving.map(({ position, until }): Span => [position, Math.min(until ?? length, length)]),
    cursors: moving.map(({ position }) => position),
    players: readers.map(({ position }) => position),
  };
}

/** The map as text, for screen readers. */
export function sceneText(scene: MapScene): string {
  const { length, lengthKnown, present, ahead, cursors, players } = scene;
  const bytes = present.reduce((sum, [start, end]) => sum + end - start, 0);
  const of = lengthKnown
    ? `${shareWords(bytes / length)} of ${sizeWords(length)} is cached`
    : `${sizeWords(bytes)} cached, length unknown`;
  const gaps = lengthKnown ? gapsIn(present, length) : [];
  const [first, ...others] = gaps;
  const missing =
    first &&
    `missing from ${sizeWords(first[0])} to ${sizeWords(first[1])}${others.length > 0 ? ` and in ${countWords(others.length, 'other place')}` : ''}`;
  const playing = players.map((position) => {
    const span = ahead.find(([start]) => start === position);
    return `sent to a player up to ${sizeWords(position)}, with ${sizeWords(span ? span[1] - span[0] : 0)} ahead`;
  });
  const landing = cursors.map((position) => `downloading at ${sizeWords(position)}`);
  return `${[of, missing, ...playing, ...landing].filter((part) => part !== undefined).join('; ')}.`;
}
