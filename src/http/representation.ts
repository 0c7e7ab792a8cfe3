/** One version of what a target holds (RFC 9110 §3.2): the only owner of its length. */
import { endToEnd, type Fields, fieldsWhere, fieldValue, listMembers } from './fields.ts';
import { withoutSecrets } from './for-one-client.ts';
import {
  entityTagOf,
  lastModifiedOf,
  sameValidator,
  tagIn,
  type Validator,
  validatorOf,
  weaklyEqual,
} from './validator.ts';

export interface Representation {
  /** In bytes; `null` until the end where the origin does not say. */
  readonly length: number | null;
  readonly validator: Validator | null;
  /**
   * The origin's end-to-end fields, without those that describe one message (`content-length`, `content-range`, …) and
   * those that tell one client a secret.
   * `date` and `age` are among them: its age is reckoned from them.
   */
  readonly fields: Fields;
  /** Wall-clock milliseconds at which the origin last vouched for it, for `Age` and freshness. */
  readonly validatedAt: number;
  /** Whether the origin answered a range request with 206, so that another offset can be asked for. */
  readonly ranges: boolean;
  /**
   * The status of its answer, where that is neither 200 nor 206: of what is passed on as it came, never sliced or put
   * together (RFC 9110 §15), and stored only in strict mode.
   */
  readonly status?: number;
  /** What of a request chose it, where its answer had `Vary`; absent: it was for every request. */
  readonly selection?: Selection;
  /**
   * For how many milliseconds after `validatedAt` a redirect that led here may be believed; absent where none did that may
   * lead elsewhere next time.
   */
  readonly ledHereForMs?: number;
  /** Whether its beginning shows that it is no film: it may be another one at any moment, whatever its type says. */
  readonly changeable?: boolean;
}

/** One of several answers for a target. */
interface Selection {
  /** The request's fields that `Vary` names, as it had them. */
  readonly by: Fields;
  /** In strict mode, a word that the answers have in common which `Vary` tells apart, and no others. */
  readonly family?: string;
}

/** Fields about the bytes of one message, which another range of the same representation would give otherwise. */
const aboutOneMessage: ReadonlySet<string> = new Set(['content-length', 'content-range', 'content-digest']);

/** Besides those: what a 304 cannot change, because the stored bytes depend on it (RFC 9111 §3.2). */
const boundToContent: ReadonlySet<string> = new Set(['content-encoding', 'content-md5', 'etag']);

/** Fields that tell when a message was made: those of the message that vouched last are the only ones that count. */
const aboutTime: ReadonlySet<string> = new Set(['age', 'date']);

/** The registered content codings (RFC 9110 §8.4.1), other than identity. */
const codings: ReadonlySet<string> = new Set(
  'aes128gcm br compress dcb dcz deflate exi gzip pack200-gzip x-compress x-gzip zstd'.split(' '),
);

/** The representation that the head of a 200 or 206, or of what is taken for one, describes. */
export function representationFrom(
  fields: Fields,
  length: number | null,
  { validatedAt, ranges, status = 200 }: Pick<Representation, 'validatedAt' | 'ranges' | 'status'>,
): Representation {
  const validator = validatorOf(fields, validatedAt);
  const described = { length, validator, fields: storedFields(fields), validatedAt, ranges };
  return status === 200 ? described : { ...described, status };
}

/**
 * Whether `other` is certainly of the version that is known: it has that validator, and they have no two lengths. Without
 * a validator nothing is certain. An entity tag that an origin begins to send beside the date that was proof before
 * takes nothing from that (RFC 9111 §3.4).
 */
export function sameRepresentation(known: Representation, other: Representation): boolean {
  const { validator } = known;
  if (validator === null || other.validator === null) return false;
  if (known.length !== null && other.length !== null && known.length !== other.length) return false;
  if (sameValidator(validator, other.validator)) return true;
  const date = validator.strong && tagIn(validator) === null ? lastModifiedOf(other.fields, other.validatedAt) : null;
  return date !== null && sameValidator(validator, date);
}

/**
 * What an answer of the same version says, under the validator that is known: its bytes may have come before there was
 * a tag, which then names nothing that clients could ask for. The known bytes stay in the coding in which they came,
 * whatever the answer's own are in: a version has one date and may have one weak tag in all codings (RFC 9110 §8.8.1).
 */
export function underKnown({ validator, fields: known }: Representation, other: Representation): Representation {
  const hasTag = fieldValue(known, 'etag') !== null;
  const isOfKnown = (name: string) => boundToContent.has(name) && name !== 'etag';
  const said = fieldsWhere(other.fields, (name) => !isOfKnown(name) && (hasTag || name !== 'etag'));
  return { ...other, validator, fields: [...said, ...fieldsWhere(known, isOfKnown)] };
}

/** Whether a part of it may be given: offsets into a content coding mean nothing, and neither may others be known to. */
export function sliceable({ status, fields }: Representation): boolean {
  return status === undefined && !isCoded(fields);
}

/** Whether parts of it from several answers may be put together: only under a strong validator (RFC 9111 §3.4). */
export function combinable(representation: Representation): boolean {
  return representation.validator?.strong === true && sliceable(representation);
}

/**
 * Whether a coding was applied (RFC 9110 §8.4): another representation, which is never sliced. Only what is registered as
 * a coding is one; servers say `none`, `utf-8` or `binary` of bytes that are as they are.
 */
export function isCoded(fields: Fields): boolean {
  return listMembers(fieldValue(fields, 'content-encoding') ?? '').some((coding) => codings.has(coding.toLowerCase()));
}

/**
 * The same version with the fresher fields of a 304 (RFC 9111 §3.2). A 304 that names another version vouches for
 * nothing (§4.3.4): then `representation` itself is given back, as old as it was.
 */
export function refreshed(representation: Representation, fieldsOf304: Fields, validatedAt: number): Representation {
  if (!vouchesFor(fieldsOf304, representation)) return representation;
  const fresh = fieldsWhere(storedFields(fieldsOf304), (name) => !boundToContent.has(name));
  const replaced = new Set(fresh.map(([name]) => name));
  const kept = fieldsWhere(representation.fields, (name) => !replaced.has(name) && !aboutTime.has(name));
  return { ...representation, fields: [...kept, ...fresh], validatedAt };
}

/** RFC 9111 §4.3.4; a 304 without a validator can only mean the one that it was asked about. */
function vouchesFor(fieldsOf304: Fields, { validator, fields }: Representation): boolean {
  const tag = entityTagOf(fieldsOf304);
  const own = (validator && tagIn(validator)) ?? entityTagOf(fields);
  if (tag !== null && own !== null && !weaklyEqual(tag, own)) return false;
  // A tag says it all, unless the date is what proves the version.
  if (tag !== null && validator?.kind === 'etag') return true;
  const date = fieldValue(fieldsOf304, 'last-modified');
  if (tag !== null && own === null) return validator !== null && validator.value === date;
  return date === null || validator?.kind !== 'last-modified' || validator.value === date;
}

/** Also of what was stored before it was told apart. */
export function storedFields(fields: Fields): Fields {
  return withoutSecrets(endToEnd(fields)).filter(([name]) => !aboutOneMessage.has(name));
}

/** The same, whatever led to it. */
export function withoutRedirect(representation: Representation): Representation {
  if (representation.ledHereForMs === undefined) return representation;
  const { ledHereForMs: _, ...rest } = representation;
  return rest;
}
