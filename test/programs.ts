/**
 * Which programs of the system a test needs: where one is absent the test is skipped with its name as the reason, but
 * in CI (`CI=true`) that is a failure, so that nobody believes in players that never played.
 */
import { spawnSync } from 'node:child_process';

/** For a test's `skip`: `name` where `command`, a trial of that program, does not succeed; `false` where it does. */
export function absent(name: string, command: string, ...args: readonly string[]): string | false {
  if (spawnSync(command, args, { stdio: 'ignore' }).status === 0) return false;
  if (process.env.CI === 'true') throw new Error(`${name} is not installed, and CI runs every test`);
  return name;
}
