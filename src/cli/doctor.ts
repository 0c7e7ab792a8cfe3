/**
 * `firstbyte doctor`: checks the machine, the disk and the configured origins for obstacles to playback, and says what
 * to change. It sends requests to configured origins only.
 */

import { diskFindings } from './doctor-disk.ts';
import { machineFindings } from './doctor-machine.ts';
import { originFindings } from './doctor-origin.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import { complaintsOf, type Finding } from './finding.ts';
import { Interruption, type Invocation, textOption } from './invocation.ts';
import { encodedPath, knownWords } from './targets.ts';

const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

export async function doctor(invocation: Invocation): Promise<ExitReason> {
  const { operands, options, around, load } = invocation;
  const { settings } = load();
  const path = pathOf(invocation);
  const origins = settings.origins.filter(({ name }) => operands.length === 0 || operands.includes(name));
  const known = settings.origins.map(({ name, url }) => ({ name, base: url.href }));
  const stranger = operands.find((name) => !known.some((origin) => origin.name === name));
  if (stranger !== undefined) {
    throw new CommandError('unmatched', `Unknown origin "${stranger}". ${knownWords(known)}`);
  }

  using interruption = new Interruption(around);
  const findings: Finding[] = [];
  const sources = [
    machineFindings(settings, around.clock),
    diskFindings(settings, around.clock),
    ...origins.map((origin) => originFindings(origin, settings, path, around.clock, interruption.signal)),
  ];
  for (const source of sources) {
    for await (const finding of source) {
      findings.push(finding);
      if (!options.json) around.print(findingText(finding, around));
      if (interruption.reason !== null) return interruption.reason;
    }
  }
  if (origins.length === 0 && !options.json) around.print('      No origin is configured: add one with --origin\n');
  if (options.json) around.print(`${JSON.stringify({ findings }, null, 2)}\n`);
  return complaintsOf(findings, 'fail') > 0 ? 'faulty' : 'stopped';
}

function pathOf(invocation: Invocation): string | null {
  const path = textOption(invocation, 'path');
  if (path === undefined) return null;
  if (path.startsWith('/')) return encodedPath(path);
  throw new CommandError('usage', `--path: "${path}" does not begin with /, such as /some/film.mkv`);
}

function findingText({ level, about, said, change }: Finding, { terminal }: Invocation['around']): string {
  const word = terminal.paint('out', colours[level], level.padEnd(4));
  return `${word}  ${about}: ${said}\n${change === undefined ? '' : `      ${change}\n`}`;
}
