/**
 * Keeps what a view shows fresh while it is shown: asked for when the view opens, after each event that concerns it,
 * after a lost connection, and in an interval where rates and positions move without events.
 */
import { useLayoutEffect } from 'preact/hooks';
import type { HappeningType } from '../api/happening.ts';
import { onHappening, onResumption } from './live.ts';

interface Refreshable {
  refresh(): Promise<void>;
}

export interface Occasions {
  /** Without it every event is one. */
  readonly on?: readonly HappeningType[];
  /**
   * How long until the next time, in milliseconds, or `null` for not before an event; asked after each refresh, with
   * whether something had happened before it.
   */
  readonly every?: (happened: boolean) => number | null;
}

/** Events that come together are answered by one refresh, so long after the first of them. */
const gathering = 150;

export function useFresh(resource: Refreshable, { on, every }: Occasions): void {
  // Before the view is painted: the answer shall be on its way meanwhile.
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
