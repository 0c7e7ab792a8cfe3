/**
 * ISO base media files (ISO/IEC 14496-12): MP4, MOV, fragmented or not.
 *
 * The index is the box `moov`. Where the media (`mdat`) come before it, a player that opens the file asks next for what
 * follows them.
 */
import { type Looking, largestIndex, lettersAt, longAt, look, type Notes, type Stretch } from './looking.ts';

interface Box {
  readonly type: string;
  readonly start: number;
  /** Where its content begins. */
  readonly content: number;
  readonly end: number;
}

const firstTypes = new Set(['ftyp', 'styp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot']);

/** So many boxes are looked at before an index is given up, and so many in it. */
const mostBoxes = 64;

/** Whether a file may begin with these bytes. */
export function isMp4(head: DataView): boolean {
  const size = head.getUint32(0);
  return firstTypes.has(lettersAt(head, 4)) && (size >= 8 || size < 2);
}

export function* readMp4(notes: Notes): Looking {
  let asked: Stretch | null = null;
  let start = 0;
  for (let boxes = 0; boxes < mostBoxes; boxes += 1) {
    const box = yield* boxAt(start, notes.length);
    if (box === null) return;
    if (box.type === 'moov') {
      // What lies at the beginning comes anyway.
      if (asked !== null) asked.end = Math.min(box.end, asked.start + largestIndex);
      return yield* readMovie(notes, box);
    }
    if (box.type === 'mdat') {
      if (asked !== null) asked.end = Math.max(asked.start + 1, box.content);
      asked = notes.expect('opening', box.end, Number.POSITIVE_INFINITY);
    }
    start = box.end;
  }
}

function* boxAt(start: number, length: number): Looking<Box | null> {
  if (start + 8 > length) return null;
  const view = yield* look(start, 8);
  const type = lettersAt(view, 4);
  let [size, head] = [view.getUint32(0), 8];
  if (size === 1) {
    [size, head] = [longAt(yield* look(start + 8, 8), 0), 16];
  }
  // To the end of the file.
  if (size === 0) size = length - start;
  return size < head || start + size > length ? null : { type, start, content: start + head, end: start + size };
}

function* readMovie(notes: Notes, movie: Box): Looking {
  let start = movie.content;
  for (let boxes = 0; boxes < mostBoxes && start < movie.end; boxes += 1) {
    const box = yield* boxAt(start, movie.end);
    if (box === null) return;
    if (box.type === 'mvhd') yield* readDuration(notes, box);
    start = box.end;
  }
}

/** `mvhd`, §8.2.2. */
function* readDuration(notes: Notes, { content, end }: Box): Looking {
  if (end - content < 32) return;
  const view = yield* look(content, 32);
  if (view.getUint8(0) === 1) notes.lasts(longAt(view, 24), view.getUint32(20));
  else notes.lasts(view.getUint32(16), view.getUint32(12));
}
