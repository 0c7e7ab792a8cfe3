/**
 * The token that changes need. The page sends it to firstbyte once and gets a cookie that stands for it, which no
 * script can read. The page does not keep the token.
 */
import { signal } from '@preact/signals';

/** How many tokens were accepted since the page opened. After each one, refused requests can be repeated. */
export const accepted = signal(0);
/** Whether the last token was wrong. */
export const wasWrong = signal(false);

export const wrong = 'This password is wrong.';

/** `none`: the user entered none, or firstbyte does not answer. */
export type Given = 'accepted' | 'wrong' | 'none';

/** Removes the token (`#token=…`) from the address and sends it to firstbyte. */
export async function takeToken(): Promise<void> {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  await handOver(given);
}

async function handOver(given: string): Promise<Given> {
  let ok = false;
  // A header field, and so a token, can have no other characters.
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
  /** Why the token is needed, in one sentence. */
  readonly why: string;
  readonly answer: (given: string | null) => void;
}

/** The question of the dialog; `null` while it is closed. */
export const question = signal<Question | null>(null);

let asked: Promise<Given> | null = null;

/** Asks for a token. Callers in the meantime get the same answer. */
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
