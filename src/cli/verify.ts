/** `firstbyte verify`: compares stored blocks with their checksums. */
import type { VerifyReport } from '../control/answers.ts';
import { countWords, sizeWords } from '../kit/amounts.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import { Interruption, type Invocation, printAs } from './invocation.ts';
import { runJob } from './jobs.ts';
import { findObjects } from './objects.ts';
import { openSession } from './session.ts';

export async function verify(invocation: Invocation): Promise<ExitReason> {
  const { operands, options, around } = invocation;
  await using session = await openSession(invocation);
  const { control } = session;
  const found = operands.length === 0 ? null : await findObjects(control, operands);
  const request = {
    kind: 'verify',
    repair: options.repair === true,
    ...(found !== null && { ids: found.map(({ id }) => id) }),
  };
  using interruption = new Interruption(around);
  const job = await runJob(control, request, 'verifying', invocation, interruption);
  if (job.state === 'failed') throw new CommandError('failed', `Cannot verify: ${job.problem}`);
  if (job.state === 'cancelled') {
    const of = job.total === null ? '' : ` of ${sizeWords(job.total)}`;
    printAs(invocation, `cancelled: ${sizeWords(job.done)}${of} checked\n`, job);
    return interruption.reason ?? 'failed';
  }
  const result = job.result as VerifyReport;
  printAs(invocation, `${resultWords(result)}\n`, result);
  return result.bad > result.repaired ? 'faulty' : 'stopped';
}

function resultWords({ objects, bytes, bad, repaired }: VerifyReport): string {
  const checked = `checked ${countWords(objects, 'file')}, ${sizeWords(bytes)}`;
  if (bad === 0) return `${checked}: all correct`;
  const fixed = repaired === 0 ? 'dropped' : `dropped, ${sizeWords(repaired)} of that downloaded again`;
  return `${checked}: ${sizeWords(bad)} bad and ${fixed}`;
}
