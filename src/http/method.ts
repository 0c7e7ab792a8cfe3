/** Methods of requests (RFC 9110 §9). */

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH', 'TRACE']);

/** Whether a method changes nothing at the origin (§9.2.1), so that nothing stored becomes invalid (RFC 9111 §4.4). */
export function isSafe(method: string): boolean {
  return safe.has(method);
}
