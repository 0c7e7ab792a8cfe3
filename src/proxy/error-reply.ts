/** What a client is told when the bytes will not come: status, fields and one plain sentence. Pure. */

import type { Failure } from '../cache/visit.ts';
import { ProxyError } from '../errors.ts';
import type { RequestOutcome } from '../events.ts';
import { formatContentRange } from '../http/content-range.ts';
import { endToEnd, type Fields } from '../http/fields.ts';
import { proxyStatus } from '../http/proxy-status.ts';
import type { Refusal } from './route.ts';

export interface ErrorReply {
  readonly status: number;
  readonly fields: Fields;
  readonly body: Buffer;
  readonly outcome: RequestOutcome;
  /** What of ours went wrong; `null` for a refusal and for an origin's own answer. */
  readonly error: ProxyError | null;
}

const plainText = ['content-type', 'text/plain; charset=utf-8'] as const;

export function refusalReply({ status, message }: Refusal): ErrorReply {
  const allow: Fields = status === 405 ? [['allow', 'GET, HEAD']] : [];
  return { status, fields: [...allow, plainText], body: sentence(message), outcome: 'refused', error: null };
}

/** `waited` is in milliseconds, from the request's acceptance. */
export function failureReply(failure: Failure, waited: number): ErrorReply {
  switch (failure.kind) {
    case 'answer': {
      const { status, fields, body } = failure.answer;
      const passed = endToEnd(fields).filter(([name]) => name !== 'content-length' && name !== 'set-cookie');
      const said: Fields = [...passed, ['proxy-status', proxyStatus(null, status)]];
      return { status, fields: said, body, outcome: 'passed', error: null };
    }
    case 'unsatisfiable': {
      const range: Fields =
        failure.length === null ? [] : [['content-range', formatContentRange(null, failure.length)]];
      const body = sentence('The range begins at or after the end of the file.');
      return { status: 416, fields: [...range, plainText], body, outcome: 'refused', error: null };
    }
    case 'changed':
    case 'uncombinable':
      return errorReply(
        new ProxyError('http_protocol_error', 'What the origin holds changed with every answer.'),
        waited,
      );
    case 'error':
      return errorReply(failure.error, waited);
  }
}

/** One sentence says what happened, one after how long, and which setting governs it. */
export function errorReply(error: ProxyError, waited: number): ErrorReply {
  const setting = error.setting ?? 'firstByteTimeout';
  const patience = waited >= 100 ? ` This request had waited ${(waited / 1000).toFixed(1)} s (${setting}).` : '';
  const later: Fields = error.retryAfter === undefined ? [] : [['retry-after', String(error.retryAfter)]];
  return {
    status: error.status,
    fields: [...later, ['proxy-status', proxyStatus(error)], ['cache-control', 'no-store'], plainText],
    body: sentence(error.message + patience),
    outcome: error.status < 500 ? 'refused' : 'failed',
    error,
  };
}

function sentence(text: string): Buffer {
  return Buffer.from(`${text}\n`);
}
