/**
 * What may be shown of a target, a URL, or a text that holds one: the one place where secrets are left out.
 *
 * Left out are the query and the fragment (RFC 3986 §3.4, §3.5), the parameters of a path's segments (§3.3), such as
 * `;jsessionid=…`, and user information (§3.2.1), also where they are percent-encoded. What identifies a target or is
 * asked for never passes through here.
 */

/** The path of a target: every log, event, label, page and trace calls it so. */
export function showablePath(target: string): string {
  const [path = ''] = target.split(/[?#]/, 1);
  // Most paths hold nothing else of it.
  if (!/[;&@]|%(?:3b|26|3f|23|40)/i.test(path)) return path;
  return withoutUserInformation(path).split('/').map(withoutParameters).join('/');
}

/** A text in which every URL is without secrets. */
export function showableText(text: string): string {
  // Most texts hold nothing of either.
  if (!text.includes('?') && !text.includes('://')) return text;
  return text
    .replace(/(https?:\/\/)([^\s/?#"'<>]*)([^\s"'<>]*)/gi, (_, scheme, authority, rest) => {
      return `${scheme}${authority.slice(authority.lastIndexOf('@') + 1)}${showablePath(rest)}`;
    })
    .replace(/\?[^\s?=&"'<>]{1,100}=[^\s"'<>]*/g, '');
}

/**
 * Parameters have a name and a value, or are long and no words: `Steins;Semaphore` is a title. Where the delimiter is
 * encoded it may have been a query's.
 */
function withoutParameters(segment: string): string {
  const delimiters = [...segment.matchAll(/[;&]|%(?:3b|26|3f|23)/gi)];
  const [first] = delimiters;
  if (first === undefined) return segment;
  const valueAt = segment.slice(first.index).search(/=|%3d/i);
  if (valueAt !== -1) {
    const named = delimiters.findLast(({ index }) => index < first.index + valueAt);
    return withoutParameters(segment.slice(0, named?.index));
  }
  const bare = /(?:;|%3b)(?=[\w-]*\d)[\w-]{12,}(?=[;%]|$)/i.exec(segment);
  return bare === null ? segment : segment.slice(0, bare.index);
}

/** `//user:password@host`, as a whole URL in a path has it: an `@` elsewhere is part of a name. */
function withoutUserInformation(path: string): string {
  if (!/@|%40/.test(path)) return path;
  return path.replace(/((?:\/|%2f){2,}|(?::|%3a)(?:\/|%2f)+)([^/]*)/gi, (_, slashes: string, rest: string) => {
    const [authority = ''] = rest.split(/%2f/i, 1);
    const at = [...authority.matchAll(/@|%40/g)].at(-1);
    return `${slashes}${at === undefined ? rest : rest.slice(at.index + at[0].length)}`;
  });
}
