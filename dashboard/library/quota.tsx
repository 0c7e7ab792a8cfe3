/** The store's size and limit, and what it would evict first. */
import type { StoreReport } from '../../src/control/answers.ts';
import { countWords, shareWords, sizeWords } from '../../src/kit/amounts.ts';
import { TitleOf } from '../parts/title.tsx';
import { Untrusted } from '../parts/untrusted.tsx';

export function Quota({ store: { bytes, objects, limit, free, trouble, starved, nextToGo } }: { store: StoreReport }) {
  const room = limit ?? (free === null ? null : bytes + free);
  const going = nextToGo.reduce((sum, title) => sum + title.bytes, 0);
  return (
    <section class="card quota" aria-label="Room">
      <p>
        <strong>{sizeWords(bytes)}</strong>
        {limit === null ? ' used, without a limit' : ` of ${sizeWords(limit)} (${shareWords(bytes / limit)})`} by{' '}
        {countWords(objects, 'title')}
        {free !== null && `; ${sizeWords(free)} free on the disk`}
      </p>
      {room !== null && (
        <div class="room" aria-hidden="true">
          <span class="kept" style={{ width: `${(Math.max(0, bytes - going) / room) * 100}%` }} />
          <span class="going" style={{ width: `${(Math.min(bytes, going) / room) * 100}%` }} />
        </div>
      )}
      {trouble !== null && (
        <p class="problem">
          Nothing is being stored now; playback continues. <Untrusted text={trouble.message} />
        </p>
      )}
      {starved > 0 && (
        <p class="problem">
          {countWords(starved, 'read is', 'reads are')} waiting for memory to read from disk (bufferMemory).
        </p>
      )}
      {nextToGo.length > 0 && (
        <details>
          <summary>
            Evicted first: {countWords(nextToGo.length, 'title')}, {sizeWords(going)}
          </summary>
          <ol class="rows">
            {nextToGo.map((title) => (
              <li key={title.id}>
                <TitleOf {...title} />
                <span class="figure">{sizeWords(title.bytes)}</span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}
