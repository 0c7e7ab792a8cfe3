/**
 * What `tools/test.ts` loads into each process of tests before them: their runner then does not follow each promise to the
 * test that made it, which is a third of the processor time of suites on virtual time.
 *
 * The runner wants to know it only to say by which test an error came that nobody caught. Without it such an error fails
 * the file, with its stack.
 */
import asyncHooks from 'node:async_hooks';

const { createHook } = asyncHooks;
asyncHooks.createHook = (callbacks) => createHook({ ...callbacks, trackPromises: false });
// The runner takes `createHook` as it is when it is loaded; whoever else wants it gets the real one.
await import('node:test');
asyncHooks.createHook = createHook;

function onUncaught(error: unknown): void {
  console.error(error);
  process.exitCode = 1;
}
process.on('uncaughtExceptionMonitor', onUncaught);
process.on('unhandledRejection', onUncaught);
