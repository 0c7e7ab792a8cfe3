/** Lies of an origin about the part that it gives. */
import type { Behaviour } from '../support/behaviour.ts';

export const lies: ReadonlyArray<readonly [what: string, lie: Behaviour]> = [
  ['gives a part under status 200', { success: 200 }],
  ['gives another part than the one asked for under status 200', { success: 200, shift: 1024 }],
  ['says of the whole that it is a part', { ignoreRange: true, fields: { 'content-range': 'bytes 1024-9/*' } }],
  ['gives another part than the one asked for', { shift: 1024 }],
  ['gives a part without Content-Range', { fields: { 'content-range': null } }],
  ['gives a part with the Content-Range of another', { fields: { 'content-range': 'bytes 0-9/10' } }],
  ['gives a part with a malformed Content-Range', { fields: { 'content-range': 'bytes 7-4/*' } }],
  ['gives a coded part', { fields: { 'content-encoding': 'gzip' } }],
  ['gives several parts for one range', { fields: { 'content-type': 'multipart/byteranges; boundary=x' } }],
];
