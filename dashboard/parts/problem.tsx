/** Why a view shows nothing, in one sentence. */
import type { ApiProblem } from '../api/client.ts';

export function ProblemLine({ problem }: { problem: ApiProblem | null }) {
  // The page says once, above all views, that firstbyte does not answer.
  if (problem === null || problem.status === null || problem.status === 401) return null;
  return (
    <p class="problem" role="alert">
      {problem.message}
    </p>
  );
}
