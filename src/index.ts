/**
 * The library: what a program that embeds firstbyte works with.
 *
 * `createFirstbyte` is for programs that want media; `startDaemon` is the whole process that the command line starts, with
 * its log, control API and page.
 */
import type { Settings } from './config.ts';
import type { Daemon, DaemonParts } from './daemon.ts';

export type { Holding } from './admin/holding.ts';
export type { HoldingPage, HoldingQuery, HoldingSort } from './admin/holding-page.ts';
export type { Holdings, HoldingView, HoldingView as HoldingSight, Warmed, Which, Work } from './admin/holdings.ts';
export type { AddedSource, NewSource, Source, Sources } from './admin/sources.ts';
export type { StoredContent } from './admin/stored-content.ts';
export type { VerifyResult } from './admin/verify.ts';
export type { WarmProgress } from './admin/warm.ts';
export type { ByteRange } from './bytes/byte-range.ts';
export { type Clock, systemClock } from './clock.ts';
export { ConfigError, loadSettings, type OriginSettings, type Settings } from './config.ts';
export type { Refresh, RefreshAnswer, RefreshQuestion } from './core.ts';
export type { Daemon, DaemonParts, Reloaded } from './daemon.ts';
export {
  ClosedError,
  CutError,
  FirstbyteError,
  MediaError,
  SourceError,
  UnknownOriginError,
} from './embed/errors.ts';
export {
  type Connector,
  createFirstbyte,
  type Firstbyte,
  type ListenOptions,
  type Middleware,
  type PlayerAddress,
  type SourceOptions,
  type WarmOptions,
} from './embed/firstbyte.ts';
export type { MediaBody, MediaHead, OpenOptions } from './embed/media-body.ts';
export type { FirstbyteOptions, OriginOptions, WrittenValue } from './embed/options.ts';
export type { MediaUrl } from './embed/places.ts';
export type { MediaProgress, WatchOptions } from './embed/watch.ts';
export { ProxyError, type ProxyErrorType } from './errors.ts';
export { type DomainEvent, EventBus } from './events.ts';
export type { Fields } from './http/fields.ts';
export type { Representation } from './http/representation.ts';
export type { Validator } from './http/validator.ts';
export type { Lent, LentThing } from './lent.ts';
export type { Origin, OriginBody, OriginReply, OriginRequest, Place, ResolvedUrl } from './origin/origin.ts';
export type {
  EvictionPreview,
  EvictionPreview as NextToGo,
  StoreAdmin,
  StoreAdmin as Upkeep,
  StoreLoans,
  StoreTrouble,
  StoreUsage,
  Verified,
} from './store/admin.ts';
export {
  type FilePart,
  type Lost,
  type ObjectLabel,
  type ObjectName,
  type Slice,
  type Store,
  type StoredObject,
  StoreError,
  type StoreObject,
} from './store/store.ts';

/**
 * Starts the whole process, which loads with it. Rejects with a `StoreError` where the cache directory can't be used, and
 * with the system's error where it can't listen.
 */
export async function startDaemon(settings: Settings, parts: DaemonParts = {}): Promise<Daemon> {
  return (await import('./daemon.ts')).startDaemon(settings, parts);
}
