/** What a test can ask an HTTP origin to do, other than what it should. */
import type { Fields } from '../../src/http/fields.ts';
import type { Film } from './film.ts';

/** Everything left out is done as an honest origin would do it. */
export interface Behaviour {
  /** Milliseconds of silence before the head; `Infinity` for an origin that never answers. */
  readonly headAfter?: number;
  /** Milliseconds between the head and the first byte of the body. */
  readonly bodyAfter?: number;
  /** Bytes per second of one reply. */
  readonly rate?: number;
  /** Answers with this status and a short text, without looking at the request. */
  readonly status?: number;
  /** The status for HEAD, where that is another one. */
  readonly statusOfHead?: number;
  /** Closes the connection in place of a head. */
  readonly hangUp?: 'end' | 'reset';
  /** Writes this in place of a head, and nothing more. */
  readonly raw?: string;
  /** Writes an interim answer (103) every so many milliseconds in place of a head, for ever. */
  readonly interimEvery?: number;
  /** Closes the connection when this many bytes of the body are out. */
  readonly cutAfter?: number;
  readonly cutBy?: 'end' | 'reset';
  /** Stops when this many bytes of the body are out; the connection stays. */
  readonly stallAfter?: number;
  /** Milliseconds after which a stalled body goes on; never, unless given. */
  readonly stallFor?: number;
  /** Closes a connection that has not moved for so many milliseconds in mid-body, as nginx does (`send_timeout`). */
  readonly sendTimeout?: number;
  /** The status under which it sends the film or a part of it, in place of 200 and 206. */
  readonly success?: number;
  /** Answers 200 and the whole film to every range. */
  readonly ignoreRange?: boolean;
  /** Never answers 304. */
  readonly ignoreConditions?: boolean;
  /** Answers 206 where `If-Range` names another version, too. */
  readonly ignoreIfRange?: boolean;
  /** Sends, and says so, a part that begins so many bytes after the one asked for. */
  readonly shift?: number;
  /** Sends so many bytes beyond the announced end. */
  readonly surplus?: number;
  /** Answers 302 to an address on another host, which is good for so many milliseconds and then a 403. */
  readonly signedFor?: number;
  /** Host and port of that address; a public one, which no test ever reaches, unless given. */
  readonly signedAt?: string;
  /** Another film, or another version of it, stands under the same target. */
  readonly film?: Film;
  /** Fields that replace those of the same name, or come in addition; `null` takes a field away. */
  readonly fields?: Readonly<Record<string, string | null>>;
  /** How the end of a body is told (RFC 9112 §6.3): by its length, in chunked coding, or by closing. */
  readonly framing?: 'length' | 'chunked' | 'close';
}

/** The fields of an answer with a behaviour's own in their places. */
export function withFields(fields: Fields, own: Behaviour['fields'] = {}): Fields {
  const kept = fields.filter(([name]) => !(name in own));
  const added = Object.entries(own).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
  return [...kept, ...added];
}
