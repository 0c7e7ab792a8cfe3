/** What the control API shows and steers, and how its owner wants it. */
import type { Folders } from '../admin/folders.ts';
import type { Holdings } from '../admin/holdings.ts';
import type { Sources } from '../admin/sources.ts';
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { FillsView } from '../fill/view.ts';
import type { Lent } from '../lent.ts';
import type { SettingReport } from './answers.ts';
import type { ControlPolicy } from './control-guard.ts';
import type { ClientsSnapshot } from './gauges.ts';
import type { OriginSource } from './origins.ts';
import type { Reload } from './routes/settings.ts';
import type { SummaryOptions } from './summary.ts';

export interface ControlOptions extends ControlPolicy {
  readonly fills: FillsView;
  readonly holdings: Holdings;
  readonly folders: Folders;
  readonly sources: Sources;
  /** The mounted origins at this moment. */
  readonly origins: () => readonly OriginSource[];
  readonly settings: () => readonly SettingReport[];
  /** Reads the configuration again; absent in a program that embeds firstbyte. */
  readonly reload?: Reload | undefined;
  readonly events: EventBus;
  readonly clock: Clock;
  /** Why requests are not accepted now, in one sentence; `null` where they are. */
  readonly unready: () => string | null;
  /** The clients' connections and requests at this moment. */
  readonly clients: () => ClientsSnapshot;
  /** How many things are lent at this moment. */
  readonly lent: () => Lent;
  /** Where the summary line goes; no summary where absent. */
  readonly summary?: SummaryOptions;
}
