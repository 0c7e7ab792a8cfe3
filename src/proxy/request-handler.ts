/**
 * One client request, top to bottom: its mount → a permit → a session of the entry (`openings.ts`) → the reply
 * (`reply.ts`) → its head and bytes (`media-reply.ts`).
 *
 * A hit goes the same way, and waits for nothing on it but the client: `Entry.openNow` gives its session, and what is only
 * there for who waits (a queue, a timer, a signal) is made when the wait begins.
 * No head goes out before the first requested byte is present or a final answer is known. So a failure before that is
 * still a clean status.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fixedBudgets } from '../budgets.ts';
import type { OpenRange } from '../bytes/byte-range.ts';
import { type Cache, readingMethods } from '../cache/cache.ts';
import { FillFailed, type ReadAheadAllowance, type ReadSession, type VerbatimReply } from '../cache/read-session.ts';
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { RequestOutcome } from '../events.ts';
import { type Fields, fieldsWhere, hasField } from '../http/fields.ts';
import type { Representation } from '../http/representation.ts';
import { requestDirectives } from '../http/reuse.ts';
import { trailOf } from '../http/via.ts';
import type { SystemCalls } from '../system-calls.ts';
import type { RequestPermit } from './client.ts';
import type { Clients } from './clients.ts';
import { corsFields, isPreflight, preflightFields } from './cors.ts';
import { type ErrorReply, errorReply, failureReply, rejectionReply } from './error-reply.ts';
import type { Exchange } from './exchange.ts';
import { mappedReply } from './mapped-reply.ts';
import { type MountPlace, mappedFields, mappedRedirect, unmappedFields } from './mapped-urls.ts';
import { MediaReply } from './media-reply.ts';
import { judgeMethod } from './method-guard.ts';
import { openFor } from './openings.ts';
import { Patience, type PatiencePolicy } from './patience.ts';
import { rejection } from './rejection.ts';
import { type Reply, type Request, replyFor } from './reply.ts';
import { inRealmOf, type PassRules, passable } from './reply-fields.ts';
import { ReplyHead } from './reply-head.ts';
import { contentOf } from './request-content.ts';
import type { RequestRecord } from './request-record.ts';
import type { Route } from './route.ts';
import { missedIn, statusOf } from './session-status.ts';
import type { StalledClients } from './stalled-clients.ts';

export interface RequestHandlerParts {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly patience: PatiencePolicy;
  readonly stalled: StalledClients;
  readonly clients: Clients;
  /** `null` where bodies are read and written. */
  readonly systemCalls: SystemCalls | null;
  /** Those of the control API, which no origin is told. */
  readonly tokens?: readonly string[];
}

type Media = Extract<Route, { kind: 'media' }>;
type Answer = Exclude<Route, { kind: 'control' }> | ProxyError;

/** Answers one request when the replies before it on its connection have ended. Never rejects. */
export async function handleRequest(exchange: Exchange, answer: Answer, parts: RequestHandlerParts): Promise<void> {
  const { request, response, record, connection } = exchange;
  const turn = connection.turnOf(response);
  if (turn !== null) await turn;
  if (connection.gone.aborted) return record.done('gone', null);
  const patience = new Patience(response, parts.patience, parts.clock);
  let outcome: RequestOutcome = 'cut';
  try {
    const answering = new RequestHandler(exchange, patience, parts).answer(answer);
    if (!response.headersSent) patience.begin(record.age);
    outcome = await answering;
  } catch (error) {
    record.bug(error);
    response.destroy();
  } finally {
    patience.end();
  }
  cutUnread(request, parts.clock);
  record.done(outcome, patience.beganAt);
}

/** Content that goes on coming after the reply is for nobody, and no next request can come before its end. */
function cutUnread(request: IncomingMessage, clock: Clock): void {
  if (request.complete || request.socket === null || request.socket.destroyed) return;
  const { socket } = request;
  const timer = clock.after(fixedBudgets.badRequest.ms, () => {
    if (!request.complete) socket.destroy();
  });
  socket.once('close', () => timer.cancel());
  request.once('end', () => timer.cancel());
}

class RequestHandler {
  readonly #exchange: Exchange;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #head: ReplyHead;
  readonly #record: RequestRecord;
  readonly #parts: RequestHandlerParts;
  /** Its client's, until the reply has ended. */
  #permit: RequestPermit | null = null;
  /** Where its target is, for the places that an answer names; `null` where they are passed on as they are. */
  #place: (MountPlace & { readonly target: string }) | null = null;

  constructor(exchange: Exchange, patience: Patience, parts: RequestHandlerParts) {
    const { request, response, record } = exchange;
    this.#exchange = exchange;
    this.#request = request;
    this.#response = response;
    this.#record = record;
    this.#parts = parts;
    this.#head = new ReplyHead({ request, response, patience, record, clock: parts.clock });
  }

  get #gone(): AbortSignal {
    return this.#exchange.connection.gone;
  }

  /** Resolves when the reply has ended. */
  async answer(answer: Answer): Promise<RequestOutcome> {
    try {
      return await this.#untilClosed(await this.#answer(answer));
    } catch (error) {
      if (this.#response.headersSent) throw error;
      this.#record.bug(error);
      const internal = new ProxyError('proxy_internal_error', 'firstbyte itself failed; the log says where.');
      return this.#untilClosed(this.#head.refuse(errorReply(internal, this.#record.age)));
    } finally {
      this.#permit?.release();
    }
  }

  /** The outcome when the client has taken the reply, or has left. */
  async #untilClosed(outcome: RequestOutcome): Promise<RequestOutcome> {
    if (outcome === 'gone' || outcome === 'cut') return outcome;
    const response = this.#response;
    if (!response.closed) await new Promise<void>((resolve) => response.once('close', resolve));
    return response.writableFinished ? outcome : 'gone';
  }

  #answer(answer: Answer): RequestOutcome | Promise<RequestOutcome> {
    if (answer instanceof ProxyError) return this.#head.refuse(errorReply(answer, this.#record.age));
    switch (answer.kind) {
      case 'rejection':
        return this.#head.refuse(rejectionReply(answer));
      case 'redirect':
        return this.#redirect(308, answer.location);
      case 'root':
        return this.#request.method === 'GET' || this.#request.method === 'HEAD'
          ? this.#redirect(302, '/-/')
          : this.#head.refuse(rejectionReply(noOrigin));
      case 'server':
        return this.#head.empty(204, [['allow', readingMethods.join(', ')]]);
      case 'media':
        return this.#serve(answer);
    }
  }

  #redirect(status: 302 | 308, location: string): RequestOutcome {
    const path = `${this.#exchange.ingress.prefix ?? ''}${location}`;
    return this.#head.empty(status, [
      ['location', path],
      ['content-length', '0'],
    ]);
  }

  #serve(answer: Media): RequestOutcome | Promise<RequestOutcome> {
    const { mount, target, origin, path } = answer;
    const { connection, ingress } = this.#exchange;
    const fields = withoutTokens(this.#exchange.fields, this.#parts.tokens ?? []);
    const request = { method: this.#request.method ?? 'GET', fields };
    const { cache, clients } = this.#parts;
    if (!cache.isMounted(mount)) return this.#refuseUnknown(answer);
    const { prefix } = ingress;
    const head = this.#head;
    head.isStrict = cache.isStrict(mount);
    if (prefix !== null && !head.isStrict)
      this.#place = { base: cache.baseOf(mount), mount: `${prefix}/${mount}`, target };
    const policy = cache.pagesOf(mount);
    head.pages = corsFields(request.fields, policy);
    head.hasPages = policy.includes('upstream');
    if (isPreflight(request.method, request.fields)) {
      const allowed = head.pages.length > 1 ? preflightFields(request.fields) : [];
      return head.empty(204, allowed);
    }
    const refused = judgeMethod(this.#request, cache.methodsOf(mount));
    if (refused !== null) return head.refuse(rejectionReply(refused));
    this.#record.names(origin, path);
    const { remoteAddress } = this.#request.socket;
    const permit = clients.enterNow(connection, remoteAddress, request.fields);
    if (permit !== null) return this.#begin(answer, request, permit);
    return clients.enter(connection, remoteAddress, request.fields, this.#gone).then(
      (given) => this.#begin(answer, request, given),
      (error: unknown) => this.#failed(error),
    );
  }

  /** Its turn among the requests of its client has come: a source may have ended meanwhile. */
  #begin(answer: Media, request: Request, permit: RequestPermit | null): RequestOutcome | Promise<RequestOutcome> {
    if (permit === null) return this.#head.refuse(rejectionReply(tooMany));
    this.#permit = permit;
    const { mount, target } = answer;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const replying =
      !reads || this.#parts.cache.isStrict(mount)
        ? this.#forward(mount, target, request)
        : this.#read(answer, request, permit.allowance);
    return replying ?? this.#refuseUnknown(answer);
  }

  #refuseUnknown({ mount, origin }: Media): RequestOutcome {
    const message = mount === origin ? `Unknown origin "${origin}".` : 'Nothing plays at this path, or no longer.';
    return this.#head.refuse(rejectionReply(rejection(404, message)));
  }

  /** A request that strict mode answers, or that is more than reading; `null` where nothing is mounted there. */
  #forward(mount: string, target: string, request: Request): Promise<RequestOutcome> | null {
    const { headers, httpVersion } = this.#request;
    const hasContent = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const content = hasContent && !reads ? contentOf(this.#request) : null;
    const { cache, clock } = this.#parts;
    const rules = { isStrict: cache.isStrict(mount), hasPages: this.#head.hasPages };
    const at = this.#place;
    const fields = at === null ? request.fields : unmappedFields(request.fields, at);
    const { socket } = this.#request;
    const received = content === null ? {} : { received: () => socket.bytesRead };
    const forwarded = { ...request, ...received, fields, content, trail: trailOf(request.fields) };
    const choose = (representation: Representation) => replyFor(request, representation, clock.wallTime(), rules);
    const first = (representation: Representation) => firstOf(choose(representation));
    const opening = cache.forward(mount, target, forwarded, first, this.#gone);
    const isHeldBack = headers.expect !== undefined && httpVersion !== '1.0';
    if (opening !== null && content !== null && isHeldBack) this.#head.askForContent();
    const pass = (session: ReadSession, verbatim: VerbatimReply) =>
      at === null
        ? replyOf(verbatim, rules)
        : mappedReply(session, replyOf(verbatim, rules), at.target, at, this.#gone);
    return opening && this.#reply(opening, choose, pass);
  }

  async #reply(
    opening: ReadSession | Promise<ReadSession>,
    choose: (representation: Representation) => Reply | ErrorReply,
    pass?: (session: ReadSession, verbatim: VerbatimReply) => Reply | ErrorReply | Promise<Reply | ErrorReply>,
  ): Promise<RequestOutcome> {
    let session: ReadSession;
    try {
      session = opening instanceof Promise ? await opening : opening;
    } catch (error) {
      return this.#failed(error);
    }
    try {
      const { representation, verbatim } = session;
      const reply =
        verbatim === undefined || pass === undefined ? choose(representation) : await pass(session, verbatim);
      return await this.#send(session, reply);
    } catch (error) {
      const isEarly = !this.#response.headersSent && (error instanceof FillFailed || this.#gone.aborted);
      if (isEarly) return this.#failed(error);
      throw error;
    } finally {
      session.leave();
    }
  }

  /** A request that reads; `null` where nothing is mounted there. */
  #read(media: Media, request: Request, allowance: ReadAheadAllowance): Promise<RequestOutcome> | null {
    const { cache, clock } = this.#parts;
    const rules = { hasPages: this.#head.hasPages };
    let chosen: { readonly of: Representation; readonly at: number; readonly reply: Reply | ErrorReply } | null = null;
    // What is there within a second, in which `Age` counts, is sent as it was chosen.
    const choose = (representation: Representation) => {
      const at = clock.wallTime();
      if (chosen?.of !== representation || at - chosen.at >= 1000)
        chosen = { of: representation, at, reply: replyFor(request, representation, at, rules) };
      return chosen.reply;
    };
    const first = (representation: Representation) => firstOf(choose(representation));
    const isStoredOnly = requestDirectives(request.fields).has('only-if-cached');
    const client = { allowance, isStoredOnly, askedAt: this.#record.acceptedAt };
    const { mount, target } = media;
    const opening = openFor({ cache, clock, mount, target, request, client, choose: first, gone: this.#gone });
    return opening && this.#reply(opening, choose);
  }

  #send(session: ReadSession, reply: Reply | ErrorReply): RequestOutcome | Promise<RequestOutcome> {
    const record = this.#record;
    record.cache = session.cache;
    record.fill = session.fill.id;
    if ('outcome' in reply) {
      if (session.reader.waited) record.waited('served');
      return this.#head.refuse(reply, statusOf(session));
    }
    if (this.#couldEndUnseen(reply)) return this.#head.refuse(rejectionReply(endless), statusOf(session));
    return new MediaReply(this.#exchange, this.#head, this.#parts, session, reply).send();
  }

  /** Whether a cut would look like the end: that of the connection is the only one, and a Unix socket knows no reset. */
  #couldEndUnseen({ fields, body }: Reply): boolean {
    const { httpVersion, socket } = this.#request;
    const isOverUnix = socket.remoteAddress === undefined && !this.#gone.aborted;
    return isOverUnix && httpVersion === '1.0' && body.kind !== 'none' && !hasField(fields, 'content-length');
  }

  #failed(error: unknown): RequestOutcome {
    if (this.#gone.aborted) {
      this.#record.waited('gone');
      return 'gone';
    }
    this.#record.waited(error instanceof FillFailed && error.budgetSpent ? 'late' : 'failed');
    if (!(error instanceof FillFailed)) throw error;
    const reply = failureReply(error.failure, this.#record.age);
    const fields = inRealmOf(this.#record.origin ?? '', this.#mapped(reply));
    return this.#head.refuse({ ...reply, fields }, missedIn(error.phase), error.phase);
  }

  /** The fields of an answer with its places as clients call them. */
  #mapped({ status, fields }: ErrorReply): Fields {
    const at = this.#place;
    if (at === null) return fields;
    if (status < 300 || status > 399) return mappedFields(fields, at.target, at);
    const prefix = this.#exchange.ingress.prefix ?? '';
    const entranceTo = (url: URL) => {
      const path = this.#parts.cache.entranceTo(at.mount.slice(prefix.length + 1), at.target, url);
      return path && prefix + path;
    };
    return mappedRedirect(fields, at.target, at, entranceTo);
  }
}

const noOrigin = rejection(404, 'A path begins with the name of an origin, such as /films/a.mp4.');

const endless = rejection(
  505,
  'The length of this content is not known: over a Unix socket that takes HTTP/1.1 (proxy_http_version 1.1 in nginx).',
);

const tooMany = rejection(429, 'This client has too many running requests (requestsPerClient).');

/** The origin's answer as it came. */
function replyOf({ status, fields, content }: VerbatimReply, rules: PassRules): Reply {
  return {
    status,
    fields: passable(fields, rules),
    body: content === null ? { kind: 'none' } : { kind: 'run', ...content },
  };
}

/** A program that steers firstbyte may send its token with every request. */
function withoutTokens(fields: Fields, tokens: readonly string[]): Fields {
  if (tokens.length === 0) return fields;
  return fieldsWhere(fields, (_, value) => !tokens.some((token) => value.includes(token)));
}

/** The bytes that must be present before the head goes out. */
function firstOf(reply: Reply | ErrorReply): OpenRange | null {
  if ('outcome' in reply) return null;
  const { body } = reply;
  if (body.kind === 'parts') return body.parts[0]?.range ?? null;
  return body.kind === 'run' ? body : null;
}
