/** The targets that a user names to `firstbyte warm`: single ones, folders, patterns, and the lines of a list. */
import { readFile } from 'node:fs/promises';
import type { OriginReport } from '../control/answers.ts';
import { errorWords } from '../kit/system-words.ts';
import type { ControlClient } from './control-client.ts';
import { CommandError } from './exit-codes.ts';
import { type Invocation, textOption } from './invocation.ts';
import { regular } from './objects.ts';
import { knownWords, quoted, type Target, targetNamed } from './targets.ts';
import { placeWords } from './words.ts';

/** The names in the file of `--list`: its lines but for comments, as a playlist has them. */
export async function listedNames(invocation: Invocation): Promise<string[]> {
  const file = textOption(invocation, 'list');
  if (file === undefined) return [];
  try {
    const content = await readFile(file, 'utf8');
    const lines = content.split(/\r?\n/).map((line) => line.trim());
    return lines.filter((line) => line !== '' && !line.startsWith('#'));
  } catch (error) {
    throw new CommandError('usage', `--list: cannot read ${file}: ${errorWords(error)}`);
  }
}

/** Rejects with a `CommandError` where the name means nothing. */
export async function targetsNamed(
  written: string,
  origins: readonly Pick<OriginReport, 'name' | 'base'>[],
  control: ControlClient,
): Promise<Target[]> {
  const isPattern = written.includes('*');
  const folder = isPattern ? written.slice(0, written.indexOf('*')).replace(/[^/]*$/, '') : written;
  const named = await targetNamed(folder, origins, control);
  if (named === null) {
    throw new CommandError('unmatched', `${quoted(written)} belongs to no origin. ${knownWords(origins)}`);
  }
  const { origin, target } = named;
  if (!isPattern && !target.endsWith('/')) return [named];
  const query = new URLSearchParams({ origin, folder: target });
  const { files } = await control.get<{ files: readonly string[] }>(`files?${query}`);
  const found = files.map((file) => ({ origin, target: file }));
  const wanted = isPattern ? regular(placeWords({ origin, path: target }) + written.slice(folder.length)) : null;
  const matching = found.filter(({ target: path }) => wanted === null || wanted.test(placeWords({ origin, path })));
  if (matching.length === 0) throw new CommandError('unmatched', `No file at the origin matches ${quoted(written)}`);
  return matching;
}
