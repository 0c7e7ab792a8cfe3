/** Asks for the token, when a change has shown that one is needed. */
import { useId, useState } from 'preact/hooks';
import { question } from '../api/token.ts';
import { Dialog } from './dialog.tsx';

export function TokenDialog() {
  const asked = question.value;
  const [given, setGiven] = useState('');
  const fieldId = useId();
  const hintId = useId();
  if (asked === null) return null;
  const answer = (value: string | null) => {
    setGiven('');
    asked.answer(value);
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    if (given.trim() !== '') answer(given.trim());
  };
  return (
    <Dialog title="Token" onClose={() => answer(null)}>
      <form onSubmit={onSubmit}>
        <p>{asked.why}</p>
        <label for={fieldId}>Token</label>
        <input
          id={fieldId}
          type="password"
          autocomplete="off"
          aria-describedby={hintId}
          value={given}
          onInput={(event) => setGiven(event.currentTarget.value)}
        />
        <p id={hintId} class="hint">
          The one that is configured as <code>token</code>, or the one in the file <code>owner</code> of the cache
          directory; <code>firstbyte page</code> prints the address of this page with it. It is kept until this browser
          is closed, for seven days at most.
        </p>
        <div class="actions">
          <button type="button" onClick={() => answer(null)}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={given.trim() === ''}>
            Use this token
          </button>
        </div>
      </form>
    </Dialog>
  );
}
