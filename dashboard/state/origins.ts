/** The origins as they are now. */
import type { OriginReport } from '../../src/control/answers.ts';
import { Resource } from './resource.ts';

export const origins = new Resource<{ readonly origins: readonly OriginReport[] }>('/origins');
