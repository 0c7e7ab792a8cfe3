/**
 * What went wrong on the way to an origin, from the codes of Node and TLS, and from refused answers, to the types of RFC 9209.
 *
 * Every sentence names the host and nothing else of the URL.
 */
import { ProxyError, type ProxyErrorType } from '../errors.ts';
import type { Refused } from './answer-head.ts';

/** How far the request had come: nothing connected, no head yet, or in the body. */
export type Stage = 'connect' | 'head' | 'body';

type Outcome = readonly [type: ProxyErrorType, sentence: (host: string) => string];

const refused: Outcome = ['connection_refused', (host) => `${host} refused the connection.`];
const unresolved: Outcome = ['dns_error', (host) => `The name of ${host} could not be resolved.`];
const unanswered: Outcome = ['dns_timeout', (host) => `The name service gave no answer about ${host}.`];
const unroutable: Outcome = ['destination_ip_unroutable', (host) => `There is no route to ${host}.`];
const unconnected: Outcome = ['connection_timeout', (host) => `${host} did not answer the connection.`];
const exhausted: Outcome = ['connection_limit_reached', (host) => `No descriptor is left for a connection to ${host}.`];
const terminated: Outcome = ['connection_terminated', (host) => `${host} closed the connection before it answered.`];
const reset: Outcome = ['connection_terminated', (host) => `${host} reset the connection in the middle of the body.`];
const silent: Outcome = ['connection_read_timeout', (host) => `${host} can no longer be reached.`];
const incomplete: Outcome = ['http_response_incomplete', (host) => `${host} ended the body before its announced end.`];
const malformed: Outcome = ['http_protocol_error', (host) => `${host} sent an answer that is not valid HTTP/1.1.`];
const oversized: Outcome = ['http_protocol_error', (host) => `${host} sent a head that is too large.`];
const unsendable: Outcome = ['http_request_error', (host) => `The request can not be sent to ${host} as it is.`];
const untrusted: Outcome = ['tls_certificate_error', (host) => `The certificate of ${host} is not to be trusted.`];
const alerted: Outcome = ['tls_alert_received', (host) => `${host} refused the TLS handshake.`];
const insecure: Outcome = ['tls_protocol_error', (host) => `No TLS connection could be agreed on with ${host}.`];

const outcomes: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: refused,
  ENOTFOUND: unresolved,
  ENODATA: unresolved,
  EAI_AGAIN: unanswered,
  ETIMEOUT: unanswered,
  EHOSTUNREACH: unroutable,
  EHOSTDOWN: unroutable,
  ENETUNREACH: unroutable,
  ENETDOWN: unroutable,
  EADDRNOTAVAIL: unroutable,
  EMFILE: exhausted,
  ENFILE: exhausted,
  EPROTO: insecure,
};

const refusals: Readonly<Record<Refused['why'], Outcome>> = {
  malformed,
  oversized,
  'old coding': ['http_protocol_error', (host) => `${host} sent a transfer coding in HTTP/1.0, which has none.`],
  'unasked coding': ['http_protocol_error', (host) => `${host} sent a transfer coding that nobody asked for.`],
};

const certificate = /CERT|ISSUER|SIGNATURE|CRL|HOSTNAME_MISMATCH|PATH_LENGTH|^INVALID_(CA|PURPOSE)$/;

function outcomeOf(cause: Error & { code?: unknown }, stage: Stage): Outcome {
  const code = String(cause.code);
  if (outcomes[code] !== undefined) return outcomes[code];
  if (code === 'ETIMEDOUT') return stage === 'connect' ? unconnected : silent;
  if (certificate.test(code)) return untrusted;
  if (/ALERT/.test(code)) return alerted;
  if (/^ERR_(SSL|TLS)/.test(code)) return insecure;
  return stage === 'body' ? reset : terminated;
}

function errorOf([type, sentence]: Outcome, host: string): ProxyError {
  return new ProxyError(type, sentence(host));
}

/**
 * Why a body that was cancelled gives nothing more. Made once: nearly every body is cancelled in the end, and an error with a
 * stack takes longer than its last read.
 */
export const bodyGivenUp = new DOMException('The rest of the body was given up.', 'AbortError');

/** The error of an answer that is refused. */
export function refusalError(why: Refused['why'], host: string): ProxyError {
  return errorOf(refusals[why], host);
}

/** The error of a connection that came to an orderly end where more was to come. */
export function cutError(stage: 'head' | 'body', host: string): ProxyError {
  return errorOf(stage === 'head' ? terminated : incomplete, host);
}

/** The error of a request that no head can carry. */
export function unsendableError(host: string): ProxyError {
  return errorOf(unsendable, host);
}

/**
 * The error to hand to the caller in place of `cause`. A `ProxyError` stays as it is, and so does what carries no
 * code, because that is a bug.
 *
 * @param host name and port, as `URL.host` has them
 */
export function originError(cause: unknown, host: string, stage: Stage): unknown {
  if (cause instanceof ProxyError || !(cause instanceof Error) || !('code' in cause)) return cause;
  const [type, sentence] = outcomeOf(cause, stage);
  return new ProxyError(type, sentence(host), { cause });
}
