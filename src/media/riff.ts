/**
 * RIFF: AVI with its index behind the media (`idx1`), with the indexes of OpenDML anywhere in them, and WAV.
 *
 * A player that opens an AVI asks for its indexes next.
 */
import { type Looking, largestIndex, lettersAt, longAt, look, type Notes } from './looking.ts';

interface Chunk {
  /** Its name, or that of the list that it is. */
  readonly name: string;
  readonly content: number;
  readonly end: number;
  /** Where the next one begins: chunks are padded to even sizes. */
  readonly next: number;
}

/** So many chunks are looked at in one list. */
const mostChunks = 64;

/** So many indexes of OpenDML are named: one for each stream and gibibyte. */
const mostIndexes = 64;

/** A list of indexes that is longer, in bytes, is none. */
const mostRead = 64 * 1024;

export function isAvi(head: DataView): boolean {
  return lettersAt(head, 0) === 'RIFF' && lettersAt(head, 8) === 'AVI ';
}

export function isWav(head: DataView): boolean {
  return ['RIFF', 'RF64'].includes(lettersAt(head, 0)) && lettersAt(head, 8) === 'WAVE';
}

export function* readAvi(notes: Notes): Looking {
  let start = 12;
  for (let chunks = 0; chunks < mostChunks; chunks += 1) {
    const chunk = yield* chunkAt(start, notes.length);
    if (chunk === null) return;
    if (chunk.name === 'hdrl') yield* readHeaders(notes, chunk);
    if (chunk.name === 'movi') {
      const asked = notes.expect('opening', chunk.next, chunk.next + largestIndex);
      const index = asked === null ? null : yield* chunkAt(asked.start, notes.length);
      if (asked !== null && index !== null)
        asked.end = index.name === 'idx1' ? Math.min(index.end, asked.end) : index.content;
      return;
    }
    start = chunk.next;
  }
}

export function* readWav(notes: Notes): Looking {
  let bytesPerSecond = 0;
  for (let start = 12, chunks = 0; chunks < mostChunks; chunks += 1) {
    const chunk = yield* chunkAt(start, notes.length);
    if (chunk === null) return;
    if (chunk.name === 'fmt ') bytesPerSecond = (yield* look(chunk.content, 12)).getUint32(8, true);
    if (chunk.name === 'data') {
      notes.lasts(Math.min(chunk.end, notes.length) - chunk.content, bytesPerSecond);
      return;
    }
    start = chunk.next;
  }
}

function* chunkAt(start: number, limit: number): Looking<Chunk | null> {
  if (start + 12 > limit) return null;
  const view = yield* look(start, 12);
  const [letters, size] = [lettersAt(view, 0), view.getUint32(4, true)];
  const name = letters === 'LIST' || letters === 'RIFF' ? lettersAt(view, 8) : letters;
  const content = start + (name === letters ? 8 : 12);
  const end = start + 8 + size;
  return { name, content, end, next: end + (size % 2) };
}

function* readHeaders(notes: Notes, headers: Chunk): Looking {
  let start = headers.content;
  for (let chunks = 0; chunks < mostChunks && start < headers.end; chunks += 1) {
    const chunk = yield* chunkAt(start, headers.end);
    if (chunk === null) return;
    if (chunk.name === 'avih') {
      const view = yield* look(chunk.content, 20);
      notes.lasts(view.getUint32(0, true) * view.getUint32(16, true), 1e6);
    }
    if (chunk.name === 'indx') yield* readIndexes(notes, chunk);
    // The list of a stream holds its own index.
    start = chunk.name === 'strl' ? chunk.content : chunk.next;
  }
}

/** The places of a stream's indexes (OpenDML 1.02, `indx` of type `AVI_INDEX_OF_INDEXES`). */
function* readIndexes(notes: Notes, { content, end }: Chunk): Looking {
  if (end - content < 24 || end - content > mostRead) return;
  const view = yield* look(content, end - content);
  if (view.getUint8(3) !== 0) return;
  const entries = Math.min(view.getUint32(4, true), mostIndexes, Math.floor((view.byteLength - 24) / 16));
  for (let entry = 0; entry < entries && notes.opening.length < mostIndexes; entry += 1) {
    const start = longAt(view, 24 + 16 * entry, true);
    notes.expect('opening', start, start + view.getUint32(32 + 16 * entry, true));
  }
}
