/** How a scripted origin answers by itself: correctly, after a silence, at a rate, on the test's clock. */
import type { Clock } from '../../src/clock.ts';
import type { Film } from './film.ts';
import { satisfied } from './film-fields.ts';
import { chooseStatus } from './honest-answer.ts';
import { durationOf, pieceSize } from './pace.ts';
import { pause } from './pause.ts';
import type { ScriptedRequest } from './scripted-request.ts';

export interface ServingOptions {
  readonly clock: Clock;
  readonly name?: string;
  /** Milliseconds until the connection is there. */
  readonly connectAfter?: number;
  /** Milliseconds of silence between the connection and the head. */
  readonly headAfter?: number;
  /** Milliseconds between the head and the first byte of the body. */
  readonly bodyAfter?: number;
  /** Bytes per second of each request; unlimited unless given. */
  readonly rate?: number;
  /** Bytes in one network read; 10 ms worth, at most 64 KiB, unless given. */
  readonly readSize?: number;
  /** Whether it answers ranges; otherwise always with 200 and the whole. */
  readonly ranges?: boolean;
}

/** Answers one request to its end, or until it is given up. */
export async function serve(request: ScriptedRequest, film: Film, options: ServingOptions): Promise<void> {
  const { clock, connectAfter = 0, headAfter = 0, bodyAfter = 0, ranges = true } = options;
  await pauseFor(request, clock, connectAfter);
  request.connected(connectAfter);
  await pauseFor(request, clock, headAfter);
  const status = chooseStatus(film, request.fields, { ignoreRange: !ranges });
  request.head(status);
  await pauseFor(request, clock, bodyAfter);
  if (status === 206) await giveBody(request, satisfied(film, request.offset, request.until)?.end ?? 0, options);
  if (status === 200) await giveBody(request, film.size, options);
  request.end();
}

/** Gives each piece when it is wanted, not before the rate allows it; one may wait in the network, no more. */
async function giveBody(request: ScriptedRequest, end: number, options: ServingOptions): Promise<void> {
  const { clock, rate = Number.POSITIVE_INFINITY } = options;
  const size = options.readSize ?? pieceSize(rate);
  while (request.live && request.position < end) {
    const piece = Math.min(size, end - request.position);
    await pauseFor(request, clock, durationOf(piece, rate));
    await request.wanted();
    request.bytes(piece);
  }
}

/** Lets time pass; ends early, and without harm, when the request is given up. */
async function pauseFor(request: ScriptedRequest, clock: Clock, duration: number): Promise<void> {
  await pause(clock, duration, request.gone).catch(() => {});
}
