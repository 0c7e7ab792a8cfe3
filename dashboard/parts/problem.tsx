/** Why there is nothing to see, in one sentence. */
import type { ApiProblem } from '../api/client.ts';

export function ProblemLine({ problem }: { problem: ApiProblem | null }) {
  // That nothing answers is said once, above all views.
  if (problem === null || problem.status === null || problem.status === 401) return null;
  return (
    <p class="problem" role="alert">
      {problem.message}
    </p>
  );
}
