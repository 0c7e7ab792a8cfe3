/**
 * Decides who may use the control API. Pure.
 *
 * Any web page can make a browser on this machine send requests to loopback. So without a token or the page's password,
 * only connections on loopback are answered, and never for a page of another site. `src/proxy/host-guard.ts` has excluded DNS rebinding
 * before. A configured token is required of everyone, because requests over loopback may have been forwarded there.
 *
 * Every change needs a token: the configured one, or the local one, which is made at each start and lies in the cache
 * directory. A change is JSON, which no HTML form can send. For the page, a session stands for the token that was
 * entered there (`page-session.ts`).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IpNetwork } from '../http/ip-address.ts';
import { isLoopback } from '../http/loopback.ts';
import type { PageSession } from './page-session.ts';

export interface ControlPolicy {
  /** Required of every request as `Authorization: Bearer …` (RFC 6750 §2.1). Without it, only loopback is answered. */
  readonly token?: string | undefined;
  /** The password of the page, which counts as the local token, from anywhere; absent where there is a token. */
  readonly password?: string | undefined;
  /** Networks whose users may look at the page without it. */
  readonly viewers?: readonly IpNetwork[] | undefined;
  /** A second token, valid on this machine: over loopback, Unix sockets, and from any other address to itself. */
  readonly localToken?: string | undefined;
}

export interface ControlRequest {
  readonly method: string;
  /** The local address of the connection; `undefined` for a Unix socket. */
  readonly localAddress: string | undefined;
  readonly remoteAddress?: string | undefined;
  /** Whether it comes from a network whose users may look without a token. */
  readonly isViewer?: boolean;
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  /** The page's session, in place of a token; `null` for none. */
  readonly session?: PageSession | null;
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
  readonly contentType: string | undefined;
}

/** Whose token a request has: the operator's configured one or the local one; `null` for no valid one. */
export type Bearer = 'operator' | 'local' | null;

/** A refusal as the problem details of RFC 9457 §3.1. */
interface Refusal {
  readonly status: 401 | 403 | 405 | 415;
  /** One plain sentence, or two. */
  readonly detail: string;
}

/** `secret`: the token or password that was sent, or that the session stands for; `null` for none. */
export type Judgement = { readonly bearer: Bearer; readonly secret: string | null } | Refusal;

/** For clients that sent no token. */
export const whichToken =
  'the configured one, the password that `firstbyte page` prints, or the one in the file "owner" of the cache directory';

const reading = new Set(['GET', 'HEAD']);
const changing = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

export function judgeControlRequest(request: ControlRequest, policy: ControlPolicy): Judgement {
  const { method, localAddress, remoteAddress } = request;
  const near = isNear(localAddress);
  // Commands of a firstbyte that listens in the home network alone come from the address that they go to.
  const { bearer, secret } = bearerOf(request, near || remoteAddress === localAddress, policy);
  if (policy.token !== undefined) {
    if (bearer === null) return unauthorized(request, 'the one that is configured as `token`');
  } else if (!near && bearer === null && !(request.isViewer && reading.has(method))) {
    return unauthorized(request, 'the password that `firstbyte page` prints');
  }
  if (isCrossSite(request)) return refusal(403, 'The control API does not answer the pages of other sites.');
  if (reading.has(method)) return { bearer, secret };
  if (!changing.has(method)) return refusal(405, `The control API does not know the method ${method}.`);
  if (bearer === null) {
    return unauthorized(request, whichToken);
  }
  if (!isJson(request.contentType)) {
    const sent = request.contentType === undefined ? 'nothing' : `"${request.contentType}"`;
    return refusal(
      415,
      `A change needs "content-type: application/json", and {} for an empty body; this request has ${sent}.`,
    );
  }
  return { bearer, secret };
}

/** A wrong token and a missing one are two mistakes. */
function unauthorized({ authorization }: ControlRequest, which: string): Refusal {
  if (authorization !== undefined) return refusal(401, `This token is wrong: it is ${which}.`);
  return refusal(401, `This needs a token as "Authorization: Bearer …": ${which}.`);
}

function refusal(status: Refusal['status'], detail: string): Refusal {
  return { status, detail };
}

/** A Unix socket counts as loopback. */
function isNear(address: string | undefined): boolean {
  return address === undefined || isLoopback(address);
}

function isCrossSite({ host, origin, secFetchSite }: ControlRequest): boolean {
  // `none` is a user's own action, such as the address bar or a bookmark. `same-site` is another port of this machine.
  if (secFetchSite !== undefined && secFetchSite !== 'same-origin' && secFetchSite !== 'none') return true;
  return origin !== undefined && URL.parse(origin)?.host !== host?.toLowerCase();
}

/** Ignores parameters. Another type that ends in `+json` does not count. */
function isJson(contentType: string | undefined): boolean {
  return /^\s*application\/json\s*(;|$)/i.test(contentType ?? '');
}

/**
 * A token counts before a session. The comparison takes the same time for any input: it compares whole digests, with
 * each token.
 */
function bearerOf(
  { authorization, session }: ControlRequest,
  onThisMachine: boolean,
  { token, password, localToken }: ControlPolicy,
): { readonly bearer: Bearer; readonly secret: string | null } {
  const sent = digest(/^bearer +(.+)$/i.exec(authorization ?? '')?.[1] ?? '');
  const stands = (known: string | undefined) =>
    known !== undefined &&
    (authorization === undefined ? session?.standsFor(known) === true : timingSafeEqual(sent, digest(known)));
  const [isOperator, isPassword, isLocal] = [stands(token), stands(password), stands(localToken)];
  if (isOperator) return { bearer: 'operator', secret: token ?? null };
  if (isPassword) return { bearer: 'local', secret: password ?? null };
  return isLocal && onThisMachine ? { bearer: 'local', secret: localToken ?? null } : { bearer: null, secret: null };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
