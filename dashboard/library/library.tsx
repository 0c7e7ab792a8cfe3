/** *Library*: the cached titles and their size, with buttons to pin, warm and purge, and a preview of eviction. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { ObjectReport } from '../../src/control/answers.ts';
import { countWords, sizeWords } from '../../src/kit/amounts.ts';
import { ProblemLine } from '../parts/problem.tsx';
import { useClock } from '../parts/use-clock.ts';
import { useNarrow } from '../parts/use-narrow.ts';
import { VirtualRows } from '../parts/virtual-rows.tsx';
import { playing } from '../state/fills.ts';
import { type Occasions, useFresh } from '../state/keep-fresh.ts';
import { origins } from '../state/origins.ts';
import { store } from '../state/store.ts';
import { Filters, type FilterWords } from './filters.tsx';
import { Jobs } from './jobs.tsx';
import { ObjectRow } from './object-row.tsx';
import { PurgeDialog } from './purge-dialog.tsx';
import { Quota } from './quota.tsx';
import { Shelf } from './shelf.ts';

/** In CSS pixels, as the style sheet has them. */
const rowHeights = { wide: 52, narrow: 104 };
/** The store's list may be two seconds old, so the view is refreshed once more after so many milliseconds. */
const newList = 2500;

const occasions: Occasions = {
  on: ['fill-state', 'fill-done', 'request-done', 'job-done'],
  every: (happened) => (happened || playing.value.length > 0 ? newList : null),
};

const everything: FilterWords = { q: '', origin: '', state: '', pinned: false, sort: '-used' };

function nothingWords({ q, origin, state, pinned }: FilterWords): string {
  return q === '' && origin === '' && state === '' && !pinned ? 'The cache is empty.' : 'No titles match.';
}

export function Library() {
  const shelf = useMemo(() => new Shelf(), []);
  const [words, setWords] = useState(everything);
  const [purging, setPurging] = useState<ObjectReport | null>(null);
  const rowHeight = useNarrow() ? rowHeights.narrow : rowHeights.wide;
  const now = useClock();
  useFresh(shelf, occasions);
  useFresh(store, occasions);
  useFresh(origins, { on: [] });
  useEffect(() => void shelf.ask(words), [shelf, words]);
  const onReach = useCallback((count: number) => shelf.reach(count), [shelf]);
  const again = useCallback(() => Promise.all([shelf.refresh(), store.refresh()]), [shelf]);
  const state = shelf.state.value;

  const row = (index: number) => {
    const stored = state?.objects[index];
    if (stored === undefined) return <span class="place">…</span>;
    return <ObjectRow stored={stored} now={now} onPurge={() => setPurging(stored)} onChange={again} />;
  };
  return (
    <>
      <ProblemLine problem={shelf.problem.value ?? store.problem.value} />
      {store.value.value !== null && <Quota store={store.value.value} />}
      <Jobs />
      <Filters words={words} origins={origins.value.value?.origins ?? []} onChange={setWords} />
      {state !== null && (
        <>
          <p class="hint" role="status">
            {state.total === 0 ? nothingWords(words) : `${countWords(state.total, 'title')}, ${sizeWords(state.bytes)}`}
          </p>
          {state.total > 0 && (
            <VirtualRows count={state.total} rowHeight={rowHeight} label="Stored titles" row={row} onReach={onReach} />
          )}
        </>
      )}
      {purging !== null && <PurgeDialog stored={purging} onClose={() => setPurging(null)} onPurged={again} />}
    </>
  );
}
