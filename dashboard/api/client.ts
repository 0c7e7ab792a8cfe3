/**
 * Requests to the control API: JSON in both directions, problems as errors, and a dialog for the token where one is
 * needed.
 */
import { askForToken, type Given, wrong } from './token.ts';

const base = '/-/api/v1';

/** The problem that the API answered (RFC 9457), or that no answer came. `message` is one plain sentence. */
export class ApiProblem extends Error {
  /** `null` where firstbyte could not be reached. */
  readonly status: number | null;

  constructor(status: number | null, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads. It never opens the dialog for a token, because reads are repeated all the time. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask('GET', path, undefined, signal);
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/** Changes something. It asks for the token where one is needed, and again where it was wrong. */
export async function change<T>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body: object = {},
): Promise<T> {
  for (let given: Given = 'none'; ; ) {
    const response = await ask(method, path, body);
    if (response.ok) return (response.status === 204 ? null : await response.json()) as T;
    const problem = await problemOf(response);
    if (response.status !== 401) throw problem;
    if (given === 'accepted')
      throw new ApiProblem(401, 'This browser did not keep the cookie of firstbyte: allow cookies for this address.');
    given = await askForToken(given === 'wrong' ? wrong : 'Enter the password to change something.');
    if (given === 'none') throw problem;
  }
}

/** Marks a request as the page's own: only with this field does firstbyte accept the session cookie. */
export const ownPage = { 'firstbyte-page': '1' } as const;

async function ask(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(base + path, {
      method,
      headers: { ...ownPage, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch {
    throw new ApiProblem(null, 'firstbyte does not answer.');
  }
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const details: unknown = await response.json().catch(() => null);
  const detail = details !== null && typeof details === 'object' && 'detail' in details ? details.detail : null;
  return new ApiProblem(
    response.status,
    typeof detail === 'string' ? detail : `firstbyte answered ${response.status}.`,
  );
}
