/**
 * One row of the table "what a viewer gets": a film in one of three states at firstbyte, and an origin that is about
 * to do something wrong.
 */
import assert from 'node:assert/strict';
import type { RequestOptions } from '../support/client.ts';
import type { Exchange } from '../support/exchange.ts';
import { type Film, film } from '../support/film.ts';
import { type RigOptions, type VirtualRig, virtualRig } from '../support/rig.ts';

/** How much of the film is there before anything goes wrong. */
export const states = ['cold', 'partly present', 'complete'] as const;
export type State = (typeof states)[number];

export const movie = film(1_000_000);

/** What is present where only a part is: the first unit that is asked for. */
export const partSize = 262_144;

const target = '/films/film.mp4';
export const day = 86_400_000;

export class Row {
  readonly rig: VirtualRig;
  readonly #exchanges: Exchange[] = [];

  constructor(rig: VirtualRig) {
    this.rig = rig;
  }

  /** A viewer who asks for something, by default the whole. */
  view(options: RequestOptions = {}): Exchange {
    const exchange = this.rig.get(target, options);
    this.#exchanges.push(exchange);
    return exchange;
  }

  /** What a viewer got, at the end: status, way of ending and size of the body. */
  async got(exchange: Exchange): Promise<readonly [status: number | null, outcome: string, bytes: number]> {
    const outcome = await this.rig.clock.advanceUntil(exchange.done());
    return [exchange.status, outcome, exchange.bodyBytes];
  }

  /** What one viewer after another gets. */
  async gets(options: RequestOptions = {}) {
    return this.got(this.view(options));
  }

  /** Requests that the origin has heard, as their Range and If-Range fields and the status it gave. */
  get heard(): ReadonlyArray<readonly [range: string, ifRange: string | null, status: number | null]> {
    return this.rig.origin.requests.map(({ fields, status }) => {
      const field = (name: string) => fields.find(([given]) => given === name)?.[1] ?? null;
      return [(field('range') ?? '').replace('bytes=', ''), field('if-range'), status];
    });
  }

  /** Ends it: nothing broke inside, nothing is left behind. */
  async close(): Promise<void> {
    const { rig } = this;
    assert.deepEqual(rig.eventsOf('bug'), []);
    await rig.close();
    await rig.clock.advance(1000);
    const left = { connections: rig.network.relay.open + rig.origin.open, timers: rig.clock.pending };
    assert.deepEqual(left, { connections: 0, timers: 0 });
  }
}

export const whole = [200, 'complete', movie.size] as const;

/** A film that an honest origin has given so far. */
export async function rowIn(state: State, options: Partial<RigOptions> = {}, of: Film = movie): Promise<Row> {
  const rig = await virtualRig({ films: of, relay: { rate: 1_000_000 }, settings: { drainTimeout: '0s' }, ...options });
  const row = new Row(rig);
  if (state === 'partly present') {
    assert.deepEqual(await row.gets({ range: `0-${partSize - 1}` }), [206, 'complete', partSize]);
    // The connection has rested, and is not there any more.
    await rig.clock.advance(60_000);
  }
  if (state === 'complete') assert.deepEqual(await row.gets(), [200, 'complete', of.size]);
  rig.origin.requests.length = 0;
  return row;
}
