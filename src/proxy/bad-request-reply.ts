/**
 * Answers bytes that are no request: one bare reply, then the connection is closed (RFC 9112 §9.6).
 *
 * The connection is read on for a moment, because closing it with unread bytes would take the reply back.
 */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { fixedBudgets } from '../budgets.ts';
import type { Clock } from '../clock.ts';
import { type Fields, fieldsWhere, titled } from '../http/fields.ts';
import { rejectionReply } from './error-reply.ts';
import { isolated } from './isolation.ts';
import { type Rejection, rejection } from './rejection.ts';
import { notForwarded, signed } from './reply-fields.ts';
import { judgeCodings, longestTarget } from './route.ts';

const longRequestLine = new RegExp(`^\\s*\\S+ +\\S{${longestTarget + 1}}`);

/** The rejection for an error of Node's parser. */
export function rejectionOf(error: NodeJS.ErrnoException & { rawPacket?: Buffer }): Rejection {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return rejection(408, 'The head of the request did not come in time (headTimeout).');
    case 'HPE_HEADER_OVERFLOW': {
      if (!longRequestLine.test(error.rawPacket?.toString('latin1') ?? '')) {
        return rejection(431, 'The head of the request is too long.');
      }
      return rejection(414, `The request target is longer than ${longestTarget} bytes.`);
    }
    case 'HPE_INVALID_TRANSFER_ENCODING': {
      const codings = /\r\ntransfer-encoding:[ \t]*([^\r\n]*?)[ \t]*\r\n/i.exec(
        error.rawPacket?.toString('latin1') ?? '',
      )?.[1];
      return judgeCodings(codings ?? '') ?? rejection(400, 'The request is malformed.');
    }
    default:
      return rejection(400, 'The request is malformed.');
  }
}

export function sendBadRequestReply(socket: Duplex, rejection: Rejection, clock: Clock): void {
  const { status, fields, body } = rejectionReply(rejection);
  const kept = fieldsWhere(fields, (name) => name !== 'connection');
  const said: Fields = [...kept, ['connection', 'close'], ['content-length', String(body.length)], notForwarded];
  const lines = signed(isolated(said, said, { beginning: body }), clock.wallTime()).map(
    ([name, value]) => `${titled(name)}: ${value}\r\n`,
  );
  socket.on('error', () => socket.destroy());
  const closing = clock.after(fixedBudgets.badRequest.ms, () => socket.destroy());
  socket.once('close', () => closing.cancel());
  socket.resume();
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body.toString()}`, 'latin1');
}
