/**
 * The log: domain events as lines, for people or for programs.
 *
 * A line is written without blocking: a terminal that has been stopped must not stop a film. Control characters,
 * also those that turn the writing direction, are escaped; the secrets of URLs are left out.
 */
import { write, writeSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { logDescriptor } from './console.ts';
import type { DomainEvent, EventBus } from './events.ts';
import { textLine } from './kit/log-line.ts';
import { showablePath, showableText } from './showable.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof levels)[number];
type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  /** `fields` appear beside the message, in their order; those that are `null` are left out of text lines. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  readonly clock: Clock;
  /** Takes each line, with its end; standard error where absent. */
  readonly write?: (line: string) => void;
}

/** Shorter waits for memory are no news, in milliseconds. */
const longWait = 1000;

/** Lines that wait for a stopped terminal are dropped beyond this many characters. */
const waitingLimit = 1024 * 1024;

/** So many lines are written together, or what comes in so many milliseconds. */
const gathered = 64;
const gatherMs = 50;

export function createLogger({ level, format, clock, write: given }: LoggerOptions): Logger {
  const least = levels.indexOf(level);
  const take = given === undefined ? writeToTerminal(clock) : (line: () => string) => given(line());
  return {
    log(at, message, fields = {}) {
      if (levels.indexOf(at) < least) return;
      const now = clock.wallTime();
      take(() => {
        const time = new Date(now).toISOString();
        const [shown, msg] = [withoutSecrets(fields), showableText(message)];
        const line = format === 'text' ? textLine(at, time, msg, shown) : jsonLine({ level: at, time, ...shown, msg });
        return escapeControls(line);
      });
    },
  };
}

/** Lines are made when several are written: one after the other they cost less. */
function writeToTerminal(clock: Clock): (line: () => string) => void {
  let lines: (() => string)[] = [];
  let waiting = '';
  let isWriting = false;
  const gather = () => {
    const gone = lines.map((line) => line()).join('');
    lines = [];
    if (waiting.length + gone.length <= waitingLimit) waiting += gone;
  };
  const next = () => {
    if (isWriting || waiting === '') return;
    const bytes = Buffer.from(waiting);
    waiting = '';
    isWriting = true;
    writeAll(bytes, clock, () => {
      isWriting = false;
      next();
    });
  };
  const flush = () => {
    gather();
    next();
  };
  process.once('exit', () => {
    gather();
    try {
      writeSync(logDescriptor, waiting);
    } catch {
      // Nobody takes it: on a full disk, or behind a pipe whose reader has left.
    }
  });
  return (line) => {
    lines.push(line);
    if (lines.length >= gathered) flush();
    else if (lines.length === 1) clock.after(gatherMs, flush);
  };
}

/** What the system takes at another time is written then; what it does not take is dropped. */
function writeAll(bytes: Buffer, clock: Clock, done: () => void): void {
  write(logDescriptor, bytes, (error, written) => {
    if (error?.code === 'EAGAIN') clock.after(gatherMs, () => writeAll(bytes, clock, done));
    else if (error !== null || written === bytes.length) done();
    else writeAll(bytes.subarray(written), clock, done);
  });
}

/** Logs every event that somebody may want to read about; returns the function that ends it. */
export function logEvents(bus: EventBus, logger: Logger): () => void {
  return bus.subscribe((event) => {
    const line = lineOf(event);
    if (line !== null) logger.log(...line);
  });
}

function lineOf(event: DomainEvent): [level: LogLevel, message: string, fields: LogFields] | null {
  switch (event.type) {
    case 'request-done': {
      const { acceptedAt, patienceAt, firstByteOutAt, doneAt } = event.timeline;
      const { request, origin, path, method, status, outcome, cache, range, bytes } = event;
      const firstByteMs = firstByteOutAt === null ? null : whole(firstByteOutAt - acceptedAt);
      const from = range?.start ?? null;
      const patienceMs = patienceAt === null ? undefined : whole(patienceAt - acceptedAt);
      const totalMs = whole(doneAt - acceptedAt);
      const times = { firstByteMs, patienceMs, totalMs };
      return ['info', 'request done', { request, origin, path, method, from, status, outcome, cache, bytes, ...times }];
    }
    case 'fill-first-byte': {
      const { fill, origin, path, offset, attempt, queued, startedAt, connectedAt, headAt, landedAt, storedAt } = event;
      const connectMs = connectedAt === null ? null : whole(connectedAt - startedAt);
      const [headMs, landedMs, storedMs] = [headAt, landedAt, storedAt].map((at) => whole(at - startedAt));
      const times = { queuedMs: whole(queued), connectMs, headMs, landedMs, storedMs };
      return ['debug', 'first byte', { fill, origin, path, offset, attempt, ...times }];
    }
    case 'fill-state': {
      const { fill, origin, path, from, to } = event;
      return ['debug', 'fill state', { fill, origin, path, from, to }];
    }
    case 'fill-done': {
      const { fill, origin, path, length, duration } = event;
      return ['info', 'download done', { fill, origin, path, length, totalMs: whole(duration) }];
    }
    case 'fill-failed': {
      const { fill, origin, path, error, status, message } = event;
      return ['warn', 'download failed', { fill, origin, path, error, status, reason: message }];
    }
    case 'line': {
      const { fill, origin, path, needs, gives, outcome, message } = event;
      const fields = { fill, origin, path, needs: whole(needs), gives: gives === null ? null : whole(gives) };
      return [outcome === 'will stall' ? 'warn' : 'info', message, fields];
    }
    case 'retry': {
      const { fill, origin, path, cause, offset, attempt, delay } = event;
      const message = event.kind === 'heal' ? 'repairing an interruption' : 'retrying';
      return ['info', message, { fill, origin, path, cause, offset, attempt, delayMs: whole(delay) }];
    }
    case 'breaker': {
      const { origin, from, to, cause } = event;
      const said = {
        open: 'origin out of reach',
        'half-open': 'retrying the origin',
        closed: 'origin reached again',
      };
      const level = from === 'closed' ? 'warn' : to === 'closed' ? 'info' : 'debug';
      return [level, said[to], { origin, from, to, cause }];
    }
    case 'refresh': {
      const { origin, path, reason, outcome, duration } = event;
      const fields = { origin, path, because: reason, outcome, totalMs: whole(duration) };
      return outcome === 'renewed' ? ['info', 'address renewed', fields] : ['warn', 'address not renewed', fields];
    }
    case 'own-error': {
      const { request, origin, path, status, reason, phase, waited, message } = event;
      const fields = { request, origin, path, status, error: reason, phase, waitedMs: whole(waited), reason: message };
      return ['warn', 'error by firstbyte', fields];
    }
    case 'failover': {
      const { origin, from, to, cause } = event;
      return ['info', 'switched to another base', { origin, from, to, cause }];
    }
    case 'job-done': {
      const { job, kind, outcome, done } = event;
      return [outcome === 'failed' ? 'warn' : 'info', `${kind} ${outcome}`, { job, bytes: done }];
    }
    case 'evicted': {
      const { reason, origin, path, bytes } = event;
      return ['debug', 'evicted', { because: reason, origin, path, bytes }];
    }
    case 'block-lost': {
      const { origin, path, cause, bytes } = event;
      return ['warn', 'a cached block is damaged', { origin, path, cause, bytes }];
    }
    case 'buffer-wait': {
      const { outcome, duration } = event;
      if (duration < longWait) return null;
      const fields = { waitedMs: whole(duration), outcome, setting: 'bufferMemory' };
      return [outcome === 'given' ? 'info' : 'warn', 'waited for memory to read from disk', fields];
    }
    case 'stalled-ended':
      return ['info', 'disconnected a client that read nothing', { stalled: event.stalled, setting: 'stalledMemory' }];
    case 'store-state': {
      const said = { storing: 'caching resumed', passing: 'caching stopped; playback continues without it' };
      return [event.to === 'passing' ? 'warn' : 'info', said[event.to], { code: event.code }];
    }
    case 'client-bound': {
      const { client, bound, action, isNews } = event;
      const [message, setting] = boundWords[bound];
      return [isNews ? 'warn' : 'debug', message, { client, did: action, setting }];
    }
    case 'bug':
      return ['error', 'bug', { reason: event.message, stack: event.stack }];
    case 'bytes-landed':
    case 'bytes-sent':
    case 'first-byte-wait':
      return null;
  }
}

const boundWords = {
  connections: ['a client has too many connections', 'connectionsPerClient'],
  requests: ['a client has too many requests under way', 'requestsPerClient'],
  unread: ['a client leaves too much unread', 'unreadPerClient'],
  descriptors: ['there are too many connections for the limit of open files (ulimit -n)', null],
} as const;

function whole(milliseconds: number): number {
  return Math.round(milliseconds);
}

function jsonLine(line: LogFields): string {
  return `${JSON.stringify(line)}\n`;
}

/** The fields themselves, where they hold none. */
function withoutSecrets(fields: LogFields): LogFields {
  let shown = fields;
  for (const name in fields) {
    const value = fields[name];
    if (typeof value !== 'string') continue;
    const safe = name === 'path' ? showablePath(value) : showableText(value);
    if (safe !== value) shown = { ...shown, [name]: safe };
  }
  return shown;
}

/** A line has these characters and its end, as a rule. */
const plain = /^[\x20-\x7e]*\n$/;

/** What could move the cursor, end a line or turn the writing direction; a line's own end excepted. */
const controls = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

function escapeControls(line: string): string {
  if (plain.test(line)) return line;
  return line.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
