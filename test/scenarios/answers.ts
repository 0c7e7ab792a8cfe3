/** Answers and errors of scripted origins that many scenarios need. */

import type { Clock } from '../../src/clock.ts';
import { ProxyError, type ProxyErrorType } from '../../src/errors.ts';
import type { Fields } from '../../src/http/fields.ts';
import { never } from '../support/never.ts';
import { pause } from '../support/pause.ts';
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

/**
 * Answers with the film over a long way, at 1 MB/s for each connection, and with `refusal` to those that are more than
 * `most` at a time; `null` where these wait until another is over.
 */
export function answerFew(
  origin: ScriptedOrigin,
  clock: Clock,
  { most, refusal }: { readonly most: number; readonly refusal: number | null },
): Promise<never> {
  const taken = new Set<ScriptedRequest>();
  return answerAll(origin, async (request) => {
    await pause(clock, 300, never);
    request.connected(300);
    await pause(clock, 300, never);
    const isFull = () => {
      for (const each of taken) if (!each.live) taken.delete(each);
      return taken.size >= most;
    };
    if (isFull() && refusal !== null) return answerWith(request, refusal);
    while (request.live && isFull()) await pause(clock, 10, never);
    if (!request.live) return;
    taken.add(request);
    const end = request.until ?? origin.film.size;
    request.head(206);
    while (request.live && request.position < end) {
      await pause(clock, 50, never);
      await request.wanted();
      if (request.live) request.bytes(Math.min(50_000, end - request.position));
    }
    request.end();
  });
}

/** What a connection brings in its first round trip (RFC 6928), in bytes. */
const firstFlight = 14_480;

/**
 * Answers with the film over a long way, on a line that all share: each connection brings twice as much in each round trip as
 * in the one before (RFC 5681 §3.1), also with the next request that it is used for.
 */
export function answerSlowly(
  origin: ScriptedOrigin,
  clock: Clock,
  { roundTrip, rate }: { readonly roundTrip: number; readonly rate: number },
): Promise<never> {
  const idle: number[] = [];
  let freeAt = 0;
  return answerAll(origin, async (request) => {
    let flight = idle.pop() ?? 0;
    if (flight === 0) await pause(clock, roundTrip, never);
    request.connected(flight === 0 ? roundTrip : undefined);
    flight ||= firstFlight;
    await pause(clock, roundTrip, never);
    const end = request.until ?? origin.film.size;
    request.head(206);
    while (request.live && request.position < end) {
      const bytes = Math.min(flight, end - request.position);
      const sentAt = clock.now();
      freeAt = Math.max(freeAt, sentAt) + (bytes * 1000) / rate;
      await pause(clock, freeAt - sentAt, never);
      await request.wanted();
      if (request.live) request.bytes(bytes);
      if (request.position < end) await pause(clock, Math.max(0, sentAt + roundTrip - clock.now()), never);
      flight = Math.min(2 * flight, (rate * roundTrip) / 1000);
    }
    if (request.live) idle.push(flight);
    request.end();
  });
}

/** Gives every request to come to `answer`, beginning with those that nobody has looked at. */
export async function answerAll(origin: ScriptedOrigin, answer: (request: ScriptedRequest) => void): Promise<never> {
  for (;;) answer(await origin.nextRequest());
}
