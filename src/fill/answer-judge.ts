/** What an origin's answer means for a fill: content at an offset, or a failure. */
import { fixedBudgets } from '../budgets.ts';
import { type Clock, within } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { fieldsWhere, fieldValue } from '../http/fields.ts';
import { type AskedBytes, type OriginAnswer, type OriginContradiction, readAnswer } from '../http/origin-answer.ts';
import type { OriginBody, OriginReply } from '../origin/origin.ts';
import { never, untilAborted } from '../until-aborted.ts';
import { type ErrorAnswer, FillFailed, ownFailure } from './failure.ts';

/** Error pages are short; a longer one is replaced by a sentence of our own. */
const mostErrorBytes = 256 * 1024;

export type ContentAnswer = Extract<OriginAnswer, { kind: 'content' | 'empty' }>;

/** Rejects with `FillFailed` where the answer holds no content for what was asked, and asking otherwise can't help. */
export async function judgeAnswer(
  asked: AskedBytes,
  reply: OriginReply,
  clock: Clock,
): Promise<ContentAnswer | OriginContradiction> {
  const answer = readAnswer(asked, reply.status, reply.fields, clock.wallTime());
  switch (answer.kind) {
    case 'content':
    case 'empty':
    case 'contradiction':
      return answer;
    case 'status':
      if (reply.status === 416) throw violation('answered 416 to a request without a range');
      throw new FillFailed({ kind: 'answer', answer: await readErrorBody(reply, clock) });
    case 'unsatisfiable':
      throw new FillFailed(answer);
    case 'not-modified': {
      const message = 'answered 304 to a request without conditions';
      if (asked.ranged === false) throw violation(message);
      return { kind: 'contradiction', message, total: null };
    }
    case 'violation':
      throw violation(answer.message);
  }
}

/** The origin broke the protocol; `what` completes "The origin …". */
function violation(what: string): FillFailed {
  return new FillFailed(ownFailure('http_protocol_error', `The origin ${what}.`));
}

/**
 * Reads an answer without content to its end. An error that is too long, does not come or was cut keeps its status and loses
 * its body; but no success has a body of ours.
 */
export async function readErrorBody({ status, fields, body }: OriginReply, clock: Clock): Promise<ErrorAnswer> {
  const late = () => new ProxyError('http_response_timeout', "The origin's error did not come to its end in time.");
  try {
    const limits = { clock, limit: fixedBudgets.errorContent.ms, late, signal: never };
    const content = await within(limits, (signal) => untilAborted(readShort(body), signal));
    return content === null ? withoutBody(status, fields) : { status, fields, body: content };
  } catch (error) {
    if (error instanceof ProxyError) return withoutBody(status, fields);
    throw error;
  } finally {
    body.cancel();
  }
}

/** `null` where it is too long. */
async function readShort(body: OriginBody): Promise<Buffer | null> {
  const read: Buffer[] = [];
  let size = 0;
  for (let bytes = await body.read(); bytes !== null; bytes = await body.read()) {
    read.push(Buffer.from(bytes));
    size += bytes.length;
    if (size > mostErrorBytes) return null;
  }
  return Buffer.concat(read);
}

function withoutBody(status: number, fields: OriginReply['fields']): ErrorAnswer {
  if (status < 300) {
    const message = `The origin answered ${status}, and its body was cut or too long.`;
    throw new FillFailed(ownFailure('http_response_incomplete', message));
  }
  const kept = fieldsWhere(fields, (name) => !name.startsWith('content-'));
  const later = fieldValue(fields, 'retry-after') === null ? '' : ', to be asked again later';
  const body = Buffer.from(`The origin answered ${status}${later}.\n`);
  return { status, fields: [...kept, ['content-type', 'text/plain; charset=utf-8']], body };
}
