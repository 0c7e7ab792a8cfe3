/**
 * Every setting, in one table, and the only file that reads the environment.
 *
 * The table makes the flags, the `FIRSTBYTE_*` variables, the keys of the file, `firstbyte config --explain` and
 * docs/reference/configuration.md. A flag is stronger than a variable, a variable than the file, the file than the
 * default. Whatever is wrong is refused, all of it at once.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { settingBudgets } from './budgets.ts';
import { exposureProblems } from './config/exposure.ts';
import { type Kind, list, type ValueOf } from './config/kind.ts';
import { loopProblems } from './config/loops.ts';
import { originSettings, origins, originTable } from './config/origins.ts';
import { ConfigError, describeMistake } from './config/problems.ts';
import type { SettingKey, Settings } from './config/settings.ts';
import {
  amount,
  choice,
  count,
  duration,
  hostName,
  listenAddress,
  network,
  orOff,
  path,
  pathSecret,
  rate,
  secret,
  size,
} from './config/values.ts';
import {
  findWritten,
  type SettingNames,
  type SettingsInput,
  type ValueSource,
  type Written,
} from './config/written.ts';

export { exposureProblems } from './config/exposure.ts';
export type { OriginSettings } from './config/origins.ts';
export { ConfigError } from './config/problems.ts';
export type { SettingKey, Settings } from './config/settings.ts';
export type { ListenAddress } from './config/values.ts';
export type { SettingsInput } from './config/written.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A default that depends on the machine, and its words for the reference. */
interface MachineDefault {
  readonly words: string;
  from(env: Environment): string;
}

interface SettingRow {
  readonly group: 'listening' | 'origins' | 'cache' | 'waiting' | 'limits' | 'logging';
  readonly type: Kind<unknown>;
  /** As a person would write it; `null` for none. */
  readonly default: string | null | MachineDefault;
  readonly sentence: string;
  /** Where the flag is not simply the key; `null` where a flag would show a secret to every process. */
  readonly flag?: string | null;
  /** Whether the flag may be given several times. */
  readonly repeatable?: true;
}

const settingTable = {
  listen: {
    group: 'listening',
    type: list(listenAddress, { atLeast: 1 }),
    default: '127.0.0.1:8787',
    repeatable: true,
    sentence: 'Where players connect; port 0 takes any free port.',
  },
  allowFrom: {
    group: 'listening',
    type: list(network),
    default: '',
    repeatable: true,
    sentence: 'Networks whose players may connect, beside this machine; required to listen beyond loopback.',
  },
  allowHosts: {
    group: 'listening',
    type: list(hostName),
    default: '',
    repeatable: true,
    sentence: 'Public host names that firstbyte answers under, such as that of a reverse proxy in front of it.',
  },
  trustedProxies: {
    group: 'listening',
    type: list(network),
    default: '',
    repeatable: true,
    sentence:
      'Reverse proxies in front of firstbyte, by address or network: their `Forwarded` or `X-Forwarded-For` tells clients apart.',
  },
  token: {
    group: 'listening',
    type: secret,
    default: null,
    flag: null,
    sentence:
      'The access token of the page and the control API, required of everyone. Without one, other devices need the password of the page.',
  },
  readOnlyPage: {
    group: 'listening',
    type: choice(['on', 'off']),
    default: 'off',
    sentence: 'Whether the networks of `allowFrom` may see the page without the password; changes always need it.',
  },
  secretPath: {
    group: 'listening',
    type: pathSecret,
    default: null,
    flag: null,
    sentence:
      'A secret first part of the path: media then plays from any network, at `/SECRET/NAME/path`. For players that can send no password.',
  },
  tlsCert: {
    group: 'listening',
    type: path,
    default: null,
    sentence: 'A certificate (PEM, with its chain) for HTTPS at every address of `listen`; reloaded when it changes.',
  },
  tlsKey: {
    group: 'listening',
    type: path,
    default: null,
    sentence: 'The private key of `tlsCert` (PEM).',
  },
  drainTimeout: {
    group: 'listening',
    type: duration(),
    default: settingBudgets.drainTimeout.default,
    sentence: 'How long replies may continue after the first SIGTERM or SIGINT.',
  },
  headTimeout: {
    group: 'listening',
    type: duration({ atLeast: '1s' }),
    default: settingBudgets.headTimeout.default,
    sentence: 'How long a client may take to send the head of a request.',
  },
  origins: {
    group: 'origins',
    type: origins,
    default: '',
    flag: 'origin',
    repeatable: true,
    sentence: 'The servers that media comes from, each mounted at `/NAME/`.',
  },
  maxRate: {
    group: 'origins',
    type: rate({ atLeast: '1kB' }),
    default: null,
    sentence:
      'The highest download speed from all origins together, in bytes a second; each origin can have its own limit too.',
  },
  maxConnections: {
    group: 'origins',
    type: count({ atLeast: 1 }),
    default: '32',
    sentence: 'Connections to one origin at one time, unless the origin has its own limit.',
  },
  parallelFetches: {
    group: 'origins',
    type: count({ atLeast: 1 }),
    default: '8',
    sentence:
      'How many of these connections one title may use at once, where a single one is slower than its player; twelve more at the start over long round trips.',
  },
  connectTimeout: {
    group: 'origins',
    type: duration({ atLeast: '1ms' }),
    default: settingBudgets.connectTimeout.default,
    sentence: 'How long one attempt to connect to an origin may take, inside `firstByteTimeout`.',
  },
  cacheDir: {
    group: 'cache',
    type: path,
    default: {
      words: '$XDG_CACHE_HOME/firstbyte, or ~/.cache/firstbyte',
      from: ({ XDG_CACHE_HOME: base }) =>
        join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'firstbyte'),
    },
    sentence: 'The directory of the cache; one process uses it at a time.',
  },
  store: {
    group: 'cache',
    type: choice(['disk', 'memory', 'none']),
    default: 'disk',
    sentence: 'Where the cache is: `memory` is lost when firstbyte stops, `none` keeps nothing.',
  },
  maxSize: {
    group: 'cache',
    type: amount({ atLeast: '64MB' }),
    default: '50%',
    sentence:
      'Size limit of the cache. A percentage is of the free disk space at the start, including the cache, or of the memory.',
  },
  minFree: {
    group: 'cache',
    type: amount({ atLeast: '0B' }),
    default: '1%',
    sentence: 'Disk space that stays free, whatever `maxSize` is. A percentage is of the whole disk.',
  },
  maxAge: {
    group: 'cache',
    type: orOff(duration({ atLeast: '1m' })),
    default: 'off',
    sentence: 'How long unused files are kept.',
  },
  mediaFreshness: {
    group: 'cache',
    type: duration(),
    default: '24h',
    sentence: 'How long a cached file is played without asking its origin again, where the origin does not say.',
  },
  readAhead: {
    group: 'cache',
    type: size({ atLeast: '64kB' }),
    default: '64MB',
    sentence:
      'How much is downloaded ahead of a player that has read 8 MB in sequence; up to four times as much for a film with a high bit rate.',
  },
  prefetch: {
    group: 'cache',
    type: choice(['on', 'off']),
    default: 'on',
    sentence:
      'Whether the index of a film, and the place where it was left, are downloaded when it is opened, before the player asks.',
  },
  nextEpisode: {
    group: 'cache',
    type: choice(['on', 'off']),
    default: 'on',
    sentence:
      'Whether to download the beginning and the end of the next episode (`S01E02` → `S01E03`) once 80 % of an episode has been sent.',
  },
  restTimeout: {
    group: 'cache',
    type: duration(),
    default: settingBudgets.restTimeout.default,
    sentence: 'How long a connection is kept after `readAhead` has been downloaded.',
  },
  firstByteTimeout: {
    group: 'waiting',
    type: duration({ atLeast: '1ms' }),
    default: settingBudgets.firstByteTimeout.default,
    sentence: 'How long a request waits for its first byte, including retries.',
  },
  stallTimeout: {
    group: 'waiting',
    type: duration({ atLeast: '1ms' }),
    default: settingBudgets.stallTimeout.default,
    sentence: 'How long an origin may send nothing in mid-file before firstbyte reconnects.',
  },
  healTimeout: {
    group: 'waiting',
    type: duration({ atLeast: '1ms' }),
    default: settingBudgets.healTimeout.default,
    sentence: 'How long a reply may stall in mid-file, while firstbyte reconnects, before it is cut.',
  },
  retryInitial: {
    group: 'waiting',
    type: duration({ atLeast: '1ms' }),
    default: settingBudgets.retryInitial.default,
    sentence: 'The longest pause before the first retry; it doubles up to `retryMax`.',
  },
  retryMax: {
    group: 'waiting',
    type: duration({ atLeast: '1ms' }),
    default: settingBudgets.retryMax.default,
    sentence: 'The longest pause between two retries.',
  },
  queueTimeout: {
    group: 'waiting',
    type: duration({ atLeast: '1ms' }),
    default: settingBudgets.queueTimeout.default,
    sentence: 'How long a request waits for a free connection to its origin.',
  },
  patience: {
    group: 'waiting',
    type: orOff(duration({ atLeast: '1ms' })),
    default: settingBudgets.patience.default,
    sentence: 'After this time without a reply, the status line is sent byte by byte, so that players keep waiting.',
  },
  patienceInterval: {
    group: 'waiting',
    type: duration({ atLeast: '1ms' }),
    default: settingBudgets.patienceInterval.default,
    sentence: 'The time between two of the bytes that `patience` sends.',
  },
  maxQueued: {
    group: 'limits',
    type: count({ atLeast: 0 }),
    default: '1000',
    sentence: 'How many requests of players may wait for a free connection to one origin.',
  },
  bufferMemory: {
    group: 'limits',
    type: size({ atLeast: '1MB' }),
    default: '48MB',
    sentence: 'Memory for reading from disk, shared by all replies.',
  },
  connectionsPerClient: {
    group: 'limits',
    type: count({ atLeast: 1 }),
    default: '512',
    sentence:
      'Connections that one client may have. Beyond that, its longest idle one is closed. This machine and trusted proxies may have at least 2048.',
  },
  sendfile: {
    group: 'limits',
    type: choice(['on', 'off']),
    default: 'on',
    sentence:
      'Whether the kernel sends cached files itself (`sendfile`, on Linux); with `off`, firstbyte reads and writes every byte.',
  },
  requestsPerClient: {
    group: 'limits',
    type: count({ atLeast: 1 }),
    default: '256',
    sentence:
      'Requests for media that one client may have at one time. Beyond that, its longest stalled one ends, or the new one waits. This machine and trusted proxies may have at least 1024.',
  },
  unreadPerClient: {
    group: 'limits',
    type: size({ atLeast: '1MB' }),
    default: '1GB',
    sentence:
      'How much may be downloaded for one client that it has not read. Beyond that, less is downloaded ahead for it. This machine and trusted proxies may have at least 1 GB.',
  },
  stalledMemory: {
    group: 'limits',
    type: size({ atLeast: '1MB' }),
    default: '256MB',
    sentence:
      'Memory for clients that read nothing, such as paused players: 262 kB each. When it is full, the client that has been idle longest is disconnected.',
  },
  summaryInterval: {
    group: 'logging',
    type: duration({ atLeast: '1s' }),
    default: '30s',
    sentence: 'The time between two summary lines in the log, while there is traffic.',
  },
  logLevel: {
    group: 'logging',
    type: choice(['debug', 'info', 'warn', 'error']),
    default: 'info',
    sentence: 'The lowest level that is logged.',
  },
  logFormat: {
    group: 'logging',
    type: choice(['text', 'json']),
    default: 'text',
    sentence: 'Log lines for people (`text`) or for programs (`json`).',
  },
} as const satisfies Record<SettingKey, SettingRow>;

type Table = typeof settingTable;
type Read<Row extends SettingRow> = ValueOf<Row['type']> | (Row['default'] extends null ? null : never);

type ReadValues = { readonly [Key in SettingKey]: Read<Table[Key]> };

export interface LoadedSettings {
  readonly settings: Settings;
  /** Where each value came from. */
  readonly sources: Readonly<Record<SettingKey, ValueSource>>;
  /** What is odd and stops nobody. */
  readonly warnings: readonly string[];
}

export const settingKeys = Object.keys(settingTable) as SettingKey[];

export function settingRow(key: SettingKey): SettingRow {
  return settingTable[key];
}

/** The flag of a setting, such as `--cache-dir` (`null` for a secret), and its variable, such as `FIRSTBYTE_CACHE_DIR`. */
export function namesOf(key: SettingKey): SettingNames {
  const kebabCase = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const { flag = kebabCase } = settingRow(key);
  return {
    key,
    flag: flag === null ? null : `--${flag}`,
    variable: `FIRSTBYTE_${(flag ?? kebabCase).replaceAll('-', '_').toUpperCase()}`,
  };
}

/**
 * Reads all settings from where they were written.
 *
 * @throws {ConfigError} naming each value that is wrong and what would be right, and each flag or key that is unknown.
 */
export function loadSettings(input: SettingsInput = {}): LoadedSettings {
  const { flags = {}, env = process.env, readFile = (path) => readFileSync(path, 'utf8') } = input;
  const problems: string[] = [];
  const warnings: string[] = [];
  const written = findWritten(settingKeys.map(namesOf), { flags, env, readFile }, problems, warnings);

  const values: Record<string, unknown> = {};
  const sources: Record<string, ValueSource> = {};
  for (const key of settingKeys) {
    const { type, default: preset, flag } = settingRow(key);
    const { raw, source } = written.get(key) ?? defaultOf(preset, env);
    sources[key] = source;
    if (raw === null && preset === null) {
      values[key] = null;
      continue;
    }
    const context = { key, place: source.name, secret: flag === null, innerNames: Object.keys(originTable) };
    values[key] = type.read(raw, (mistake) => problems.push(describeMistake(mistake, context)));
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const read = values as ReadValues;
  const settings: Settings = {
    ...read,
    cacheDir: resolve(directoryOf(sources.cacheDir), read.cacheDir),
    tlsCert: read.tlsCert && resolve(directoryOf(sources.tlsCert), read.tlsCert),
    tlsKey: read.tlsKey && resolve(directoryOf(sources.tlsKey), read.tlsKey),
    origins: originSettings(read.origins, {
      maxConnections: read.maxConnections,
      parallelFetches: read.parallelFetches,
      connectTimeout: read.connectTimeout,
      env,
      readFile: (path) => readFile(resolve(directoryOf(sources.origins), path)),
      problems,
    }),
  };
  problems.push(...exposureProblems(settings));
  problems.push(...loopProblems(settings.listen, settings.origins));
  if (problems.length > 0) throw new ConfigError(problems);
  return { settings, sources: sources as Record<SettingKey, ValueSource>, warnings };
}

/** What a service manager says to its services, which is no setting. */
export function serviceVariables(): Environment {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  return { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID };
}

/** What a relative path is relative to: the file that holds it, or the working directory. */
function directoryOf(source: ValueSource | undefined): string {
  return source?.from === 'file' ? dirname(source.name) : '.';
}

function defaultOf(preset: SettingRow['default'], env: Environment): Written {
  const raw = preset === null || typeof preset === 'string' ? preset : preset.from(env);
  return { raw, source: { from: 'default', name: '', text: raw ?? '' } };
}
