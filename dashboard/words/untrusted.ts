/**
 * Makes text from outside (paths, names, header fields) fit to be read. Characters that would hide, reorder or break
 * the text around them are shown as their code points.
 */

/** One run of a text; `escaped` where it replaces an unfit character. */
export interface Piece {
  readonly text: string;
  readonly escaped: boolean;
}

/** Controls, formats (zero width, direction, tags), line and paragraph separators, lone surrogates, private use. */
const unfit = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(unfit)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index), escaped: false });
    found.push({ text: codePoint(match[0]), escaped: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), escaped: false });
  return found;
}

/** The whole text in one string, for attributes and labels. */
export function fitText(text: string): string {
  return text.replace(unfit, codePoint);
}

/** A path as people write it: percent-decoded where well formed. */
export function legiblePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** "/series/s01/" and "e01.mkv" of "/series/s01/e01.mkv". */
export function folderAndName(path: string): { readonly folder: string; readonly name: string } {
  const name = /[^/]*\/?$/.exec(path)?.[0] ?? '';
  return name === '' ? { folder: '', name: path } : { folder: path.slice(0, path.length - name.length), name };
}

function codePoint(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
