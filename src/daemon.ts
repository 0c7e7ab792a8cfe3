/**
 * The process: a core with a log, the control API, and the addresses of the settings.
 *
 * A daemon lives like this: `startDaemon` opens the core, then listens → it serves → `stop` takes no new requests, lets
 * replies go on for `drainTimeout`, makes durable what can be and closes everything.
 */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Folders } from './admin/folders.ts';
import type { Holdings } from './admin/holdings.ts';
import { NextEpisodes } from './admin/next-episode.ts';
import type { Sources } from './admin/sources.ts';
import { Certificate } from './certificate.ts';
import { type Clock, systemClock } from './clock.ts';
import { ConfigError, type LoadedSettings, type SettingKey, type Settings, settingKeys } from './config.ts';
import type { Control } from './control/control-api.ts';
import { type CoreParts, openCore } from './core.ts';
import { EventBus } from './events.ts';
import type { Lent } from './lent.ts';
import { controlUrl, elsewhereUrls } from './listen.ts';
import { createLogger, logEvents } from './log.ts';
import { settingReports } from './setting-reports.ts';

/** What an embedding program may put in place of the usual parts. */
export interface DaemonParts extends CoreParts {
  /** Where each setting came from, for those who ask the control API. */
  readonly settingSources?: LoadedSettings['sources'];
  /** Reads the configuration again, for `reload`; throws a `ConfigError` where it is wrong. */
  readonly load?: () => LoadedSettings;
  /** Takes each line of the log, with its end; standard error where absent. */
  readonly log?: (line: string) => void;
}

/** What another reading of the configuration has changed. */
export interface Reloaded {
  /** Names of origins. */
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Whether the certificate is another one. */
  readonly certificate: boolean;
  /** Keys of settings that are changed and count from the next start. */
  readonly restart: readonly string[];
}

export interface Daemon {
  /** Where it listens, as URLs with the real ports. */
  readonly addresses: readonly string[];
  /** Where other devices reach it, as URLs. */
  readonly elsewhere: readonly string[];
  /**
   * Where the control API answers on this machine, and a token for it that is another for each start; `null` where
   * nothing listens. With a store on disk both also stand in the file `owner` of the cache directory.
   */
  readonly control: { readonly url: string; readonly token: string } | null;
  /** Everything that happens from now on. */
  readonly events: EventBus;
  /** What is held, and what can be done with it: the same that the control API gives. */
  readonly holdings: Holdings;
  /** URLs that are handed in at run time, each to be played at a path of its own. */
  readonly sources: Sources;
  /** What is lent at this moment: all zero where nobody is there and nothing is under way. */
  lent(): Lent;
  /**
   * Reads configuration and certificate again. Origins change for new requests, and replies under way continue; other
   * settings count from the next start. Rejects with a `ConfigError` where something is wrong: then nothing has changed.
   */
  reload(): Promise<Reloaded>;
  /** Serves a connection that came in some other way, for instance in memory. */
  serve(connection: Duplex): void;
  /** Lets replies go on for at most `drainTimeout`, then ends them, and closes everything. */
  stop(): Promise<void>;
  /** Ends every connection at once; nothing is made durable beyond what is. */
  kill(): void;
}

/** Rejects with a `StoreError` where the cache directory can't be used, and with the system's error where it can't listen. */
export async function startDaemon(settings: Settings, parts: DaemonParts = {}): Promise<Daemon> {
  const { clock = systemClock, events = new EventBus() } = parts;
  const logger = createLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    clock,
    ...(parts.log === undefined ? {} : { write: parts.log }),
  });
  const stopLogging = logEvents(events, logger);
  const localToken = randomBytes(32).toString('base64url');
  const tokens = [localToken, ...[settings.token, settings.secretPath].filter((secret) => secret !== null)];
  let control: Control;
  // It loads while the store's index begins in a thread of its own.
  const [core, { createControl }] = await Promise.all([
    openCore(
      settings,
      { ...parts, clock, events },
      { logger, tokens, control: (...given) => control.listener(...given) },
    ),
    import('./control/control-api.ts'),
  ]);
  let certificate: Certificate | null = null;
  let reports = settingReports(settings, parts.settingSources);
  const { load } = parts;
  const rereadCertificate = async () => {
    const isOther = (await certificate?.reread()) ?? false;
    if (!isOther) return false;
    await announce();
    logger.log('info', 'the certificate is a new one');
    return true;
  };
  const reload = async (): Promise<Reloaded> => {
    const loaded = load?.();
    const isOther = await rereadCertificate();
    const changes =
      loaded === undefined ? { added: [], changed: [], removed: [] } : core.changeOrigins(loaded.settings.origins);
    const others = loaded === undefined ? [] : settingReports(loaded.settings, loaded.sources);
    // By their values: secrets look all alike in reports.
    const stays = (key: SettingKey) => JSON.stringify(loaded?.settings[key]) === JSON.stringify(settings[key]);
    const restart = loaded === undefined ? [] : settingKeys.filter((key) => key !== 'origins' && !stays(key));
    reports = reports.map((report) => others.find(({ key }) => key === 'origins' && report.key === key) ?? report);
    const reloaded = { ...changes, certificate: isOther, restart };
    const [added, changed, removed, later] = [changes.added, changes.changed, changes.removed, reloaded.restart].map(
      (names) => names.join(' ') || null,
    );
    logger.log('info', 'configuration reloaded', { added, changed, removed, restart: later });
    return reloaded;
  };
  const onRenewed = () => {
    rereadCertificate().catch((error: Error) => {
      logger.log('warn', 'the certificate stays the old one', { reason: error.message });
    });
  };
  const folders = new Folders(core.cache, clock);
  const episodes =
    settings.nextEpisode === 'on'
      ? new NextEpisodes({ cache: core.cache, folders, holdings: core.holdings, events })
      : null;
  const password = await core.pagePassword();
  tokens.push(password);
  let state: 'starting' | 'ready' | 'draining' = 'starting';
  const unready = () => {
    if (state === 'ready') return null;
    return state === 'starting' ? 'It does not listen yet.' : 'It is shutting down.';
  };
  control = createControl({
    fills: core.cache,
    holdings: core.holdings,
    folders,
    sources: core.sources,
    origins: core.origins,
    settings: () => reports,
    reload: load && (() => reload().catch(problemsOf)),
    events,
    clock,
    localToken,
    ...(settings.token === null ? { password } : { token: settings.token }),
    viewers: settings.readOnlyPage === 'on' ? settings.allowFrom : [],
    unready,
    clients: () => core.proxy.clients(),
    lent: () => core.lent(),
    summary: { interval: settings.summaryInterval, write: (fields) => logger.log('info', 'summary', fields) },
  });
  const close = async () => {
    certificate?.close();
    episodes?.stop();
    control.stop();
    await core.close();
    stopLogging();
  };
  const addresses: string[] = [];
  const elsewhere = () => addresses.flatMap(elsewhereUrls);
  let url: string | undefined;
  const unannounced = (error: Error) =>
    logger.log('warn', 'the local token could not be written down', { reason: error.message });
  const announce = async () => {
    if (url === undefined) return;
    const shown = certificate && url.startsWith('https:') ? { certificate: String(certificate.options.cert) } : {};
    const places = elsewhere();
    const page = places.length > 0 && { page: { addresses: places, password: settings.token ?? password } };
    await core.describeOwner({ control: url, token: localToken, ...page, ...shown }).catch(unannounced);
  };
  try {
    certificate = await certificateOf(settings, clock);
    certificate?.watch(onRenewed);
    for (const where of settings.listen) addresses.push((await core.listen(where, certificate)).address);
    [url] = addresses.map(controlUrl);
    await announce();
  } catch (error) {
    await close();
    throw error;
  }
  state = 'ready';
  return {
    addresses,
    elsewhere: elsewhere(),
    control: url === undefined ? null : { url, token: localToken },
    events,
    holdings: core.holdings,
    sources: core.sources,
    lent: () => core.lent(),
    reload,
    serve: (connection) => core.serve(connection),
    async stop() {
      state = 'draining';
      await core.drain();
      await close();
    },
    kill: () => core.kill(),
  };
}

/** `null` where firstbyte speaks plain HTTP. */
async function certificateOf({ tlsCert, tlsKey }: Settings, clock: Clock): Promise<Certificate | null> {
  if (tlsCert !== null && tlsKey !== null) return Certificate.read({ cert: tlsCert, key: tlsKey }, clock);
  if (tlsCert === null && tlsKey === null) return null;
  const [given, missing] = tlsCert === null ? ['tlsKey', 'tlsCert'] : ['tlsCert', 'tlsKey'];
  throw new ConfigError([`${given} needs ${missing}: give both, or neither`]);
}

function problemsOf(error: unknown): { readonly problems: readonly string[] } {
  if (error instanceof ConfigError) return { problems: error.problems };
  throw error;
}
