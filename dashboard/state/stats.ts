/** The counts since firstbyte started. */
import type { StatsReport } from '../../src/control/answers.ts';
import { Resource } from './resource.ts';

export const stats = new Resource<StatsReport>('/stats');
