import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { descriptorLimit, planDescriptors } from '../src/descriptors.ts';
import { absent } from './programs.ts';

describe('the limit of open files', { skip: process.platform === 'linux' ? false : 'Linux' }, () => {
  for (const limit of [600, 4096]) {
    it(`is ${limit} where the system says so`, { skip: absent('prlimit', 'prlimit', '--version') }, () => {
      const program = `import { descriptorLimit } from ${JSON.stringify(join(import.meta.dirname, '../src/descriptors.ts'))};
        process.exitCode = descriptorLimit() === ${limit} ? 0 : 1;`;
      const node = [process.execPath, '--input-type=module', '--eval', program];
      execFileSync('prlimit', [`--nofile=${limit}:${limit}`, ...node], { stdio: 'ignore' });
    });
  }

  it('is known of this process', () => assert.ok((descriptorLimit() ?? 0) >= 64));
});

describe('who may have how many descriptors', () => {
  for (const [limit, ofOrigins, storeFiles, clientConnections] of [
    [600, 32, 75, 429],
    [1024, 32, 128, 800],
    [1024, 500, 128, 332],
    [256, 32, 32, 128],
    [256, 1000, 32, 64],
    [20_000, 320, 4808, 10_000],
    [1_048_576, 320, 16_384, 10_000],
    [Number.POSITIVE_INFINITY, 32, 16_384, 10_000],
    [null, 32, 128, 800],
  ] as const) {
    it(`of ${limit ?? 'an unknown number'}, with ${ofOrigins} for origins: ${clientConnections} for clients`, () => {
      assert.deepEqual(planDescriptors(limit, ofOrigins), { storeFiles, clientConnections });
    });
  }
});
