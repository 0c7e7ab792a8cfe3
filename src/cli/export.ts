/**
 * `firstbyte export`: writes a whole cached file to a file or to standard output.
 *
 * The file is written beside its place under another name. It appears under its own name when it is complete and
 * durable.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ObjectReport } from '../control/answers.ts';
import { sizeWords } from '../kit/amounts.ts';
import { errorWords } from '../kit/system-words.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import { Interruption, type Invocation, printAs } from './invocation.ts';
import { findObjects } from './objects.ts';
import { ProgressBar } from './progress.ts';
import { openSession, type Session } from './session.ts';
import { percentWords, placeWords } from './words.ts';

type Write = (bytes: Buffer) => Promise<unknown>;

export async function exportFile(invocation: Invocation): Promise<ExitReason> {
  const { operands, around } = invocation;
  const [pattern = '', written = ''] = operands;
  await using session = await openSession(invocation);
  const object = await onlyOne(session, pattern);
  using interruption = new Interruption(around);
  try {
    if (written === '-') {
      await copy(session, object, (bytes) => around.terminal.printBytes(bytes), invocation, interruption);
      return 'stopped';
    }
    const path = await placeOf(written, object, invocation);
    await writeWhole(path, invocation, (write) => copy(session, object, write, invocation, interruption));
    const { length } = object;
    printAs(invocation, `wrote ${path}, ${sizeWords(length ?? 0)}\n`, { path, bytes: length });
    return 'stopped';
  } catch (error) {
    if (interruption.reason === null) throw error;
    around.complain('cancelled: nothing was written\n');
    return interruption.reason;
  }
}

async function onlyOne({ control }: Session, pattern: string): Promise<ObjectReport & { length: number }> {
  const [object, ...others] = await findObjects(control, [pattern]);
  if (object === undefined || others.length > 0) {
    const places = [object, ...others].flatMap((each) => (each ? [`  ${placeWords(each)}  ${each.id}\n`] : []));
    throw new CommandError('usage', `"${pattern}" matches more than one file; name one:\n${places.join('').trimEnd()}`);
  }
  const { length, bytes } = object;
  if (length !== null && bytes === length) return { ...object, length };
  const place = placeWords(object);
  throw new CommandError(
    'failed',
    `Only ${percentWords(object.percent)} of ${place} is cached: download the rest with firstbyte warm '${place}'`,
  );
}

/** In a directory, it gets its own name. */
async function placeOf(written: string, object: ObjectReport, { options }: Invocation): Promise<string> {
  const kind = await stat(written).catch(() => null);
  const path = kind?.isDirectory() ? join(written, basename(placeWords(object))) : written;
  const present = path === written ? kind : await stat(path).catch(() => null);
  if (present !== null && !options.force) {
    throw new CommandError('failed', `${path} exists already: add --force to replace it`);
  }
  return path;
}

async function writeWhole(path: string, { options }: Invocation, fill: (write: Write) => Promise<void>): Promise<void> {
  // Short, where the name of the file is as long as names may be.
  const unfinished = join(dirname(path), `.firstbyte-${randomBytes(8).toString('hex')}.part`);
  let file: FileHandle | undefined;
  try {
    const opened = await open(unfinished, 'wx');
    file = opened;
    await fill((bytes) => opened.writeFile(bytes));
    await opened.sync();
    await (options.force ? rename(unfinished, path) : appear(unfinished, path));
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) {
      throw new CommandError('failed', `${path} cannot be written: ${errorWords(error)}`);
    }
    throw error;
  } finally {
    await file?.close();
    await rm(unfinished, { force: true });
  }
}

/** Fails where another process has made the file in the meantime, if the file system supports links. */
async function appear(unfinished: string, path: string): Promise<void> {
  try {
    await link(unfinished, path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error && error.code;
    if (code === 'EEXIST') throw error;
    await rename(unfinished, path);
  }
}

/** Rejects where fewer or more bytes come than the object has. */
async function copy(
  { control }: Session,
  object: ObjectReport & { length: number },
  write: Write,
  { around }: Invocation,
  { signal }: Interruption,
): Promise<void> {
  using progress = new ProgressBar(`exporting ${placeWords(object)}`, around);
  const reply = await control.open('GET', `api/v1/objects/${object.id}/content`, {}, signal);
  let done = 0;
  try {
    for await (const bytes of reply) {
      await write(bytes);
      done += bytes.length;
      progress.update(done, object.length);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'syscall' in error) throw error;
    throw cutOff(done, object);
  }
  if (done !== object.length) throw cutOff(done, object);
}

function cutOff(done: number, { length }: ObjectReport): CommandError {
  return new CommandError('failed', `Only ${done} of ${length} bytes could be read: see firstbyte verify`);
}
