/**
 * Where an origin, a mirror or a proxy is: a URL, and the credentials that were written into it.
 *
 * Credentials are taken out here and become a field to send, so that the URL that the rest of the program holds can
 * be shown.
 */
import { kind } from './kind.ts';

export interface BaseUrl {
  /** Without credentials, query and fragment. */
  readonly url: URL;
  /** The user name and password of the URL as the value of a field for basic authentication. */
  readonly authorization: string | null;
}

export const baseUrl = kind(
  { description: 'an http or https URL without query and fragment', unit: 'text', placeholder: 'URL' },
  readBaseUrl,
);

export const proxyUrl = kind(
  { description: 'a URL such as http://proxy.lan:3128', unit: 'text', placeholder: 'URL' },
  (raw) => {
    const base = readBaseUrl(raw);
    return base?.url.protocol === 'http:' && base.url.pathname === '/' ? base : undefined;
  },
);

/** User name and password as RFC 7617 has them sent. */
export function basicCredentials(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function readBaseUrl(raw: unknown): BaseUrl | undefined {
  if (typeof raw !== 'string' || /[?#\s]/.test(raw) || !/^https?:\/\/[^/]/i.test(raw)) return undefined;
  const url = URL.parse(raw);
  if (url === null) return undefined;
  const { username, password } = url;
  url.username = url.password = '';
  if (username === '' && password === '') return { url, authorization: null };
  try {
    return { url, authorization: basicCredentials(decodeURIComponent(username), decodeURIComponent(password)) };
  } catch {
    return undefined;
  }
}
