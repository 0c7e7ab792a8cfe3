/** What all objects of one disk store share. */
import type { Clock } from '../../clock.ts';
import type { Capacity } from '../capacity.ts';
import type { StoreEvents } from '../store-events.ts';
import type { Backlog } from './backlog.ts';
import type { Layout } from './block-index.ts';
import type { Committer } from './committer.ts';
import type { DiskReads } from './disk-reads.ts';
import type { Health } from './health.ts';
import type { HeldOnDisk } from './held-on-disk.ts';
import type { Slabs } from './slabs.ts';
import type { Space } from './space.ts';

export interface Medium {
  readonly layout: Layout;
  readonly clock: Clock;
  /** Their buffers hold one block each. */
  readonly reads: DiskReads;
  readonly backlog: Backlog;
  readonly slabs: Slabs;
  readonly capacity: Capacity<HeldOnDisk>;
  readonly health: Pick<Health, 'trouble' | 'fail'>;
  readonly space: Pick<Space, 'admit' | 'evicting' | 'withRoom'>;
  readonly committer: Pick<Committer, 'noteDirty' | 'commit'>;
  readonly events: Pick<StoreEvents, 'blockLost'>;
}
