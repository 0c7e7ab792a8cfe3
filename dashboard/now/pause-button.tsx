/** Pauses or resumes a fill. Not shown for a complete fill. */
import { useState } from 'preact/hooks';
import type { FillReport } from '../../src/control/answers.ts';
import { change } from '../api/client.ts';
import { titleText } from '../parts/title.tsx';
import { tell } from '../state/announce.ts';
import { fills } from '../state/fills.ts';

export function PauseButton({ fill }: { fill: FillReport }) {
  const [busy, setBusy] = useState(false);
  if (fill.phase === 'complete') return null;
  const held = fill.pausedBy === 'user';
  const act = async () => {
    setBusy(true);
    await tell(
      change<FillReport>('POST', `/fills/${fill.id}/${held ? 'resume' : 'pause'}`).then(
        () => `${titleText(fill)} is ${held ? 'resumed' : 'paused'}.`,
      ),
    );
    await fills.refresh();
    setBusy(false);
  };
  return (
    <button type="button" disabled={busy} onClick={act}>
      {held ? 'Resume' : 'Pause'}
      <span class="unseen"> {titleText(fill)}</span>
    </button>
  );
}
