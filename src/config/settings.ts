/**
 * All settings, read: times in milliseconds, sizes in bytes, `null` for none. What each does, its row in the table of
 * `src/config.ts` says, and docs/reference/configuration.md.
 *
 * They are written down here beside the table, so that a program that embeds firstbyte sees plain types.
 */
import type { IpNetwork } from '../http/ip-address.ts';
import type { OriginSettings } from './origins.ts';
import type { AmountSetting, ListenAddress } from './values.ts';

export interface Settings {
  readonly listen: readonly ListenAddress[];
  readonly allowFrom: readonly IpNetwork[];
  readonly allowHosts: readonly string[];
  readonly trustedProxies: readonly IpNetwork[];
  readonly token: string | null;
  readonly readOnlyPage: 'on' | 'off';
  readonly secretPath: string | null;
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  readonly drainTimeout: number;
  readonly headTimeout: number;
  readonly origins: readonly OriginSettings[];
  readonly maxRate: number | null;
  readonly maxConnections: number;
  readonly parallelFetches: number;
  readonly connectTimeout: number;
  readonly cacheDir: string;
  readonly store: 'disk' | 'memory' | 'none';
  readonly maxSize: AmountSetting;
  readonly minFree: AmountSetting;
  readonly maxAge: number | null;
  readonly mediaFreshness: number;
  readonly readAhead: number;
  readonly prefetch: 'on' | 'off';
  readonly nextEpisode: 'on' | 'off';
  readonly restTimeout: number;
  readonly firstByteTimeout: number;
  readonly stallTimeout: number;
  readonly healTimeout: number;
  readonly retryInitial: number;
  readonly retryMax: number;
  readonly queueTimeout: number;
  readonly patience: number | null;
  readonly patienceInterval: number;
  readonly maxQueued: number;
  readonly bufferMemory: number;
  readonly connectionsPerClient: number;
  readonly sendfile: 'on' | 'off';
  readonly requestsPerClient: number;
  readonly unreadPerClient: number;
  readonly stalledMemory: number;
  readonly summaryInterval: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'text' | 'json';
}

export type SettingKey = keyof Settings;
