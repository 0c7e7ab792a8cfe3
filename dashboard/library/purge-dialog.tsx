/** Asks once more before a title is purged. */
import { useState } from 'preact/hooks';
import type { ObjectReport } from '../../src/control/answers.ts';
import { sizeWords } from '../../src/kit/amounts.ts';
import { change } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { TitleOf, titleText } from '../parts/title.tsx';
import { tell } from '../state/announce.ts';

interface PurgeDialogProps {
  readonly stored: ObjectReport;
  readonly onClose: () => void;
  readonly onPurged: () => Promise<unknown>;
}

export function PurgeDialog({ stored, onClose, onPurged }: PurgeDialogProps) {
  const [busy, setBusy] = useState(false);
  const purge = async () => {
    setBusy(true);
    await tell(change('DELETE', `/objects/${stored.id}`).then(() => `${titleText(stored)} is purged.`));
    await onPurged();
    onClose();
  };
  return (
    <Dialog title="Purge this title?" onClose={onClose}>
      <TitleOf origin={stored.origin} path={stored.path} />
      <p>
        This frees {sizeWords(stored.bytes)}
        {stored.pinned && ', although the title is pinned'}. It downloads again when you next play it.
      </p>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="danger" disabled={busy} onClick={purge}>
          Purge
        </button>
      </div>
    </Dialog>
  );
}
