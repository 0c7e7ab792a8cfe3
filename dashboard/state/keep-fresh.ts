/**
 * Refreshes the data of a view while it is shown: when it opens, after each event that concerns it, after a lost
 * connection, and at an interval for values that change without events.
 */
import { useLayoutEffect } from 'preact/hooks';
import type { HappeningType } from '../api/happening.ts';
import { onHappening, onResumption } from './live.ts';

interface Refreshable {
  refresh(): Promise<void>;
}

export interface Occasions {
  /** The events that concern it; all where absent. */
  readonly on?: readonly HappeningType[];
  /**
   * How many milliseconds until the next refresh; `null` for not before an event. Called after each refresh, with
   * whether an event came before it.
   */
  readonly every?: (happened: boolean) => number | null;
}

/** Events within so many milliseconds after the first cause one refresh. */
const gathering = 150;

export function useFresh(resource: Refreshable, { on, every }: Occasions): void {
  // Before the view is painted, so that the request is under way meanwhile.
  useLayoutEffect(() => {
    let gathered: ReturnType<typeof setTimeout> | null = null;
    let next: ReturnType<typeof setTimeout> | null = null;
    let ended = false;

    const refresh = async (happened: boolean) => {
      gathered = null;
      if (next !== null) clearTimeout(next);
      next = null;
      if (!document.hidden) await resource.refresh();
      if (ended || next !== null) return;
      const pause = every?.(happened) ?? null;
      if (pause !== null) next = setTimeout(() => void refresh(false), pause);
    };
    const soon = () => {
      gathered ??= setTimeout(() => void refresh(true), gathering);
    };
    const ends = [
      onHappening(({ type }) => {
        if (on === undefined || on.includes(type)) soon();
      }),
      onResumption(soon),
    ];
    document.addEventListener('visibilitychange', soon);
    void refresh(false);
    return () => {
      ended = true;
      if (gathered !== null) clearTimeout(gathered);
      if (next !== null) clearTimeout(next);
      document.removeEventListener('visibilitychange', soon);
      for (const end of ends) end();
    };
  }, [resource]);
}
