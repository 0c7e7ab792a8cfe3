/**
 * The types of media that small servers do not know by their names, and send as text or as bytes: a browser does not play
 * what it is told to be text.
 */
import { type Fields, fieldsWhere, fieldValue } from './fields.ts';

const types: Readonly<Record<string, string>> = {
  mkv: 'video/x-matroska',
  mk3d: 'video/x-matroska',
  mka: 'audio/x-matroska',
  webm: 'video/webm',
  m4v: 'video/x-m4v',
  mov: 'video/quicktime',
  avi: 'video/x-msvideo',
  wmv: 'video/x-ms-wmv',
  flv: 'video/x-flv',
  ogv: 'video/ogg',
  m2ts: 'video/mp2t',
  mts: 'video/mp2t',
  m4a: 'audio/mp4',
  m4b: 'audio/mp4',
  aac: 'audio/aac',
  flac: 'audio/flac',
  opus: 'audio/ogg',
  oga: 'audio/ogg',
  wma: 'audio/x-ms-wma',
};

/** What servers say where they do not know. */
const unknown = /^(?:text\/plain|(?:application|binary)\/octet-stream|application\/x-download|unknown\/unknown)\b/i;

/** `fields` with a type by the name of the file, where the origin knew none; `path` without a query. */
export function withKnownType(fields: Fields, path: string): Fields {
  const type = fieldValue(fields, 'content-type');
  const [, extension = ''] = /\.(\w+)$/.exec(path) ?? [];
  const known = types[extension.toLowerCase()];
  if (known === undefined || (type !== null && !unknown.test(type))) return fields;
  return [...fieldsWhere(fields, (name) => name !== 'content-type'), ['content-type', known]];
}
