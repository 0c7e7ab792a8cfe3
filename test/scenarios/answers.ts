/** Answers and errors of scripted origins that many scenarios need. */
import { ProxyError, type ProxyErrorType } from '../../src/errors.ts';
import type { Fields } from '../../src/http/fields.ts';
import type { ScriptedOrigin, ScriptedRequest } from '../support/scripted-origin.ts';

/** Answers with a status and a page of its own. */
export function answerWith(request: ScriptedRequest, status: number, fields: Fields = []): void {
  const page = Buffer.from(pageOf(status));
  request.head(status, [...fields, ['content-type', 'text/html'], ['content-length', String(page.length)]]);
  request.bytes(page).end();
}

export function pageOf(status: number): string {
  return `<h1>The origin says ${status}</h1>`;
}

export function refusal(type: ProxyErrorType = 'connection_refused'): ProxyError {
  return new ProxyError(type, 'The origin can not be reached.');
}

/** Gives every request to come to `answer`, beginning with those that nobody has looked at. */
export async function answerAll(origin: ScriptedOrigin, answer: (request: ScriptedRequest) => void): Promise<never> {
  for (;;) answer(await origin.nextRequest());
}
