/** One request for a small film, whose bytes are not there yet (`cold`) or all there (`cached`), and what it gets. */
import type { Behaviour } from '../support/behaviour.ts';
import type { Exchange, RequestOptions } from '../support/client.ts';
import { type Film, film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

export const temperatures = ['cold', 'cached'] as const;
export type Temperature = (typeof temperatures)[number];

export const smallFilm = film(1000);
export const target = '/films/film.mp4';

export interface Answer {
  readonly rig: VirtualRig;
  readonly exchange: Exchange;
}

export interface Question extends RequestOptions {
  /** The request as it is written, in place of one made from the rest. */
  readonly text?: string;
}

/** Asks, waits for the end of the reply, and closes everything. */
export async function answerTo(
  question: Question,
  temperature: Temperature,
  { films = smallFilm, origin = {} }: { films?: Film; origin?: Behaviour } = {},
): Promise<Answer> {
  const rig = await virtualRig({ films, origin });
  if (temperature === 'cached') await rig.clock.advanceUntil(rig.get(target).done());
  const player = rig.player();
  const exchange =
    question.text === undefined ? player.get(target, question) : player.send(question.text, question.film);
  await rig.clock.advanceUntil(exchange.done());
  await rig.clock.settle();
  await rig.close();
  return { rig, exchange };
}
