/** One fill by itself, on virtual time, for what the cache above does not ask of it. */
import { EventBus } from '../../src/events.ts';
import { ConnectionSlots } from '../../src/fill/connection-slots.ts';
import { Fill } from '../../src/fill/fill.ts';
import { Parallelism } from '../../src/fill/parallelism.ts';
import { Reachability } from '../../src/origin/reachability.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Film } from '../support/film.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { defaultPolicy } from './policy.ts';

/** `serving: null` for an origin that does what the test says. */
export function filled(film: Film, serving: { readonly rate: number } | null) {
  const clock = new VirtualClock();
  const origin =
    serving === null ? new ScriptedOrigin(film) : ScriptedOrigin.serving(film, { clock, headAfter: 50, ...serving });
  const events = new EventBus();
  const fill = new Fill(
    {
      name: { fill: 1, origin: 'films', path: '/film.mp4' },
      origin,
      reachability: new Reachability({ name: 'films', clock, events, wait: defaultPolicy.firstByteTimeout }),
      target: { target: '/film.mp4', fields: [], said: [] },
      objectName: 'film',
      store: createMemoryStore(),
      mayStore: () => true,
      mayShare: () => true,
      slots: new ConnectionSlots(32, 100),
      parallelism: new Parallelism(clock, 1),
      policy: defaultPolicy,
      foresees: true,
      clock,
      events,
      random: () => 0.5,
    },
    null,
  );
  return { fill, clock, origin };
}
