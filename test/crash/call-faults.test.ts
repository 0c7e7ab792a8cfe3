import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { callFaults, FaultyCalls } from './call-faults.ts';
import { noStrace } from './strace.ts';

/** `npm run crash -- faults` goes on with the second call and so on, until none is left to fail. */
const lanes = 3;

test('where the first call of any kind fails, viewers get right bytes or see an error, and all is well after it', {
  skip: noStrace,
}, async (t) => {
  const faults = [...callFaults];
  const failed = new Set<string>();
  const lane = async (directory: string) => {
    await using faulty = await FaultyCalls.open(directory);
    for (let fault = faults.shift(); fault !== undefined; fault = faults.shift()) {
      if ((await faulty.fail(fault, 1)).injected > 0) failed.add(fault.calls[0] ?? '');
    }
  };
  const directories = await Promise.all(Array.from({ length: lanes }, () => temporaryDirectory(t)));
  await Promise.all(directories.map(lane));
  for (const call of ['pwritev', 'pwrite64', 'fdatasync', 'fsync', 'openat', 'mkdir', 'pread64']) {
    assert.ok(failed.has(call), `${call} was never called`);
  }
});
