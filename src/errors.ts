/**
 * The one family of errors that firstbyte makes itself, typed by RFC 9209 §2.3.
 *
 * Rejections of a client's request (304, 404, 405, 412, 416) are values, an origin's own error status is passed on,
 * and anything else thrown is a bug.
 */

/** What follows from one type of error. */
interface ErrorTypeRow {
  /** The status that RFC 9209 §2.3 recommends. */
  readonly status: number;
  /** What asking again is counted as, where that can help before the first byte; `null` where it can't. */
  readonly retryAs: 'refused' | 'unresolved' | 'timeout' | 'stall' | 'cut' | 'other' | null;
  /** What going on to another mirror is counted as; `unreachable` where absent. */
  readonly failoverAs?: 'reset' | 'timeout';
  /** Whether the host was not connected to, so that its other targets fail as well. */
  readonly isUnconnected?: true;
}

/** What follows from each type of error: the only table that tells them apart. */
export const proxyErrorTypes = {
  dns_timeout: { status: 504, retryAs: 'timeout', failoverAs: 'timeout', isUnconnected: true },
  dns_error: { status: 502, retryAs: 'unresolved', isUnconnected: true },
  destination_not_found: { status: 404, retryAs: null },
  destination_unavailable: { status: 503, retryAs: 'other' },
  destination_ip_prohibited: { status: 502, retryAs: null },
  destination_ip_unroutable: { status: 502, retryAs: 'other', isUnconnected: true },
  connection_refused: { status: 502, retryAs: 'refused', isUnconnected: true },
  connection_terminated: { status: 502, retryAs: 'cut', failoverAs: 'reset' },
  connection_timeout: { status: 504, retryAs: 'timeout', failoverAs: 'timeout', isUnconnected: true },
  connection_read_timeout: { status: 504, retryAs: 'stall', failoverAs: 'timeout' },
  connection_limit_reached: { status: 503, retryAs: null },
  tls_protocol_error: { status: 502, retryAs: null },
  tls_certificate_error: { status: 502, retryAs: null },
  tls_alert_received: { status: 502, retryAs: null },
  http_request_error: { status: 400, retryAs: null },
  http_request_denied: { status: 403, retryAs: null },
  http_response_incomplete: { status: 502, retryAs: 'cut', failoverAs: 'reset' },
  http_response_timeout: { status: 504, retryAs: 'timeout', failoverAs: 'timeout' },
  http_protocol_error: { status: 502, retryAs: null },
  proxy_internal_response: { status: 503, retryAs: null },
  proxy_configuration_error: { status: 500, retryAs: null },
  proxy_internal_error: { status: 500, retryAs: null },
  proxy_loop_detected: { status: 502, retryAs: null },
} as const satisfies Record<string, ErrorTypeRow>;

export type ProxyErrorType = keyof typeof proxyErrorTypes;

export interface ProxyErrorDetails {
  /** The setting that governs this outcome, as its key in the configuration. */
  setting?: string;
  /** Whole seconds after which asking again may help; sent as `Retry-After`. */
  retryAfter?: number;
  /** Asking again within the same budget cannot help, whatever the type says. */
  final?: boolean;
  cause?: unknown;
}

/** Something between the client and the origin went wrong. `message` is one plain sentence without secrets. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly type: ProxyErrorType;
  readonly setting: string | undefined;
  readonly retryAfter: number | undefined;
  readonly #final: boolean;

  constructor(type: ProxyErrorType, message: string, details: ProxyErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.type = type;
    this.setting = details.setting;
    this.retryAfter = details.retryAfter;
    this.#final = details.final ?? false;
  }

  get status(): number {
    return this.row.status;
  }

  /** What follows from its type. */
  get row(): ErrorTypeRow {
    return proxyErrorTypes[this.type];
  }

  /** What asking again within the same budget is counted as; `null` where that can't help. */
  get retryAs(): ErrorTypeRow['retryAs'] {
    return this.#final ? null : this.row.retryAs;
  }

  /** Whether a GET may be asked again within the same budget. */
  get retryable(): boolean {
    return this.retryAs !== null;
  }
}

/** Errors of a server that are no matter of the moment: what it can't do, and what its operator has to change. */
const lasting: ReadonlySet<number> = new Set([501, 505, 506, 508, 510, 511]);

/** Statuses below 500 of a server that may answer otherwise in a moment; a 202 says that it is not done yet. */
const passingBelow500: ReadonlySet<number> = new Set([202, 408, 425, 429]);

/**
 * Whether a server may answer otherwise in a moment, so that a GET is asked again: a class, since servers and proxies make
 * up statuses of their own. What is no status at all is a 500 (RFC 9110 §15).
 */
export function mayPass(status: number): boolean {
  return passingBelow500.has(status) || (status >= 500 && !lasting.has(status));
}

/** Whether another mirror may answer otherwise at once; a 500 is of a program that may run there as well. */
export function failsOver(status: number): boolean {
  return status === 202 || (status > 500 && mayPass(status));
}

/** Whether an error speaks of what was asked for, whatever the request looks like; else it may be the request's form. */
export function isAboutTarget(status: number): boolean {
  return status === 401 || status === 404 || status === 407 || status === 410 || status === 451;
}
