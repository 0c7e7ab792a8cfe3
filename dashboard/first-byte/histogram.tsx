/** The waits as one bar a line, each with its number, so that it can be read without the bars. */
import type { WaitStats } from '../../src/control/answers.ts';
import type { WaitOutcome } from '../../src/events.ts';
import { countWords, durationWords, grouped } from '../../src/kit/amounts.ts';
import { type Band, bandsOf, outcomes } from './waits.ts';

const outcomeWords: Readonly<Record<WaitOutcome, string>> = {
  served: 'served',
  late: 'too late',
  failed: 'failed',
  gone: 'player left',
};

export function Histogram({ waits }: { waits: Readonly<Record<WaitOutcome, WaitStats>> }) {
  const bands = bandsOf(waits);
  if (bands.length === 0) return <p class="hint">No waits yet.</p>;
  const most = Math.max(...bands.map(({ total }) => total));
  const lastEdge = bands.findLast(({ upTo }) => upTo !== null)?.upTo ?? 0;
  return (
    <>
      <ul class="bars">
        {bands.map((band) => (
          <li key={band.upTo}>
            <span class="edge">
              {band.upTo === null ? `> ${durationWords(lastEdge)}` : `≤ ${durationWords(band.upTo)}`}
            </span>
            <span class="bar" aria-hidden="true">
              {outcomes.map((outcome) => (
                <span class={outcome} key={outcome} style={{ width: `${(band.counts[outcome] / most) * 100}%` }} />
              ))}
            </span>
            <span class="count" title={detail(band)}>
              {band.total}
              <span class="unseen">: {detail(band)}</span>
            </span>
          </li>
        ))}
      </ul>
      <p class="bar-legend">
        {outcomes.map((outcome) => (
          <span key={outcome}>
            <span class={`sign ${outcome}`} aria-hidden="true" /> {outcomeWords[outcome]}{' '}
            {grouped(waits[outcome].count)}
          </span>
        ))}
      </p>
    </>
  );
}

function detail({ counts }: Band): string {
  return (
    outcomes
      .filter((outcome) => counts[outcome] > 0)
      .map((outcome) => `${grouped(counts[outcome])} ${outcomeWords[outcome]}`)
      .join(', ') || countWords(0, 'wait')
  );
}
