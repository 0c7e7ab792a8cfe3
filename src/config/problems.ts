/** What is wrong with a configuration, in words that name the key, the value and what would be right. */
import { showablePath } from '../showable.ts';
import type { Mistake } from './kind.ts';
import { nearestName } from './nearest-name.ts';

/** A configuration that is wrong, with every reason. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'FIRSTBYTE_CONFIG';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Keys whose values are secret, at whatever depth. */
const secretKeys: ReadonlySet<unknown> = new Set(['auth', 'cookie', 'headers']);

/** A value as it may be shown: no secrets, and no credentials, query and path parameters of a URL. */
export function showValue(raw: unknown): string {
  if (typeof raw === 'string') return withoutSecrets(raw);
  if (Array.isArray(raw)) return raw.map(showValue).join(' ');
  return JSON.stringify(shown(raw, false)) ?? 'nothing';
}

function shown(raw: unknown, secret: boolean): unknown {
  if (Array.isArray(raw)) return raw.map((value) => shown(value, secret));
  if (typeof raw === 'object' && raw !== null) {
    return Object.fromEntries(
      Object.entries(raw).map(([key, value]) => [key, shown(value, secret || secretKeys.has(key))]),
    );
  }
  if (secret) return '***';
  return typeof raw === 'string' ? withoutSecrets(raw) : raw;
}

function withoutSecrets(text: string): string {
  return text
    .replace(/\?.*$/s, '?***')
    .replace(/^([a-z0-9-]+=)?([a-z]+:\/\/)?.*@/is, (_, name = '', scheme = '') => `${name}${scheme}***@`)
    .replace(/(:\/\/[^\s/]*)(\/[^\s?]*)/g, (_, place, path) => `${place}${showablePath(path)}`);
}

/** "… is unknown", with the name that was probably meant; all of them begin with `prefix`, which tells none from another. */
export function unknownName(what: string, wrong: string, names: readonly string[], prefix = ''): string {
  const own = (name: string) => name.slice(prefix.length);
  const nearest = nearestName(own(wrong), names.map(own));
  return `${what} is unknown${nearest === null ? '' : `; did you mean ${prefix}${nearest}?`}`;
}

/** `place` is where the value was written; `innerNames` are the names that an object in the value may have. */
export function describeMistake(
  { path, raw, right }: Mistake,
  { key, place, secret, innerNames }: { key: string; place: string; secret: boolean; innerNames: readonly string[] },
): string {
  const at = [key, ...path].join('.');
  if (right === null) return unknownName(`${at} (${place})`, path.at(-1) ?? '', innerNames);
  const where = place === '' ? at : `${at} (${place})`;
  if (raw === undefined) return `${where} is missing: give ${right}`;
  const hidden = secret || path.some((step) => secretKeys.has(step));
  return `${where}: ${hidden ? 'the value' : `"${showValue(raw)}"`} is not ${right}`;
}
