/**
 * The settings of one origin, and the two ways to write a set of them: `NAME=URL` words, or an object in the file.
 *
 * Credentials in the URL are taken out of it here and become a field to send, so that the URL that the rest of the
 * program holds can be shown.
 */
import { z } from 'zod';
import type { Fields } from '../http/fields.ts';
import { choice, count, kind, kindOf, path, wordsOf } from './values.ts';

/** One origin, ready to be opened. */
export interface OriginSettings {
  /** The name it is mounted under. */
  readonly name: string;
  /** Without credentials, query and fragment. */
  readonly url: URL;
  /** Secret fields to send with every request, never to another host and never to any output. */
  readonly fields: Fields;
  /** Whether its addresses may be private; judged from the URL's host where absent. */
  readonly network?: 'public' | 'private';
  readonly redirectTo: 'same-host' | 'public' | 'any';
  readonly maxConnections: number;
  /** Certificates (PEM) to trust in place of the public ones. */
  readonly ca?: string;
  readonly cache: 'media' | 'rfc9111' | 'always';
}

export interface BaseUrl {
  readonly url: URL;
  readonly fields: Fields;
}

const baseUrl = kind(
  { description: 'an http or https URL without query and fragment', unit: 'text', placeholder: 'URL' },
  readBaseUrl,
);

function readBaseUrl(raw: unknown): BaseUrl | undefined {
  if (typeof raw !== 'string' || /[?#\s]/.test(raw) || !/^https?:\/\/[^/]/i.test(raw)) return undefined;
  const url = URL.parse(raw);
  if (url === null) return undefined;
  const { username, password } = url;
  url.username = url.password = '';
  if (username === '' && password === '') return { url, fields: [] };
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { url, fields: [['authorization', `Basic ${Buffer.from(credentials).toString('base64')}`]] };
  } catch {
    return undefined;
  }
}

/** What the file can say about one origin; all but `url` can be left out. */
export const originTable = {
  url: {
    type: baseUrl,
    default: 'required',
    sentence: 'The base that a path is appended to; a user name and password in it are sent as basic authentication.',
  },
  network: {
    type: choice(['public', 'private']),
    default: "judged from the URL's host",
    sentence: 'Whether the origin may have private addresses, checked at each connect.',
  },
  redirectTo: {
    type: choice(['same-host', 'public', 'any']),
    default: 'public',
    sentence: 'Which hosts its redirects may lead to.',
  },
  maxConnections: {
    type: count({ atLeast: 1 }),
    default: 'the setting `maxConnections`',
    sentence: 'Connections to it at one time; some accounts allow one.',
  },
  ca: {
    type: path,
    default: "Node's own",
    sentence: 'A file of certificates (PEM) to trust for it; relative to the configuration file.',
  },
  cache: {
    type: choice(['media', 'rfc9111', 'always']),
    default: 'media',
    sentence: 'What is stored: `rfc9111` by the standard alone, `media` with what players need, `always` everything.',
  },
} as const;

const origin = z.preprocess(
  (raw) => (typeof raw === 'string' ? { url: raw } : raw),
  z.strictObject(
    {
      url: originTable.url.type,
      network: originTable.network.type.optional(),
      redirectTo: originTable.redirectTo.type.default('public'),
      maxConnections: originTable.maxConnections.type.optional(),
      ca: originTable.ca.type.optional(),
      cache: originTable.cache.type.default('media'),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'a URL or an object' : undefined) },
  ),
);

type ReadOrigin = z.output<typeof origin>;

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'a name of lower-case letters, digits and hyphens');

const record = z.record(name, origin, { error: 'NAME=URL' });

/** Origins by name. */
export const origins: z.ZodType<Record<string, ReadOrigin>> = z
  .unknown()
  .transform((raw, context) => {
    const parts = wordsOf(raw);
    if (!Array.isArray(parts)) return parts;
    const byName: Record<string, string> = {};
    for (const part of parts) {
      const [, key, url] = /^([^=]*)=(.*)$/.exec(String(part)) ?? [];
      if (key === undefined || url === undefined || Object.hasOwn(byName, key)) {
        context.addIssue({ code: 'custom', message: 'NAME=URL, each name once', input: part });
      } else {
        byName[key] = url;
      }
    }
    return byName;
  })
  .pipe(record)
  .meta({
    description: `NAME=URL, where URL is ${kindOf(baseUrl).description}; several are separated by spaces`,
    unit: 'text',
    placeholder: 'NAME=URL',
  });

/** The origins ready to be opened; a file of certificates that can't be read becomes one of `problems`. */
export function originSettings(
  byName: Readonly<Record<string, ReadOrigin>>,
  context: { maxConnections: number; readFile: (path: string) => string; problems: string[] },
): OriginSettings[] {
  return Object.entries(byName).map(([name, { url: base, network, ca: path, ...rest }]) => {
    const ca = path === undefined ? undefined : readCertificates(name, path, context);
    return {
      name,
      ...base,
      ...rest,
      maxConnections: rest.maxConnections ?? context.maxConnections,
      ...(network && { network }),
      ...(ca && { ca }),
    };
  });
}

function readCertificates(
  name: string,
  path: string,
  { readFile, problems }: { readFile: (path: string) => string; problems: string[] },
): string | undefined {
  try {
    const certificates = readFile(path);
    if (certificates.includes('-----BEGIN CERTIFICATE-----')) return certificates;
    problems.push(`origins.${name}.ca: "${path}" is not a file of certificates in PEM form`);
  } catch (error) {
    problems.push(`origins.${name}.ca: "${path}" cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  return undefined;
}
