/**
 * The one family of errors that firstbyte makes itself, typed by RFC 9209 §2.3.
 *
 * Rejections of a client's request (304, 404, 405, 412, 416) are values, an origin's own error status is passed on,
 * and anything else thrown is a bug.
 */

/**
 * What each proxy error type answers, and whether asking the origin again can help before the first byte.
 * The statuses are those that RFC 9209 §2.3 recommends.
 */
export const proxyErrorTypes = {
  dns_timeout: { status: 504, retry: true },
  dns_error: { status: 502, retry: true },
  destination_not_found: { status: 404, retry: false },
  destination_unavailable: { status: 503, retry: true },
  destination_ip_prohibited: { status: 502, retry: false },
  destination_ip_unroutable: { status: 502, retry: true },
  connection_refused: { status: 502, retry: true },
  connection_terminated: { status: 502, retry: true },
  connection_timeout: { status: 504, retry: true },
  connection_read_timeout: { status: 504, retry: true },
  connection_limit_reached: { status: 503, retry: false },
  tls_protocol_error: { status: 502, retry: false },
  tls_certificate_error: { status: 502, retry: false },
  tls_alert_received: { status: 502, retry: false },
  http_request_error: { status: 400, retry: false },
  http_request_denied: { status: 403, retry: false },
  http_response_incomplete: { status: 502, retry: true },
  http_response_timeout: { status: 504, retry: true },
  http_protocol_error: { status: 502, retry: false },
  proxy_internal_response: { status: 503, retry: false },
  proxy_configuration_error: { status: 500, retry: false },
  proxy_internal_error: { status: 500, retry: false },
  proxy_loop_detected: { status: 502, retry: false },
} as const satisfies Record<string, { status: number; retry: boolean }>;

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
    return proxyErrorTypes[this.type].status;
  }

  /** Whether a GET may be asked again within the same budget. */
  get retryable(): boolean {
    return proxyErrorTypes[this.type].retry && !this.#final;
  }
}
