/** The room that the store has and takes. */
import type { Store } from '../api/answers.ts';
import { Resource } from './resource.ts';

export const store = new Resource<Store>('/store');
