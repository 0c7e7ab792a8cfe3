/** The budgets as they are by default, for tests that change one of them. */
import type { FillPolicy } from '../../src/fill/policy.ts';

export const defaultPolicy: FillPolicy = {
  firstByteTimeout: 30_000,
  stallTimeout: 10_000,
  healTimeout: 90_000,
  queueTimeout: 30_000,
  retryInitial: 100,
  retryMax: 2000,
  readAhead: 64 * 1024 * 1024,
  restTimeout: 5000,
  fill: 'window',
  prefetch: true,
};
