/**
 * The settings of one origin, and the two ways to write a set of them: `NAME=URL` words, or an object in the file.
 *
 * What several keys say together is put together here: the fields to send, what is ignored and what is keyed. An
 * origin's own budgets stand in place of the settings of the same name.
 */
import type { Fields } from '../http/fields.ts';
import { errorWords } from '../kit/system-words.ts';
import { baseUrl, proxyUrl } from './base-url.ts';
import { type Kind, kind, list, object, record, type ValuesOf, wordsOf } from './kind.ts';
import {
  auth,
  cookie,
  fieldName,
  headers,
  operatorFields,
  repeatedNames,
  type SecretContext,
  userAgent,
} from './origin-fields.ts';
import { presetNames, presets } from './presets.ts';
import { type RefreshSettings, refreshRow } from './refresh.ts';
import { choice, count, duration, method, pages, path, queryName, rate, truth } from './values.ts';

/** One base of an origin: the first, or a mirror. */
interface OriginBase {
  /** Without credentials, query and fragment. */
  readonly url: URL;
  /** Secret fields to send with every request, never to another host and never to any output. */
  readonly fields: Fields;
}

/** The budgets that an origin can have of its own, in milliseconds. */
interface OriginBudgets {
  readonly firstByteTimeout?: number;
  readonly stallTimeout?: number;
  readonly healTimeout?: number;
  readonly retryInitial?: number;
  readonly retryMax?: number;
}

/** One origin, ready to be opened. */
export interface OriginSettings extends OriginBase {
  /** The name it is mounted under. */
  readonly name: string;
  /** More bases with the same files, in the order in which they are asked where the others fail. */
  readonly mirrors: readonly OriginBase[];
  /** By what another base shows that it holds the version that a film was begun with. */
  readonly mirrorProof: 'validator' | 'overlap';
  /** The HTTP proxy that every connection goes through, and its credentials as it wants them. */
  readonly proxy?: { readonly url: URL; readonly authorization: string | null };
  /** Whether its addresses may be private; judged from the URL's host where absent. */
  readonly network?: 'public' | 'private';
  readonly redirectTo: 'same-host' | 'public' | 'any-port' | 'any';
  readonly maxConnections: number;
  readonly parallelFetches: number;
  /** In bytes a second, over all connections. */
  readonly maxRate?: number;
  /** Requests a second. */
  readonly maxRequestRate?: number;
  /** What is fetched beyond what is read. */
  readonly fill: 'window' | 'complete' | 'none';
  /** Certificates (PEM) to trust in place of the public ones. */
  readonly ca?: string;
  readonly connectTimeout: number;
  readonly budgets: OriginBudgets;
  readonly cache: 'media' | 'rfc9111' | 'always';
  /** Names of the query that do not tell targets apart. */
  readonly ignoreQuery: readonly string[];
  /** A client's fields that tell targets apart, and are forwarded; in lower case. */
  readonly keyHeaders: readonly string[];
  /** Whether what is stored is served on when the origin says that it is gone. */
  readonly keepDeleted: boolean;
  /** Whether a film whose type the origin does not know gets one by its name; where absent, it does. */
  readonly mendTypes?: boolean;
  /** Methods that are forwarded beside those that only read. */
  readonly methods: readonly string[];
  /** Which pages may read: web origins, `loopback`, `*`, and `upstream` for those that the origin lets read. */
  readonly allowOrigins?: readonly string[];
  /** Who says where a target is to be had now. */
  readonly refresh?: RefreshSettings;
}

const budget = duration({ atLeast: '1ms' });

/** What the file can say about one origin; all but `url` can be left out. */
export const originTable = {
  url: {
    type: baseUrl,
    default: 'required',
    sentence: 'The URL that paths are appended to; a user name and password in it are sent as basic authentication.',
  },
  mirrors: {
    type: list(baseUrl),
    default: 'none',
    sentence: 'More URLs with the same files; when one fails, the next is used.',
  },
  mirrorProof: {
    type: choice(['validator', 'overlap']),
    default: 'validator',
    sentence:
      'What proves that a mirror has the same version of a film: the same strong `validator`, or also the same length and ' +
      'the same bytes as those that are cached (`overlap`), for mirrors that are copies with other validators.',
  },
  network: {
    type: choice(['public', 'private']),
    default: "judged from the URL's host",
    sentence: 'Whether the origin may have private addresses; checked at each connection.',
  },
  redirectTo: {
    type: choice(['same-host', 'public', 'any-port', 'any']),
    default: 'public',
    sentence:
      'Where its redirects may lead: to another port of its host (`same-host`) or also to other hosts (`public`), while ' +
      'every address is public; besides to any port of its host (`any-port`); or to any host (`any`).',
  },
  proxy: {
    type: proxyUrl,
    default: 'none',
    sentence: "An HTTP proxy that connections are made through (CONNECT); it resolves the origin's name.",
  },
  ca: {
    type: path,
    default: "Node's own",
    sentence: 'A file of certificates (PEM) to trust for it; relative to the configuration file.',
  },
  auth: { type: auth, default: 'none', sentence: 'Credentials to send, in place of any that a client has.' },
  headers: { type: headers, default: 'none', sentence: 'Headers to send with every request.' },
  cookie: { type: cookie, default: 'none', sentence: 'Cookies to send with every request.' },
  userAgent: {
    type: userAgent,
    default: "the client's, or firstbyte/VERSION",
    sentence: "The User-Agent to send, in place of the client's.",
  },
  maxConnections: {
    type: count({ atLeast: 1 }),
    default: 'the setting `maxConnections`',
    sentence: 'Connections to it at one time; some accounts allow one.',
  },
  parallelFetches: {
    type: count({ atLeast: 1 }),
    default: 'the setting `parallelFetches`',
    sentence: 'How many of these one title may use at once; `1` for servers where several are no faster.',
  },
  maxRate: {
    type: rate({ atLeast: '1kB' }),
    default: 'none',
    sentence: 'The highest download speed, in bytes a second, shared evenly by all its connections.',
  },
  maxRequestRate: {
    type: count({ atLeast: 1 }),
    default: 'none',
    sentence: 'Requests a second; those of one second may come at once, further ones wait.',
  },
  fill: {
    type: choice(['window', 'complete', 'none']),
    default: 'window',
    sentence:
      'What is downloaded beyond what is read: `window` up to `readAhead`, `complete` the whole file once 8 MB were read in sequence, `none` next to nothing.',
  },
  connectTimeout: { type: budget, default: 'the setting', sentence: 'As the setting of the same name.' },
  firstByteTimeout: { type: budget, default: 'the setting', sentence: 'As the setting of the same name.' },
  stallTimeout: { type: budget, default: 'the setting', sentence: 'As the setting of the same name.' },
  healTimeout: { type: budget, default: 'the setting', sentence: 'As the setting of the same name.' },
  retryInitial: { type: budget, default: 'the setting', sentence: 'As the setting of the same name.' },
  retryMax: { type: budget, default: 'the setting', sentence: 'As the setting of the same name.' },
  cache: {
    type: choice(['media', 'rfc9111', 'always']),
    default: 'media',
    sentence: 'What is stored: `rfc9111` by the standard alone, `media` with what players need, `always` everything.',
  },
  preset: {
    type: choice(presetNames),
    default: 'none',
    sentence:
      'Values for a kind of server: adds to `ignoreQuery`, with what that shares, and to `keyHeaders`, see below.',
  },
  ignoreQuery: {
    type: list(queryName),
    default: 'none',
    sentence:
      'Query parameters that do not identify a file, such as tokens. They are still sent to the origin, but protect ' +
      'nothing any more: whoever can reach firstbyte gets what another viewer has opened.',
  },
  keyHeaders: {
    type: list(fieldName),
    default: 'none',
    sentence: 'Headers of a client that are forwarded; each value has its own cache entry.',
  },
  keepDeleted: {
    type: truth,
    default: 'false',
    sentence: 'Whether cached files are still served when the origin answers 404 or 410.',
  },
  mendTypes: {
    type: truth,
    default: 'true',
    sentence:
      'Whether a film that comes as text/plain, application/octet-stream or without a type gets the type of its file name, such as .mkv. Never with `cache: rfc9111`.',
  },
  methods: {
    type: list(method),
    default: 'none',
    sentence:
      'Methods that are forwarded beside GET, HEAD, OPTIONS and PROPFIND, such as `["PUT", "DELETE"]`: whoever can reach ' +
      'firstbyte can then change files at the origin, with the credentials that are set here.',
  },
  allowOrigins: {
    type: list(pages),
    default: '`loopback`, or none where the operator has credentials or a hook here',
    sentence:
      'Pages whose scripts may read it (CORS), such as a player with hls.js: web origins, `loopback` for all pages of this ' +
      "machine, `*` for all there are, `upstream` to pass the origin's own word on. A page without a web origin never may.",
  },
  refresh: refreshRow,
} as const;

type OriginTable = typeof originTable;

type ReadOrigin = ValuesOf<{ readonly [Key in keyof OriginTable]: OriginTable[Key]['type'] }, 'url'>;

const origin = object(
  { description: 'a URL or an object', unit: 'text', placeholder: 'ORIGIN' },
  Object.fromEntries(Object.entries(originTable).map(([key, { type }]) => [key, type as Kind<unknown>])),
  ['url'],
) as Kind<ReadOrigin>;

const urlOrOrigin: Kind<ReadOrigin> = {
  ...origin,
  read: (raw, report) => origin.read(typeof raw === 'string' ? { url: raw } : raw, report),
};

const name = kind(
  { description: 'a name of lower-case letters, digits and hyphens', unit: 'text', placeholder: 'NAME' },
  (raw) => (typeof raw === 'string' && /^[a-z0-9][a-z0-9-]*$/.test(raw) ? raw : undefined),
);

const byName = record({ description: 'NAME=URL', unit: 'text', placeholder: 'NAME=URL' }, name, urlOrOrigin);

/** Origins by name. */
export const origins: Kind<Record<string, ReadOrigin>> = {
  ...byName,
  description: `NAME=URL, where URL is ${baseUrl.description}; several are separated by spaces`,
  read(raw, report) {
    const parts: unknown = wordsOf(raw);
    if (!Array.isArray(parts)) return byName.read(parts, report);
    const written: Record<string, string> = {};
    let isRight = true;
    for (const part of parts) {
      const [, key, url] = /^([^=]*)=(.*)$/.exec(String(part)) ?? [];
      if (key === undefined || url === undefined || Object.hasOwn(written, key)) {
        report?.({ path: [], raw: part, right: 'NAME=URL, each name once' });
        isRight = false;
      } else {
        written[key] = url;
      }
    }
    return isRight ? byName.read(written, report) : undefined;
  },
};

/** What the origins need of the other settings and of the machine. */
export interface OriginContext extends SecretContext {
  readonly maxConnections: number;
  readonly parallelFetches: number;
  readonly connectTimeout: number;
}

/** The origins ready to be opened; what can't be read or contradicts itself becomes one of `problems`. */
export function originSettings(byName: Readonly<Record<string, ReadOrigin>>, context: OriginContext): OriginSettings[] {
  return Object.entries(byName).map(([name, read]) => {
    const {
      url: base,
      network,
      redirectTo = 'public',
      proxy,
      maxConnections,
      parallelFetches,
      maxRate,
      connectTimeout,
    } = read;
    const { cache = 'media', keepDeleted = false, preset, mirrorProof = 'validator' } = read;
    const { fill = 'window', maxRequestRate } = read;
    const shared = operatorFields(read, `origins.${name}`, context);
    const { ignoreQuery, keyHeaders } = preset === undefined ? { ignoreQuery: [], keyHeaders: [] } : presets[preset];
    const ca = read.ca === undefined ? undefined : readCertificates(name, read.ca, context);
    const first = [...(base.authorization === null ? [] : [['authorization', base.authorization] as const]), ...shared];
    for (const repeated of repeatedNames(first)) {
      const places = 'the URL, auth, cookie, userAgent and headers together';
      context.problems.push(`origins.${name}: the field ${repeated} is given more than once by ${places}`);
    }
    return {
      name,
      url: base.url,
      fields: first,
      mirrors: (read.mirrors ?? []).map(({ url, authorization }) => ({ url, fields: withOwn(shared, authorization) })),
      mirrorProof,
      redirectTo,
      maxConnections: maxConnections ?? context.maxConnections,
      parallelFetches: parallelFetches ?? context.parallelFetches,
      connectTimeout: connectTimeout ?? context.connectTimeout,
      budgets: budgetsOf(read),
      fill,
      cache,
      ignoreQuery: [...new Set([...ignoreQuery, ...(read.ignoreQuery ?? [])])],
      keyHeaders: [...new Set([...keyHeaders, ...(read.keyHeaders ?? [])])],
      keepDeleted,
      methods: [...new Set(read.methods ?? [])],
      ...(read.mendTypes !== undefined && { mendTypes: read.mendTypes }),
      ...(read.allowOrigins && { allowOrigins: read.allowOrigins }),
      ...(network && { network }),
      ...(proxy && { proxy }),
      ...(maxRate && { maxRate }),
      ...(maxRequestRate && { maxRequestRate }),
      ...(ca && { ca }),
      ...(read.refresh && { refresh: read.refresh }),
    };
  });
}

/** What an origin's settings share between viewers, in one sentence; `null` where each has what his own token opens. */
export function sharedBy({ ignoreQuery }: Pick<OriginSettings, 'ignoreQuery'>): string | null {
  if (ignoreQuery.length === 0) return null;
  return `whoever can reach firstbyte gets what another viewer has opened, whatever the query says as ${ignoreQuery.join(', ')}`;
}

/** A mirror's own credentials stand in place of those that all bases share. */
function withOwn(shared: Fields, authorization: string | null): Fields {
  if (authorization === null) return shared;
  return [['authorization', authorization], ...shared.filter(([name]) => name !== 'authorization')];
}

function budgetsOf({ firstByteTimeout, stallTimeout, healTimeout, retryInitial, retryMax }: ReadOrigin): OriginBudgets {
  return {
    ...(firstByteTimeout && { firstByteTimeout }),
    ...(stallTimeout && { stallTimeout }),
    ...(healTimeout && { healTimeout }),
    ...(retryInitial && { retryInitial }),
    ...(retryMax && { retryMax }),
  };
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
    problems.push(`origins.${name}.ca: "${path}" cannot be read: ${errorWords(error)}`);
  }
  return undefined;
}
