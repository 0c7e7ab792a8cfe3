/**
 * The token that changes need. It is handed to firstbyte once, which gives this browser a cookie that stands for it and
 * that no script can read; the page itself keeps it nowhere.
 */
import { signal } from '@preact/signals';

/** How many tokens were accepted while this page was open: with each, what was refused may be asked again. */
export const accepted = signal(0);
/** Whether the last one was not. */
export const wasWrong = signal(false);

export const wrong = 'firstbyte did not accept that token.';

/** `none`: nothing was given, or firstbyte does not answer. */
export type Given = 'accepted' | 'wrong' | 'none';

/** Takes the token out of the address, where it stands as `#token=…`, and hands it over. */
export async function takeToken(): Promise<void> {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  await handOver(given);
}

async function handOver(given: string): Promise<Given> {
  let ok = false;
  // Nothing else can stand in a field, nor in a token.
  if (/^[\x21-\x7e]+$/.test(given)) {
    const headers = { authorization: `Bearer ${given}`, 'content-type': 'application/json' };
    try {
      ({ ok } = await fetch('/-/api/v1/session', { method: 'POST', headers, body: '{}' }));
    } catch {
      return 'none';
    }
  }
  wasWrong.value = !ok;
  if (ok) accepted.value += 1;
  return ok ? 'accepted' : 'wrong';
}

interface Question {
  /** Why it is asked, in one sentence. */
  readonly why: string;
  readonly answer: (given: string | null) => void;
}

/** What the dialog asks; `null` while it is closed. */
export const question = signal<Question | null>(null);

let asked: Promise<Given> | null = null;

/** Asks for a token; those who ask meanwhile get the same answer. */
export function askForToken(why: string): Promise<Given> {
  asked ??= new Promise<Given>((resolve) => {
    question.value = {
      why,
      answer(given) {
        question.value = null;
        asked = null;
        resolve(given === null ? 'none' : handOver(given));
      },
    };
  });
  return asked;
}
