/** `firstbyte warm`: downloads files, folders, or beginnings, before anybody plays them. */
import { size } from '../config/values.ts';
import type { JobReport } from '../control/answers.ts';
import { durationWords, sizeWords } from '../kit/amounts.ts';
import { showablePath } from '../showable.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import { Interruption, type Invocation, textOption } from './invocation.ts';
import { runJob } from './jobs.ts';
import { openSession } from './session.ts';
import { listOrigins, type Target } from './targets.ts';
import { listedNames, targetsNamed } from './warm-targets.ts';
import { placeWords } from './words.ts';

export async function warm(invocation: Invocation): Promise<ExitReason> {
  const { operands, options, around } = invocation;
  const part = partOf(invocation);
  await using session = await openSession(invocation);
  const origins = await listOrigins(session.control);
  const written = [...operands, ...(await listedNames(invocation))];
  if (written.length === 0) throw new CommandError('usage', 'Name a file, a folder or a pattern, or give --list FILE');
  const targets: Target[] = [];
  let unmatched: CommandError | null = null;
  for (const name of written) {
    try {
      targets.push(...(await targetsNamed(name, origins, session.control)));
    } catch (error) {
      // One wrong name keeps nobody from the others.
      if (!(error instanceof CommandError) || written.length === 1) throw error;
      around.complain(`${error.message}\n`);
      unmatched ??= error;
    }
  }

  using interruption = new Interruption(around);
  const jobs: (Target & JobReport)[] = [];
  let failed = false;
  for (const target of targets) {
    const startedAt = around.clock.now();
    const place = placeWords({ origin: target.origin, path: showablePath(target.target) });
    const request = { kind: 'warm', ...target, ...part };
    const job = await runJob(session.control, request, `downloading ${place}`, invocation, interruption);
    jobs.push({ ...target, ...job });
    failed ||= job.state === 'failed';
    if (!options.json) around.print(`${endingWords(place, job, around.clock.now() - startedAt)}\n`);
    if (interruption.reason !== null) break;
  }
  if (options.json) around.print(`${JSON.stringify({ jobs }, null, 2)}\n`);
  return interruption.reason ?? unmatched?.reason ?? (failed ? 'failed' : 'stopped');
}

function partOf(invocation: Invocation): { whole: true } | { head: number } {
  const written = textOption(invocation, 'head');
  if (written === undefined) return { whole: true };
  const head = size({ atLeast: '1B' }).read(written);
  if (head === undefined) throw new CommandError('usage', `--head: "${written}" is not a size such as 16MB`);
  return { head };
}

function endingWords(place: string, { state, done, total, result, problem }: JobReport, duration: number): string {
  switch (state) {
    case 'done':
      return `warmed ${place}: ${sizeWords(result?.bytes ?? done)} cached, in ${durationWords(duration)}`;
    case 'failed':
      return `not warmed ${place}: ${problem ?? 'no reason known'}`;
    default:
      return `cancelled ${place}: ${sizeWords(done)}${total === null ? '' : ` of ${sizeWords(total)}`} cached`;
  }
}
