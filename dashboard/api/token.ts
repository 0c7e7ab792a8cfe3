/**
 * The token that changes need: kept for this tab only, and taken from the address where it stands there as
 * `#token=…`, from which it is removed at once.
 */
import { signal } from '@preact/signals';

const place = 'firstbyte-token';

export const token = signal<string | null>(null);

/** Reads what this tab knows, and takes the token out of the address. */
export function takeToken(): void {
  token.value = sessionStorage.getItem(place);
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get('token');
  if (given === null) return;
  keepToken(given);
  history.replaceState(null, '', location.pathname + location.search);
}

export function keepToken(given: string): void {
  token.value = given;
  sessionStorage.setItem(place, given);
}

interface Question {
  /** Why it is asked, in one sentence. */
  readonly why: string;
  readonly answer: (given: string | null) => void;
}

/** What the dialog asks; `null` while it is closed. */
export const question = signal<Question | null>(null);

let asked: Promise<string | null> | null = null;

/** Asks for a token; those who ask meanwhile get the same answer. Resolves with `null` where none is given. */
export function askForToken(why: string): Promise<string | null> {
  asked ??= new Promise<string | null>((resolve) => {
    question.value = {
      why,
      answer(given) {
        question.value = null;
        asked = null;
        if (given !== null) keepToken(given);
        resolve(given);
      },
    };
  });
  return asked;
}
