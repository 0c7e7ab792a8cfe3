import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Attributes, SpanStatusCode } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { traceRequests } from '../../src/otel/traces.ts';
import { film } from '../support/film.ts';
import { type RigOptions, virtualRig } from '../support/rig.ts';

const wallStart = Date.UTC(2026, 0, 1);

/** A rig whose requests are traced by the real SDK, on virtual time. */
async function tracing(options: RigOptions) {
  const rig = await virtualRig(options);
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const stop = traceRequests(rig.daemon.events, { tracer: provider.getTracer('test'), clock: rig.clock });
  return { rig, stop, spans: () => exporter.getFinishedSpans() };
}

const millisecond = ([seconds, nanoseconds]: [number, number]) => seconds * 1000 + nanoseconds / 1e6 - wallStart;

/** A span as `name from–to`, in whole milliseconds since the rig began. */
function drawn({ name, startTime, endTime }: ReadableSpan): string {
  return `${name} ${Math.round(millisecond(startTime))}–${Math.round(millisecond(endTime))}`;
}

/** The spans below one, each with those below it. */
function treeOf(spans: readonly ReadableSpan[], root: ReadableSpan): unknown[] {
  const below = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === root.spanContext().spanId);
  const children = below.flatMap((span) => treeOf(spans, span));
  return [drawn(root), ...(children.length === 0 ? [] : [children])];
}

function rootOf(spans: readonly ReadableSpan[]): ReadableSpan {
  const root = spans.find(({ name }) => name === 'GET' || name === 'HEAD');
  assert.ok(root !== undefined, 'the request has a span');
  return root;
}

describe('the trace of a request', () => {
  test('that waited for a silent origin has each part of its way, in time', async () => {
    const { rig, spans } = await tracing({
      films: film(1_000_000),
      origin: { headAfter: 2000, bodyAfter: 500 },
      relay: { delay: 50, rate: 500_000 },
    });
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    const [first] = rig.eventsOf('fill-first-byte');
    const [done] = rig.eventsOf('request-done');
    assert.ok(first && done && first.connectedAt !== null);
    const at = (time: number | null) => Math.round(time ?? Number.NaN);
    const { headOutAt, doneAt } = done.timeline;
    assert.ok(first.headAt >= 2000 && first.landedAt >= first.headAt + 400 && doneAt > first.landedAt + 1000);
    assert.deepEqual(treeOf(spans(), rootOf(spans())), [
      `GET 0–${at(doneAt)}`,
      [
        `wait for first byte 0–${at(headOutAt)}`,
        [
          `connect ${at(first.startedAt)}–${at(first.connectedAt)}`,
          `head ${at(first.connectedAt)}–${at(first.headAt)}`,
          `first byte ${at(first.headAt)}–${at(first.landedAt)}`,
        ],
        `deliver ${at(headOutAt)}–${at(doneAt)}`,
      ],
    ]);
    const { attributes, status } = rootOf(spans());
    const expected: Attributes = {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.response.body.size': 1_000_000,
      'url.path': '/film.mp4',
      'firstbyte.origin': 'films',
      'firstbyte.cache': 'miss',
      'firstbyte.outcome': 'served',
    };
    assert.deepEqual(attributes, expected);
    assert.equal(status.code, SpanStatusCode.UNSET);
    await rig.close();
  });

  test('that found its bytes has no wait', async () => {
    const { rig, spans } = await tracing({ films: film(100_000) });
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    const cold = spans().length;
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    assert.deepEqual(
      spans()
        .slice(cold)
        .map(({ name }) => name),
      ['deliver', 'GET'],
    );
    await rig.close();
  });

  test('that queued for a connection says how long', async () => {
    const { rig, spans } = await tracing({
      films: film(1_000_000),
      mount: { maxConnections: 1 },
      relay: { rate: 100_000 },
    });
    const first = rig.get('/films/one.mp4');
    await rig.clock.advance(100);
    await rig.play('/films/two.mp4');
    await rig.clock.advanceUntil(first.done());
    const queues = spans().filter(({ name }) => name === 'queue');
    const waited = rig.eventsOf('fill-first-byte').filter(({ queued }) => queued > 0);
    assert.ok(waited.length > 0 && queues.length > 0);
    const [queue] = queues;
    assert.ok(queue && millisecond(queue.startTime) >= 99 && millisecond(queue.endTime) > millisecond(queue.startTime));
    await rig.close();
  });

  test('that failed is an error, with what came of its wait', async () => {
    const { rig, spans } = await tracing({
      films: film(1000),
      origin: { headAfter: Number.POSITIVE_INFINITY },
      settings: { firstByteTimeout: '3s' },
    });
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    const { status, attributes } = rootOf(spans());
    assert.deepEqual([status.code, attributes['http.response.status_code']], [SpanStatusCode.ERROR, 504]);
    const wait = spans().find(({ name }) => name === 'wait for first byte');
    assert.deepEqual([wait?.attributes['firstbyte.wait'], wait && drawn(wait)], ['late', 'wait for first byte 0–3000']);
    await rig.close();
  });

  for (const [what, traceparent, parent] of [
    ['goes on with that of its client', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'b7ad6b7169203331'],
    ['begins anew where the client sends something else', '00-0AF7-b7ad-01', undefined],
    ['begins anew where an id is all zeros', '00-00000000000000000000000000000000-b7ad6b7169203331-01', undefined],
  ] as const) {
    test(what, async () => {
      const { rig, spans } = await tracing({ films: film(1000) });
      await rig.clock.advanceUntil(rig.get('/films/film.mp4', { fields: { traceparent } }).done());
      const root = rootOf(spans());
      assert.equal(root.parentSpanContext?.spanId, parent);
      if (parent !== undefined) assert.equal(root.spanContext().traceId, traceparent.slice(3, 35));
      await rig.close();
    });
  }

  test('is made no more once tracing has ended', async () => {
    const { rig, stop, spans } = await tracing({ films: film(1000) });
    stop();
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    assert.deepEqual(spans(), []);
    await rig.close();
  });
});

test('nothing of the tracing is loaded by a program that does not ask for it', () => {
  const root = join(import.meta.dirname, '../..');
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import('./src/index.ts');
    await import('./src/daemon.ts');
    await import('./src/cli/command.ts');
    process.stdout.write(JSON.stringify(loaded));
  `;
  const args = ['--input-type=module', '--eval', script];
  const loaded: string[] = JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }));
  assert.ok(loaded.some((url) => url.endsWith('/src/daemon.ts')));
  assert.deepEqual(
    loaded.filter((url) => url.includes('/src/otel/') || url.includes('@opentelemetry/sdk')),
    [],
  );
});
