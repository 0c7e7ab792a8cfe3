/**
 * A conversation by chance: an origin that draws what it does from all kinds of ways in which servers differ from the
 * standard, and one client that asks it directly and through firstbyte. What is right directly has to be right through
 * firstbyte.
 */
import assert from 'node:assert/strict';
import type { Behaviour } from '../support/behaviour.ts';
import { Client } from '../support/client.ts';
import type { Exchange } from '../support/exchange.ts';
import { film } from '../support/film.ts';
import type { SeenRequest } from '../support/film-reply.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';
import { Chance } from './chance.ts';

/** What the client does next: asks for a range or for everything, waits so many milliseconds, or starts firstbyte anew. */
type Move =
  | { readonly ask: string | null; readonly faults: readonly Behaviour[] }
  | { readonly wait: number }
  | { readonly restart: true };

export interface Conversation {
  readonly seed: number;
  readonly size: number;
  /** What the origin always does, whatever is asked. */
  readonly fields: Behaviour['fields'] & object;
  /** What it does to requests that have a field, by its name. */
  readonly dislikes: Readonly<Record<string, Behaviour>>;
  readonly always: Behaviour;
  /** Whether the client's target leads to the film by a redirect, and with what freshness. */
  readonly redirect: { readonly status: number; readonly fields: Behaviour['fields'] & object } | null;
  readonly moves: readonly Move[];
}

const weak = 'W/"f4240-18f4b2c"';

export function conversationOf(seed: number): Conversation {
  const chance = new Chance(seed);
  const size = chance.about(1, 900_000);
  const maybe = <T>(probability: number, value: () => T, other: T): T => (chance.is(probability) ? value() : other);
  const validators = chance.one<Behaviour['fields'] & object>([
    {},
    {},
    { etag: weak },
    { etag: null },
    { etag: '18f4b2c-f4240' },
    { etag: weak, 'last-modified': null },
    { etag: null, 'last-modified': null },
    { etag: weak, date: null },
    { etag: weak, 'last-modified': 'Wed, 1 Jan 2025 00:00:00 UTC' },
    { etag: null, 'last-modified': 'Fri, 01 Jan 2100 00:00:00 GMT' },
  ]);
  const freshness = chance.one<Behaviour['fields'] & object>([
    {},
    {},
    { 'cache-control': 'max-age=0' },
    { 'cache-control': 'no-cache' },
    { 'cache-control': 'no-store' },
    { 'cache-control': 'max-age=60' },
    { vary: 'Origin' },
  ]);
  const types = chance.one([{}, {}, { 'content-type': null }, { 'content-type': 'text/plain' }, { 'content-type': 'application/octet-stream' }] as const); // biome-ignore format: one line reads best
  const codings = chance.one([{}, {}, {}, { 'content-encoding': 'none' }, { 'content-encoding': 'utf-8' }, { 'content-encoding': '' }] as const); // biome-ignore format: one line reads best
  const refusal = (): Behaviour => ({ status: chance.one([400, 403, 405, 406, 409, 416, 422, 500, 501, 503]) });
  const dislikes: Record<string, Behaviour> = {};
  if (chance.is(0.3)) {
    dislikes.range = chance.one<Behaviour>([
      refusal(),
      refusal(),
      { ignoreRange: true },
      { fields: { 'content-range': null } },
      { fields: { 'content-range': `bytes 0-${size}/${size}` } },
      { fields: { 'content-encoding': 'gzip' } },
      { success: 200 },
    ]);
  }
  if (chance.is(0.2)) dislikes['if-range'] = chance.one<Behaviour>([refusal(), { ignoreRange: true }]);
  if (chance.is(0.2)) {
    const toConditions = chance.one<Behaviour>([refusal(), { ignoreConditions: true }]);
    dislikes['if-none-match'] = toConditions;
    dislikes['if-modified-since'] = toConditions;
  }
  if (chance.is(0.1)) dislikes['accept-encoding'] = { status: 406 };
  const always: Behaviour = {
    ...maybe<Behaviour>(0.15, () => ({ framing: chance.one(['chunked', 'length']) }), {}),
    ...maybe<Behaviour>(0.1, () => ({ ignoreRange: true }), {}),
  };
  const redirect = maybe<Conversation['redirect']>(
    0.2,
    () => ({
      status: chance.one([301, 302, 303, 307, 308]),
      fields: chance.one<Behaviour['fields'] & object>([
        {},
        { 'cache-control': 'no-store' },
        { 'cache-control': 'max-age=60' },
      ]),
    }),
    null,
  );
  const moves = chance.many<Move>(2, 7, () => {
    if (chance.is(0.12)) return { restart: true };
    if (chance.is(0.25)) return { wait: chance.about(10, 100_000_000) };
    const at = chance.between(0, size - 1);
    const ask = chance.one([null, null, '0-', '0-1', `${at}-`, `${at}-${chance.between(at, size + 10)}`, `-${chance.between(1, size)}`]); // biome-ignore format: one line reads best
    // A fault that passes: the client by itself would ask again.
    const fault = (): Behaviour =>
      chance.one<Behaviour>([{ status: chance.one([408, 425, 429, 500, 502, 503, 520, 599]) }, { hangUp: 'reset' }]);
    return { ask, faults: chance.is(0.15) ? chance.many(1, 2, fault) : [] };
  });
  return {
    seed,
    size,
    fields: { ...validators, ...freshness, ...types, ...codings },
    dislikes,
    always,
    redirect,
    moves,
  };
}

/** Rejects where something is right directly and not through firstbyte. Resolves with how many requests were compared. */
export async function converse(conversation: Conversation): Promise<number> {
  const { size, fields, dislikes, always, redirect, moves } = conversation;
  const movie = film(size);
  const rig = await virtualRig({ films: movie, relay: { rate: 50_000_000 } });
  rig.origin.always((seen) => behaviourFor(seen));
  function behaviourFor({ target, fields: asked }: SeenRequest): Behaviour {
    if (target === '/film' && redirect !== null) {
      return { status: redirect.status, fields: { ...redirect.fields, location: '/there.mp4' } };
    }
    const disliked = Object.entries(dislikes).find(([name]) => asked.some(([given]) => given === name))?.[1] ?? {};
    return { ...always, ...disliked, fields: { ...fields, ...disliked.fields } };
  }
  let compared = 0;
  for (const move of moves) {
    if ('wait' in move) await rig.clock.advance(move.wait);
    else if ('restart' in move) await rig.restart();
    else {
      const direct = await askedDirectly(rig, move.ask, redirect === null ? '/film' : '/there.mp4');
      rig.origin.next(...move.faults);
      const options = move.ask === null ? {} : { range: move.ask };
      const view = rig.get('/films/film', options);
      const outcome = await rig.clock.advanceUntil(view.done());
      rig.origin.forgetNext();
      if (!isRight(direct, size, move.ask)) continue;
      compared += 1;
      assert.equal(outcome, 'complete', `${move.ask}: ${view.status}, ${view.bodyBytes} bytes`);
      assert.ok(isRight(view, size, move.ask), `${move.ask}: ${view.status}, ${view.bodyBytes} of ${size} bytes`);
    }
  }
  assert.deepEqual(rig.eventsOf('bug'), []);
  await rig.close();
  return compared;
}

/** Past firstbyte, over a connection of its own. */
async function askedDirectly(rig: VirtualRig, range: string | null, target: string): Promise<Exchange> {
  const far = rig.network.relay.connect((end) => rig.origin.accept(end));
  const client = new Client(far, { clock: rig.clock, film: film(0) });
  const exchange = client.send(
    `GET ${target} HTTP/1.1\r\nhost: origin\r\n${range === null ? '' : `range: bytes=${range}\r\n`}\r\n`,
    null,
  );
  await rig.clock.advanceUntil(exchange.done()).catch(() => {});
  client.leave();
  return exchange;
}

/** Whether it has all that was asked for: the whole, or the part. The bytes themselves are compared as they come. */
function isRight({ status, outcome, bodyBytes }: Exchange, size: number, range: string | null): boolean {
  if (outcome !== 'complete') return false;
  if (status === 200) return bodyBytes === size;
  if (status !== 206 || range === null) return false;
  const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(range) ?? [];
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return bodyBytes === end - start;
}
