/**
 * Matroska and WebM (RFC 9559) over EBML (RFC 8794).
 *
 * `SeekHead` at the beginning says where the rest is. Players ask for what lies behind the media and describes them
 * (tags, attachments, chapters) when they open the file, and for the index (`Cues`) when they seek first.
 */
import { type Looking, largestIndex, look, type Notes } from './looking.ts';

const ids = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  cluster: 0x1f43b675,
  cues: 0x1c53bb6b,
} as const;

/** Tags, attachments, chapters, tracks, and one more `SeekHead`. */
const describing = new Set([0x1254c367, 0x1941a469, 0x1043a770, 0x1654ae6b, ids.seekHead]);

/** So many elements are looked at before the first cluster. */
const mostElements = 64;

/** An element that is read whole has no more bytes. */
const mostRead = 64 * 1024;

/** What is asked for of an element whose size is not known yet. */
const unknownElement = 64 * 1024;

interface Element {
  readonly id: number;
  readonly content: number;
  /** `Infinity` where its size is not told. */
  readonly end: number;
}

export function isMatroska(head: DataView): boolean {
  return head.getUint32(0) === ids.ebml;
}

export function* readMatroska(notes: Notes): Looking {
  const head = yield* elementAt(0, notes.length);
  const segment = head === null ? null : yield* elementAt(head.end, notes.length);
  if (segment?.id !== ids.segment) return;
  const places: { readonly id: number; readonly start: number }[] = [];
  let media = notes.length;
  let start = segment.content;
  for (let elements = 0; elements < mostElements; elements += 1) {
    const element = yield* elementAt(start, notes.length);
    if (element === null) break;
    media = start;
    if (element.id === ids.cluster || element.end > notes.length) break;
    if (element.id === ids.seekHead) places.push(...(yield* readSeekHead(element, segment.content)));
    if (element.id === ids.info) yield* readInfo(notes, element);
    start = element.end;
  }
  const behind = places.filter(({ start }) => start > media);
  for (const { id, start } of behind) {
    if (describing.has(id)) notes.expect('opening', start, start + unknownElement);
    if (id === ids.cues) notes.expect('seeking', start, start + largestIndex);
  }
  for (const span of [...notes.opening, ...notes.seeking]) {
    const element = yield* elementAt(span.start, notes.length);
    if (element !== null && element.end <= notes.length) span.end = Math.min(element.end, span.start + largestIndex);
  }
}

function* elementAt(start: number, length: number): Looking<Element | null> {
  if (start + 2 > length) return null;
  const element = elementIn(yield* look(start, Math.min(12, length - start)), 0);
  return element && { ...element, content: start + element.content, end: start + element.end };
}

/** The element at `offset`, which may end behind `view`; `null` where there is none. */
function elementIn(view: DataView, offset: number): Element | null {
  const idBytes = lengthOfNumber(view, offset);
  if (idBytes === null || idBytes > 4) return null;
  const sizeBytes = lengthOfNumber(view, offset + idBytes);
  if (sizeBytes === null) return null;
  const marker = 2 ** (8 - sizeBytes);
  const size = numberIn(view, offset + idBytes, sizeBytes, view.getUint8(offset + idBytes) % marker);
  const content = offset + idBytes + sizeBytes;
  // All ones; what is as long as that of eight bytes is no file.
  const isUnknown = size >= 2 ** (7 * sizeBytes) - 1;
  return { id: numberIn(view, offset, idBytes), content, end: isUnknown ? Number.POSITIVE_INFINITY : content + size };
}

/** How many bytes a number of variable size has, marked by its first bit; `null` where it is not there. */
function lengthOfNumber(view: DataView, offset: number): number | null {
  if (offset >= view.byteLength) return null;
  const bytes = Math.clz32(view.getUint8(offset)) - 23;
  return bytes > 8 || offset + bytes > view.byteLength ? null : bytes;
}

/** `first` is its first byte, where that holds more than the number. */
function numberIn(view: DataView, offset: number, bytes: number, first = view.getUint8(offset)): number {
  let number = first;
  for (let at = offset + 1; at < offset + bytes; at += 1) number = number * 256 + view.getUint8(at);
  return number;
}

function* childrenOf({ content, end }: Element): Looking<{ readonly view: DataView; readonly children: Element[] }> {
  const empty = { view: new DataView(new ArrayBuffer(0)), children: [] };
  if (end - content > mostRead || end <= content) return empty;
  const view = yield* look(content, end - content);
  return { view, children: elementsIn(view) };
}

function elementsIn(view: DataView): Element[] {
  const children: Element[] = [];
  for (let at = 0; at < view.byteLength; ) {
    const child = elementIn(view, at);
    if (child === null || child.end > view.byteLength) break;
    children.push(child);
    at = child.end;
  }
  return children;
}

function* readSeekHead(head: Element, origin: number): Looking<{ id: number; start: number }[]> {
  const { view, children } = yield* childrenOf(head);
  return children.flatMap(({ id, content, end }) => {
    if (id !== ids.seek) return [];
    const entry = new DataView(view.buffer, view.byteOffset + content, end - content);
    let [wanted, position] = [0, -1];
    for (const part of elementsIn(entry)) {
      if (part.end === part.content || part.end - part.content > 8) continue;
      const value = numberIn(entry, part.content, part.end - part.content);
      if (part.id === ids.seekId) wanted = value;
      if (part.id === ids.seekPosition) position = value;
    }
    return position < 0 ? [] : [{ id: wanted, start: origin + position }];
  });
}

function* readInfo(notes: Notes, info: Element): Looking {
  const { view, children } = yield* childrenOf(info);
  let [scale, duration] = [1_000_000, 0];
  for (const { id, content, end } of children) {
    const bytes = end - content;
    if (id === ids.timestampScale && bytes > 0 && bytes <= 8) scale = numberIn(view, content, bytes);
    if (id === ids.duration && bytes === 4) duration = view.getFloat32(content);
    if (id === ids.duration && bytes === 8) duration = view.getFloat64(content);
  }
  notes.lasts(duration * scale, 1e9);
}
