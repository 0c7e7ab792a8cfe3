/**
 * A shared cache by RFC 9111 and nothing more, for origins with `cache: "rfc9111"`.
 *
 * Each request is answered with stored bytes, or goes to the origin once, with the client's own fields, and the answer goes
 * to the client as it came. No request is of this cache's own making.
 *
 * It also forwards what changes something at the origin, for any mode: that has content, and makes stored answers invalid
 * (RFC 9111 §4.4).
 */
import type { Readable } from 'node:stream';
import { within } from '../../clock.ts';
import { ProxyError } from '../../errors.ts';
import { bugOf } from '../../events.ts';
import type { Slot } from '../../fill/connection-slots.ts';
import { FillFailed } from '../../fill/failure.ts';
import type { CacheStatus } from '../../http/cache-status.ts';
import { endToEnd, type Fields, fieldsWhere, fieldValue } from '../../http/fields.ts';
import { forOneClient, freshUntil, storable } from '../../http/freshness.ts';
import { isSafe } from '../../http/method.ts';
import type { Representation } from '../../http/representation.ts';
import { mayGiveStale, requestDirectives, reuseOf } from '../../http/reuse.ts';
import { formatValidator } from '../../http/validator.ts';
import { isTrailField, type Trail } from '../../http/via.ts';
import { keepNewest } from '../../kit/keep-newest.ts';
import type { OriginReply } from '../../origin/origin.ts';
import { StoreError } from '../../store/store.ts';
import { never, untilAborted } from '../../until-aborted.ts';
import type { ReadSession, WantedBytes } from '../read-session.ts';
import type { AnswerContent } from './answer-content.ts';
import { StoredAnswers, type StoredAnswersParts, type StrictTarget, type UsedAnswer } from './stored-answers.ts';
import { formOf, freshened } from './stored-form.ts';

/** So many targets are remembered whose answers are not for several clients. */
const mostUnshared = 1000;

export interface StrictRequest {
  readonly method: string;
  readonly fields: Fields;
  readonly content: Readable | null;
  /** How many bytes the client has sent, where it has content: while these grow, the request is still coming. */
  readonly received?: () => number;
  /** The proxies that it came by. */
  readonly trail: Trail;
}

export class StrictCache {
  readonly #parts: StoredAnswersParts;
  readonly #answers: StoredAnswers;
  /** Requests whose answer may be for others as well; each ends when its head has been judged. */
  readonly #underway = new Map<string, Promise<void>>();
  /** Keys whose last answer was for one client. */
  readonly #unshared = new Map<string, true>();

  constructor(parts: StoredAnswersParts) {
    this.#parts = parts;
    this.#answers = new StoredAnswers(parts);
  }

  /**
   * Resolves when the head of the reply is known. `choose` says which bytes of a stored answer the request wants, `null`
   * for none. Rejects with `FillFailed`, or with the signal's reason.
   */
  async openSession(
    at: StrictTarget,
    request: StrictRequest,
    choose: WantedBytes,
    signal: AbortSignal,
  ): Promise<ReadSession> {
    for (let first = true; ; first = false) {
      const found = reads(request) ? await this.#answers.find(at, request.fields) : null;
      try {
        const stored = found && this.#reusable(found, at, request, choose);
        if (stored) return stored;
        if (reads(request) && requestDirectives(request.fields).has('only-if-cached'))
          throw new FillFailed({ kind: 'uncached' });
        const underway = first && this.#mayWait(at, request) ? this.#underway.get(at.key) : undefined;
        if (underway === undefined) return await this.#forward(at, request, choose, found, signal);
        await untilAborted(underway, signal);
      } finally {
        found?.leave();
      }
    }
  }

  /** A request that came through a proxy waits for nobody: it may be the one that others wait for. */
  #mayWait({ key }: StrictTarget, { method, fields, trail }: StrictRequest): boolean {
    if (method !== 'GET' || trail.length > 0 || this.#unshared.has(key)) return false;
    return fieldValue(fields, 'range') === null && reuseDirectives(fields).length === 0;
  }

  /** The session of a request that a stored answer satisfies as it is; `null` where the origin is to be asked. */
  #reusable(
    { content }: UsedAnswer,
    at: StrictTarget,
    request: StrictRequest,
    choose: WantedBytes,
  ): ReadSession | null {
    const { representation } = content;
    const now = this.#parts.clock.wallTime();
    const reuse = reuseOf(request.fields, storedAnswer(representation), now);
    if (reuse === 'ask') return null;
    const wanted = choose(representation);
    if (wanted !== null && content.has(wanted) === 'none') return null;
    if (wanted === null && request.method === 'GET' && !isWhole(content)) return null;
    if (reuse === 'behind') this.#revalidateBehind(at, request, content);
    return this.#session(at, content, wanted, { cache: reuse === 'fresh' ? 'hit' : 'stale' });
  }

  #revalidateBehind(at: StrictTarget, request: StrictRequest, content: AnswerContent): void {
    const fields = fieldsWhere(unconditional(request.fields), (name) => name !== 'range' && name !== 'cache-control');
    if (this.#underway.has(at.key)) return;
    const leave = content.use();
    const behind = { ...request, method: 'GET', fields };
    this.#forward(at, behind, () => ({ start: 0, end: null }), { content, leave: () => {} }, never)
      .then(
        (session) => drained(session),
        () => {},
      )
      .finally(leave)
      .catch((error: unknown) => this.#bug(error));
  }

  /** Sends the request to the origin, under the conditions of the stored answer where there is one. */
  async #forward(
    at: StrictTarget,
    request: StrictRequest,
    choose: WantedBytes,
    found: UsedAnswer | null,
    signal: AbortSignal,
  ): Promise<ReadSession> {
    const judged = Promise.withResolvers<void>();
    const shares = request.method === 'GET' && !this.#underway.has(at.key);
    if (shares) this.#underway.set(at.key, judged.promise);
    try {
      return await this.#exchange(at, request, choose, found, signal);
    } finally {
      if (shares) this.#underway.delete(at.key);
      judged.resolve();
    }
  }

  async #exchange(
    at: StrictTarget,
    request: StrictRequest,
    choose: WantedBytes,
    found: UsedAnswer | null,
    signal: AbortSignal,
  ): Promise<ReadSession> {
    const { clock } = this.#parts;
    const content = found?.content ?? null;
    const conditions = content === null || !mayValidate(content, choose) ? [] : conditionsFor(content.representation);
    const asked = conditions.length === 0 ? request.fields : [...withoutValidation(request.fields), ...conditions];
    const fwd: Why = !reads(request)
      ? 'method'
      : content === null
        ? 'uri-miss'
        : reuseDirectives(request.fields).length > 0
          ? 'request'
          : 'stale';
    let exchange: Exchange;
    try {
      exchange = await this.#ask(at, request, asked, signal);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      const stale = content && this.#stale(at, request, choose, content, null);
      if (stale) return stale;
      throw new FillFailed({ kind: 'error', error });
    }
    const { reply, slot } = exchange;
    const giveUp = () => {
      reply.body.cancel();
      slot.release();
    };
    if (content !== null && reply.status === 304 && conditions.length > 0) {
      giveUp();
      const fresher = freshened(content.representation, reply.fields, clock.wallTime());
      // A 304 that names another version confirms nothing (RFC 9111 §4.3.4).
      if (fresher === content.representation) return this.#exchange(at, request, choose, null, signal);
      content.describe(fresher);
      const forwarded = { fwd, status: 304 };
      return this.#session(at, content, choose(content.representation), { cache: 'hit', forwarded });
    }
    const stale = content && reply.status >= 500 && this.#stale(at, request, choose, content, reply.status);
    if (stale) {
      giveUp();
      return stale;
    }
    if (!isSafe(request.method) && reply.status < 400) await this.#invalidate(at, request.fields, reply.fields);
    if (content !== null && request.method === 'HEAD') await this.#compare(at, content, reply);
    return this.#pass(at, request, content, exchange, fwd);
  }

  /** A stored answer that is given although it is stale; `status` is the origin's, `null` where it could not be reached. */
  #stale(
    at: StrictTarget,
    request: StrictRequest,
    choose: WantedBytes,
    content: AnswerContent,
    status: number | null,
  ): ReadSession | null {
    const { representation } = content;
    if (!mayGiveStale(request.fields, storedAnswer(representation), status, this.#parts.clock.wallTime())) return null;
    const wanted = choose(representation);
    if (wanted !== null && content.has(wanted) !== 'all') return null;
    const forwarded = { fwd: 'stale', ...(status !== null && { status }) } as const;
    return this.#session(at, content, wanted, { cache: 'stale', forwarded });
  }

  /** The head of the answer, within `firstByteTimeout`. */
  async #ask(at: StrictTarget, request: StrictRequest, fields: Fields, signal: AbortSignal): Promise<Exchange> {
    const { clock } = this.#parts;
    const { firstByteTimeout, queueTimeout } = at.policy;
    const busy = () => {
      const message = `Every connection to the origin ${at.origin.name} was busy.`;
      return new ProxyError('connection_limit_reached', message, { setting: 'queueTimeout', retryAfter: 5 });
    };
    const queueing = { clock, limit: queueTimeout, late: busy, signal };
    const slot = await within(queueing, (inTime) => at.slots.acquire({ urgency: () => 'waited for' }, inTime));
    const late = () => {
      const message = `No byte came from the origin ${at.origin.name} within ${firstByteTimeout / 1000} s.`;
      return new ProxyError('http_response_timeout', message, { setting: 'firstByteTimeout' });
    };
    try {
      const { method, content, trail, received } = request;
      const waiting = { clock, limit: firstByteTimeout, late, signal, ...(received && { size: received }) };
      const passed = [...forwardable(fields), ...trail];
      const asked = { target: at.target, method, content, fields: passed, verbatim: true, onLate: slot.late };
      // Once there is an answer, its body belongs to all who read it.
      const reply = await within(waiting, (inTime) => at.origin.open(asked, inTime));
      return { reply, slot };
    } catch (error) {
      slot.release();
      throw error;
    }
  }

  /** RFC 9111 §4.4; a copy also changes its destination (RFC 4918 §9.8). */
  async #invalidate(at: StrictTarget, request: Fields, answer: Fields): Promise<void> {
    const named = [
      fieldValue(answer, 'location'),
      fieldValue(answer, 'content-location'),
      fieldValue(request, 'destination'),
    ];
    const references = named.filter((reference) => reference !== null);
    await Promise.all([at.forget(), ...references.map((reference) => at.forget(reference))]);
  }

  /** What the answer to a HEAD says of the stored answer to a GET (RFC 9111 §4.3.5). */
  async #compare(at: StrictTarget, content: AnswerContent, { status, fields }: OriginReply): Promise<void> {
    if (status !== 200) return;
    const now = this.#parts.clock.wallTime();
    const seen = formOf(status, fields, now)?.representation;
    const { representation } = content;
    const sameLength = seen?.length === null || seen?.length === representation.length;
    const fresher = freshened(representation, fields, now);
    if (!sameLength || fresher === representation) await at.forget();
    else content.describe(fresher);
  }

  /** The origin's answer as it came, which is stored as far as that is allowed. */
  async #pass(
    at: StrictTarget,
    request: StrictRequest,
    previous: AnswerContent | null,
    { reply, slot }: Exchange,
    fwd: Why,
  ): Promise<ReadSession> {
    const { clock } = this.#parts;
    const { status, fields } = reply;
    const form = formOf(status, fields, clock.wallTime());
    if (form === null) {
      reply.body.cancel();
      slot.release();
      const what = status > 599 ? `the status ${status}` : 'a malformed Content-Length';
      const error = new ProxyError('http_protocol_error', `The origin ${at.origin.name} sent ${what}.`);
      throw new FillFailed({ kind: 'error', error });
    }
    const hasContent = request.method !== 'HEAD' && status !== 204 && status !== 304 && form.end !== form.start;
    const answered = { requestFields: request.fields, status, fields };
    const mayStore = request.method === 'GET' && status !== 304 && form.storable && storable(answered, 'rfc9111');
    if (request.method === 'GET' && (!mayStore || forOneClient(answered, 'rfc9111'))) {
      this.#unshared.delete(at.key);
      this.#unshared.set(at.key, true);
      keepNewest(this.#unshared, mostUnshared);
    }
    const content = mayStore
      ? await this.#answers.make(at, request.fields, form, previous)
      : this.#answers.past(at, form.representation);
    const range = hasContent ? { start: form.start, end: form.end } : null;
    const verbatim = { status, fields: endToEnd(fields), content: range };
    const stored = mayStore && !content.presence.passing;
    const leave = content.use();
    const forwarded: CacheStatus = { fwd, stored };
    const session = this.#session(at, content, range, { cache: stored ? 'miss' : 'pass', verbatim, forwarded });
    const inflow = range && { body: reply.body, ...range, timeout: at.policy.healTimeout };
    const received = inflow === null ? Promise.resolve(reply.body.cancel()) : content.receive(inflow);
    void received
      // The end of a connection proves no end of the content.
      .then(() => (reply.closeDelimited && mayStore ? at.forget() : undefined))
      .finally(() => {
        leave();
        slot.release();
      })
      .catch((error: unknown) => this.#bug(error));
    return session;
  }

  #bug(error: unknown): void {
    const { clock, events } = this.#parts;
    events.emit(bugOf(error, clock.now()));
  }

  #session(
    at: StrictTarget,
    content: AnswerContent,
    wanted: { start: number; end: number | null } | null,
    told: Pick<ReadSession, 'cache' | 'verbatim' | 'forwarded'>,
  ): ReadSession {
    const { clock } = this.#parts;
    const { representation, presence } = content;
    const reader = content.join(wanted ?? { start: 0, end: 0 });
    const leave = content.use();
    const { firstByteTimeout: first, healTimeout: next } = at.policy;
    const freshFor = storedAnswer(representation).until - clock.wallTime();
    return {
      representation,
      reader,
      fill: {
        id: content.id,
        get passing() {
          return presence.passing;
        },
        beginning: (length, signal) => presence.beginning(Math.min(length, representation.length ?? length), signal),
      },
      ttl: Math.floor(freshFor / 1000),
      collapsed: false,
      patience: { first, next },
      ...told,
      leave: () => {
        reader.leave();
        leave();
      },
    };
  }
}

/** Why a request goes to the origin (RFC 9211 §2.2). */
type Why = 'uri-miss' | 'request' | 'stale' | 'method';

interface Exchange {
  readonly reply: OriginReply;
  readonly slot: Slot;
}

function reads({ method }: StrictRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

function storedAnswer(representation: Representation) {
  return { representation, until: freshUntil(representation, 0, 'rfc9111').until };
}

function isWhole(content: AnswerContent): boolean {
  return content.has({ start: 0, end: null }) !== 'none';
}

/** Whether a 304 would be of use: what the request wants is stored. */
function mayValidate(content: AnswerContent, choose: WantedBytes): boolean {
  const wanted = choose(content.representation);
  return wanted === null || content.has(wanted) !== 'none';
}

/** RFC 9111 §4.3.1. */
function conditionsFor({ validator, fields }: Representation): Fields {
  const tag = validator?.kind === 'etag' ? [['if-none-match', formatValidator(validator)] as const] : [];
  const modified = fieldValue(fields, 'last-modified');
  return [...tag, ...(modified === null ? [] : [['if-modified-since', modified] as const])];
}

/**
 * A request in place of whose conditions for a stored answer stand those of the one here. The others count in another version
 * as well, and `If-Range` above all: without it, a client would get a part of that and put it to what it has.
 */
function withoutValidation(fields: Fields): Fields {
  return fieldsWhere(fields, (name) => name !== 'if-none-match' && name !== 'if-modified-since');
}

const conditionNames = /^if-(match|none-match|modified-since|unmodified-since|range)$/;

function unconditional(fields: Fields): Fields {
  return fieldsWhere(fields, (name) => !conditionNames.test(name));
}

/** The directives of a request by which a stored answer may not do. */
function reuseDirectives(fields: Fields): string[] {
  return ['no-cache', 'max-age', 'min-fresh'].filter((name) => requestDirectives(fields).has(name));
}

/** A client's fields as they go on; a proxy's own names are added for all who wait. */
function forwardable(fields: Fields): Fields {
  return fieldsWhere(endToEnd(fields), (name) => !isTrailField(name));
}

/** Reads a session to its end, for nobody. */
async function drained(session: ReadSession): Promise<void> {
  const { reader } = session;
  try {
    while ((await reader.arrival(never)) === 'bytes') {
      const slice = await reader.take(never)?.slice;
      slice?.release();
    }
  } catch (error) {
    if (!(error instanceof FillFailed || error instanceof StoreError)) throw error;
  } finally {
    session.leave();
  }
}
