/**
 * A line of the log for people: when, how important, what happened and where, and the rest as `name=value`.
 *
 * Paths are decoded, and sizes and durations have their units. The same line for programs has plain numbers.
 */
import { durationWords, legiblePath, sizeWords } from './amounts.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What has its own place in a line. */
const placed: ReadonlySet<string> = new Set(['time', 'level', 'msg', 'origin', 'path']);

/** Of what the log has for programs. */
export function textLine(line: Fields): string {
  const { time, level, msg, origin, path } = line;
  const at = String(time).replace(/\.\d+Z$/, 'Z');
  const place = placeOf(origin, path);
  const fields = msg === 'summary' ? summed(line) : line;
  let pairs = '';
  for (const name in fields) {
    const value = fields[name];
    if (placed.has(name) || value === null || value === undefined || (name === 'from' && value === 0)) continue;
    const [shown, words] = inWords(name, value);
    pairs += ` ${shown}=${quoted(words)}`;
  }
  return `${at} ${String(level).padEnd(5)} ${onOneLine(String(msg))}${place}${pairs}\n`;
}

function placeOf(origin: unknown, path: unknown): string {
  if (typeof path === 'string')
    return ` ${onOneLine(legiblePath(typeof origin === 'string' ? `/${origin}${path}` : path))}`;
  return typeof origin === 'string' ? ` /${onOneLine(origin)}/` : '';
}

const sizes: ReadonlySet<string> = new Set(['bytes', 'length', 'offset', 'from']);
const speeds: ReadonlySet<string> = new Set(['needs', 'gives']);

function inWords(name: string, value: unknown): readonly [name: string, words: string] {
  if (typeof value !== 'number') return [name, typeof value === 'string' ? value : JSON.stringify(value)];
  if (name.endsWith('Ms')) return [name.slice(0, -2), compact(durationWords(value))];
  if (sizes.has(name)) return [name, compact(sizeWords(value))];
  return [name, speeds.has(name) ? `${compact(sizeWords(value))}/s` : String(value)];
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
  return words.replaceAll(' ', '');
}

function quoted(text: string): string {
  return /^[^\s"=]+$/.test(text) ? onOneLine(text) : JSON.stringify(text);
}

function onOneLine(text: string): string {
  return text.replaceAll('\n', '\\n');
}
