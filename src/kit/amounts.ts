/** Sizes, durations and places as people write them. Pure. */

/** Decimal, as disks, lines and origins have them, and as the page writes them. */
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

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Characters that could move the cursor or change the writing direction. */
export const controls = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** A path, percent-decoded where that is well formed and can be shown. */
export function legiblePath(path: string): string {
  try {
    const decoded = decodeURIComponent(path);
    return controls.test(decoded) ? path : decoded;
  } catch {
    return path;
  }
}
