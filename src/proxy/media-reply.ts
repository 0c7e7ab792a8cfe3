/**
 * One reply from a session: first byte → head → bytes. From the head on there is no way back to another status: a reply
 * that can't be completed is cut. The connection is destroyed then, so that the player knows.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FillFailed, type ReadSession, type SessionReader } from '../cache/read-session.ts';
import { type Clock, within } from '../clock.ts';
import type { RequestOutcome } from '../events.ts';
import { type Fields, fieldValue } from '../http/fields.ts';
import { signatureLength } from '../http/media-signature.ts';
import type { SystemCalls } from '../system-calls.ts';
import { type ClientConnection, isSystemSocket, reset } from './client-connection.ts';
import { FileSender } from './file-sender.ts';
import { isolated, mayBeAnything } from './isolation.ts';
import type { Body, Reply } from './reply.ts';
import type { ReplyHead } from './reply-head.ts';
import type { RequestRecord } from './request-record.ts';
import { Sender } from './sender.ts';
import { statusOf } from './session-status.ts';
import type { StalledClients } from './stalled-clients.ts';

export interface MediaReplyParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: ReplyHead;
  readonly record: RequestRecord;
  readonly connection: ClientConnection;
  readonly clock: Clock;
  readonly stalled: StalledClients;
  /** `null` where bodies are read and written. */
  readonly systemCalls: SystemCalls | null;
  /** Whether the server is firstbyte's own, so that nothing stands between a reply and its socket. */
  readonly isOwn: boolean;
}

export class MediaReply {
  readonly #parts: MediaReplyParts;
  readonly #session: ReadSession;
  readonly #reply: Reply;

  constructor(parts: MediaReplyParts, session: ReadSession, reply: Reply) {
    this.#parts = parts;
    this.#session = session;
    this.#reply = reply;
  }

  /** Resolves when all bytes are given away, or can't be. Rejects with what kept the first byte from coming. */
  async send(): Promise<RequestOutcome> {
    const { response, head, record, connection } = this.#parts;
    const { fields, body } = this.#reply;
    const { reader } = this.#session;
    if (body.kind === 'run') record.range = { start: body.start, end: body.end ?? reader.position };
    using sender = this.#sender();
    if (body.kind !== 'none') await sender.begin();
    await this.#writeHead(head);
    if (reader.waited) record.waited('served');
    try {
      await this.#sendBody(reader, body, sender);
      // An end before the announced length is a cut: never a film that seems to be over.
      if (body.kind !== 'none') sender.assertWhole();
      response.end();
      return 'served';
    } catch (error) {
      this.#cut(fields);
      if (connection.gone.aborted) return 'gone';
      if (!(error instanceof FillFailed)) record.bug(error);
      return 'cut';
    }
  }

  async #writeHead(head: ReplyHead): Promise<void> {
    const { status, fields } = this.#reply;
    // A 304 has no type, and browsers add its fields to those of their copy.
    const content = status === 304 ? this.#session.representation.fields : fields;
    const beginning = mayBeAnything(content) ? await this.#beginning() : null;
    const { isStrict } = head;
    head.write(status, isolated([...fields, statusOf(this.#session)], content, { beginning, isStrict }));
  }

  /** The first bytes of the content; `null` where they are not present, or where the client leaves meanwhile. */
  async #beginning(): Promise<Uint8Array | null> {
    const { clock, connection } = this.#parts;
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
    const { request, response, record, connection, clock, stalled, systemCalls, isOwn } = this.#parts;
    const { reader, patience } = this.#session;
    const length = fieldValue(this.#reply.fields, 'content-length');
    return new Sender({
      reader,
      client: response,
      lends: isOwn && isSystemSocket(request.socket),
      // Another's server may have put something around its replies, through which every byte must go.
      files: isOwn ? FileSender.to(response, systemCalls) : null,
      length: length === null ? null : Number(length),
      clock,
      stalled,
      patience,
      signal: connection.gone,
      onSent: (...sent) => {
        connection.progressed();
        record.sent(...sent);
      },
    });
  }

  async #sendBody(reader: SessionReader, body: Body, sender: Sender): Promise<void> {
    this.#parts.connection.sends(reader);
    if (body.kind === 'run') await sender.send();
    if (body.kind !== 'parts') return;
    for (const [index, { frame, range }] of body.parts.entries()) {
      // The first bytes of the first part have been read before the head.
      if (index > 0) reader.aim(range);
      await sender.sendFrame(frame);
      await sender.send();
    }
    await sender.sendFrame(body.closing);
  }

  /** Ends the connection; by a reset where a plain end would look like the end of the body. */
  #cut(fields: Fields): void {
    const { request, response } = this.#parts;
    const framed = request.httpVersion === '1.1' || fields.some(([name]) => name === 'content-length');
    if (framed) response.destroy();
    else reset(request.socket);
  }
}
