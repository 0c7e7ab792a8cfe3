/** What lies in a folder, as the page or the WebDAV answer (RFC 4918 §9.1) of its server lists it. Pure. */

/** Below the folder, percent-encoded: a name, with `/` at its end where it is a folder. */
type Name = string;

/** The names that `text`, an HTML page or a multistatus of `folder`, links to; others than those in the folder are left out. */
export function namesIn(text: string, folder: URL): Name[] {
  const found = new Set<Name>();
  for (const [, quoted, single, bare, element] of text.matchAll(links)) {
    const url = URL.parse(decoded((quoted ?? single ?? bare ?? element ?? '').trim()), folder.href);
    // Links with a query sort the list.
    if (url === null || url.origin !== folder.origin || url.search !== '') continue;
    const name = url.pathname.startsWith(folder.pathname) ? url.pathname.slice(folder.pathname.length) : '';
    if (/^[^/]+\/?$/.test(name) && !/^\.|^%2e/i.test(name)) found.add(name);
  }
  return [...found];
}

/** `href` of an anchor, or an element of that name. */
const links = /<a\b[^>]{0,2000}?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))|<(?:[\w-]+:)?href>([^<]*)<\//gi;

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi, (whole, decimal, hexadecimal, name) => {
    if (name !== undefined) return entities[name.toLowerCase()] ?? whole;
    const code = Number.parseInt(decimal ?? hexadecimal, decimal === undefined ? 16 : 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Whether a file is a film or a song by its name. */
export function isMediaName(path: string): boolean {
  return /\.(?:mkv|mk3d|webm|mp4|m4v|mov|avi|wmv|flv|ogv|mpe?g|ts|m2ts|mts|mka|mp3|m4[ab]|aac|flac|ogg|oga|opus|wav|wma|iso)$/i.test(
    path,
  );
}
