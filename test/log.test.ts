import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DomainEvent, EventBus, type RequestDoneEvent } from '../src/events.ts';
import { createLogger, type LoggerOptions, logEvents } from '../src/log.ts';

const clock = { now: () => 0, wallTime: () => 1_700_000_000_123, after: () => ({ cancel: () => {} }) };
const base = { at: 0, fill: 7, origin: 'films', path: '/a.mkv' };

const requestDone: RequestDoneEvent = {
  type: 'request-done',
  at: 900,
  request: 3,
  origin: 'films',
  path: '/a.mkv',
  method: 'GET',
  status: 206,
  outcome: 'served',
  cache: 'partial',
  fill: 7,
  traceparent: null,
  range: { start: 10, end: 20 },
  bytes: 10,
  timeline: { acceptedAt: 100, patienceAt: null, headOutAt: 400, firstByteOutAt: 401.4, doneAt: 900 },
};

function linesOf(events: readonly DomainEvent[], options: Partial<LoggerOptions> = {}): string[] {
  const lines: string[] = [];
  const bus = new EventBus();
  const write = (line: string) => void lines.push(line);
  logEvents(bus, createLogger({ level: 'debug', format: 'text', clock, write, ...options }));
  for (const event of events) bus.emit(event);
  return lines;
}

test('a request that is done is one line for people', () => {
  assert.deepEqual(linesOf([requestDone]), [
    '2023-11-14T22:13:20Z info  request done /films/a.mkv request=3 method=GET from=10B status=206 outcome=served ' +
      'cache=partial bytes=10B firstByte=301ms total=800ms\n',
  ]);
});

test('a request that is done is one line for programs, with the same fields', () => {
  const [line = ''] = linesOf([requestDone], { format: 'json' });
  assert.ok(line.endsWith('}\n') && line.indexOf('\n') === line.length - 1);
  assert.deepEqual(JSON.parse(line), {
    level: 'info',
    time: '2023-11-14T22:13:20.123Z',
    request: 3,
    origin: 'films',
    path: '/a.mkv',
    method: 'GET',
    from: 10,
    status: 206,
    outcome: 'served',
    cache: 'partial',
    bytes: 10,
    firstByteMs: 301,
    totalMs: 800,
    msg: 'request done',
  });
});

test('a path is decoded for people, and a summary is short', () => {
  const [line = ''] = linesOf([{ ...requestDone, path: '/100%25%20wolf%20%E2%82%AC.mkv' }]);
  assert.match(line, / request done \/films\/100% wolf €\.mkv request=3 /);
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'text', clock, write: (text) => void lines.push(text) });
  logger.log('info', 'summary', {
    uptimeSeconds: 3661,
    requests: { served: 2, refused: 2 },
    firstByteWaits: { served: { count: 2, sumSeconds: 0.14916229299999803, atMost: { '1s': 2 } } },
    fillsDone: 2,
    bytesLanded: { films: 6_291_456 },
    lent: { timers: 2 },
  });
  assert.deepEqual(lines, [
    '2023-11-14T22:13:20Z info  summary uptime=1h1min requests="4 (2 served, 2 refused)" ' +
      'firstByteWaits="2 (75 ms on average)" fillsDone=2 bytesLanded="6.29 MB (6.29 MB films)"\n',
  ]);
});

test('patience is logged where any went out', () => {
  const timeline = { ...requestDone.timeline, patienceAt: 5100 };
  assert.match(linesOf([{ ...requestDone, timeline }])[0] ?? '', / patience=5s /);
});

test('each event has its level', () => {
  const events: DomainEvent[] = [
    { ...base, type: 'fill-state', from: 'queued', to: 'starting' },
    {
      ...base,
      type: 'fill-first-byte',
      offset: 0,
      attempt: 2,
      queued: 5,
      startedAt: 10,
      connectedAt: null,
      headAt: 20,
      landedAt: 30,
      storedAt: 31,
    },
    { ...base, type: 'fill-done', length: 5, duration: 12.6 },
    {
      ...base,
      type: 'retry',
      kind: 'heal',
      cause: 'cut',
      offset: 5,
      attempt: 1,
      delay: 99.7,
    },
    { ...base, type: 'fill-failed', error: 'connection_refused', status: null, message: 'It was refused.' },
    { ...base, type: 'line', needs: 750_000.4, gives: 320_000, outcome: 'will stall', message: 'it will stall' },
    {
      type: 'own-error',
      at: 0,
      request: 3,
      origin: null,
      path: '/x',
      status: 503,
      reason: 'connection_limit_reached',
      phase: 'queued',
      waited: 30_000,
      message: 'The queue is full.',
    },
    { type: 'breaker', at: 0, origin: 'films', from: 'closed', to: 'open', cause: 'connection_refused' },
    { type: 'breaker', at: 0, origin: 'films', from: 'half-open', to: 'closed', cause: null },
    {
      type: 'refresh',
      at: 0,
      origin: 'films',
      path: '/a.mkv',
      reason: 'denied',
      outcome: 'late',
      duration: 10_000.4,
    },
    { type: 'bug', at: 0, message: 'oops', stack: 'Error: oops\n    at here' },
  ];
  const lines = linesOf(events).map((line) => line.slice(21).trimEnd());
  assert.deepEqual(lines, [
    'debug fill state /films/a.mkv fill=7 from=queued to=starting',
    'debug first byte /films/a.mkv fill=7 offset=0B attempt=2 queued=5ms head=10ms landed=20ms stored=21ms',
    'info  download done /films/a.mkv fill=7 length=5B total=13ms',
    'info  repairing an interruption /films/a.mkv fill=7 cause=cut offset=5B attempt=1 delay=100ms',
    'warn  download failed /films/a.mkv fill=7 error=connection_refused reason="It was refused."',
    'warn  it will stall /films/a.mkv fill=7 needs=750kB/s gives=320kB/s',
    'warn  error by firstbyte /x request=3 status=503 error=connection_limit_reached phase=queued waited=30s ' +
      'reason="The queue is full."',
    'warn  origin out of reach /films/ from=closed to=open cause=connection_refused',
    'info  origin reached again /films/ from=half-open to=closed',
    'warn  address not renewed /films/a.mkv because=denied outcome=late total=10s',
    'error bug reason=oops stack="Error: oops\\n    at here"',
  ]);
});

test('the events of single bytes and waits are not logged', () => {
  const events: DomainEvent[] = [
    { type: 'bytes-landed', at: 0, fill: 1, origin: 'films', offset: 0, bytes: 1 },
    {
      type: 'bytes-sent',
      at: 0,
      request: 1,
      fill: 1,
      origin: 'films',
      path: '/a.mp4',
      source: 'store',
      offset: 0,
      bytes: 1,
    },
    { type: 'first-byte-wait', at: 0, request: 1, origin: 'films', outcome: 'served', duration: 1 },
  ];
  assert.deepEqual(linesOf(events), []);
});

test('lines below the level are left out', () => {
  const done: DomainEvent = { ...base, type: 'fill-done', length: 5, duration: 1 };
  const failed: DomainEvent = {
    ...base,
    type: 'fill-failed',
    error: 'dns_error',
    status: null,
    message: 'It has no address.',
  };
  assert.equal(linesOf([done, failed], { level: 'warn' }).length, 1);
  assert.equal(linesOf([done, failed], { level: 'error' }).length, 0);
});

for (const format of ['text', 'json'] as const) {
  test(`${format}: no character of a path can move the cursor, end a line or turn the writing direction`, () => {
    const path = '/a\u001b[2J\r\n\u0000\u007f\u009b\u2028\u202e\u2066"b';
    const [line = '', ...others] = linesOf([{ ...requestDone, path }], { format });
    assert.deepEqual(others, []);
    assert.match(line, /^[\x20-\x7e]+\n$/);
    assert.match(line, /\\u202e/);
  });

  test(`${format}: queries and credentials do not appear`, () => {
    const message = 'Asking http://me:hunter2@media.example/a?token=hunter2 failed. Why?';
    const [line = ''] = linesOf(
      [{ ...base, type: 'fill-failed', path: '/a?token=hunter2', error: 'dns_error', status: null, message }],
      { format },
    );
    assert.ok(!line.includes('hunter2'));
    assert.ok(line.includes('http://media.example/a failed. Why?'));
  });
}

test('nothing is logged once the subscription has ended', () => {
  const lines: string[] = [];
  const bus = new EventBus();
  const write = (line: string) => void lines.push(line);
  logEvents(bus, createLogger({ level: 'debug', format: 'text', clock, write }))();
  bus.emit(requestDone);
  assert.deepEqual(lines, []);
});
