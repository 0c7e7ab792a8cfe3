/** Sizes, times and paths as text. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Three digits and a unit: `1.23 GiB`. */
export function sizeWords(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${step === 0 ? Math.round(value) : threeDigits(value)} ${units[step]}`;
}

function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

export function speedWords(bytesPerSecond: number): string {
  return `${sizeWords(bytesPerSecond)}/s`;
}

/** `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function durationWords(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** How long ago, by its largest unit: `3 min ago`. */
export function agoWords(milliseconds: number): string {
  if (milliseconds < 60_000) return 'just now';
  const [largest = '', unit = ''] = durationWords(milliseconds).split(' ');
  return `${largest} ${unit} ago`;
}

/** Rounded down, so that only a complete file has 100 %. */
export function percentWords(percent: number | null): string {
  return percent === null ? '-' : `${Math.floor(percent)} %`;
}

/** Characters that could move the cursor or change the writing direction. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** `/NAME/path`, percent-decoded where that can be shown. */
export function placeWords({ origin, path }: { readonly origin: string; readonly path: string }): string {
  const place = `/${origin}${path}`;
  try {
    const decoded = decodeURIComponent(place);
    return controls.test(decoded) ? place : decoded;
  } catch {
    return place;
  }
}

/** On one line, with control characters made visible. */
export function oneLine(text: string): string {
  return text.replace(new RegExp(controls, 'gu'), (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
