/**
 * The heart alone, on virtual time: a cache over scripted origins and a store in memory, without any HTTP to players.
 *
 * A `Viewer` is one request: it waits, reads to the end of its range as fast as bytes land, and checks each of them.
 */

import assert from 'node:assert/strict';
import { Cache, type Mount } from '../../src/cache/cache.ts';
import { FillFailed, type ReadSession } from '../../src/cache/read-session.ts';
import { ProxyError } from '../../src/errors.ts';
import { type DomainEvent, EventBus } from '../../src/events.ts';
import { ConnectionSlots } from '../../src/fill/connection-slots.ts';
import { Parallelism } from '../../src/fill/parallelism.ts';
import type { FillPolicy } from '../../src/fill/policy.ts';
import type { FillView } from '../../src/fill/view.ts';
import type { Fields } from '../../src/http/fields.ts';
import type { CacheMode } from '../../src/http/freshness.ts';
import { Reachability } from '../../src/origin/reachability.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { defaultPolicy } from '../fill/policy.ts';
import type { Film } from '../support/film.ts';
import { never } from '../support/never.ts';
import { pause } from '../support/pause.ts';
import { ScriptedOrigin, type ScriptedRequest } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

export interface StageOptions {
  readonly film: Film;
  readonly policy?: Partial<FillPolicy>;
  readonly store?: Store;
  /** In place of one that does what it is told. */
  readonly origin?: (clock: VirtualClock) => ScriptedOrigin;
  readonly mode?: CacheMode;
  /** What else the mount has. */
  readonly mount?: Partial<Mount>;
  readonly maxConnections?: number;
  /** One unless given: what comes side by side is tested by itself. */
  readonly parallelFetches?: number;
  readonly maxQueued?: number;
  readonly mediaFreshness?: number;
  readonly random?: () => number;
  readonly clock?: VirtualClock;
}

export interface Stage {
  readonly clock: VirtualClock;
  readonly origin: ScriptedOrigin;
  readonly store: Store;
  readonly cache: Cache;
  readonly events: DomainEvent[];
  /** The events of one type, in order. */
  eventsOf<T extends DomainEvent['type']>(type: T): Array<Extract<DomainEvent, { type: T }>>;
  /** Somebody begins to watch; `end` is exclusive. */
  view(start?: number, end?: number | null, target?: string): Viewer;
  /** The next request that the origin gets, as soon as no time need pass for it. */
  asked(): Promise<ScriptedRequest>;
  /** The only fill. */
  fill(): FillView;
}

export function stage(options: StageOptions): Stage {
  const { film, policy, store = createMemoryStore(), mode = 'media', random = () => 0.5 } = options;
  const {
    parallelFetches = 1,
    maxConnections = 32,
    maxQueued = 1000,
    mediaFreshness = 86_400_000,
    clock = new VirtualClock(),
  } = options;
  const origin = options.origin?.(clock) ?? new ScriptedOrigin(film);
  const bus = new EventBus();
  const events: DomainEvent[] = [];
  bus.subscribe((event) => events.push(event));
  const slots = new ConnectionSlots(maxConnections, maxQueued);
  const reachability = new Reachability({ name: origin.name, clock, events: bus, wait: 30_000 });
  const parallelism = new Parallelism(clock, parallelFetches);
  const mount: Mount = { origin, reachability, slots, parallelism, mode, ...options.mount };
  const cache = new Cache({
    mounts: new Map([[origin.name, mount]]),
    store,
    policy: { ...defaultPolicy, ...policy },
    mediaFreshness,
    clock,
    events: bus,
    random,
  });
  return {
    clock,
    origin,
    store,
    cache,
    events,
    eventsOf: <T extends DomainEvent['type']>(type: T) =>
      events.filter((event): event is Extract<DomainEvent, { type: T }> => event.type === type),
    view: (start = 0, end: number | null = null, target = '/film.mp4') =>
      new Viewer(cache, origin.name, target, start, end, clock, film),
    async asked() {
      const request = origin.nextRequest();
      return clock.advanceUntil(request, { limit: 0 });
    },
    fill() {
      const [fill, ...others] = cache.fills();
      assert.ok(fill !== undefined && others.length === 0, `there are ${others.length} fills too many, or none`);
      return fill;
    },
  };
}

/** Brings the whole film in, by one viewer, from an origin that answers with these fields. */
export async function fillIt({ origin, view, asked, clock }: Stage, fields?: Fields): Promise<void> {
  const viewer = view();
  (await asked()).head(206, fields).bytes(origin.film.size).end();
  await clock.settle();
  assert.equal(viewer.outcome, 'whole');
}

class Viewer {
  /** Bytes so far. */
  bytes = 0;
  firstAt: number | null = null;
  endAt: number | null = null;
  session: ReadSession | null = null;
  /** How it ended: with all that it wanted, or with what. */
  outcome: 'whole' | FillFailed | 'left' | null = null;
  readonly over: Promise<void>;
  #pauseAt = Number.POSITIVE_INFINITY;
  readonly #gone = new AbortController();
  readonly #clock: VirtualClock;
  readonly #film: Film;
  readonly #paused: { until: PromiseWithResolvers<void> | null } = { until: null };

  constructor(
    cache: Cache,
    origin: string,
    target: string,
    start: number,
    end: number | null,
    clock: VirtualClock,
    film: Film,
  ) {
    this.#clock = clock;
    this.#film = film;
    this.over = this.#watch(cache, origin, target, start, end);
  }

  /** What it failed with; throws where it did not. */
  get failure(): FillFailed['failure'] {
    assert.ok(this.outcome instanceof FillFailed, `it ended otherwise: ${this.outcome}`);
    return this.outcome.failure;
  }

  /** The error that it failed with; throws where it did not. */
  get error(): ProxyError {
    const { failure } = this;
    assert.ok(failure.kind === 'error' && failure.error instanceof ProxyError, `it failed otherwise: ${failure.kind}`);
    return failure.error;
  }

  leave(): void {
    this.#gone.abort(new Error('the viewer has left'));
    this.resume();
  }

  /** Takes no more bytes until `resume`. */
  pause(): void {
    this.#paused.until ??= Promise.withResolvers();
  }

  /** Takes no more when it has so many bytes, until `resume`. */
  pauseAt(bytes: number): void {
    this.#pauseAt = bytes;
  }

  /** Takes so many bytes a second at most from now on, in steps of one read. */
  rate = Number.POSITIVE_INFINITY;

  resume(): void {
    this.#paused.until?.resolve();
    this.#paused.until = null;
  }

  async #watch(cache: Cache, origin: string, target: string, start: number, end: number | null): Promise<void> {
    const entry = cache.open(origin, target);
    assert.ok(entry !== null, `no origin ${origin}`);
    const { signal } = this.#gone;
    try {
      const session = await entry.openSession(
        { start, end },
        ({ length }) => (end === start ? null : { start, end: end === null ? length : Math.min(end, length ?? end) }),
        signal,
      );
      this.session = session;
      try {
        await this.#read(session);
      } finally {
        session.leave();
      }
      this.outcome = 'whole';
    } catch (error) {
      if (error instanceof FillFailed) this.outcome = error;
      else if (signal.aborted) this.outcome = 'left';
      else throw error;
    } finally {
      this.endAt = this.#clock.now();
    }
  }

  async #read({ reader }: ReadSession): Promise<void> {
    const { signal } = this.#gone;
    for (;;) {
      await this.#paused.until?.promise;
      signal.throwIfAborted();
      const taken = reader.take(never);
      if (taken === null) {
        if ((await reader.arrival(signal)) === 'end') return;
        continue;
      }
      const slice = await taken.slice;
      this.firstAt ??= this.#clock.now();
      this.#film.assertBytes(taken.start, slice.bytes);
      this.bytes += slice.bytes.length;
      if (taken.start + slice.bytes.length < taken.end) reader.rewind(taken.start + slice.bytes.length);
      const { length } = slice.bytes;
      slice.release();
      if (this.bytes >= this.#pauseAt) {
        this.#pauseAt = Number.POSITIVE_INFINITY;
        this.pause();
      }
      if (this.rate < Number.POSITIVE_INFINITY) await pause(this.#clock, (length * 1000) / this.rate, signal);
    }
  }
}
