/** Targets on a request line (RFC 9112 §3.2): tells those that must not be passed on to an origin. */

/** A path without its segments `.`, which mean nothing (RFC 3986 §5.2.4). rclone writes one before a name with a colon. */
export function withoutDots(path: string): string {
  return path.includes('/.') ? path.replace(/\/(?:\.\/)+|\/\.$/g, '/') : path;
}

/** Whether a path could mean something else to an origin than it seems to mean here. */
export function isUnsafePath(path: string): boolean {
  // Encoded or not, with parameters (`..;a`) or not, these have no place in a media path.
  const plain = path.includes('%') ? decodedPunctuation(path) : path;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\\\u0000-\u001f\u007f]|%[01][0-9a-f]|%7f/i.test(plain) || /(^|\/)\.{1,2}(?=[/;]|$)/.test(plain);
}

function decodedPunctuation(path: string): string {
  return path.replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
}
