/** One request of a client and its reply, and how it came in. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fields } from '../http/fields.ts';
import type { ClientConnection } from './client-connection.ts';
import type { RequestRecord } from './request-record.ts';

/** How requests come in. */
export interface Ingress {
  /**
   * What stands before `/NAME/` in the URLs of clients: nothing, or such as `/media`; `null` where clients use the URLs of
   * the origins themselves.
   */
  readonly prefix: string | null;
  /** Whether the server is firstbyte's own, so that nothing stands between a reply and its socket. */
  readonly isOwn: boolean;
}

/** One request and its reply. */
export interface Exchange {
  readonly request: IncomingMessage;
  /** Those of the request. */
  readonly fields: Fields;
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  readonly connection: ClientConnection;
  readonly ingress: Ingress;
}
