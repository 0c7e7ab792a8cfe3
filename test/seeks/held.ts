/** Reads back what a firstbyte holds of a film, and compares it with the film. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ObjectPage } from '../../src/control/answers.ts';

/**
 * Compares every byte that is present of the one object that the firstbyte at `url` holds with the file at `path`, and
 * gives how many these are: 0 where it holds none. Throws where one is wrong or missing.
 */
export async function compareHeld(url: string, path: string): Promise<number> {
  const control = async (name: string) => (await fetch(`${url}/-/api/v1/${name}`)).json();
  const { objects } = (await control('objects')) as ObjectPage;
  const [object] = objects;
  if (object === undefined) return 0;
  const { present } = (await control(`objects/${object.id}`)) as { present: [number, number][] };
  await using file = await open(path);
  let compared = 0;
  for (const [start, end] of present) {
    const range = `bytes=${start}-${end - 1}`;
    const reply = await fetch(`${url}/films/${basename(path)}`, { headers: { range } });
    if (reply.status !== 206 || reply.body === null) throw new Error(`${range}: status ${reply.status}`);
    let at = start;
    for await (const piece of reply.body) {
      const right = Buffer.allocUnsafe(piece.length);
      await file.read(right, 0, right.length, at);
      if (!right.equals(piece)) throw new Error(`${path}: a wrong byte between ${at} and ${at + piece.length}`);
      at += piece.length;
    }
    if (at !== end) throw new Error(`${range}: ended cleanly at ${at}`);
    compared += end - start;
  }
  return compared;
}
