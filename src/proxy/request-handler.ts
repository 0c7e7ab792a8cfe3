/**
 * One client request, top to bottom: entry → representation → first byte → head → bytes.
 *
 * No head goes out before the first requested byte is present or a final answer is known. So a failure before that is
 * still a clean status. After the head, a reply that can't be completed is cut: the connection is destroyed, so that the
 * player knows.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fixedBudgets } from '../budgets.ts';
import type { OpenRange } from '../bytes/byte-range.ts';
import { type Cache, readingMethods } from '../cache/cache.ts';
import type { Entry } from '../cache/entry.ts';
import {
  type Aim,
  FillFailed,
  type ReadAheadAllowance,
  type ReadSession,
  type SessionClient,
  type SessionReader,
  type VerbatimReply,
} from '../cache/read-session.ts';
import { type Clock, within } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { FillPhase, RequestOutcome } from '../events.ts';
import { cacheStatus } from '../http/cache-status.ts';
import { type Fields, fieldsFromRaw, fieldValue, titled } from '../http/fields.ts';
import { signatureLength } from '../http/media-signature.ts';
import type { Representation } from '../http/representation.ts';
import { requestDirectives } from '../http/reuse.ts';
import { trailOf } from '../http/via.ts';
import type { SystemCalls } from '../system-calls.ts';
import { type ClientConnection, isSystemSocket } from './client-connection.ts';
import type { Clients } from './clients.ts';
import { corsFields, isPreflight, preflightFields, withPages } from './cors.ts';
import { type ErrorReply, errorReply, failureReply, rejectionReply } from './error-reply.ts';
import { FileSender } from './file-sender.ts';
import { isolated, mayBeAnything } from './isolation.ts';
import { mappedReply } from './mapped-reply.ts';
import { type MountPlace, mappedFields, mappedRedirect, unmappedFields } from './mapped-urls.ts';
import { judgeMethod } from './method-guard.ts';
import { Patience, type PatiencePolicy } from './patience.ts';
import { rejection } from './rejection.ts';
import { type Body, headOnly, hintOf, isConditional, type Reply, type Request, replyFor } from './reply.ts';
import { inRealmOf, notForwarded, type PassRules, passable, signed } from './reply-fields.ts';
import { contentOf } from './request-content.ts';
import type { RequestRecord } from './request-record.ts';
import type { Route } from './route.ts';
import { Sender } from './sender.ts';
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

/** How requests come in. */
export interface Ingress {
  /**
   * What stands before `/NAME/` in the URLs of clients: nothing, or such as `/media`; `null` where clients use the URLs of
   * the origins themselves.
   */
  readonly prefix: string | null;
  /** Whether the server is firstbyte's own, so that nothing stands between a reply and its socket. */
  readonly isOwn: boolean;
}

type Media = Extract<Route, { kind: 'media' }>;
type Answer = Exclude<Route, { kind: 'control' }> | ProxyError;

/** Answers one request when the replies before it on its connection have ended. Never rejects. */
export async function handleRequest(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  record: RequestRecord,
  connection: ClientConnection,
  ingress: Ingress,
  parts: RequestHandlerParts,
): Promise<void> {
  await connection.turnOf(response);
  if (connection.gone.aborted) return record.done('gone', null);
  const patience = new Patience(response, parts.patience, parts.clock, record.age);
  let outcome: RequestOutcome = 'cut';
  try {
    outcome = await new RequestHandler(request, response, patience, record, parts, connection, ingress).answer(answer);
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
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #patience: Patience;
  readonly #record: RequestRecord;
  readonly #parts: RequestHandlerParts;
  readonly #connection: ClientConnection;
  readonly #ingress: Ingress;
  readonly #closed: Promise<void>;
  /** The fields by which a page may read the reply. */
  #pages: Fields = [];
  /** Whether the origin says which pages may. */
  #hasPages = false;
  #isStrict = false;
  /** Where its target is, for the places that an answer names; `null` where they are passed on as they are. */
  #place: (MountPlace & { readonly target: string }) | null = null;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    patience: Patience,
    record: RequestRecord,
    parts: RequestHandlerParts,
    connection: ClientConnection,
    ingress: Ingress,
  ) {
    this.#request = request;
    this.#response = response;
    this.#patience = patience;
    this.#record = record;
    this.#parts = parts;
    this.#connection = connection;
    this.#ingress = ingress;
    this.#closed = new Promise((resolve) => response.once('close', resolve));
  }

  get #gone(): AbortSignal {
    return this.#connection.gone;
  }

  /** Resolves when the reply has ended. */
  async answer(answer: Answer): Promise<RequestOutcome> {
    try {
      return await this.#untilClosed(await this.#answer(answer));
    } catch (error) {
      if (this.#response.headersSent) throw error;
      this.#record.bug(error);
      const internal = new ProxyError('proxy_internal_error', 'firstbyte itself failed; the log says where.');
      return this.#untilClosed(this.#refuse(errorReply(internal, this.#record.age), notForwarded));
    }
  }

  /** The outcome when the client has taken the reply, or has left. */
  async #untilClosed(outcome: RequestOutcome): Promise<RequestOutcome> {
    if (outcome === 'gone' || outcome === 'cut') return outcome;
    await this.#closed;
    return this.#response.writableFinished ? outcome : 'gone';
  }

  async #answer(answer: Answer): Promise<RequestOutcome> {
    if (answer instanceof ProxyError) return this.#refuse(errorReply(answer, this.#record.age), notForwarded);
    switch (answer.kind) {
      case 'rejection':
        return this.#refuse(rejectionReply(answer), notForwarded);
      case 'redirect':
        return this.#redirect(308, answer.location);
      case 'root':
        return this.#request.method === 'GET' || this.#request.method === 'HEAD'
          ? this.#redirect(302, '/-/')
          : this.#refuse(rejectionReply(noOrigin), notForwarded);
      case 'server':
        this.#writeHead(204, isolated([['allow', readingMethods.join(', ')], notForwarded]));
        this.#response.end();
        return 'served';
      case 'media':
        return this.#serve(answer);
    }
  }

  #redirect(status: 302 | 308, location: string): RequestOutcome {
    const path = `${this.#ingress.prefix ?? ''}${location}`;
    this.#writeHead(status, isolated([['location', path], ['content-length', '0'], notForwarded]));
    this.#response.end();
    return 'served';
  }

  async #serve(answer: Media): Promise<RequestOutcome> {
    const { mount, target, origin, path } = answer;
    const fields = withoutTokens(fieldsFromRaw(this.#request.rawHeaders), this.#parts.tokens ?? []);
    const request = { method: this.#request.method ?? 'GET', fields };
    const { cache, clients } = this.#parts;
    const message = mount === origin ? `Unknown origin "${origin}".` : 'Nothing plays at this path, or no longer.';
    const refuse = () => this.#refuse(rejectionReply(rejection(404, message)), notForwarded);
    if (!cache.isMounted(mount)) return refuse();
    const { prefix } = this.#ingress;
    this.#isStrict = cache.isStrict(mount);
    if (prefix !== null && !this.#isStrict)
      this.#place = { base: cache.baseOf(mount), mount: `${prefix}/${mount}`, target };
    const policy = cache.pagesOf(mount);
    this.#pages = corsFields(request.fields, policy);
    this.#hasPages = policy.includes('upstream');
    if (isPreflight(request.method, request.fields)) {
      const allowed = this.#pages.length > 1 ? preflightFields(request.fields) : [];
      this.#writeHead(204, isolated([...allowed, notForwarded]));
      this.#response.end();
      return 'served';
    }
    const refused = judgeMethod(this.#request, cache.methodsOf(mount));
    if (refused !== null) return this.#refuse(rejectionReply(refused), notForwarded);
    this.#record.origin = origin;
    this.#record.path = path;
    let permit: Awaited<ReturnType<Clients['enter']>>;
    try {
      const { remoteAddress } = this.#request.socket;
      permit = await clients.enter(this.#connection, remoteAddress, request.fields, this.#gone);
    } catch (error) {
      return this.#failed(error);
    }
    if (permit === null) return this.#refuse(rejectionReply(tooMany), notForwarded);
    try {
      // Not before: a request that is queued costs nothing, and a source may have ended meanwhile.
      const reads = request.method === 'GET' || request.method === 'HEAD';
      if (!reads || cache.isStrict(mount)) {
        const forwarded = this.#forward(mount, target, request);
        return await this.#untilClosed(forwarded === null ? refuse() : await forwarded);
      }
      const read = this.#read(answer, request, permit.allowance);
      return await this.#untilClosed(read === null ? refuse() : await read);
    } finally {
      permit.release();
    }
  }

  /** A request that strict mode answers, or that is more than reading; `null` where nothing is mounted there. */
  #forward(mount: string, target: string, request: Request): Promise<RequestOutcome> | null {
    const { headers } = this.#request;
    const hasContent = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const content = hasContent && !reads ? contentOf(this.#request) : null;
    const { cache, clock } = this.#parts;
    const rules = { isStrict: cache.isStrict(mount), hasPages: this.#hasPages };
    const at = this.#place;
    const fields = at === null ? request.fields : unmappedFields(request.fields, at);
    const { socket } = this.#request;
    const received = content === null ? {} : { received: () => socket.bytesRead };
    const forwarded = { ...request, ...received, fields, content, trail: trailOf(request.fields) };
    const choose = (representation: Representation) => replyFor(request, representation, clock.wallTime(), rules);
    const first = (representation: Representation) => firstOf(choose(representation));
    const opening = cache.forward(mount, target, forwarded, first, this.#gone);
    if (opening !== null && content !== null && headers.expect !== undefined) this.#response.writeContinue();
    const pass = (session: ReadSession, verbatim: VerbatimReply) =>
      at === null
        ? replyOf(verbatim, rules)
        : mappedReply(session, replyOf(verbatim, rules), at.target, at, this.#gone);
    return opening && this.#reply(opening, choose, pass);
  }

  async #reply(
    opening: Promise<ReadSession>,
    choose: (representation: Representation) => Reply | ErrorReply,
    pass?: (session: ReadSession, verbatim: VerbatimReply) => Reply | ErrorReply | Promise<Reply | ErrorReply>,
  ): Promise<RequestOutcome> {
    let session: ReadSession;
    try {
      session = await opening;
    } catch (error) {
      return this.#failed(error);
    }
    try {
      const { representation, verbatim } = session;
      const reply =
        verbatim === undefined || pass === undefined ? choose(representation) : await pass(session, verbatim);
      return await this.#send(session, reply);
    } catch (error) {
      if (error instanceof FillFailed && !this.#response.headersSent) return this.#failed(error);
      throw error;
    } finally {
      session.leave();
    }
  }

  /** A request that reads; `null` where nothing is mounted there. */
  #read(media: Media, request: Request, allowance: ReadAheadAllowance): Promise<RequestOutcome> | null {
    const { cache, clock } = this.#parts;
    const rules = { hasPages: this.#hasPages };
    const choose = (representation: Representation) => replyFor(request, representation, clock.wallTime(), rules);
    const first = (representation: Representation) => firstOf(choose(representation));
    const entry = cache.open(media.mount, media.target, request.fields);
    if (entry === null) return null;
    const isStoredOnly = requestDirectives(request.fields).has('only-if-cached');
    const { acceptedAt: askedAt } = this.#record;
    const open: OpenEntry = (asked, signal, said) =>
      this.#openSession(asked, request, first, { allowance, isStoredOnly, askedAt, ...(said && { said }) }, signal);
    return this.#reply(this.#openVariant(entry, media, request, open), choose);
  }

  /** Goes on to the entry for this client where answers vary; where the origin is out of reach, the first entry will do. */
  async #openVariant(
    first: Entry,
    { mount, target }: Media,
    { fields }: Request,
    open: OpenEntry,
  ): Promise<ReadSession> {
    const { cache, clock } = this.#parts;
    for (let entry = first, turns = 1; ; turns += 1) {
      const unreachable = new AbortController();
      const late = entry.isVariant
        ? clock.after(fixedBudgets.outOfReach.ms, () => {
            if (cache.isOutOfReach(mount) && entry !== cache.openFirst(mount, target, fields)) unreachable.abort();
          })
        : null;
      const signal = entry.isVariant ? AbortSignal.any([this.#gone, unreachable.signal]) : this.#gone;
      try {
        return await open(entry, signal, entry.upstream.said);
      } catch (error) {
        const stored = unreachable.signal.aborted ? cache.openFirst(mount, target, fields) : null;
        if (stored !== null) return await open(stored, this.#gone);
        const isVaried = error instanceof FillFailed && error.failure.kind === 'varied' && turns < mostVariants;
        const next = isVaried ? cache.open(mount, target, fields) : null;
        if (next === null) throw error;
        entry = next;
      } finally {
        late?.cancel();
      }
    }
  }

  async #openSession(
    entry: Entry,
    request: Request,
    choose: (representation: Representation) => OpenRange | null,
    client: SessionClient,
    signal: AbortSignal,
  ): Promise<ReadSession> {
    const part = entry.upstream.trails.accompany(trailOf(request.fields));
    const open = async (hint: Aim) => {
      const session = await entry.openSession(hint, choose, signal, client);
      return {
        ...session,
        leave: () => {
          session.leave();
          part();
        },
      };
    };
    try {
      try {
        return await open(hintOf(request));
      } catch (error) {
        const past = error instanceof FillFailed && error.failure.kind === 'unsatisfiable';
        if (!past || !isConditional(request)) throw error;
        // Conditions come before the range: they may ask for the whole, or for nothing.
        return await open(headOnly);
      }
    } catch (error) {
      part();
      throw error;
    }
  }

  /** The first byte is there: from here on there is no way back to another status. */
  async #send(session: ReadSession, reply: Reply | ErrorReply): Promise<RequestOutcome> {
    this.#record.cache = session.cache;
    this.#record.fill = session.fill.id;
    if ('outcome' in reply) {
      if (session.reader.waited) this.#record.waited('served');
      return this.#refuse(reply, ['cache-status', cacheStatusOf(session)]);
    }
    const { body } = reply;
    if (body.kind === 'run') this.#record.range = { start: body.start, end: body.end ?? session.reader.position };
    using sender = this.#senderTo(session, reply.fields);
    if (body.kind !== 'none') {
      try {
        await sender.begin();
      } catch (error) {
        return this.#failed(error);
      }
    }
    // A 304 has no type, and browsers add its fields to those of their copy.
    const content = reply.status === 304 ? session.representation.fields : reply.fields;
    const beginning = mayBeAnything(content) ? await this.#beginningOf(session) : null;
    const cache = ['cache-status', cacheStatusOf(session)] as const;
    this.#writeHead(reply.status, isolated([...reply.fields, cache], content, { beginning, isStrict: this.#isStrict }));
    if (session.reader.waited) this.#record.waited('served');
    try {
      await this.#sendBody(session.reader, body, sender);
      // An end before the announced length is a cut: never a film that seems to be over.
      if (body.kind !== 'none') sender.assertWhole();
      this.#response.end();
      return 'served';
    } catch (error) {
      this.#cut(reply.fields);
      if (this.#gone.aborted) return 'gone';
      if (!(error instanceof FillFailed)) this.#record.bug(error);
      return 'cut';
    }
  }

  /** The first bytes of the content; `null` where they are not present, or where the client leaves meanwhile. */
  async #beginningOf({ fill, patience }: ReadSession): Promise<Uint8Array | null> {
    const { clock } = this.#parts;
    const late = () => new Error('the store took too long');
    try {
      return await within({ clock, limit: patience.first, late, signal: this.#gone }, (signal) =>
        fill.beginning(signatureLength, signal),
      );
    } catch (error) {
      if (this.#gone.aborted) return null;
      throw error;
    }
  }

  /** Ends the connection; by a reset where a plain end would look like the end of the body. */
  #cut(fields: Fields): void {
    const { httpVersion, socket } = this.#request;
    const framed = httpVersion === '1.1' || fields.some(([name]) => name === 'content-length');
    if (framed) this.#response.destroy();
    else socket.resetAndDestroy();
  }

  #senderTo({ reader, patience }: ReadSession, fields: Fields): Sender {
    const { isOwn } = this.#ingress;
    const length = fieldValue(fields, 'content-length');
    return new Sender({
      reader,
      client: this.#response,
      lends: isOwn && isSystemSocket(this.#request.socket),
      // Another's server may have put something around its replies, through which every byte must go.
      files: isOwn ? FileSender.to(this.#response, this.#parts.systemCalls) : null,
      length: length === null ? null : Number(length),
      clock: this.#parts.clock,
      stalled: this.#parts.stalled,
      patience,
      signal: this.#gone,
      onSent: (...sent) => {
        this.#connection.progressed();
        this.#record.sent(...sent);
      },
    });
  }

  async #sendBody(reader: SessionReader, body: Body, sender: Sender): Promise<void> {
    this.#connection.sends(reader);
    if (body.kind === 'run') await sender.send();
    if (body.kind !== 'parts') return;
    for (const [index, { frame, range }] of body.parts.entries()) {
      // The first bytes of the first part have been read before the head.
      if (index > 0) reader.aim(range);
      await sender.sendFrame(frame);
      await sender.send();
    }
    await sender.sendFrame(body.closing);
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
    return this.#refuse({ ...reply, fields }, missedIn(error.phase), error.phase);
  }

  /** The fields of an answer with its places as clients call them. */
  #mapped({ status, fields }: ErrorReply): Fields {
    const at = this.#place;
    if (at === null) return fields;
    if (status < 300 || status > 399) return mappedFields(fields, at.target, at);
    const prefix = this.#ingress.prefix ?? '';
    const entranceTo = (url: URL) => {
      const path = this.#parts.cache.entranceTo(at.mount.slice(prefix.length + 1), at.target, url);
      return path && prefix + path;
    };
    return mappedRedirect(fields, at.target, at, entranceTo);
  }

  #refuse(reply: ErrorReply, cache: Fields[number], phase: FillPhase | null = null): RequestOutcome {
    const { status, fields, body, outcome, error } = reply;
    if (error !== null && status >= 500) this.#record.failed(error, phase);
    // RFC 9110 §8.6: a 204 has no length.
    const sized: Fields = status === 204 ? fields : [...fields, ['content-length', String(body.length)]];
    this.#writeHead(status, isolated([...sized, cache], fields, { beginning: body, isStrict: this.#isStrict }));
    if (this.#request.method === 'HEAD' || status === 204) this.#response.end();
    else this.#response.end(body);
    return outcome;
  }

  #writeHead(status: number, fields: Fields): void {
    this.#patience.end();
    this.#response.sendDate = false;
    const isLeft = this.#hasPages && fields.some(([name]) => name === 'access-control-allow-origin');
    const written = signed(isLeft ? fields : withPages(fields, this.#pages), this.#parts.clock.wallTime());
    this.#response.writeHead(
      status,
      written.flatMap(([name, value]) => [titled(name), value]),
    );
    this.#record.headOut(status);
  }
}

const noOrigin = rejection(404, 'A path begins with the name of an origin, such as /films/a.mp4.');

/** Opens a session of an entry; without `said` whatever is stored will do. */
type OpenEntry = (entry: Entry, signal: AbortSignal, said?: Fields) => Promise<ReadSession>;

/** So many entries of one target are tried for a request, whose answers vary by something else each time. */
const mostVariants = 4;

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
  return fields.filter(([, value]) => !tokens.some((token) => value.includes(token)));
}

/** The bytes that must be present before the head goes out. */
function firstOf(reply: Reply | ErrorReply): OpenRange | null {
  if ('outcome' in reply) return null;
  const { body } = reply;
  if (body.kind === 'parts') return body.parts[0]?.range ?? null;
  return body.kind === 'run' ? body : null;
}

/** `Cache-Status` of a request for which the origin was asked; `phase` is the fill's when the failure was decided. */
function missedIn(phase: FillPhase | null): Fields[number] {
  return ['cache-status', cacheStatus({ fwd: 'miss', detail: phase ?? undefined })];
}

function cacheStatusOf({ cache, collapsed, fill, isVariant, reader, ttl, forwarded }: ReadSession): string {
  if (forwarded !== undefined) return cacheStatus(forwarded);
  // What was stored and could not be read has been fetched again.
  const isHealed = cache === 'hit' && reader.waited;
  if ((cache === 'hit' || cache === 'stale') && !isHealed) return cacheStatus({ hit: true, ttl });
  const miss = isVariant ? 'vary-miss' : 'uri-miss';
  const fwd = {
    pass: 'bypass',
    partial: 'partial',
    miss,
    none: 'miss',
    hit: 'partial',
    stale: 'stale',
  } as const;
  return cacheStatus({ fwd: fwd[cache], stored: !fill.passing, collapsed: collapsed || undefined });
}
