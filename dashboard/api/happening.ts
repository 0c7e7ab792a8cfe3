/** Events of the stream as the page reads them. */
import type { DomainEvent } from '../../src/events.ts';

/** A domain event as the stream sends it: its timestamps are times of day. */
type Told<T> = {
  readonly [K in keyof T]: K extends 'at' | `${string}At`
    ? Exclude<T[K], number> | string
    : T[K] extends object
      ? Told<T[K]>
      : T[K];
};
type ToldEach<E> = E extends DomainEvent ? Told<E> : never;

export type Happening = ToldEach<DomainEvent>;
export type HappeningType = Happening['type'];
export type HappeningOf<T extends HappeningType> = Extract<Happening, { type: T }>;
