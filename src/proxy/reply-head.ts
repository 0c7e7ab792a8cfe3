/** Writes the head of one reply, and whole replies that are no more than a head and a sentence. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { FillPhase, RequestOutcome } from '../events.ts';
import { type Fields, hasField, rawFrom } from '../http/fields.ts';
import { withPages } from './cors.ts';
import type { ErrorReply } from './error-reply.ts';
import { isolated } from './isolation.ts';
import type { Patience } from './patience.ts';
import { notForwarded, signed } from './reply-fields.ts';
import type { RequestRecord } from './request-record.ts';

export interface ReplyHeadParts {
  readonly request: Pick<IncomingMessage, 'method'>;
  readonly response: ServerResponse;
  readonly patience: Patience;
  readonly record: RequestRecord;
  readonly clock: Clock;
}

export class ReplyHead {
  readonly #parts: ReplyHeadParts;
  /** The fields by which a page may read the reply. */
  pages: Fields = [];
  /** Whether the origin says which pages may. */
  hasPages = false;
  /** Whether what the origin says stands as it came. */
  isStrict = false;

  constructor(parts: ReplyHeadParts) {
    this.#parts = parts;
  }

  /** Asks for the content that the client holds back until it is wanted (RFC 9110 §10.1.1). */
  askForContent(): void {
    const { response, patience } = this.#parts;
    patience.end();
    response.writeContinue();
  }

  write(status: number, fields: Fields): void {
    const { response, patience, record, clock } = this.#parts;
    patience.end();
    response.sendDate = false;
    const isLeft = this.hasPages && hasField(fields, 'access-control-allow-origin');
    const written = signed(isLeft ? fields : withPages(fields, this.pages), clock.wallTime());
    response.writeHead(status, rawFrom(written));
    record.headOut(status);
  }

  /** A reply without content. */
  empty(status: number, fields: Fields): RequestOutcome {
    this.write(status, isolated([...fields, notForwarded]));
    this.#parts.response.end();
    return 'served';
  }

  /** `phase` is that of the fill when a failure was decided. */
  refuse(reply: ErrorReply, cache: Fields[number] = notForwarded, phase: FillPhase | null = null): RequestOutcome {
    const { request, response, record } = this.#parts;
    const { status, fields, body, outcome, error } = reply;
    if (error !== null && status >= 500) record.failed(error, phase);
    // RFC 9110 §8.6: a 204 has no length.
    const sized: Fields = status === 204 ? fields : [...fields, ['content-length', String(body.length)]];
    this.write(status, isolated([...sized, cache], fields, { beginning: body, isStrict: this.isStrict }));
    if (request.method === 'HEAD' || status === 204) response.end();
    else response.end(body);
    return outcome;
  }
}
