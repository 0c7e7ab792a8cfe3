/** One result of the doctor. */

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly about: string;
  readonly said: string;
  /** What to change. */
  readonly change?: string;
}

export function ok(about: string, said: string): Finding {
  return { level: 'ok', about, said };
}

export function warn(about: string, said: string, change: string): Finding {
  return { level: 'warn', about, said, change };
}

export function fail(about: string, said: string, change: string): Finding {
  return { level: 'fail', about, said, change };
}

export function complaintsOf(findings: readonly Finding[], level: Finding['level']): number {
  return findings.filter((finding) => finding.level === level).length;
}
