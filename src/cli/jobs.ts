/** Runs a job of the control API to its end, with progress; an interruption cancels it. */
import { sleep } from '../clock.ts';
import type { JobReport } from '../control/answers.ts';
import type { ControlClient } from './control-client.ts';
import type { Interruption, Invocation } from './invocation.ts';
import { ProgressBar } from './progress.ts';

/** The progress is requested so often. */
const intervalMs = 200;

/** Resolves with the job as it ended: done, failed, or cancelled by `interruption`. */
export async function runJob(
  control: ControlClient,
  request: object,
  what: string,
  { around }: Invocation,
  interruption: Interruption,
): Promise<JobReport> {
  using progress = new ProgressBar(what, around);
  let job = await control.send<JobReport>('POST', 'jobs', request);
  const { id } = job;
  while (job.state === 'running') {
    progress.update(job.done, job.total);
    await sleep(around.clock, intervalMs, interruption.signal).catch(() => {});
    job = await (interruption.signal.aborted ? cancelled(control, id) : control.get<JobReport>(`jobs/${id}`));
  }
  return job;
}

/** It may have ended a moment before. */
async function cancelled(control: ControlClient, id: string): Promise<JobReport> {
  await control.send('DELETE', `jobs/${id}`).catch(() => {});
  return control.get<JobReport>(`jobs/${id}`);
}
