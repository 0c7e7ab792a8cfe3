/**
 * The stage on which a real player plays: the film in its containers, a slow origin, and firstbyte in front of it,
 * started as users start it.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSlowOrigin } from '../../demo/slow-origin.ts';
import type { StatsReport } from '../../src/control/answers.ts';
import { startFirstbyte } from './firstbyte.ts';
import { run } from './program.ts';

const demo = join(import.meta.dirname, '../../demo');
export const films = join(import.meta.dirname, '../../.cache/films');

/** The same film with its index in front, at the end, and as Matroska, whose Cues are at the end. */
export const containers = ['film.mp4', 'film.tail.mp4', 'film.mkv'] as const;
export type Container = (typeof containers)[number];

/** What the link to the origin is like. */
export interface Link {
  /** Milliseconds before the first byte of each reply. */
  readonly silence: number;
  /** Bytes a second. */
  readonly rate: number;
}

/** Where a player plays a film, for as long as one test lasts. */
export interface Stage extends AsyncDisposable {
  /** The film at firstbyte. */
  readonly url: string;
  /** Asserts that the cache holds the right bytes, all of them, and that firstbyte made no error of its own. */
  check(): Promise<void>;
}

/** Makes the containers that are not committed; each appears whole or not at all. */
export async function makeFilms(): Promise<void> {
  await mkdir(films, { recursive: true });
  await copyFile(join(demo, 'film.mp4'), join(films, 'film.mp4'));
  for (const container of containers) {
    if (existsSync(join(films, container))) continue;
    const draft = join(films, `draft-${process.pid}.${container}`);
    await run(join(demo, 'make-film.sh'), [draft]);
    await rename(draft, join(films, container));
  }
}

export async function setStage(container: Container, link: Link): Promise<Stage> {
  await using props = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'firstbyte-players-'));
  props.defer(() => rm(folder, { recursive: true, force: true }));
  const origin = props.adopt(await startSlowOrigin({ folder: films, ...link }), ({ close }) => close());
  const firstbyte = props.use(await startFirstbyte(join(folder, 'cache'), '--origin', `film=${origin.url}`));
  const url = `${firstbyte.url}film/${container}`;
  const kept = props.move();

  async function check() {
    const film = await readFile(join(films, container));
    assert.ok(film.equals(await bytesAt(url)), 'firstbyte gives the whole film as it is');
    await origin.close();
    assert.ok(film.equals(await bytesAt(url)), 'the cache alone gives the whole film as it is');
    const response = await fetch(`${firstbyte.url}-/api/v1/stats`);
    const { ownErrors, bugs, requests } = (await response.json()) as StatsReport;
    assert.deepEqual(ownErrors.last, []);
    assert.equal(bugs, 0);
    assert.equal(requests.byOutcome.cut, 0);
  }
  return { url, check, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The whole of what is there. */
export async function bytesAt(url: string): Promise<Buffer> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}
