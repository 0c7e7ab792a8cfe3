/**
 * `npm test`: every suite, by Node's own test runner, under the Node that runs this. Ends with its count.
 *
 *   npm test                           all of them
 *   npm test -- test/fill/*.test.ts    these files
 *   npm test -- 'joins at 29 s'        the tests whose names match this regular expression
 *
 * It builds first where the sources are newer than what was built: some suites are about that.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from './build.ts';

await buildIfNeeded();

const given = process.argv.slice(2);
const files = given.filter((argument) => existsSync(argument));
const names = given.filter((argument) => !files.includes(argument));
const missing = names.filter((name) => name.endsWith('.test.ts'));
if (missing.length > 0) {
  console.error(`${missing.join(', ')}: there is no such file.`);
  process.exit(2);
}

// Hundreds of processes compile the same modules, among them each command that a test starts.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../.cache/compiled', import.meta.url));

const results = run({
  globPatterns: files.length > 0 ? files : ['test/**/*.test.ts'],
  testNamePatterns: names,
  // Suites with real players and networks mostly wait, so a machine carries one file more than it has cores.
  concurrency: availableParallelism() + 1,
  execArgv: ['--import', fileURLToPath(new URL('untracked.ts', import.meta.url))],
  timeout: 300_000,
});

// Where tests fail, their stories follow the count: it is then said once more, so that it always ends the output.
const count: string[] = [];
let failed = false;
results.on('test:diagnostic', ({ nesting, message }) => nesting === 0 && count.push(message));
results.on('test:fail', ({ todo }) => {
  failed ||= todo === undefined || todo === false;
});
await pipeline(results, new spec(), process.stdout, { end: false });
if (failed) process.stdout.write(`\n${count.map((line) => `ℹ ${line}\n`).join('')}`);
process.exitCode = failed ? 1 : 0;
