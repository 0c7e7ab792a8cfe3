/** One plausible event of each type, for a test to change in what it is about. */
import type {
  BlockLostEvent,
  BreakerEvent,
  BufferWaitEvent,
  BugEvent,
  BytesLandedEvent,
  BytesSentEvent,
  ClientBoundEvent,
  EvictedEvent,
  FailoverEvent,
  FillDoneEvent,
  FillFailedEvent,
  FillFirstByteEvent,
  FillPhase,
  FillStateEvent,
  FirstByteWaitEvent,
  OwnErrorEvent,
  RefreshEvent,
  RequestDoneEvent,
  RetryEvent,
  StalledEndedEvent,
} from '../../src/events.ts';

const fill = { at: 0, fill: 1, origin: 'films', path: '/a.mkv' } as const;

export function requestDone(changes: Partial<RequestDoneEvent> = {}): RequestDoneEvent {
  return {
    type: 'request-done',
    at: 0,
    request: 1,
    origin: 'films',
    path: '/a.mkv',
    method: 'GET',
    status: 206,
    outcome: 'served',
    cache: 'miss',
    fill: 1,
    traceparent: null,
    range: null,
    bytes: 10,
    timeline: { acceptedAt: 0, patienceAt: null, headOutAt: null, firstByteOutAt: null, doneAt: 0 },
    ...changes,
  };
}

export function ownError(changes: Partial<OwnErrorEvent> = {}): OwnErrorEvent {
  return {
    type: 'own-error',
    at: 0,
    request: 1,
    origin: 'films',
    path: '/a.mkv',
    status: 504,
    reason: 'http_response_timeout',
    phase: 'starting',
    waited: 30_000,
    message: 'The origin said nothing for 30 s.',
    ...changes,
  };
}

export function firstByteWait(changes: Partial<FirstByteWaitEvent> = {}): FirstByteWaitEvent {
  return { type: 'first-byte-wait', at: 0, request: 1, origin: 'films', outcome: 'served', duration: 0, ...changes };
}

export function fillState(from: FillPhase, to: FillPhase): FillStateEvent {
  return { type: 'fill-state', ...fill, from, to };
}

export function fillFirstByte(changes: Partial<FillFirstByteEvent> = {}): FillFirstByteEvent {
  return {
    type: 'fill-first-byte',
    ...fill,
    offset: 0,
    attempt: 1,
    queued: 0,
    startedAt: 0,
    connectedAt: null,
    headAt: 0,
    landedAt: 0,
    storedAt: 0,
    ...changes,
  };
}

export function fillDone(): FillDoneEvent {
  return { type: 'fill-done', ...fill, length: 10, duration: 1 };
}

export function fillFailed(error: FillFailedEvent['error']): FillFailedEvent {
  return { type: 'fill-failed', ...fill, error, status: null, message: 'It failed.' };
}

export function retry(changes: Partial<RetryEvent> = {}): RetryEvent {
  return { type: 'retry', ...fill, kind: 'retry', cause: 'refused', offset: 0, attempt: 2, delay: 100, ...changes };
}

export function breaker(changes: Partial<BreakerEvent> = {}): BreakerEvent {
  return { type: 'breaker', at: 0, origin: 'films', from: 'closed', to: 'open', cause: null, ...changes };
}

export function refresh(changes: Partial<RefreshEvent> = {}): RefreshEvent {
  const place = { origin: 'films', path: '/a.mkv', reason: 'start', outcome: 'renewed' } as const;
  return { type: 'refresh', at: 0, ...place, duration: 40, ...changes };
}

export function bytesLanded(bytes: number, changes: Partial<BytesLandedEvent> = {}): BytesLandedEvent {
  return { type: 'bytes-landed', at: 0, fill: 1, origin: 'films', offset: 0, bytes, ...changes };
}

export function bytesSent(
  source: BytesSentEvent['source'],
  bytes: number,
  changes: Partial<BytesSentEvent> = {},
): BytesSentEvent {
  return {
    type: 'bytes-sent',
    at: 0,
    request: 1,
    fill: 1,
    origin: 'films',
    path: '/a.mp4',
    source,
    offset: 0,
    bytes,
    ...changes,
  };
}

export function failover(changes: Partial<FailoverEvent> = {}): FailoverEvent {
  return { type: 'failover', at: 0, origin: 'films', from: 'a', to: 'b', cause: 'reset', ...changes };
}

export function clientBound(changes: Partial<ClientBoundEvent> = {}): ClientBoundEvent {
  const what = { client: '192.168.1.7', bound: 'connections', action: 'closed-idle' } as const;
  return { type: 'client-bound', at: 0, ...what, isNews: true, ...changes };
}

export function bug(): BugEvent {
  return { type: 'bug', at: 0, message: 'That was not to happen.', stack: '' };
}

export function evicted(changes: Partial<EvictedEvent> = {}): EvictedEvent {
  return { type: 'evicted', at: 0, reason: 'size', origin: 'films', path: '/a.mkv', bytes: 1, ...changes };
}

export function blockLost(changes: Partial<BlockLostEvent> = {}): BlockLostEvent {
  return { type: 'block-lost', at: 0, origin: 'films', path: '/a.mkv', cause: 'checksum', bytes: 1, ...changes };
}

export function bufferWait(changes: Partial<BufferWaitEvent> = {}): BufferWaitEvent {
  return { type: 'buffer-wait', at: 0, outcome: 'given', duration: 2000, ...changes };
}

export function stalledEnded(): StalledEndedEvent {
  return { type: 'stalled-ended', at: 0, stalled: 1024 };
}
