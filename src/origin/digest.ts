/**
 * Digest authentication with the operator's credentials (RFC 7616): answers a server's challenge, and after that signs
 * every request by the same nonce, counted, until the server names another.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Fields, fieldsWhere } from '../http/fields.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** The algorithms of RFC 7616 §6.1, by their names in lower case without `-sess`. */
const hashes: Readonly<Record<string, string>> = { 'sha-512-256': 'sha512-256', 'sha-256': 'sha256', md5: 'md5' };

interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As the server wrote it; absent for MD5. */
  readonly algorithm: string | undefined;
  readonly hash: string;
  readonly session: boolean;
  readonly qop: 'auth' | 'auth-int' | null;
  readonly userhash: boolean;
  readonly stale: boolean;
}

/** The credentials of `Basic`, which are what Digest needs as well; `null` for every other scheme. */
export function credentialsIn(authorization: string | null): Credentials | null {
  const [, encoded] = /^basic +([\w+/=-]+)$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** `fields` without the challenges that no client behind a proxy could answer: its targets have other paths. */
export function withoutDigest(fields: Fields): Fields {
  return fieldsWhere(fields, (name, value) => name !== 'www-authenticate' || !/^digest\b/i.test(value));
}

export class DigestLogin {
  readonly #credentials: Credentials;
  readonly #nonce: () => string;
  #challenge: Challenge | null = null;
  #count = 0;
  /** Of the session that `-sess` algorithms derive their key for. */
  #sessionNonce = '';

  /** `nonce` makes a client nonce. */
  constructor(credentials: Credentials, nonce: () => string = () => randomBytes(16).toString('hex')) {
    this.#credentials = credentials;
    this.#nonce = nonce;
  }

  /**
   * A 401 came; returns whether to ask again. A nonce that was refused and is not `stale` shows that the credentials
   * are wrong. `signedBy` is the request's own `Authorization`, where it had one.
   */
  challenged(fields: Fields, signedBy: string | null): boolean {
    const challenge = challengeIn(fields);
    if (challenge === null) return false;
    const wasSigned = signedBy !== null && /^digest /i.test(signedBy);
    // Another request may have got a new nonce meanwhile.
    const isOutdated =
      wasSigned && this.#challenge !== null && !signedBy.includes(`nonce="${quoted(this.#challenge.nonce)}"`);
    if (wasSigned && !challenge.stale && !isOutdated) return false;
    // The counts of a nonce go on, whoever is told of it.
    if (!isOutdated && challenge.nonce !== this.#challenge?.nonce) {
      this.#challenge = challenge;
      this.#count = 0;
      this.#sessionNonce = this.#nonce();
    }
    return true;
  }

  /** `Authorization` for one request; `null` before there was a challenge. */
  authorization(method: string, uri: string): string | null {
    const challenge = this.#challenge;
    if (challenge === null) return null;
    const { realm, nonce, opaque, algorithm, hash, session, qop, userhash } = challenge;
    const { user, password } = this.#credentials;
    const digest = (text: string) => createHash(hash).update(text).digest('hex');
    this.#count += 1;
    const count = this.#count.toString(16).padStart(8, '0');
    const clientNonce = session ? this.#sessionNonce : this.#nonce();
    const secret = digest(`${user}:${realm}:${password}`);
    const key = session ? digest(`${secret}:${nonce}:${clientNonce}`) : secret;
    // No request has a body here that `auth-int` would cover.
    const subject = digest(qop === 'auth-int' ? `${method}:${uri}:${digest('')}` : `${method}:${uri}`);
    const middle = qop === null ? nonce : `${nonce}:${count}:${clientNonce}:${qop}`;
    const parts = [
      `username="${quoted(userhash ? digest(`${user}:${realm}`) : user)}"`,
      `realm="${quoted(realm)}"`,
      `nonce="${quoted(nonce)}"`,
      `uri="${uri}"`,
      `response="${digest(`${key}:${middle}:${subject}`)}"`,
      ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
      ...(opaque === undefined ? [] : [`opaque="${quoted(opaque)}"`]),
      ...(qop === null && !session ? [] : [`cnonce="${clientNonce}"`]),
      ...(qop === null ? [] : [`qop=${qop}`, `nc=${count}`]),
      ...(userhash ? ['userhash=true'] : []),
    ];
    return `Digest ${parts.join(', ')}`;
  }
}

/** The first challenge that can be answered: a server names the one first that it prefers (RFC 7616 §3.7). */
function challengeIn(fields: Fields): Challenge | null {
  for (const [name, value] of fields) {
    if (name !== 'www-authenticate') continue;
    for (const [, written = ''] of value.matchAll(
      /(?:^|,)\s*digest\s+((?:[^",]|"(?:[^"\\]|\\.)*"|,(?!\s*[\w-]+\s+[\w-]))*)/gi,
    )) {
      const challenge = challengeOf(written);
      if (challenge !== null) return challenge;
    }
  }
  return null;
}

function challengeOf(written: string): Challenge | null {
  const given = new Map<string, string>();
  for (const [, key = '', text, token] of written.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    given.set(key.toLowerCase(), text?.replace(/\\(.)/g, '$1') ?? token ?? '');
  }
  const algorithm = given.get('algorithm');
  const [, base = '', session] = /^(.*?)(-sess)?$/i.exec(algorithm?.toLowerCase() ?? 'md5') ?? [];
  const hash = hashes[base];
  const offered =
    given
      .get('qop')
      ?.toLowerCase()
      .split(/[\s,]+/) ?? null;
  const qop = offered === null ? null : (['auth', 'auth-int'] as const).find((each) => offered.includes(each));
  const nonce = given.get('nonce');
  if (hash === undefined || nonce === undefined || qop === undefined) return null;
  return {
    realm: given.get('realm') ?? '',
    nonce,
    opaque: given.get('opaque'),
    algorithm,
    hash,
    session: session !== undefined,
    qop,
    userhash: given.get('userhash')?.toLowerCase() === 'true',
    stale: given.get('stale')?.toLowerCase() === 'true',
  };
}

function quoted(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}
