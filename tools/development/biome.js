#!/usr/bin/env node
/** Runs Biome's own program for this platform. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const name = `@biomejs/cli-${process.platform}-${process.arch}`;
let program;
try {
  program = createRequire(import.meta.url).resolve(`${name}/biome`);
} catch {
  console.error(`Biome is not installed for this platform: ${name} is missing from tools/development/package.json.`);
  process.exit(1);
}
const { status } = spawnSync(program, process.argv.slice(2), { stdio: 'inherit' });
process.exit(status ?? 1);
