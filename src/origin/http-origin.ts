/**
 * ADAPTER: an origin that speaks HTTP/1.1 over TCP or TLS.
 *
 * It says what is sent to each hop, and follows redirects as the policy allows. Credentials never leave the scheme, host
 * and port that they were given for, but for https in place of http. A play begins at the target's own URL, or at its
 * resolved URL, so that an expiring one to which it redirects is a fresh one; its further pieces are requested where that
 * led, as long as they are given there.
 */
import { ProxyError } from '../errors.ts';
import { type Fields, fieldsWhere, fieldValue, hasField, someField } from '../http/fields.ts';
import { redirectLifetime } from '../http/freshness.ts';
import { withKnownType } from '../http/media-type.ts';
import { saysError } from '../http/proxy-status.ts';
import { isTrailField, trailFields } from '../http/via.ts';
import { upTo } from '../kit/up-to.ts';
import { version } from '../version.ts';
import { credentialsIn, DigestLogin, withoutDigest } from './digest.ts';
import type { Origin, OriginBody, OriginReply, OriginRequest } from './origin.ts';
import {
  isSamePath,
  isSamePlace,
  isTemporary,
  leadsIntoFolder,
  maxRedirects,
  nextHop,
  type RedirectHop,
} from './redirect.ts';
import { leadsOn, locatedAt, redirectTo, withBeginning } from './redirect-end.ts';
import { RedirectJar } from './redirect-jar.ts';
import { type ChainEnd, RedirectMemory } from './redirect-memory.ts';
import { Transport, type TransportOptions } from './transport.ts';

export interface HttpOriginOptions extends TransportOptions {
  /** The operator's fields, credentials among them: sent to the base alone, in place of a request's own. */
  readonly fields?: Fields | undefined;
  /** firstbyte's name in `Via` and `CDN-Loop`, by which it knows its own requests; it sends neither where absent. */
  readonly pseudonym?: string | undefined;
  /** Whether a film whose type the server does not know gets one by its name; it does not where absent. */
  readonly mendTypes?: boolean | undefined;
}

export function createHttpOrigin(options: HttpOriginOptions): Origin {
  return new HttpOrigin(options);
}

/** Fields that belong to one connection, or that this adapter sets itself. */
const ofOneConnection: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Besides those: what would change the body of an answer. */
const unforwarded: ReadonlySet<string> = new Set([...ofOneConnection, 'accept-encoding', 'icy-metadata']);

/** Asks for the bytes as they are: offsets into a content coding mean nothing. */
const identity: Fields[number] = ['accept-encoding', 'identity'];

/** Statuses of a signed URL that has expired. */
const expired = new Set([401, 403, 404, 410]);

/** A digest is asked for once, and once more where its nonce is over. */
const mostChallenges = 2;

/** Fields that follow a redirect to another host: none can hold a secret. */
const travelling = new Set([
  'accept',
  'cache-control',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  'user-agent',
]);

class HttpOrigin implements Origin {
  readonly name: string;
  readonly #options: HttpOriginOptions;
  readonly #transport: Transport;
  readonly #led: RedirectMemory;
  /** With the operator's credentials, where a server asks for a digest of them. */
  readonly #digest: DigestLogin | null;

  constructor(options: HttpOriginOptions) {
    this.name = options.name;
    this.#options = options;
    this.#transport = new Transport(options);
    this.#led = new RedirectMemory(options.clock);
    const credentials = credentialsIn(fieldValue(options.fields ?? [], 'authorization'));
    this.#digest = credentials === null ? null : new DigestLogin(credentials);
  }

  async open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    signal.throwIfAborted();
    const remembered = isPiece(request) ? this.#led.find(keyOf(request)) : null;
    const reply = await this.#follow(request, remembered, signal).catch((error: unknown) => {
      if (remembered === null || signal.aborted) throw error;
      return null;
    });
    if (reply === null) {
      this.#led.forget(keyOf(request));
      return this.#follow(request, null, signal);
    }
    if (!reply.redirected || !expired.has(reply.status)) return reply;
    this.#led.forget(keyOf(request));
    // The redirect may have led to a URL that has expired: the chain is followed once more from its start.
    void runOut(reply.body);
    const { target, fields, resolved, anyCoding = false } = request;
    return this.#follow({ target, fields, anyCoding, ...(resolved && { resolved }) }, null, signal);
  }

  /** The answer at the end of a chain of redirects, or at `remembered`, where one has led already. */
  async #follow(request: OriginRequest, remembered: ChainEnd | null, signal: AbortSignal): Promise<OriginReply> {
    const { target, resolved, onConnected } = request;
    const { base } = this.#options;
    let hop: RedirectHop = { url: base, path: base.pathname.replace(/\/$/, '') + target };
    if (resolved?.url) hop = { url: resolved.url, path: resolved.url.pathname + resolved.url.search };
    const start = hop;
    hop = remembered?.hop ?? hop;
    let atHome = remembered?.atHome ?? hop.url.origin === base.origin;
    let atStart = remembered?.atStart ?? true;
    let onReady = onConnected;
    let redirected = remembered !== null;
    let ledHereForMs = remembered?.ledHereForMs ?? Number.POSITIVE_INFINITY;
    let [hops, challenges] = [0, 0];
    const jar = remembered?.jar ?? new RedirectJar();
    const left: OriginBody[] = [];
    try {
      for (;;) {
        const ofUrl = atStart ? (resolved?.fields ?? []) : [];
        const { method = 'GET', content = null } = request;
        const signed = this.#signed(this.#fieldsFor(request, atHome, ofUrl), method, hop);
        const fields = jar.addTo(signed, hop);
        const sent = { method, path: hop.path, fields, content };
        const reply = await this.#transport.ask(hop.url, sent, signal, request, onReady);
        onReady = undefined;
        left.push(reply.body);
        if (reply.status >= 500 && saysError(reply.fields, 'proxy_loop_detected')) {
          throw new ProxyError('proxy_loop_detected', `What ${hop.url.host} was asked for leads back to who asked.`);
        }
        if (this.#asksForDigest(reply, fields, atHome) && challenges < mostChallenges && content === null) {
          challenges += 1;
          void runOut(reply.body);
          continue;
        }
        const next = request.verbatim ? null : nextHop(reply.status, reply.fields, hop);
        if (next !== null && hops === 0 && leadsIntoFolder(hop, next)) {
          left.pop();
          return { ...reply, fields: locatedAt(next, reply.fields) };
        }
        if (next === null) {
          const moved = hops > 0 && !isSamePath(start, hop);
          const found = moved ? await withBeginning(reply) : { reply, beginning: null };
          left.pop();
          if (moved && leadsOn(reply, found.beginning, hop)) {
            void runOut(found.reply.body);
            return redirectTo(hop);
          }
          if (redirected && !expired.has(reply.status))
            this.#led.keep(keyOf(request), { hop, atHome, atStart, jar, ledHereForMs });
          return {
            ...found.reply,
            fields: this.#known(withoutDigest(reply.fields), reply.status, request),
            redirected,
            ...(ledHereForMs < Number.POSITIVE_INFINITY && { ledHereForMs }),
          };
        }
        hops += 1;
        if (hops > maxRedirects) {
          throw new ProxyError('http_protocol_error', `${base.host} redirects more than ${maxRedirects} times.`);
        }
        void runOut(reply.body);
        const isMoved = isTemporary(reply.status);
        redirected ||= isMoved;
        ledHereForMs = Math.min(ledHereForMs, redirectLifetime(reply.fields, isMoved, this.#options.clock.wallTime()));
        jar.keep(hop, reply.fields);
        const stays = isSamePlace(hop.url, next.url);
        atHome &&= stays;
        atStart &&= stays;
        hop = next;
      }
    } finally {
      for (const body of left) body.cancel();
    }
  }

  async close(): Promise<void> {
    this.#transport.close();
  }

  #known(fields: Fields, status: number, { target, verbatim }: OriginRequest): Fields {
    if (!this.#options.mendTypes || verbatim || (status !== 200 && status !== 206)) return fields;
    return withKnownType(fields, upTo(target, '?'));
  }

  /** The operator's credentials as a digest, once the server has asked for one. */
  #signed(fields: Fields, method: string, { path }: RedirectHop): Fields {
    const own = fieldValue(this.#options.fields ?? [], 'authorization');
    if (this.#digest === null || fieldValue(fields, 'authorization') !== own) return fields;
    const authorization = this.#digest.authorization(method, path);
    if (authorization === null) return fields;
    return fields.map(([name, value]) => [name, name === 'authorization' ? authorization : value]);
  }

  /** Whether an answer refuses the operator's credentials for now, and the same with a digest of them may be taken. */
  #asksForDigest({ status, fields }: OriginReply, sent: Fields, atHome: boolean): boolean {
    if (status !== 401 || !atHome || this.#digest === null) return false;
    return this.#digest.challenged(fields, fieldValue(sent, 'authorization'));
  }

  /** `ofUrl` are for the resolved URL alone, and replace all others of the same names. */
  #fieldsFor(request: OriginRequest, atHome: boolean, ofUrl: Fields): Fields {
    const { fields: asked, verbatim = false, anyCoding = false, content } = request;
    const { fields: own = [], pseudonym } = this.#options;
    const dropped = verbatim ? ofOneConnection : unforwarded;
    const isSent = (name: string) =>
      !dropped.has(name) && !isTrailField(name) && (name !== 'content-length' || !!content);
    const passed = fieldsWhere(asked, isSent);
    const known = [...replacedBy(own, passed), ...own];
    const sent = atHome ? known : fieldsWhere(known, (name) => travelling.has(name));
    const passedBy = fieldsWhere(asked, isTrailField);
    const trail = pseudonym === undefined ? [] : trailFields(passedBy, pseudonym);
    const codings: Fields = verbatim || anyCoding ? [] : [identity];
    const fields = [...replacedBy(ofUrl, sent), ...ofUrl, ...codings, ...trail];
    const isNamed = verbatim || hasField(fields, 'user-agent');
    return isNamed ? fields : [['user-agent', `firstbyte/${version}`], ...fields];
  }
}

/** Whether a request is for a piece of a version of which there is some already. */
function isPiece({ held, fields, verbatim = false }: OriginRequest): boolean {
  const isConditional = someField(fields, (name) => name === 'if-none-match' || name === 'if-modified-since');
  return held !== undefined && !isConditional && !verbatim;
}

/** What may lead elsewhere is remembered for each client that the origin may tell from others. */
function keyOf({ target, fields, resolved }: OriginRequest): string {
  return JSON.stringify([target, resolved?.url?.href, fieldsWhere(fields, (name) => !travelling.has(name))]);
}

/** `fields` without those that `others` replace. */
function replacedBy(others: Fields, fields: Fields): Fields {
  return fieldsWhere(fields, (name) => !others.some(([other]) => other === name));
}

/** Reads the body of a redirect to its end, so that its connection can be used again; a long one is cancelled. */
async function runOut(body: OriginBody): Promise<void> {
  try {
    for (let rest = 16 * 1024; rest > 0; ) {
      const bytes = await body.read();
      if (bytes === null) return;
      rest -= bytes.length;
    }
    body.cancel();
  } catch {
    // The body was cut or cancelled: its connection is gone, and nobody wanted its bytes.
  }
}
