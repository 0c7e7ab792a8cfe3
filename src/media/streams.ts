/**
 * Containers without an index: Ogg (RFC 3533), MPEG transport streams (ISO/IEC 13818-1), MP3 and FLAC (RFC 9639).
 *
 * A player asks for the end of some of them when it opens the file, to tell how long they are, or for what describes them.
 */
import { type Looking, lettersAt, longAt, look, type Notes } from './looking.ts';

/** What ffmpeg asks for of the end of an Ogg file, in bytes: one page, the largest there is. */
const oggTail = 65_307;

/** What ffmpeg asks for of the end of a transport stream, in bytes. */
const transportTail = 250_000;

/** A tag of the first version (ID3v1). */
const tagTail = 128;

export function isOgg(head: DataView): boolean {
  return lettersAt(head, 0) === 'OggS';
}

export function* readOgg(notes: Notes): Looking {
  const tail = Math.max(0, notes.length - oggTail);
  notes.expect('opening', tail, notes.length);
  const head = yield* look(0, 64);
  const rate = sampleRateOf(head);
  if (rate === 0) return;
  const end = yield* look(tail, notes.length - tail);
  for (let at = end.byteLength - 27; at >= 0; at -= 1) {
    const isLastPage = lettersAt(end, at) === 'OggS' && end.getUint32(at + 14) === head.getUint32(14);
    if (isLastPage) return notes.lasts(longAt(end, at + 6, true), rate);
  }
}

/** Samples a second of the stream that the first page begins; 0 where it is none of sound. */
function sampleRateOf(page: DataView): number {
  const body = 27 + page.getUint8(26);
  if (body + 16 > page.byteLength) return 0;
  if (lettersAt(page, body) === 'Opus') return 48_000;
  return lettersAt(page, body + 1) === 'vorb' ? page.getUint32(body + 12, true) : 0;
}

const packet = 188;

/** How many bytes stand before each packet; `null` where it is no transport stream. */
export function transportPrefix(head: DataView): number | null {
  for (const prefix of [0, 4]) {
    const step = packet + prefix;
    const places = [0, 1, 2].map((index) => prefix + index * step);
    if (places.every((at) => at < head.byteLength && head.getUint8(at) === 0x47)) return prefix;
  }
  return null;
}

/** How many bytes tell whether it is a transport stream. */
export const transportHead = 3 * (packet + 4);

export function* readTransportStream(notes: Notes, prefix: number): Looking {
  const tail = Math.max(0, notes.length - transportTail);
  notes.expect('opening', tail, notes.length);
  const step = packet + prefix;
  const head = yield* look(0, Math.min(notes.length, 64 * 1024));
  const [first] = clocksIn(head, prefix, step);
  if (first === undefined) return;
  const aligned = Math.ceil(tail / step) * step;
  const end = yield* look(aligned, notes.length - aligned);
  const last = clocksIn(end, prefix, step).findLast(({ stream }) => stream === first.stream);
  if (last !== undefined) notes.lasts((last.ticks - first.ticks + 2 ** 33) % 2 ** 33, 90_000);
}

/** The program clock references in whole packets (§2.4.3.5), in 90 kHz ticks. */
function clocksIn(view: DataView, prefix: number, step: number): { readonly stream: number; readonly ticks: number }[] {
  const clocks: { readonly stream: number; readonly ticks: number }[] = [];
  for (let at = prefix; at + packet <= view.byteLength; at += step) {
    const hasClock = (view.getUint8(at + 3) & 0x20) !== 0 && view.getUint8(at + 4) >= 7;
    if (view.getUint8(at) !== 0x47 || !hasClock || (view.getUint8(at + 5) & 0x10) === 0) continue;
    const ticks = view.getUint32(at + 6) * 2 + (view.getUint8(at + 10) >> 7);
    clocks.push({ stream: view.getUint16(at + 1) & 0x1fff, ticks });
  }
  return clocks;
}

export function isFlac(head: DataView): boolean {
  return lettersAt(head, 0) === 'fLaC';
}

/** `STREAMINFO` comes first (§8.2). `start` is where the stream begins. */
export function* readFlac(notes: Notes, start: number): Looking {
  const view = yield* look(start + 8, 18);
  const rate = view.getUint32(10) >>> 12;
  if (rate > 0) notes.lasts((view.getUint8(13) & 0x0f) * 2 ** 32 + view.getUint32(14), rate);
}

/** Bytes of the tag (ID3v2 §3.1) that a file begins with; 0 for none. */
export function tagBytes(head: DataView): number {
  if (lettersAt(head, 0).slice(0, 3) !== 'ID3') return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (head.getUint8(at) & 0x7f), 0);
  return 10 + size + ((head.getUint8(5) & 0x10) === 0 ? 0 : 10);
}

/** Whether two frames begin at `start`, one after the other: the bits of one head may be anything. */
export function* isMp3(start: number): Looking<boolean> {
  const first = frameOf(yield* look(start, 4), 0);
  return first !== null && frameOf(yield* look(start + first.next, 4), 0) !== null;
}

interface Frame {
  readonly samples: number;
  readonly rate: number;
  /** Bytes a second. */
  readonly speed: number;
  /** Where the next frame begins. */
  readonly next: number;
  /** Where a header that counts all frames would stand. */
  readonly counted: number;
}

const speeds = {
  1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;

/** The head of a frame of layer III (ISO/IEC 11172-3 §2.4.2.3); `null` where it is none. */
function frameOf(view: DataView, at: number): Frame | null {
  const bits = view.getUint32(at);
  const version = (bits >>> 19) & 3;
  const rate = [44_100, 48_000, 32_000][(bits >>> 10) & 3];
  const isFirst = version === 3;
  const speed = speeds[isFirst ? 1 : 2][(bits >>> 12) & 15];
  if (bits >>> 21 !== 0x7ff || version === 1 || ((bits >>> 17) & 3) !== 1 || !rate || !speed) return null;
  const isMono = ((bits >>> 6) & 3) === 3;
  const samples = isFirst ? 1152 : 576;
  const actualRate = rate / (isFirst ? 1 : version === 2 ? 2 : 4);
  return {
    samples,
    rate: actualRate,
    speed: speed * 125,
    next: at + Math.floor((samples * speed * 125) / actualRate) + ((bits >>> 9) & 1),
    counted: at + 4 + (isFirst ? (isMono ? 17 : 32) : isMono ? 9 : 17),
  };
}

/** `start` is where its first frame begins. */
export function* readMp3(notes: Notes, start: number): Looking {
  notes.expect('opening', Math.max(0, notes.length - tagTail), notes.length);
  const view = yield* look(start, 64);
  const frame = frameOf(view, 0);
  if (frame === null) return;
  const { samples, rate, speed, counted } = frame;
  const counts = ['Xing', 'Info'].includes(lettersAt(view, counted)) && (view.getUint32(counted + 4) & 1) !== 0;
  if (counts) notes.lasts(view.getUint32(counted + 8) * samples, rate);
  else notes.lasts(notes.length - start, speed);
}
