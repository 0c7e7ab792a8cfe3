/** The size and limit of the store. */
import type { StoreReport } from '../../src/control/answers.ts';
import { Resource } from './resource.ts';

export const store = new Resource<StoreReport>('/store');
