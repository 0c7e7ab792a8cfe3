/** *Now*: the playing titles and what they wait for, and recently played ones. */
import { useEffect } from 'preact/hooks';
import { countWords, shareWords, sizeWords } from '../../src/kit/amounts.ts';
import { Phase } from '../parts/phase.tsx';
import { ProblemLine } from '../parts/problem.tsx';
import { TitleOf } from '../parts/title.tsx';
import { fills, playing, resting } from '../state/fills.ts';
import { useFresh } from '../state/keep-fresh.ts';
import { origins } from '../state/origins.ts';
import { linkTo } from '../state/route.ts';
import { MapLegend } from './byte-map.tsx';
import { FillCard } from './fill-card.tsx';
import { PauseButton } from './pause-button.tsx';

export function Now() {
  // The shell refreshes the fills for its own figures. Opening this view refreshes them at once.
  useEffect(() => void fills.refresh(), []);
  if (fills.value.value === null) return <ProblemLine problem={fills.problem.value} />;
  const others = resting.value;
  return (
    <>
      <ProblemLine problem={fills.problem.value} />
      {playing.value.length === 0 ? <Nothing /> : <MapLegend />}
      {playing.value.map((fill) => (
        <FillCard key={fill.id} fill={fill} />
      ))}
      {others.length > 0 && (
        <section aria-labelledby="resting">
          <h2 id="resting">Recently played</h2>
          <ul class="rows resting">
            {others.map((fill) => (
              <li key={fill.id}>
                <TitleOf {...fill} />
                <Phase phase={fill.phase} />
                <span class="figure">
                  {fill.length === null
                    ? sizeWords(fill.presentBytes)
                    : `${shareWords(fill.presentBytes / Math.max(1, fill.length))} of ${sizeWords(fill.length)}`}
                </span>
                {fill.pausedBy === 'user' && <PauseButton fill={fill} />}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Nothing() {
  useFresh(origins, { on: [] });
  const name = origins.value.value?.origins[0]?.name ?? 'ORIGIN';
  const open = resting.value.length;
  return (
    <div class="empty">
      <p>
        <strong>Nothing is playing.</strong>{' '}
        {open > 0 && `${countWords(open, 'title was', 'titles were')} played recently.`}
      </p>
      <p>
        Point a player at <code>{`${location.origin}/${name}/PATH`}</code>, or{' '}
        <a href={linkTo('try-it')}>try one here</a>.
      </p>
    </div>
  );
}
