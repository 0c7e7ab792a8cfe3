/**
 * ISO base media files (ISO/IEC 14496-12): MP4, MOV, fragmented or not.
 *
 * The index is the box `moov`. Where the media (`mdat`) come before it, a player that opens the file asks next for what
 * follows them.
 */
import {
  type Looking,
  largestIndex,
  largestLook,
  lettersAt,
  longAt,
  look,
  type Notes,
  type Stretch,
} from './looking.ts';

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

/** What is asked for of the head of a fragment, in bytes: as much as that of the first, and half as much again. */
const [leastHead, largestHead] = [4096, 64 * 1024];

/** So much of the end of a file holds the index of its fragments, where there are not very many, in bytes. */
const indexTail = 32 * 1024;

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
      const isFragmented = yield* readMovie(notes, box);
      return isFragmented ? yield* readFragments(notes, box.end) : undefined;
    }
    if (box.type === 'mdat') {
      if (asked !== null) asked.end = Math.max(asked.start + 1, box.content);
      asked = notes.expect('opening', box.end, Number.POSITIVE_INFINITY);
    }
    start = box.end;
  }
}

/** Each fragment is a box `moof`, and the media that it describes behind it (§8.8). */
function* readFragments(notes: Notes, from: number): Looking {
  let first: Box | null = null;
  for (let start = from; ; ) {
    const box = yield* boxAt(start, notes.length);
    if (box === null || box.type === 'sidx' || box.type === 'mfra') return;
    if (box.type === 'moof') {
      const media = yield* boxAt(box.end, notes.length);
      if (media === null) return;
      const bytes = Math.min(largestHead, Math.max(leastHead, 1.5 * (media.content - box.start)));
      notes.expect('fragments', media.end, media.end + bytes);
      if (first === null && (yield* readFragmentIndex(notes, media.end, bytes))) return;
      first ??= box;
      start = media.end;
    } else start = box.end;
  }
}

/** Whether `mfra` at the end of the file, whose size its last four bytes tell (§8.8.9), says where the fragments are. */
function* readFragmentIndex(notes: Notes, second: number, bytes: number): Looking<boolean> {
  const end = notes.length;
  notes.expect('fragmentIndex', Math.max(second, end - indexTail), end);
  const size = (yield* look(end - 4, 4)).getUint32(0);
  if (size > largestLook || size < 24 || size > end - second) return false;
  notes.expect('fragmentIndex', end - size, end);
  const view = yield* look(end - size, size);
  if (lettersAt(view, 4) !== 'mfra') return false;
  const starts = new Set<number>();
  for (let at = 8; at + 24 <= size && lettersAt(view, at + 4) === 'tfra'; at += Math.max(8, view.getUint32(at))) {
    for (const start of fragmentsIn(view, at)) if (start > second) starts.add(start);
  }
  for (const start of [...starts].sort((one, other) => one - other)) notes.expect('fragments', start, start + bytes);
  return starts.size > 0;
}

/** Where the fragments of one track begin, by the box `tfra` at `at` (§8.8.10). */
function* fragmentsIn(view: DataView, at: number): Generator<number> {
  const isLong = view.getUint8(at + 8) === 1;
  const numbers = view.getUint32(at + 16);
  const entry = (isLong ? 16 : 8) + [4, 2, 0].reduce((sum, shift) => sum + ((numbers >> shift) & 3) + 1, 0);
  const end = Math.min(view.byteLength, at + view.getUint32(at));
  for (let offset = at + 24; offset + entry <= end; offset += entry) {
    yield isLong ? longAt(view, offset + 8) : view.getUint32(offset + 4);
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

/** Returns whether fragments may follow. */
function* readMovie(notes: Notes, movie: Box): Looking<boolean> {
  let isFragmented = false;
  let start = movie.content;
  for (let boxes = 0; boxes < mostBoxes && start < movie.end; boxes += 1) {
    const box = yield* boxAt(start, movie.end);
    if (box === null) break;
    if (box.type === 'mvhd') yield* readDuration(notes, box);
    isFragmented ||= box.type === 'mvex';
    start = box.end;
  }
  return isFragmented;
}

/** `mvhd`, §8.2.2. */
function* readDuration(notes: Notes, { content, end }: Box): Looking {
  if (end - content < 32) return;
  const view = yield* look(content, 32);
  if (view.getUint8(0) === 1) notes.lasts(longAt(view, 24), view.getUint32(20));
  else notes.lasts(view.getUint32(16), view.getUint32(12));
}
