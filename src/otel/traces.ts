/**
 * OpenTelemetry traces: one for each request, with the timestamps of its way as spans. A package of its own
 * (`firstbyte/otel`), which nothing loads that does not ask for it.
 *
 *     GET                      from its acceptance to its end; a child of the client's own span, where it sent one
 *     ├─ wait for first byte   to the head's going out, or to the end of the wait
 *     │  ├─ queue              what its fill went through while it waited: for a connection,
 *     │  ├─ connect            until that was there,
 *     │  ├─ head               from then to the origin's head,
 *     │  └─ first byte         and from there to the first byte of the body
 *     └─ deliver               from the head to the end
 *
 * Spans are made when a request is done, from its event alone, so that tracing costs a viewer nothing before.
 */
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { type Clock, systemClock } from '../clock.ts';
import type { EventBus, FillFirstByteEvent, FirstByteWaitEvent, RequestDoneEvent } from '../events.ts';
import { version } from '../version.ts';

/** First bytes of fills are remembered for the requests that waited for them: so many, the newest. */
const keptFirstBytes = 1024;

export interface TraceOptions {
  /** That of the provider that was registered with the API, where absent. */
  readonly tracer?: Tracer;
  /** The daemon's own, where it has another than the system's. */
  readonly clock?: Clock;
}

/** Traces every request that a daemon's events tell of from now on; returns the function that ends it. */
export function traceRequests(events: EventBus, options: TraceOptions = {}): () => void {
  const { tracer = trace.getTracer('firstbyte', version), clock = systemClock } = options;
  const firstBytes: FillFirstByteEvent[] = [];
  /** Of requests that are not done. */
  const waits = new Map<number, FirstByteWaitEvent>();
  return events.subscribe((event) => {
    switch (event.type) {
      case 'fill-first-byte':
        firstBytes.push(event);
        if (firstBytes.length > keptFirstBytes) firstBytes.shift();
        return;
      case 'first-byte-wait':
        waits.set(event.request, event);
        return;
      case 'request-done': {
        const wait = waits.get(event.request);
        waits.delete(event.request);
        new RequestTrace(tracer, clock.wallTime() - clock.now()).tell(event, wait, firstBytes);
      }
    }
  });
}

class RequestTrace {
  readonly #tracer: Tracer;
  /** The time of day at the zero of the clock. */
  readonly #zero: number;

  constructor(tracer: Tracer, zero: number) {
    this.#tracer = tracer;
    this.#zero = zero;
  }

  tell(done: RequestDoneEvent, wait: FirstByteWaitEvent | undefined, firstBytes: readonly FillFirstByteEvent[]): void {
    const { timeline, outcome, status, method } = done;
    const { acceptedAt, patienceAt, headOutAt, firstByteOutAt, doneAt } = timeline;
    const span = this.#begin(method, parentOf(done.traceparent), acceptedAt, SpanKind.SERVER);
    span.setAttributes({
      'http.request.method': method,
      'url.path': done.path,
      'http.response.body.size': done.bytes,
      'firstbyte.cache': done.cache,
      'firstbyte.outcome': outcome,
    });
    if (status !== null) span.setAttribute('http.response.status_code', status);
    if (done.origin !== null) span.setAttribute('firstbyte.origin', done.origin);
    if (patienceAt !== null) span.addEvent('patience', this.#time(patienceAt));
    if (firstByteOutAt !== null) span.addEvent('first byte out', this.#time(firstByteOutAt));
    if (outcome === 'failed' || outcome === 'cut') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
    const inside = trace.setSpan(ROOT_CONTEXT, span);
    if (wait !== undefined) this.#tellWait(inside, done, wait, firstBytes);
    if (headOutAt !== null) this.#whole('deliver', inside, headOutAt, doneAt);
    span.end(this.#time(doneAt));
  }

  #tellWait(
    parent: Context,
    { fill, timeline }: RequestDoneEvent,
    wait: FirstByteWaitEvent,
    firstBytes: readonly FillFirstByteEvent[],
  ): void {
    const span = this.#begin('wait for first byte', parent, timeline.acceptedAt, SpanKind.INTERNAL);
    span.setAttribute('firstbyte.wait', wait.outcome);
    const inside = trace.setSpan(parent, span);
    const isWaitedFor = ({ landedAt }: FillFirstByteEvent) => landedAt >= timeline.acceptedAt && landedAt <= wait.at;
    for (const first of firstBytes) if (first.fill === fill && isWaitedFor(first)) this.#tellFirstByte(inside, first);
    span.end(this.#time(wait.at));
  }

  #tellFirstByte(parent: Context, { queued, startedAt, connectedAt, headAt, landedAt }: FillFirstByteEvent): void {
    // A free connection costs a turn of the event loop, which is no queue.
    if (queued >= 1) this.#whole('queue', parent, startedAt - queued, startedAt);
    if (connectedAt !== null) this.#whole('connect', parent, startedAt, connectedAt);
    this.#whole('head', parent, connectedAt ?? startedAt, headAt);
    this.#whole('first byte', parent, headAt, landedAt);
  }

  #whole(name: string, parent: Context, from: number, to: number): void {
    this.#begin(name, parent, from, SpanKind.INTERNAL).end(this.#time(to));
  }

  #begin(name: string, parent: Context, at: number, kind: SpanKind): Span {
    return this.#tracer.startSpan(name, { kind, startTime: this.#time(at) }, parent);
  }

  /** Milliseconds since 1970. */
  #time(at: number): number {
    return this.#zero + at;
  }
}

/** The client's span, of `00-TRACE-SPAN-FLAGS`. */
function parentOf(traceparent: string | null): Context {
  const [, traceId = '', spanId = '', flags = ''] = traceparent?.split('-') ?? [];
  if (traceId === '') return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}
