/**
 * The fetches of one fill together: starts them, sets their goals by one snapshot and the plan (`plan.ts`), and stops them
 * when a user pauses the fill, and at its end. What they do is the phase of the fill, and whether the line carries the film.
 */
import type { Deadlines } from './deadlines.ts';
import { type Failure, ownFailure } from './failure.ts';
import { Fetch, type FetchParts, type FetchStart } from './fetch.ts';
import type { FetchSink } from './fetch-sink.ts';
import type { FetchPhase } from './fetch-status.ts';
import type { FillReporter } from './fill-reporter.ts';
import type { Line, LineView } from './line.ts';
import { activityOf, type Phase } from './phase.ts';
import { goalOf, planFor, type Snapshot } from './plan.ts';
import type { Presence } from './presence.ts';
import type { Reader } from './reader.ts';
import type { RequestTarget } from './upstream.ts';

export interface FetchesParts extends FetchParts {
  readonly presence: Presence;
  readonly phase: Phase;
  readonly deadlines: Deadlines;
  readonly target: Pick<RequestTarget, 'said'>;
  readonly reporter: FillReporter;
  readonly readers: Iterable<Reader> & { readonly size: number };
  readonly line: Line;
}

type HowToStart = Partial<Omit<FetchStart, 'id' | 'position'>>;

/** The phases of a fetch in which it takes what comes. */
const busy: readonly FetchPhase[] = ['connecting', 'streaming'];

const pausedByUser = ownFailure('proxy_internal_response', 'This title is paused until it is resumed.', {
  retryAfter: 5,
});

export class Fetches {
  readonly #parts: FetchesParts;
  readonly #sink: FetchSink<Fetch>;
  readonly #snapshot: () => Snapshot<Fetch>;
  readonly #all = new Set<Fetch>();
  #nextId = 1;
  #isPaused = false;
  #ended: Failure | null = null;

  /** Each reports to `sink`; `snapshot` gives what their goals follow from. */
  constructor(parts: FetchesParts, sink: FetchSink<Fetch>, snapshot: () => Snapshot<Fetch>) {
    this.#parts = parts;
    this.#sink = sink;
    this.#snapshot = snapshot;
  }

  get all(): ReadonlySet<Fetch> {
    return this.#all;
  }

  /** Whether the line carries the film; `null` as long as nobody knows what it needs. */
  get line(): LineView | null {
    return this.#parts.line.view;
  }

  /** Whether a user lets none run. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Why none will run any more; `null` where some may. */
  get ended(): Failure | null {
    return this.#ended;
  }

  /** What whoever wants a byte that only a fetch could bring is told, as long as none may run; `null` where one may. */
  get refusal(): Failure | null {
    return this.#ended ?? (this.#isPaused ? pausedByUser : null);
  }

  /** Whether a cut can be followed by another request for the same representation. */
  get resumable(): boolean {
    return this.#ended === null && this.#parts.upstream.combinable;
  }

  /** Which of them is to bring a byte that is missing, or where a new one is to begin, whose first byte takes so long. */
  planFor(offset: number, firstByteMs = this.#parts.upstream.firstByteMs): ReturnType<typeof planFor<Fetch>> {
    return planFor(offset, this.#parts.upstream.content, this.#all, firstByteMs);
  }

  /** A new one, which has no goal before it runs; `said` are its client's fields, or the newest client's. */
  add(position: number, how: HowToStart = {}): Fetch {
    const { said } = this.#parts.target;
    const defaults = { id: this.#nextId, position, said, suffix: null, notBefore: null, opening: null };
    const fetch = new Fetch(this.#parts, this.#sink, { ...defaults, ...how });
    this.#nextId += 1;
    this.#all.add(fetch);
    return fetch;
  }

  /** Lets a new one run, by its first goal. */
  run(fetch: Fetch): void {
    this.assignAll();
    this.settle(null);
    fetch.run().catch((error: unknown) => this.#parts.reporter.bug(error));
  }

  start(position: number, how: HowToStart = {}): void {
    this.run(this.add(position, how));
  }

  /** It has come to its end. */
  delete(fetch: Fetch): void {
    this.#all.delete(fetch);
  }

  /** Sets all goals anew. */
  assignAll(): void {
    if (this.#all.size === 0) return;
    const snapshot = this.#snapshot();
    for (const fetch of this.#all) this.assign(fetch, snapshot);
  }

  assign(fetch: Fetch, snapshot = this.#snapshot()): void {
    fetch.assign(goalOf(fetch, snapshot, this.#parts.deadlines.ahead(fetch.status)));
  }

  /** Somebody who played has left at `position`, and may come back to what those ahead of it have. */
  keepFrom(position: number): void {
    for (const fetch of this.#all) if (fetch.position >= position) fetch.isKept = true;
  }

  /** Who reads has the link to itself: bytes that nobody reads may be on their way in a connection that is kept. */
  endKeeping(): void {
    for (const fetch of this.#all) fetch.isKept = false;
  }

  /** So many bytes have come by one of them, and are present. */
  received(fetch: Fetch, bytes: number): void {
    const { upstream, presence, line, readers } = this.#parts;
    upstream.flows(fetch.status.steadyThroughput);
    line.came(bytes);
    line.look(readers);
    for (const other of this.#all) if (presence.present.has(other.position)) other.overtaken();
  }

  /** Brings the phase in line with what they do; `failure` is what ended the last of them. */
  settle(failure: Failure | null): void {
    const { phase, presence, line, readers } = this.#parts;
    const statuses = Array.from(this.#all, ({ status }) => status);
    const phases = statuses.map(({ phase: each }) => each);
    line.follow(phases.some((each) => busy.includes(each)) ? 'busy' : phases.includes('parked') ? 'full' : 'idle');
    line.look(readers);
    const activity = activityOf(statuses, readers.size > 0);
    const hasChanged = phase.follow(activity, failure);
    if (hasChanged && (phase.current === 'paused' || phase.current === 'failed')) void presence.commit();
  }

  /** Bytes have come, or the length is known: where none is missing, they are done. */
  completeIfWhole(): void {
    const { presence, phase, upstream } = this.#parts;
    const length = upstream.known?.length ?? null;
    if (phase.current !== 'filling' || length === null || presence.present.size < length) return;
    phase.complete(length);
    void presence.commit();
    this.assignAll();
  }

  /** Asks the origin for nothing until it is resumed. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#parts.phase.pause();
    this.#stop();
    void this.#parts.presence.commit();
  }

  resume(): void {
    this.#isPaused = false;
    this.#parts.phase.resume();
  }

  /** None will run any more; `failure` is what those are told who wait for one. */
  end(failure: Failure): void {
    this.#ended ??= failure;
    this.#stop();
  }

  #stop(): void {
    for (const fetch of this.#all) fetch.stop();
  }
}
