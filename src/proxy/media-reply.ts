/**
 * One reply from a session: first byte → head → bytes. From the head on there is no way back to another status: a reply
 * that can't be completed is cut. The connection is destroyed then, so that the player knows.
 */
import { FillFailed, type ReadSession, type SessionReader } from '../cache/read-session.ts';
import { type Clock, within } from '../clock.ts';
import type { RequestOutcome } from '../events.ts';
import { type Fields, fieldValue, hasField } from '../http/fields.ts';
import { signatureLength } from '../http/media-signature.ts';
import type { SystemCalls } from '../system-calls.ts';
import { isSystemSocket, reset } from './client-connection.ts';
import type { Exchange } from './exchange.ts';
import { FileSender } from './file-sender.ts';
import { isolated, mayBeAnything } from './isolation.ts';
import type { Multipart } from './multipart.ts';
import type { Body, Reply } from './reply.ts';
import type { ReplyHead } from './reply-head.ts';
import { Sender } from './sender.ts';
import { statusOf } from './session-status.ts';
import type { StalledClients } from './stalled-clients.ts';

export interface MediaReplyParts {
  readonly clock: Clock;
  readonly stalled: StalledClients;
  /** `null` where bodies are read and written. */
  readonly systemCalls: SystemCalls | null;
}

export class MediaReply {
  readonly #exchange: Exchange;
  readonly #head: ReplyHead;
  readonly #parts: MediaReplyParts;
  readonly #session: ReadSession;
  readonly #reply: Reply;

  constructor(exchange: Exchange, head: ReplyHead, parts: MediaReplyParts, session: ReadSession, reply: Reply) {
    this.#exchange = exchange;
    this.#head = head;
    this.#parts = parts;
    this.#session = session;
    this.#reply = reply;
  }

  /** Resolves when all bytes are given away, or can't be. Rejects with what kept the first byte from coming. */
  async send(): Promise<RequestOutcome> {
    const { response, record, connection } = this.#exchange;
    const { fields, body } = this.#reply;
    const { reader } = this.#session;
    if (body.kind === 'run') record.range = { start: body.start, end: body.end ?? reader.position };
    using sender = this.#sender();
    const beginning = body.kind === 'none' ? null : sender.begin();
    if (beginning !== null) await beginning;
    const looking = this.#writeHead();
    if (looking !== null) await looking;
    if (reader.waited) record.waited('served');
    try {
      const sending = this.#sendBody(reader, body, sender);
      if (sending !== null) await sending;
      // An end before the announced length is a cut: never a film that seems to be over.
      if (body.kind !== 'none') sender.assertWhole();
      response.end(sender.last);
      // In the turn in which it came, where it took no longer: nothing is to be done for who has gone.
      reader.leave();
      return 'served';
    } catch (error) {
      this.#cut(fields);
      if (connection.gone.aborted) return 'gone';
      if (!(error instanceof FillFailed)) record.bug(error);
      return 'cut';
    }
  }

  /** `null`: it is written; else it is when this resolves. */
  #writeHead(): Promise<void> | null {
    const { status, fields } = this.#reply;
    // A 304 has no type, and browsers add its fields to those of their copy.
    const content = status === 304 ? this.#session.representation.fields : fields;
    const { isStrict } = this.#head;
    const write = (beginning: Uint8Array | null) =>
      this.#head.write(status, isolated([...fields, statusOf(this.#session)], content, { beginning, isStrict }));
    if (mayBeAnything(content)) return this.#beginning().then(write);
    write(null);
    return null;
  }

  /** The first bytes of the content; `null` where they are not present, or where the client leaves meanwhile. */
  async #beginning(): Promise<Uint8Array | null> {
    const { clock } = this.#parts;
    const { connection } = this.#exchange;
    const { fill, patience } = this.#session;
    const late = () => new Error('the store took too long');
    try {
      return await within({ clock, limit: patience.first, late, signal: connection.gone }, (signal) =>
        fill.beginning(signatureLength, signal),
      );
    } catch (error) {
      if (connection.gone.aborted) return null;
      throw error;
    }
  }

  #sender(): Sender {
    const { request, response, record, connection, ingress } = this.#exchange;
    const { clock, stalled, systemCalls } = this.#parts;
    const { reader, patience } = this.#session;
    const length = fieldValue(this.#reply.fields, 'content-length');
    return new Sender({
      reader,
      client: response,
      lends: ingress.isOwn && isSystemSocket(request.socket),
      drains: !ingress.isOwn,
      // Another's server may have put something around its replies, through which every byte must go.
      files: ingress.isOwn ? FileSender.to(response, systemCalls) : null,
      length: length === null ? null : Number(length),
      clock,
      stalled,
      patience,
      signal: connection.gone,
      onSent: (bytes, source, offset) => {
        connection.progressed();
        record.sent(bytes, source, offset);
      },
    });
  }

  /** `null`: nothing is left to wait for. */
  #sendBody(reader: SessionReader, body: Body, sender: Sender): Promise<void> | null {
    this.#exchange.connection.sends(reader);
    if (body.kind === 'parts') return this.#sendParts(reader, body, sender);
    return body.kind === 'run' ? sender.send() : null;
  }

  async #sendParts(reader: SessionReader, { parts, closing }: Multipart, sender: Sender): Promise<void> {
    for (const [index, { frame, range }] of parts.entries()) {
      // The first bytes of the first part have been read before the head.
      if (index > 0) reader.aim(range);
      await sender.sendFrame(frame);
      await sender.send();
    }
    await sender.sendFrame(closing);
  }

  /** Ends the connection; by a reset where a plain end would look like the end of the body. */
  #cut(fields: Fields): void {
    const { request, response } = this.#exchange;
    const framed = request.httpVersion === '1.1' || hasField(fields, 'content-length');
    if (framed) response.destroy();
    else reset(request.socket);
  }
}
