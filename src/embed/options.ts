/** What a program says of the firstbyte that it makes: the settings under the names of the file, and parts of its own. */
import { ConfigError, loadSettings, type OriginSettings, type SettingKey, type Settings } from '../config.ts';
import type { CoreParts } from '../core.ts';
import type { Logger } from '../log.ts';
import type { Origin } from '../origin/origin.ts';
import type { StoreAdmin } from '../store/admin.ts';
import type { Store } from '../store/store.ts';

/** A value as it stands in a configuration file: `'64MB'`, `'30s'`, `8`, `true`, or several. */
export type WrittenValue = string | number | boolean | readonly string[];

/** Settings that only a daemon heeds: a program that embeds firstbyte has its own ways, or no need. */
const ofDaemon = [
  'listen',
  'token',
  'tlsCert',
  'tlsKey',
  'readOnlyPage',
  'nextEpisode',
  'logLevel',
  'logFormat',
  'summaryInterval',
] as const satisfies SettingKey[];

/** Settings as they stand in a configuration file. */
type WrittenSettings = {
  readonly [Key in Exclude<SettingKey, (typeof ofDaemon)[number] | 'origins' | 'store' | 'cacheDir'>]?: WrittenValue;
};

/** An origin: its settings as they stand in a configuration file, and in place of HTTP one of the program's own. */
export interface OriginOptions {
  /** The URL below which its files are; what a program calls them by, also where it has an `origin` of its own. */
  readonly url: string | URL;
  /** Brings the bytes in, where something else than HTTP over TCP is wanted. */
  readonly origin?: Origin;
  readonly [setting: string]: unknown;
}

export interface FirstbyteOptions
  extends WrittenSettings,
    Pick<CoreParts, 'clock' | 'random' | 'events' | 'refresh' | 'descriptorLimit'> {
  /** The servers that media comes from, by name: a URL, or an object with the settings of one. */
  readonly origins?: Readonly<Record<string, string | URL | OriginOptions>>;
  /** The directory that holds what was downloaded, which no other process may have open; without it, the memory does. */
  readonly cacheDir?: string;
  /** Where downloaded bytes are kept: `disk` where there is a `cacheDir`, `memory` without one, `none`, or a store of its own. */
  readonly store?: 'disk' | 'memory' | 'none' | (Store & StoreAdmin);
  /** Takes warnings; nobody gets them where it is absent. */
  readonly log?: Logger['log'];
}

/** @throws {ConfigError} */
export function readOptions(options: FirstbyteOptions): { readonly settings: Settings; readonly parts: CoreParts } {
  const { origins = {}, store, log: _, clock, random, events, refresh, descriptorLimit, ...written } = options;
  const own = new Map<string, Origin>();
  const plain = Object.entries(origins).map(([name, given]) => {
    if (given instanceof URL) return [name, given.href];
    // What is none of them is judged as a file's would be.
    if (typeof given !== 'object' || given === null) return [name, given];
    const { origin, url, ...settings } = given;
    if (origin !== undefined) own.set(name, origin);
    return [name, { ...settings, url: url instanceof URL ? url.href : url }];
  });
  const unheeded = ofDaemon.filter((key) => Object.hasOwn(written, key));
  if (unheeded.length > 0) throw new ConfigError(unheeded.map((key) => `${key} counts for startDaemon alone`));
  const kind = typeof store === 'string' ? store : options.cacheDir === undefined ? 'memory' : 'disk';
  if (kind === 'disk' && options.cacheDir === undefined) throw new ConfigError(['cacheDir is missing: give a path']);
  const flags = { ...written, store: kind, origins: Object.fromEntries(plain) };
  const { settings } = loadSettings({ flags, env: {} });
  const makeOrigin = ({ name }: OriginSettings) => own.get(name) ?? null;
  return {
    settings,
    parts: {
      makeOrigin,
      ...(typeof store === 'object' && { store }),
      ...(clock && { clock }),
      ...(random && { random }),
      ...(events && { events }),
      ...(refresh && { refresh }),
      ...(descriptorLimit !== undefined && { descriptorLimit }),
    },
  };
}
