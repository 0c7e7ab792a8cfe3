/**
 * The library: what a program that embeds firstbyte works with.
 *
 *     const { settings } = loadSettings({ flags: { origins: { films: { url: 'https://media.example/films' } } } });
 *     const daemon = await startDaemon(settings);
 *     // play `${daemon.addresses[0]}films/holiday.mkv`
 *     // look at `await daemon.holdings.page({ sort: '-bytes' })`, and steer what is held with its other methods
 *     await daemon.stop();
 */
export type { Holding } from './admin/holding.ts';
export type { HoldingPage, HoldingQuery, HoldingSort } from './admin/holding-page.ts';
export type { Holdings, HoldingView, HoldingView as HoldingSight, Warmed, Which, Work } from './admin/holdings.ts';
export type { AddedSource, NewSource, Source, Sources } from './admin/sources.ts';
export type { StoredContent } from './admin/stored-content.ts';
export type { VerifyResult } from './admin/verify.ts';
export type { WarmProgress } from './admin/warm.ts';
export { type Clock, systemClock } from './clock.ts';
export { ConfigError, loadSettings, type OriginSettings, type Settings } from './config.ts';
export type { Refresh, RefreshAnswer, RefreshQuestion } from './core.ts';
export { type Daemon, type DaemonParts, startDaemon } from './daemon.ts';
export { ProxyError, type ProxyErrorType } from './errors.ts';
export { type DomainEvent, EventBus } from './events.ts';
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
  type Lost,
  type ObjectLabel,
  type ObjectName,
  type Slice,
  type Store,
  type StoredObject,
  StoreError,
  type StoreObject,
} from './store/store.ts';
