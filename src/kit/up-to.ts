/** The beginning of a text, up to a delimiter; all of it where it has none. */
export function upTo(text: string, delimiter: string): string {
  const end = text.indexOf(delimiter);
  return end === -1 ? text : text.slice(0, end);
}
