#!/usr/bin/env node
/** The command `firstbyte`: looks at the version of Node before anything is loaded that needs a newer one. */
import { complain } from './console.ts';

const oldest = 24;

if (Number.parseInt(process.versions.node, 10) < oldest) {
  complain(`firstbyte needs Node ${oldest} or newer; this is Node ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  const { runCommand } = await import('./cli/command.ts');
  process.exit(await runCommand(process.argv.slice(2)));
}
