/** One request as a waterfall: a bar for each step, and the same times as text. */
import { durationWords } from '../../src/kit/amounts.ts';
import type { Timeline } from './timelines.ts';

/** A bar after the first byte is shortened where it is so many times as long as the bars before. */
const longRest = 3;

export function Waterfall({ timeline }: { timeline: Timeline }) {
  const { request, acceptedAt, steps, end } = timeline;
  const moments = steps.map(({ name, at }) => ({ name, after: Math.max(0, at - acceptedAt) }));
  const opening = Math.max(1, ...moments.filter(({ name }) => name !== 'done').map(({ after }) => after));
  const last = moments.at(-1)?.after ?? 0;
  const isCut = end === null || last > opening * (1 + longRest);
  const scale = isCut ? opening * 1.25 : Math.max(1, last);
  const bars = moments.map(({ name, after }, index) => {
    const from = moments[index - 1]?.after ?? 0;
    const to = Math.min(after, scale);
    return { name, from: (Math.min(from, scale) / scale) * 100, width: (Math.max(0, to - from) / scale) * 100 };
  });
  return (
    <li class="waterfall">
      <p>
        Request {request} <span class="place">{end === null ? 'in progress' : end.words}</span>
      </p>
      <div class={`track${isCut ? ' cut' : ''}`} aria-hidden="true">
        {bars.map(({ name, from, width }) => (
          <span key={name} class={name.replaceAll(' ', '-')} style={{ left: `${from}%`, width: `${width}%` }} />
        ))}
      </div>
      <ol class="steps">
        <li>accepted</li>
        {moments.map(({ name, after }) => (
          <li key={name}>
            <span class={`sign ${name.replaceAll(' ', '-')}`} aria-hidden="true" /> {name} <b>{durationWords(after)}</b>
          </li>
        ))}
      </ol>
    </li>
  );
}
