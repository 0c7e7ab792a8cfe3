/**
 * One client request, top to bottom: entry → representation → first byte → head → bytes.
 *
 * No head goes out before the first byte asked for is present or a final answer is known, so a failure before that is
 * still a clean status. After it a reply that can't be completed is cut: the connection is destroyed, so that the
 * player knows.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cache } from '../cache/cache.ts';
import { FillFailed, type Visit, type Wanted } from '../cache/visit.ts';
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { FillPhase, RequestOutcome } from '../events.ts';
import { cacheStatus } from '../http/cache-status.ts';
import { type Fields, fieldsFromRaw } from '../http/fields.ts';
import { deliver } from './deliver.ts';
import { type ErrorReply, errorReply, failureReply, refusalReply } from './error-reply.ts';
import { Patience, type PatiencePolicy } from './patience.ts';
import { type Body, hintOf, type Reply, replyFor } from './reply.ts';
import type { RequestRecord } from './request-record.ts';
import type { Route } from './route.ts';

export interface ExchangeParts {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly patience: PatiencePolicy;
}

/** The client left before its reply was complete. */
class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

type Answer = Exclude<Route, { kind: 'control' }> | ProxyError;

/** Answers one request in whatever way; never rejects. */
export async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  record: RequestRecord,
  parts: ExchangeParts,
): Promise<void> {
  const { socket } = request;
  const gone = new AbortController();
  const onClose = () => gone.abort(new ClientGone());
  socket.once('close', onClose);
  const patience = new Patience(response, parts.patience, parts.clock);
  const sent = new Promise<void>((resolve) => response.once('finish', resolve).once('close', resolve));
  let outcome: RequestOutcome;
  try {
    outcome = await new Exchange(request, response, patience, record, parts, gone.signal).answer(answer);
    if (outcome !== 'gone' && outcome !== 'cut') {
      await sent;
      if (!response.writableFinished) outcome = 'gone';
    }
  } catch (error) {
    record.bug(error);
    response.destroy();
    outcome = 'cut';
  } finally {
    patience.end();
    socket.removeListener('close', onClose);
  }
  record.done(outcome, patience.beganAt);
}

class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #patience: Patience;
  readonly #record: RequestRecord;
  readonly #parts: ExchangeParts;
  readonly #gone: AbortSignal;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    patience: Patience,
    record: RequestRecord,
    parts: ExchangeParts,
    gone: AbortSignal,
  ) {
    this.#request = request;
    this.#response = response;
    this.#patience = patience;
    this.#record = record;
    this.#parts = parts;
    this.#gone = gone;
  }

  async answer(answer: Answer): Promise<RequestOutcome> {
    if (answer instanceof ProxyError) return this.#refuse(errorReply(answer, this.#record.age), null);
    switch (answer.kind) {
      case 'refusal':
        return this.#refuse(refusalReply(answer), null);
      case 'redirect':
        this.#writeHead(308, [
          ['location', answer.location],
          ['content-length', '0'],
        ]);
        this.#response.end();
        return 'refused';
      case 'media':
        return this.#serve(answer.origin, answer.target, answer.path);
    }
  }

  async #serve(originName: string, target: string, path: string): Promise<RequestOutcome> {
    const entry = this.#parts.cache.open(originName, target);
    if (entry === null) {
      const message = `No origin is mounted as "${originName}".`;
      return this.#refuse(refusalReply({ kind: 'refusal', status: 404, message }), null);
    }
    this.#record.origin = originName;
    this.#record.path = path;
    const request = { method: this.#request.method ?? 'GET', fields: fieldsFromRaw(this.#request.rawHeaders) };
    let reply: Reply | null = null;
    let visit: Visit;
    try {
      visit = await entry.visit(
        hintOf(request),
        (representation) => {
          reply = replyFor(request, representation, this.#parts.clock.wallTime());
          return firstOf(reply.body);
        },
        this.#gone,
      );
    } catch (error) {
      return this.#failed(error);
    }
    try {
      return reply === null ? 'failed' : await this.#send(visit, reply);
    } finally {
      visit.leave();
    }
  }

  /** The first byte is there: from here on there is no way back to another status. */
  async #send(visit: Visit, reply: Reply): Promise<RequestOutcome> {
    if (visit.reader.waited) this.#record.waited('served');
    this.#record.cache = visit.cache;
    const { body } = reply;
    if (body.kind === 'run') this.#record.range = { start: body.start, end: body.end ?? visit.reader.position };
    this.#writeHead(reply.status, [...reply.fields, ['cache-status', cacheStatusOf(visit)]]);
    try {
      await this.#sendBody(visit, body);
      this.#response.end();
      return reply.status === 304 || reply.status >= 400 ? 'refused' : 'served';
    } catch (error) {
      this.#response.destroy();
      if (this.#gone.aborted) return 'gone';
      if (!(error instanceof FillFailed)) this.#record.bug(error);
      return 'cut';
    }
  }

  async #sendBody({ reader }: Visit, body: Body): Promise<void> {
    const delivery = {
      reader,
      client: this.#response,
      clock: this.#parts.clock,
      signal: this.#gone,
      onSent: this.#record.sent.bind(this.#record),
    };
    if (body.kind === 'run') await deliver(delivery);
    if (body.kind !== 'parts') return;
    for (const { frame, range } of body.parts) {
      this.#response.write(frame);
      reader.aim(range);
      await deliver(delivery);
    }
    this.#response.write(body.closing);
  }

  #failed(error: unknown): RequestOutcome {
    if (this.#gone.aborted) {
      this.#record.waited('gone');
      return 'gone';
    }
    if (!(error instanceof FillFailed)) {
      this.#record.waited('failed');
      this.#record.bug(error);
      const internal = new ProxyError('proxy_internal_error', 'firstbyte itself failed; the log says where.');
      return this.#refuse(errorReply(internal, this.#record.age), null);
    }
    this.#record.waited(error.budgetSpent ? 'late' : 'failed');
    return this.#refuse(failureReply(error.failure, this.#record.age), error.phase);
  }

  #refuse({ status, fields, body, outcome, error }: ErrorReply, phase: FillPhase | null): RequestOutcome {
    if (error !== null && status >= 500) this.#record.failed(error, phase);
    const forwarded = outcome === 'passed' ? cacheStatus({ fwd: 'uri-miss' }) : cacheStatus({ fwd: 'miss' });
    const sized: Fields = [...fields, ['content-length', String(body.length)], ['cache-status', forwarded]];
    this.#writeHead(status, sized);
    if (this.#request.method === 'HEAD' || status === 204 || status === 304) this.#response.end();
    else this.#response.end(body);
    return outcome;
  }

  #writeHead(status: number, fields: Fields): void {
    this.#patience.end();
    this.#record.headOut(status);
    const dated = fields.some(([name]) => name === 'date');
    const date: Fields = dated ? [] : [['date', new Date(this.#parts.clock.wallTime()).toUTCString()]];
    this.#response.sendDate = false;
    this.#response.writeHead(status, [...fields, ...date, ['via', '1.1 firstbyte'] as const].flat());
  }
}

/** What must be present before the head goes out. */
function firstOf(body: Body): Wanted | null {
  if (body.kind === 'parts') return body.parts[0]?.range ?? null;
  return body.kind === 'run' ? body : null;
}

function cacheStatusOf({ cache, collapsed, fill }: Visit): string {
  if (cache === 'hit') return cacheStatus({ hit: true });
  const fwd = { pass: 'bypass', partial: 'partial', stale: 'stale', miss: 'uri-miss', none: 'miss' } as const;
  return cacheStatus({ fwd: fwd[cache], stored: !fill.passing, collapsed: collapsed || undefined });
}
