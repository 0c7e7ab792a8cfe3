/**
 * What was found at the end of a chain of redirects: a film, which is given as if it had been where it was asked for, or
 * something that leads on by relative references, such as a playlist or a page. To that the client is sent itself, so
 * that it reads the references where they are meant.
 */
import { partIn } from '../http/content-range.ts';
import { type Fields, fieldsWhere, fieldValue } from '../http/fields.ts';
import { beginsAsManifest } from '../http/manifest.ts';
import { isCoded } from '../http/representation.ts';
import { upTo } from '../kit/up-to.ts';
import type { OriginReply } from './origin.ts';
import type { RedirectHop } from './redirect.ts';

/** An answer, and the first bytes of its file; `null` where it has others, or none. */
interface Begun {
  readonly reply: OriginReply;
  readonly beginning: Buffer | null;
}

/** Reads the first bytes, which the reply's body gives all the same. Rejects as that does. */
export async function withBeginning(reply: OriginReply): Promise<Begun> {
  const { status, fields, body } = reply;
  const start = status === 206 ? (partIn(fields)?.start ?? null) : 0;
  if ((status !== 200 && status !== 206) || start !== 0 || isCoded(fields)) return { reply, beginning: null };
  const beginning = await body.read();
  let first = beginning;
  const read = async () => {
    const bytes = first ?? (beginning === null ? null : await body.read());
    first = null;
    return bytes;
  };
  return { reply: { ...reply, body: { read, cancel: () => body.cancel() } }, beginning };
}

export function leadsOn({ status, fields }: OriginReply, beginning: Buffer | null, { path }: RedirectHop): boolean {
  if (status !== 200 && status !== 206) return false;
  const type = fieldValue(fields, 'content-type') ?? '';
  if (/mpegurl|dash\+xml|dash\.mpd|vnd\.ms-sstr|scpls|smil|xspf|^text\/html|xhtml\+xml/i.test(type)) return true;
  if (/\.(m3u8?|mpd|pls|xspf|smil)$/i.test(upTo(path, '?'))) return true;
  return beginning !== null && beginsAsManifest(beginning);
}

/** The client's own way to where a chain of redirects has led. */
export function redirectTo(hop: RedirectHop): OriginReply {
  const fields: Fields = [
    ['cache-control', 'no-cache'],
    ['content-length', '0'],
  ];
  const body = { read: async () => null, cancel() {} };
  return { status: 302, fields: locatedAt(hop, fields), body, closeDelimited: false };
}

/** `fields` with the whole URL to which they redirect: whoever reads it need not know what it was relative to. */
export function locatedAt({ url, path }: RedirectHop, fields: Fields): Fields {
  return [...fieldsWhere(fields, (name) => name !== 'location'), ['location', url.origin + path]];
}
