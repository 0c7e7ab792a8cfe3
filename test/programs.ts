/**
 * Which programs of the system a test needs: where one is absent the test is skipped with its name as the reason, but
 * in CI (`CI=true`) that is a failure, so that nobody believes in players that never played.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** For a test's `skip`: the first of `programs` that is not in the PATH, or `false` where all are. */
export function absent(...programs: readonly string[]): string | false {
  const missing = programs.find((program) => !isInstalled(program)) ?? false;
  if (missing && process.env.CI === 'true') throw new Error(`${missing} is not installed, and CI runs every test`);
  return missing;
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
