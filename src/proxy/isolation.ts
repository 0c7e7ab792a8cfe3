/**
 * The fields that isolate replies in a browser, so that a page of an origin can't reach firstbyte's own page or pages of
 * other origins.
 *
 * All of them have one address and so one web origin. So every reply that may become a document is put into a sandbox,
 * where it has a web origin that equals no other. A reply that is certainly audio, video or a raster image is not, because
 * Chromium plays no film in a sandbox that is opened in a tab. Pure.
 */
import { type Fields, fieldsWhere, fieldValue, hasField } from '../http/fields.ts';
import { beginsAsMedia } from '../http/media-signature.ts';
import { isCoded } from '../http/representation.ts';
import { recalled } from '../kit/remembered.ts';

/** Beside a policy of the origin's own, this one holds too (CSP Level 3 §8.1): it can be made no weaker. */
const sandbox = ['content-security-policy', 'sandbox allow-scripts allow-forms allow-popups allow-downloads'] as const;

const nosniff = ['x-content-type-options', 'nosniff'] as const;

/** Types that are media by their name; `+xml`, SVG among them, can hold scripts. */
const mediaType = /^(?:audio|video|image)\/(?!svg)[\w!#$&^.+-]+$/;

/** Types of media whose name begins with `application/`. */
const mediaApplications: ReadonlySet<string> = new Set([
  'application/mp4',
  'application/mxf',
  'application/ogg',
  'application/vnd.apple.mpegurl',
  'application/vnd.rn-realmedia',
  'application/x-matroska',
  'application/x-mpegurl',
]);

/** Servers send files of every kind under these types, so browsers look at the content. */
const typesOfAnything: ReadonlySet<string> = new Set(['text/plain', 'application/octet-stream']);

/** Whether `isolated` judges by how the content begins. */
export function mayBeAnything(fields: Fields): boolean {
  return kindOf(fields) === 'anything';
}

interface IsolationRules {
  readonly beginning?: Uint8Array | null;
  readonly isStrict?: boolean;
}

/**
 * The fields of a reply with those that isolate it. `content` are the fields that describe what is given, where the
 * reply itself does not (304); `beginning` are its first bytes, as many as are known. In strict mode a policy that the
 * origin has for a text stands alone, as it came: under `nosniff` that can run nothing.
 */
export function isolated(
  fields: Fields,
  content: Fields = fields,
  { beginning = null, isStrict = false }: IsolationRules = {},
): Fields {
  const others = fieldsWhere(fields, (name) => name !== 'x-content-type-options');
  if (kindOf(content) === 'media') return [...others, nosniff];
  if (!mayBeAnything(content) || isCoded(content)) return [...others, sandbox, nosniff];
  // A browser takes these for no page whatever they hold; but with `nosniff` it plays none as a film, either.
  if (beginning === null) return [...others, sandbox];
  if (beginsAsMedia(beginning)) return others;
  const hasPolicy = isStrict && hasField(others, 'content-security-policy');
  return hasPolicy ? [...others, nosniff] : [...others, sandbox, nosniff];
}

/** What a `Content-Type` says the content is. */
const kindNamed = recalled((written: string): 'media' | 'anything' | 'other' => {
  const types = essences(written);
  const isMedia = (type: string) => (mediaType.test(type) && !type.endsWith('+xml')) || mediaApplications.has(type);
  if (types.every(isMedia)) return 'media';
  return types.every((type) => typesOfAnything.has(type)) ? 'anything' : 'other';
});

function kindOf(content: Fields): ReturnType<typeof kindNamed> {
  const named = fieldValue(content, 'content-type');
  return named === null ? 'other' : kindNamed(named);
}

/**
 * Every type that is named, without parameters. Which of several counts differs from browser to browser, and so does
 * where one ends that is malformed; so all must be media.
 */
function essences(named: string): string[] {
  return named.split(',').map((member) => /^[ \t]*([^;]*?)[ \t]*(?:;|$)/.exec(member)?.[1]?.toLowerCase() ?? '');
}
