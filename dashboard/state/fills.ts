/** The fills as they are now. */
import { computed } from '@preact/signals';
import type { FillReport } from '../../src/control/answers.ts';
import { phaseWord } from '../parts/phase.tsx';
import { titleText } from '../parts/title.tsx';
import { announce } from './announce.ts';
import { onHappening } from './live.ts';
import { Resource } from './resource.ts';

export const fills = new Resource<{ readonly fills: readonly FillReport[] }>('/fills');

/** Fills with readers, and fills that download. */
export const playing = computed(() => (fills.value.value?.fills ?? []).filter(isPlaying));
/** The others; what was opened last comes first. */
export const resting = computed(() => (fills.value.value?.fills ?? []).filter((fill) => !isPlaying(fill)).toReversed());

export const speedIn = computed(() => playing.value.reduce((sum, fill) => sum + fillSpeed(fill).in, 0));
export const speedOut = computed(() => playing.value.reduce((sum, fill) => sum + fillSpeed(fill).out, 0));

export function fillSpeed({ cursors, readers }: FillReport): { readonly in: number; readonly out: number } {
  return {
    in: cursors.reduce((sum, { speed, state }) => sum + (state === 'filling' ? (speed ?? 0) : 0), 0),
    out: readers.reduce((sum, { speed }) => sum + speed, 0),
  };
}

/** Positions and speeds are requested so often while a fill moves, in milliseconds; a wait, which people count, oftener. */
export function pauseBetween(): number | null {
  if (playing.value.some(({ waiters }) => waiters > 0)) return 200;
  return playing.value.length > 0 ? 1000 : null;
}

/** Announces each new state to screen readers, as long as the page is open. */
export function tellOfFills(): void {
  onHappening((happening) => {
    // A new connection brings old events; these are not announced.
    if (happening.type === 'fill-state' && Date.now() - Date.parse(happening.at) < 5000) {
      announce(`${titleText(happening)}: ${phaseWord(happening.to).toLowerCase()}.`);
    }
  });
}

function isPlaying({ phase, readers }: FillReport): boolean {
  return readers.length > 0 || phase === 'queued' || phase === 'starting' || phase === 'filling';
}
