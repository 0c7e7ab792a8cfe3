/** The counts since firstbyte started. */
import type { Stats } from '../api/answers.ts';
import { Resource } from './resource.ts';

export const stats = new Resource<Stats>('/stats');
