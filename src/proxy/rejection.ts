/** What firstbyte says to a client whose request it does not serve: a value, not an error. */
import type { Fields } from '../http/fields.ts';

export interface Rejection {
  readonly kind: 'rejection';
  readonly status: 400 | 403 | 404 | 405 | 408 | 412 | 414 | 416 | 421 | 429 | 431 | 501 | 504 | 505;
  /** One plain sentence. */
  readonly message: string;
  /** What the reply says beside the usual. */
  readonly fields: Fields;
}

export function rejection(status: Rejection['status'], message: string, fields: Fields = []): Rejection {
  return { kind: 'rejection', status, message, fields };
}
