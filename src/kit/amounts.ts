/** Sizes, speeds, shares, counts, durations and places as people write them, on a terminal, in the log and on the page. Pure. */

/** Decimal, as disks, lines and origins have them. */
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `999 B`, `12.4 MB`, `1.02 GB`: three digits at most. */
export function sizeWords(bytes: number): string {
  let value = bytes;
  let step = 0;
  // What would round to 1000 is 1 of the next unit.
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${step === 0 ? Math.round(value) : threeDigits(value)} ${units[step]}`;
}

/** `12.4 MB/s`. */
export function speedWords(bytesPerSecond: number): string {
  return `${sizeWords(bytesPerSecond)}/s`;
}

/** `0 %`, `<1 %`, `62 %`; 100 only where all is there. */
export function shareWords(share: number): string {
  if (share > 0 && share < 0.01) return '<1 %';
  return `${Math.floor(share * 100 + 1e-9)} %`;
}

/** `1 file`, `1,204 files`. */
export function countWords(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** A whole number in groups of three digits: `1,204`. `Intl` would take a tenth of a second to load. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function threeDigits(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : String(Number(value.toFixed(value >= 9.995 ? 1 : 2)));
}

/** `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function durationWords(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return pair(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.floor(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** `just now`, `3 min ago`; one unit is enough for the past. */
export function agoWords(milliseconds: number): string {
  if (!(milliseconds >= 60_000)) return 'just now';
  const [largest = '', unit = ''] = durationWords(milliseconds).split(' ');
  return `${largest} ${unit} ago`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Characters that could move the cursor or change the writing direction. */
export const controls = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** A path, percent-decoded where that is well formed and can be shown. */
export function legiblePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    const decoded = decodeURIComponent(path);
    return controls.test(decoded) ? path : decoded;
  } catch {
    return path;
  }
}
