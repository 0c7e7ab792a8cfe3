/**
 * Who may ask the control API: a pure judgement of one request.
 *
 * Any web page can make a browser on this machine send requests to loopback, and DNS rebinding even lets it read the
 * replies. So without a token only connections on loopback are answered, only under a host name that no stranger can
 * point here, and never for another site's page. A configured token is asked of everyone, because what comes over
 * loopback may have been forwarded there.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopback, isOwnHost } from '../http/loopback.ts';

export interface ControlPolicy {
  /** Asked of every request as `Authorization: Bearer …` (RFC 6750 §2.1); without it only loopback is answered. */
  readonly token?: string;
  /** Host names, without port, that are answered without a token beside those of loopback. */
  readonly hosts?: readonly string[];
}

export interface ControlRequest {
  readonly method: string;
  /** The address at which the connection came in; `undefined` for a Unix socket. */
  readonly localAddress: string | undefined;
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
}

/** A refusal as the problem details of RFC 9457 §3.1. */
export interface Refusal {
  readonly status: 401 | 403 | 405 | 421;
  /** One plain sentence. */
  readonly detail: string;
}

/** The refusal of a request that may not be answered, or `null`. */
export function judgeControlRequest(request: ControlRequest, policy: ControlPolicy): Refusal | null {
  if (policy.token !== undefined) {
    if (!bearerTokenIs(policy.token, request.authorization)) {
      return { status: 401, detail: 'The control API asks for its token as "Authorization: Bearer …".' };
    }
  } else if (!isNear(request.localAddress)) {
    return { status: 401, detail: 'Beyond loopback the control API needs a token, and none is configured.' };
  } else if (!isOwnHost(request.host, policy.hosts)) {
    return { status: 421, detail: 'The control API does not answer under this host name.' };
  }
  if (isCrossSite(request)) {
    return { status: 403, detail: 'The control API does not answer the pages of other sites.' };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, detail: 'The control API knows only GET and HEAD.' };
  }
  return null;
}

/** A Unix socket is as near as loopback. */
function isNear(address: string | undefined): boolean {
  return address === undefined || isLoopback(address);
}

function isCrossSite({ host, origin, secFetchSite }: ControlRequest): boolean {
  // `none` is the user's own doing: the address bar, a bookmark. `same-site` is another port of this machine.
  if (secFetchSite !== undefined && secFetchSite !== 'same-origin' && secFetchSite !== 'none') return true;
  return origin !== undefined && URL.parse(origin)?.host !== host?.toLowerCase();
}

/** Takes the same time whatever was sent: digests are compared, whole. */
function bearerTokenIs(token: string, authorization: string | undefined): boolean {
  const sent = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(sent), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
