/** The demo's own client: plays a film once, as fast as it comes, and checks each byte on the way. */
import { type Clock, systemClock } from '../src/clock.ts';
import type { EventBus, FillFirstByteEvent } from '../src/events.ts';
import type { Timeline } from './timeline.ts';

export interface Playback {
  readonly timeline: Timeline;
  /** What is wrong with the bytes that came, in one sentence; `null` if nothing is. */
  readonly fault: string | null;
}

/**
 * Plays `url` and compares it with `film`. The moments on the origin's side are those of the first fill that begins
 * meanwhile, as `events` tells them; they are on the same clock. Rejects only with the signal's reason.
 */
export async function playOnce(
  url: string,
  film: Buffer,
  events: EventBus,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<Playback> {
  let fill: FillFirstByteEvent | undefined;
  const unsubscribe = events.subscribe((event) => {
    if (event.type === 'fill-first-byte') fill ??= event;
  });
  const askedAt = clock.now();
  const since = (moment: number) => moment - askedAt;
  try {
    let firstByteOut: number | undefined;
    let received = 0;
    let fault: string | null = null;
    try {
      const response = await fetch(url, { signal });
      if (response.status !== 200) fault = `The status is ${response.status} and not 200.`;
      for await (const bytes of response.body ?? []) {
        firstByteOut ??= since(clock.now());
        if (!film.subarray(received, received + bytes.length).equals(bytes)) {
          fault ??= `A byte between ${received} and ${received + bytes.length} is wrong.`;
        }
        received += bytes.length;
      }
    } catch (error) {
      signal.throwIfAborted();
      fault ??= `The reply broke off after ${received} bytes: ${error}.`;
    }
    const done = since(clock.now());
    if (received !== film.length) fault ??= `${received} bytes came of ${film.length}.`;
    return {
      timeline: {
        connected: fill ? since(fill.connectedAt ?? fill.startedAt) : null,
        originHead: fill ? since(fill.headAt) : null,
        firstByteLanded: fill ? since(fill.landedAt) : null,
        firstByteOut: firstByteOut ?? done,
        done,
      },
      fault,
    };
  } finally {
    unsubscribe();
  }
}
