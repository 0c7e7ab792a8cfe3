/** Films that are in the cache of firstbyte and lie as plain files beside it for nginx: what benches of hits begin with. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { film, longestPiece } from './content.ts';
import type { Server, Stage } from './programs.ts';

/** Films of one size, which differ by the number in their names. */
export interface Titles {
  readonly name: string;
  readonly count: number;
  /** In bytes. */
  readonly size: number;
}

/** The URL of all of them, with `TITLE` for the number of one. */
export function urlOf({ name, url }: Server, titles: Titles): string {
  const path = `${titles.name}-TITLE`;
  return name === 'nginx' ? `${url}/files/${path}` : `${url}/${path}?size=${titles.size}`;
}

/** Puts the films where each server has them, and reads them twice: once cold, and once as they are stored. */
export async function stock(stage: Stage, servers: readonly Server[], titles: Titles): Promise<void> {
  const { name, count, size } = titles;
  const content = Buffer.concat(
    Array.from({ length: Math.ceil(size / longestPiece) }, (_, piece) =>
      film(piece * longestPiece, Math.min(longestPiece, size - piece * longestPiece)),
    ),
  );
  for (const server of servers) {
    if (server.name === 'direct') continue;
    if (server.name === 'nginx') {
      for (let number = 0; number < count; number += 1) {
        const path = join(stage.folder, 'nginx/files', `${name}-${number}`);
        if (number === 0) await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
      }
    }
    for (const _ of ['cold', 'stored']) {
      const url = urlOf(server, titles);
      const { seen } = await stage.run({
        url,
        titles: count,
        connections: Math.min(16, count),
        replies: count,
        verify: true,
      });
      const replies = seen.reduce((sum, each) => sum + each.replies, 0);
      if (replies < count || seen.some(({ wrong, status }) => wrong || status !== 200)) {
        throw new Error(`${server.name} gave ${replies} of ${count} films, or a wrong one: ${JSON.stringify(seen[0])}`);
      }
      stage.settle();
    }
  }
}
