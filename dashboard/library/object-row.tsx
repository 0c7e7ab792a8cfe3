/** One stored title: how much is cached, when it was last played, and its buttons. */
import { useState } from 'preact/hooks';
import type { JobReport, ObjectReport } from '../../src/control/answers.ts';
import { agoWords, shareWords, sizeWords } from '../../src/kit/amounts.ts';
import { change } from '../api/client.ts';
import { Phase } from '../parts/phase.tsx';
import { TitleOf, titleText } from '../parts/title.tsx';
import { tell } from '../state/announce.ts';
import { linkTo } from '../state/route.ts';
import { dateText } from '../words/times.ts';
import { jobs } from './jobs.tsx';

interface ObjectRowProps {
  readonly stored: ObjectReport;
  readonly now: number;
  readonly onPurge: () => void;
  readonly onChange: () => Promise<unknown>;
}

export function ObjectRow({ stored, now, onPurge, onChange }: ObjectRowProps) {
  const [busy, setBusy] = useState(false);
  const { id, origin, path, length, bytes, pinned, state, lastUsed } = stored;
  const title = titleText(stored);
  const pin = pinned ? 'Pinned' : 'Pin';
  const share = length === null ? null : bytes / Math.max(1, length);

  const act = async (doing: Promise<string>) => {
    setBusy(true);
    await tell(doing);
    await onChange();
    setBusy(false);
  };
  const onPin = () =>
    act(
      change<ObjectReport>(pinned ? 'DELETE' : 'PUT', `/objects/${id}/pin`).then(() =>
        pinned ? `${title} may be evicted again.` : `${title} is pinned: never evicted.`,
      ),
    );
  const onWarm = () =>
    act(
      change<JobReport>('POST', '/jobs', { kind: 'warm', origin, target: path, whole: true }).then(async () => {
        await jobs.refresh();
        return `The rest of ${title} is downloading.`;
      }),
    );
  return (
    <div class="object">
      <TitleOf origin={origin} path={path} />
      <Phase phase={state} />
      <span class="amount">
        <progress max={1} value={share ?? 0} aria-label={`Cached of ${title}`} />
        <span>{share === null ? sizeWords(bytes) : `${shareWords(share)} of ${sizeWords(length ?? 0)}`}</span>
      </span>
      <time dateTime={lastUsed} title={dateText(lastUsed)}>
        {agoWords(now - Date.parse(lastUsed))}
      </time>
      <span class="actions">
        <a class="button" href={linkTo('try-it', { url: `/${origin}${path}` })} aria-label={`Play ${title}`}>
          Play
        </a>
        <button type="button" aria-label={`${pin} ${title}`} aria-pressed={pinned} disabled={busy} onClick={onPin}>
          {pin}
        </button>
        <button type="button" aria-label={`Warm ${title}`} disabled={busy || share === 1} onClick={onWarm}>
          Warm
        </button>
        <button type="button" aria-label={`Purge ${title}`} onClick={onPurge}>
          Purge
        </button>
      </span>
    </div>
  );
}
