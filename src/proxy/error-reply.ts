/** The reply to a client whose bytes will not come: status, fields and plain sentences. Pure. */

import type { Failure } from '../cache/read-session.ts';
import { ProxyError, type ProxyErrorType } from '../errors.ts';
import type { RequestOutcome } from '../events.ts';
import { formatContentRange } from '../http/content-range.ts';
import { endToEnd, type Fields } from '../http/fields.ts';
import { proxyStatus } from '../http/proxy-status.ts';
import { type Rejection, rejection } from './rejection.ts';
import { passable } from './reply-fields.ts';

export interface ErrorReply {
  readonly status: number;
  readonly fields: Fields;
  readonly body: Buffer;
  readonly outcome: RequestOutcome;
  /** firstbyte's own error; `null` for a rejection and for an origin's own answer. */
  readonly error: ProxyError | null;
}

const plainText: Fields = [
  ['content-type', 'text/plain; charset=utf-8'],
  ['cache-control', 'no-store'],
];

/** `Retry-After` in seconds, where the error names no time. */
const tryAgainAfter = 5;

/** What the reply of a rejection says beside the usual; its type (RFC 9209 §2.3) is `http_request_error` where absent. */
const rejectionRows: Partial<Record<Rejection['status'], { type?: ProxyErrorType; fields?: Fields }>> = {
  400: { fields: [['connection', 'close']] },
  501: { fields: [['connection', 'close']] },
  403: { type: 'http_request_denied' },
  404: { type: 'destination_not_found' },
  429: { type: 'http_request_denied', fields: [['retry-after', String(tryAgainAfter)]] },
};

export function rejectionReply({ status, message, fields }: Rejection): ErrorReply {
  const { type = 'http_request_error', fields: own = [] } = rejectionRows[status] ?? {};
  const said: Fields = [...own, ...fields, ['proxy-status', proxyStatus({ type, message })], ...plainText];
  return { status, fields: said, body: sentence(message), outcome: 'refused', error: null };
}

/** RFC 9110 §15.5.17; `length` is `null` where the origin did not say it. */
export function unsatisfiable(length: number | null): ErrorReply {
  const message = 'The range begins at or after the end of the file.';
  const range: Fields = length === null ? [] : [['content-range', formatContentRange(null, length)]];
  return rejectionReply(rejection(416, message, range));
}

/** `waited` is in milliseconds, from the request's acceptance. */
export function failureReply(failure: Failure, waited: number): ErrorReply {
  switch (failure.kind) {
    case 'answer': {
      const { status, fields, body } = failure.answer;
      // RFC 9110 §15: no status is above 599.
      if (status > 599) {
        return errorReply(
          new ProxyError('http_protocol_error', `The origin answered with the status ${status}.`),
          waited,
        );
      }
      const passed = passable(endToEnd(fields)).filter(([name]) => name !== 'content-length');
      const said: Fields = [...passed, ['proxy-status', proxyStatus(status)]];
      return { status, fields: said, body, outcome: 'passed', error: null };
    }
    case 'unsatisfiable':
      return unsatisfiable(failure.length);
    case 'uncached':
      return rejectionReply(
        rejection(504, 'Not all of it is stored, and the request forbids asking the origin (only-if-cached).'),
      );
    case 'changed':
    case 'uncombinable':
    case 'exclusive':
    case 'varied':
      return errorReply(
        new ProxyError('http_protocol_error', 'The file changed at the origin with every answer.'),
        waited,
      );
    case 'error':
      return errorReply(failure.error, waited);
  }
}

/** One sentence says what happened, one after how long, and which setting governs it. */
export function errorReply(error: ProxyError, waited: number): ErrorReply {
  const { status, retryAfter = status === 503 ? tryAgainAfter : null } = error;
  const setting = error.setting ?? (error.retryable ? 'firstByteTimeout' : null);
  const governed = setting === null ? '' : ` (${setting})`;
  const patience = `This request had waited ${(waited / 1000).toFixed(1)} s${governed}.`;
  const later: Fields = retryAfter === null ? [] : [['retry-after', String(retryAfter)]];
  return {
    status,
    fields: [...later, ['proxy-status', proxyStatus(error)], ...plainText],
    body: sentence(`${error.message} ${patience}`),
    outcome: status < 500 ? 'refused' : 'failed',
    error,
  };
}

function sentence(text: string): Buffer {
  return Buffer.from(`${text}\n`);
}
