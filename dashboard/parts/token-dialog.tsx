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
    <Dialog title="Password or token" onClose={() => answer(null)}>
      <form onSubmit={onSubmit}>
        <p>{asked.why}</p>
        <label for={fieldId}>Password or token</label>
        <input
          id={fieldId}
          type="password"
          autocomplete="off"
          aria-describedby={hintId}
          value={given}
          onInput={(event) => setGiven(event.currentTarget.value)}
        />
        <p id={hintId} class="hint">
          <code>firstbyte page</code>, on the machine where firstbyte runs, prints the password; where{' '}
          <code>token</code> is configured, it is that token. This browser is not asked again for a while.
        </p>
        <div class="actions">
          <button type="button" onClick={() => answer(null)}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={given.trim() === ''}>
            Continue
          </button>
        </div>
      </form>
    </Dialog>
  );
}
