/**
 * A line of the log for people: when, how important, what happened and where, and the rest as `name=value`.
 *
 * Paths are decoded, and sizes and durations have their units. The same line for programs has plain numbers.
 */
import { durationWords, legiblePath, sizeWords } from './amounts.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Of what the log has for programs; `time` as ISO 8601 has it. */
export function textLine(level: string, time: string, message: string, given: Fields): string {
  const { origin, path } = given;
  const fields = message === 'summary' ? summed(given) : given;
  let pairs = '';
  for (const name in fields) {
    const value = fields[name];
    if (name === 'origin' || name === 'path' || value === null || value === undefined) continue;
    if (name !== 'from' || value !== 0) pairs += pairOf(name, value);
  }
  return `${time.slice(0, 19)}Z ${level.padEnd(5)} ${onOneLine(message)}${placeOf(origin, path)}${pairs}\n`;
}

function placeOf(origin: unknown, path: unknown): string {
  if (typeof path === 'string')
    return ` ${onOneLine(legiblePath(typeof origin === 'string' ? `/${origin}${path}` : path))}`;
  return typeof origin === 'string' ? ` /${onOneLine(origin)}/` : '';
}

const sizes: ReadonlySet<string> = new Set(['bytes', 'length', 'offset', 'from']);
const speeds: ReadonlySet<string> = new Set(['needs', 'gives']);

function pairOf(name: string, value: unknown): string {
  if (typeof value === 'string') return ` ${name}=${quoted(value)}`;
  if (typeof value !== 'number') return ` ${name}=${quoted(JSON.stringify(value))}`;
  if (name.endsWith('Ms')) return ` ${name.slice(0, -2)}=${compact(durationWords(value))}`;
  if (sizes.has(name)) return ` ${name}=${compact(sizeWords(value))}`;
  return speeds.has(name) ? ` ${name}=${compact(sizeWords(value))}/s` : ` ${name}=${value}`;
}

/** The counts of a summary, each with what it consists of; what is lent is for programs. */
function summed({ uptimeSeconds, lent: _, ...counts }: Fields): Fields {
  const sums = Object.entries(counts).map(([name, value]) => [name, sumOf(name, value)] as const);
  return { uptimeMs: Number(uptimeSeconds) * 1000, ...Object.fromEntries(sums) };
}

function sumOf(name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const each = Object.entries(value);
  if (name === 'firstByteWaits') {
    const waits = each.map(([, wait]) => wait as { count?: number; sumSeconds?: number });
    const count = total(waits.map((wait) => wait.count ?? 0));
    const seconds = total(waits.map(({ sumSeconds = 0 }) => sumSeconds));
    return `${count} (${durationWords((seconds * 1000) / Math.max(1, count))} on average)`;
  }
  const words = name.startsWith('bytes') ? sizeWords : String;
  const parts = each.map(([part, count]) => `${words(Number(count))} ${part}`);
  return `${words(total(each.map(([, count]) => Number(count))))} (${parts.join(', ')})`;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function compact(words: string): string {
  const space = words.indexOf(' ');
  return space === -1 ? words : words.slice(0, space) + compact(words.slice(space + 1));
}

function quoted(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function onOneLine(text: string): string {
  return text.includes('\n') ? text.replaceAll('\n', '\\n') : text;
}
