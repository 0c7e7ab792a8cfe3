/**
 * What the bytes of a media file tell of it: its container, how long it plays, and what players ask for next.
 *
 * Pure: whoever has the bytes gives them, one look after the other, as they come. A file that lies, or is no media, costs
 * a bounded number of looks and yields nothing that lies outside of it.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { type Container, type Looking, largestLook, look, Notes } from './looking.ts';
import { isMatroska, readMatroska } from './matroska.ts';
import { isMp4, readMp4 } from './mp4.ts';
import { isAvi, isWav, readAvi, readWav } from './riff.ts';
import {
  isFlac,
  isMp3,
  isOgg,
  readFlac,
  readMp3,
  readOgg,
  readTransportStream,
  tagBytes,
  transportHead,
  transportPrefix,
} from './streams.ts';

/** Those of a thousand fragments. */
const mostLooks = 4096;

export class Outline {
  readonly #notes: Notes;
  readonly #looking: Looking;
  #look: ByteRange | null = null;
  #looks = 0;

  /** `length` is that of the file, in bytes. */
  constructor(length: number) {
    this.#notes = new Notes(length);
    this.#looking = read(this.#notes);
    this.#goOn(this.#looking.next());
  }

  /** What it wants to look at now; `null` where it has seen all that it wants. */
  get look(): ByteRange | null {
    return this.#look;
  }

  /** The bytes of `look`. */
  give(bytes: Uint8Array): void {
    this.#goOn(this.#looking.next(bytes));
  }

  /** `null` as long as it is not known, and for what is no media. */
  get container(): Container | null {
    return this.#notes.container;
  }

  /** How long it plays, in milliseconds; `null` as long as that is not known. */
  get durationMs(): number | null {
    return this.#notes.durationMs;
  }

  /** What players ask for when they open the file, beside its beginning; may yet turn out shorter. */
  get opening(): readonly ByteRange[] {
    return this.#notes.opening;
  }

  /** What they ask for when they seek first. */
  get seeking(): readonly ByteRange[] {
    return this.#notes.seeking;
  }

  /**
   * The heads of fragments that are known so far, but for the first. Where a film has many and no index, a player that
   * opens it goes from each to the next.
   */
  get fragments(): readonly ByteRange[] {
    return this.#notes.fragments;
  }

  /** What tells where all of them are; no player asks for it. */
  get fragmentIndex(): readonly ByteRange[] {
    return this.#notes.fragmentIndex;
  }

  #goOn({ done, value }: IteratorResult<ByteRange, void>): void {
    this.#looks += 1;
    this.#look = done || !this.#mayLook(value) ? null : value;
  }

  #mayLook({ start, end }: ByteRange): boolean {
    const isThere = Number.isSafeInteger(start) && start >= 0 && end > start && end <= this.#notes.length;
    return isThere && end - start <= largestLook && this.#looks <= mostLooks;
  }
}

function* read(notes: Notes): Looking {
  const head = yield* look(0, 12);
  if (isMp4(head)) return yield* readAs('mp4', notes, readMp4(notes));
  if (isMatroska(head)) return yield* readAs('matroska', notes, readMatroska(notes));
  if (isAvi(head)) return yield* readAs('avi', notes, readAvi(notes));
  if (isWav(head)) return yield* readAs('wav', notes, readWav(notes));
  if (isOgg(head)) return yield* readAs('ogg', notes, readOgg(notes));
  const start = tagBytes(head);
  const sound = start === 0 ? head : yield* look(start, 12);
  if (isFlac(sound)) return yield* readAs('flac', notes, readFlac(notes, start));
  if (yield* isMp3(start)) return yield* readAs('mp3', notes, readMp3(notes, start));
  const prefix = transportPrefix(yield* look(0, transportHead));
  if (prefix !== null) yield* readAs('mpeg-ts', notes, readTransportStream(notes, prefix));
}

function* readAs(container: Container, notes: Notes, reading: Looking): Looking {
  notes.container = container;
  yield* reading;
}
