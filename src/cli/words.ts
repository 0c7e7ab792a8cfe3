/** Speeds, shares and places as text. */
import { controls, durationWords, legiblePath, sizeWords } from '../kit/amounts.ts';

export { durationWords, sizeWords };

export function speedWords(bytesPerSecond: number): string {
  return `${sizeWords(bytesPerSecond)}/s`;
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

/** `/NAME/path`, percent-decoded where that can be shown. */
export function placeWords({ origin, path }: { readonly origin: string; readonly path: string }): string {
  return legiblePath(`/${origin}${path}`);
}

/** On one line, with control characters made visible. */
export function oneLine(text: string): string {
  return text.replace(new RegExp(controls, 'gu'), (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
