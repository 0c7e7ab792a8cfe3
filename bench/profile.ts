/**
 * `npm run profile -- BENCH…`: a bench with a profile of firstbyte's processor time, and where that time went.
 *
 * Each process of firstbyte that the bench starts writes a profile of V8's when it ends. The folder of these is printed:
 * the developer tools of Chromium open them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is used of a `.cpuprofile`. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds between a sample and the one before. */
  readonly timeDeltas: readonly number[];
}

const shown = 30;

const folder = mkdtempSync(join(tmpdir(), 'firstbyte-profile-'));
const bench = [join(import.meta.dirname, 'bench.ts'), '--profile', folder, ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, bench, { stdio: 'inherit' });
for (const name of readdirSync(folder)) print(name);
process.stdout.write(`\nThe profiles are in ${folder}\n`);
process.exitCode = status ?? 1;

function print(name: string): void {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Profile;
  const named = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const file = url.replace(/^.*\/(src|dist|node_modules)\//, '$1/');
      return [id, `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`];
    }),
  );
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, sample] of samples.entries()) {
    const time = timeDeltas[index] ?? 0;
    const of = named.get(sample) ?? '(unknown)';
    times.set(of, (times.get(of) ?? 0) + time);
    if (of !== '(idle)') busy += time;
  }
  const most = [...times].filter(([of]) => of !== '(idle)').sort(([, one], [, other]) => other - one);
  const lines = most.slice(0, shown).map(([of, time]) => `${((time / busy) * 100).toFixed(1).padStart(6)} %  ${of}`);
  process.stdout.write(`\n${name}: ${(busy / 1e6).toFixed(1)} s at work\n${lines.join('\n')}\n`);
}
