/** firstbyte as a program has it, in front of an origin of the program's own that a test scripts. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { createFirstbyte, type Firstbyte, type FirstbyteOptions } from '../../src/index.ts';
import { film } from '../support/film.ts';
import { ScriptedOrigin, type ServingOptions } from '../support/scripted-origin.ts';

export const base = 'https://media.example/films';
export const url = `${base}/a.mkv`;
export const size = 3_000_000;
export const title = film(size);

/** Closed with its test: nobody is being answered then, however the test went. */
export async function opened(t: TestContext, options: FirstbyteOptions = {}): Promise<Firstbyte> {
  const cache = await createFirstbyte({ drainTimeout: '0s', ...options });
  t.after(async () => {
    await cache.close();
    const { requests, readers, stalled, listeners } = cache.lent();
    assert.deepEqual({ requests, readers, stalled, listeners }, { requests: 0, readers: 0, stalled: 0, listeners: 0 });
  });
  return cache;
}

export interface Set {
  readonly cache: Firstbyte;
  readonly origin: ScriptedOrigin;
}

/** With an origin that answers each request by itself. */
export async function serving(
  t: TestContext,
  answers: Omit<ServingOptions, 'clock'> = {},
  options: FirstbyteOptions = {},
): Promise<Set> {
  const origin = ScriptedOrigin.serving(title, { ...answers, clock: systemClock });
  return { origin, cache: await opened(t, { ...options, origins: { films: { url: base, origin } } }) };
}

/** With an origin that answers when the test says so. */
export async function scripted(t: TestContext, options: FirstbyteOptions = {}): Promise<Set> {
  const origin = new ScriptedOrigin(title);
  return { origin, cache: await opened(t, { ...options, origins: { films: { url: base, origin } } }) };
}

/** Checks the bytes of a stream against the film. */
export async function assertFilm(bytes: AsyncIterable<Uint8Array>, start = 0, end = size): Promise<void> {
  let at = start;
  for await (const piece of bytes) {
    title.assertBytes(at, Buffer.from(piece));
    at += piece.length;
  }
  assert.equal(at, end);
}

/** The content of a response, which has some. */
export function contentOf({ body }: Response): ReadableStream<Uint8Array> {
  assert.ok(body !== null);
  return body;
}
