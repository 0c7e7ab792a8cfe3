/** The running jobs, with their progress and a button to cancel each. */
import type { JobReport } from '../../src/control/answers.ts';
import { shareWords, sizeWords } from '../../src/kit/amounts.ts';
import { change } from '../api/client.ts';
import { TitleOf } from '../parts/title.tsx';
import { tell } from '../state/announce.ts';
import { useFresh } from '../state/keep-fresh.ts';
import { Resource } from '../state/resource.ts';

export const jobs = new Resource<{ readonly jobs: readonly JobReport[] }>('/jobs');

const words: Readonly<Record<string, string>> = { warm: 'Warming', verify: 'Verifying' };

export function Jobs() {
  useFresh(jobs, { on: ['job-done'] });
  const running = (jobs.value.value?.jobs ?? []).filter(({ state }) => state === 'running');
  return running.length === 0 ? null : <Running jobs={running} />;
}

function Running({ jobs: running }: { jobs: readonly JobReport[] }) {
  // No event reports progress, so it is requested while a job runs.
  useFresh(jobs, { on: [], every: () => 1000 });
  const cancel = async (id: string) => {
    await tell(change<JobReport>('DELETE', `/jobs/${id}`).then(() => 'Cancelled. What was downloaded stays.'));
    await jobs.refresh();
  };
  return (
    <section class="card" aria-label="Running jobs">
      <ul class="rows jobs">
        {running.map(({ id, kind, title, done, total }) => (
          <li key={id}>
            <span>{words[kind] ?? kind}</span>
            {title !== null && <TitleOf {...title} />}
            <progress
              aria-label={`Progress of job ${id}`}
              {...(total !== null && { max: Math.max(1, total), value: done })}
            />
            <span class="figure">
              {total === null ? sizeWords(done) : `${shareWords(done / Math.max(1, total))} of ${sizeWords(total)}`}
            </span>
            <button type="button" onClick={() => cancel(id)}>
              Cancel
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
