/** Converts a pasted URL of an origin, or a path, to the path at which firstbyte serves it. */

interface Base {
  readonly name: string;
  readonly base: string;
}

export type Found = { readonly path: string; readonly origin: string } | { readonly problem: string };

/** `here` is firstbyte's own web origin. */
export function mediaPathFor(pasted: string, origins: readonly Base[], here: string): Found {
  const words = pasted.trim();
  if (words === '') return { problem: 'Paste a URL or a path.' };
  const url = URL.parse(words, here);
  if (url === null) return { problem: 'This is not a URL or a path.' };
  if (url.origin === here) {
    const [, name = ''] = url.pathname.split('/');
    const known = name === '~' || origins.some((origin) => origin.name === name);
    if (known) return { path: url.pathname + url.search, origin: name };
    return { problem: `Unknown origin "${name}". ${namesOf(origins)}.` };
  }
  for (const { name, base } of origins) {
    const root = URL.parse(base);
    if (root === null || root.origin !== url.origin) continue;
    const folder = root.pathname.replace(/\/$/, '');
    if (!url.pathname.startsWith(`${folder}/`)) continue;
    return { path: `/${name}${url.pathname.slice(folder.length)}${url.search}`, origin: name };
  }
  return { problem: `No origin serves this address. ${namesOf(origins)}.` };
}

function namesOf(origins: readonly Base[]): string {
  if (origins.length === 0) return 'No origin is configured';
  return `Configured: ${origins.map(({ name, base }) => `${name} (${base})`).join(', ')}`;
}

/** Whether the path names a file with sound only. */
export function isSound(path: string): boolean {
  return /\.(mp3|m4a|aac|flac|ogg|oga|opus|wav|weba)$/i.test(path.split('?')[0] ?? '');
}
