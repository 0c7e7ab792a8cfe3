/** Reads the answer of a refresh hook with distrust: a URL, fields and a time, or a clause that says what is wrong. Pure. */
import { type Fields, operatorFieldName } from '../http/fields.ts';
import type { ResolvedUrl } from './origin.ts';

/** `expiresAt` is wall-clock time in milliseconds, `Infinity` for no end. */
export interface FreshUrl {
  readonly resolved: ResolvedUrl;
  readonly expiresAt: number;
}

const tokenOfAField = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const valueOfAField = /^[\t\x20-\x7e\x80-\xff]*$/;

export function readFreshUrl(answer: unknown, wallTime: number): FreshUrl | string {
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return 'its answer is no object';
  const { url, fields, expiresAt, expiresIn } = answer as Record<string, unknown>;
  const address = readUrl(url);
  if (address === undefined) return 'its url is no http or https URL';
  const sent = readFields(fields);
  if (sent === undefined) return 'its fields are no names with values that can be sent';
  const end = readEnd(expiresAt, expiresIn, wallTime);
  if (end === undefined) return 'its expiresAt is no ISO 8601 date, or its expiresIn no number of seconds';
  return { resolved: { url: address, fields: sent }, expiresAt: end };
}

function readUrl(url: unknown): URL | null | undefined {
  if (url === undefined || url === null) return null;
  const parsed = typeof url === 'string' ? URL.parse(url) : null;
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return undefined;
  return parsed.username === '' && parsed.password === '' ? parsed : undefined;
}

/** Those that firstbyte sets itself are left out: programs give whatever their own client would send. */
function readFields(fields: unknown): Fields | undefined {
  if (fields === undefined || fields === null) return [];
  if (typeof fields !== 'object' || Array.isArray(fields)) return undefined;
  const read: [string, string][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (!tokenOfAField.test(name) || typeof value !== 'string' || !valueOfAField.test(value)) return undefined;
    const sent = operatorFieldName(name);
    if (sent !== null) read.push([sent, value]);
  }
  return read;
}

function readEnd(expiresAt: unknown, expiresIn: unknown, wallTime: number): number | undefined {
  if (expiresIn !== undefined && expiresIn !== null) {
    return typeof expiresIn === 'number' && expiresIn >= 0 ? wallTime + expiresIn * 1000 : undefined;
  }
  if (expiresAt === undefined || expiresAt === null) return Number.POSITIVE_INFINITY;
  if (!(expiresAt instanceof Date) && typeof expiresAt !== 'string') return undefined;
  const end = new Date(expiresAt).getTime();
  return Number.isNaN(end) ? undefined : end;
}
