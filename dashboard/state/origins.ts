/** The origins as they are now. */
import type { Origin } from '../api/answers.ts';
import { Resource } from './resource.ts';

export const origins = new Resource<{ readonly origins: readonly Origin[] }>('/origins');
