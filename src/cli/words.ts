/** Shares and places as the terminal shows them. */
import { controls, legiblePath, shareWords } from '../kit/amounts.ts';

export function percentWords(percent: number | null): string {
  return percent === null ? '-' : shareWords(percent / 100);
}

/** `/NAME/path`, percent-decoded where that can be shown. */
export function placeWords({ origin, path }: { readonly origin: string; readonly path: string }): string {
  return legiblePath(`/${origin}${path}`);
}

/** On one line, with control characters made visible. */
export function oneLine(text: string): string {
  return text.replace(new RegExp(controls, 'gu'), (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
