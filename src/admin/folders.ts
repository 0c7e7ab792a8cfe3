/**
 * The files below a folder of an origin, found through the lists of its server: its pages, or WebDAV where it has none.
 *
 * Nothing of a list is stored. A list that has no end is cut off.
 */
import { fixedBudgets } from '../budgets.ts';
import type { Cache, Mount } from '../cache/cache.ts';
import { type Clock, within } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { Fields } from '../http/fields.ts';
import { namesIn } from '../http/folder-links.ts';
import { isUnsafePath } from '../http/request-target.ts';

/** A list has at most so many bytes, and a folder so many folders and files below it, and so many levels. */
const mostBytes = 4 * 1024 * 1024;
const mostFolders = 1000;
const mostFiles = 20_000;
const mostLevels = 12;

export class Folders {
  readonly #cache: Cache;
  readonly #clock: Clock;

  constructor(cache: Cache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  /**
   * The targets of all files below `folder`, which begins and ends with `/`, in the order of their names; `levels` is how
   * many folders deep. `null`: there is no such origin, or its server lists nothing there. Rejects with a `ProxyError`, as it
   * does where that takes too long, or the signal's reason.
   */
  async filesBelow(origin: string, folder: string, signal: AbortSignal, levels = mostLevels): Promise<string[] | null> {
    const mount = this.#cache.mountOf(origin);
    if (mount === null || mount.base === undefined || mount.only !== undefined || isUnsafePath(folder)) return null;
    const { ms: limit } = fixedBudgets.folderList;
    const sentence = `The origin has not listed this folder within ${limit / 1000} s.`;
    const late = () => new ProxyError('http_response_timeout', sentence);
    return within({ clock: this.#clock, limit, late, signal }, (given) => this.#listed(mount, folder, levels, given));
  }

  async #listed(mount: Mount, folder: string, levels: number, signal: AbortSignal): Promise<string[] | null> {
    const { base = '' } = mount;
    const files: string[] = [];
    const folders = [{ path: folder, level: 0 }];
    let listed = 0;
    for (let next = folders.shift(); next !== undefined; next = folders.shift()) {
      const names = await this.#namesIn(mount, base, next.path, signal);
      if (names === null && listed === 0) return null;
      listed += 1;
      for (const name of names ?? []) {
        const path = next.path + name;
        if (!name.endsWith('/')) files.push(path);
        else if (next.level < levels && listed + folders.length < mostFolders) {
          folders.push({ path, level: next.level + 1 });
        }
      }
      if (files.length >= mostFiles) break;
    }
    return files.slice(0, mostFiles).sort(inOrder());
  }

  /** `null` where the server gives no list. */
  async #namesIn(mount: Mount, base: string, folder: string, signal: AbortSignal): Promise<string[] | null> {
    const url = new URL(`${new URL(base).pathname.replace(/\/$/, '')}${folder}`, base);
    const page = await this.#ask(mount, 'GET', folder, [['accept', 'text/html']], signal);
    const names = page === null ? [] : namesIn(page, url);
    if (names.length > 0) return names;
    const answer = await this.#ask(mount, 'PROPFIND', folder, [['depth', '1']], signal);
    if (answer === null) return page === null ? null : [];
    return namesIn(answer, url);
  }

  /** The text of an answer that may be a list. */
  async #ask(
    { origin, slots }: Mount,
    method: string,
    target: string,
    fields: Fields,
    signal: AbortSignal,
  ): Promise<string | null> {
    const slot = await slots.acquire({ urgency: () => 'background' }, signal);
    try {
      const { status, body } = await origin.open({ target, method, fields, onLate: slot.late }, signal);
      try {
        if (status !== 200 && status !== 207) return null;
        const parts: Buffer[] = [];
        let bytes = 0;
        for (let part = await body.read(); part !== null && bytes < mostBytes; part = await body.read()) {
          parts.push(Buffer.from(part));
          bytes += part.length;
        }
        return Buffer.concat(parts).toString();
      } finally {
        body.cancel();
      }
    } finally {
      slot.release();
    }
  }
}

/** Numbers in names count as numbers: episode 2 comes before episode 10. Made when needed: its tables take 2 MiB. */
function inOrder(): Intl.Collator['compare'] {
  return new Intl.Collator('en', { numeric: true }).compare;
}
