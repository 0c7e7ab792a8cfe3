/** What must be true of the events of every scenario, and when they have all come. */
import assert from 'node:assert/strict';
import type { DomainEvent } from '../../src/events.ts';
import type { VirtualRig } from '../support/rig.ts';

/** Every number in an event that is a time on the monotonic clock. */
function timesOf(event: DomainEvent): number[] {
  if (event.type === 'fill-first-byte') {
    const { startedAt, connectedAt, headAt, landedAt, storedAt, at } = event;
    return [startedAt, connectedAt, headAt, landedAt, storedAt, at].filter((time) => time !== null);
  }
  if (event.type === 'request-done') {
    const { acceptedAt, patienceAt, headOutAt, firstByteOutAt, doneAt } = event.timeline;
    return [acceptedAt, patienceAt, headOutAt, firstByteOutAt, doneAt, event.at].filter((time) => time !== null);
  }
  return [event.at];
}

/** No time in them goes back. */
export function assertMonotonic(events: readonly DomainEvent[]): void {
  for (const [index, event] of events.entries()) {
    assert.ok(event.at >= (events[index - 1]?.at ?? 0), `${event.type} at ${event.at} comes after a later one`);
    const times = timesOf(event);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
      `${event.type}: ${times}`,
    );
  }
}

/** Resolves when the replies have ended and everything that they cause has happened. */
export async function finished(rig: VirtualRig, ...exchanges: Array<ReturnType<VirtualRig['get']>>): Promise<void> {
  for (const exchange of exchanges) await rig.clock.advanceUntil(exchange.done());
  await rig.clock.settle();
}
