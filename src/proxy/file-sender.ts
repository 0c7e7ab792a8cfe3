/**
 * Sends bytes of files to one client by `sendfile`: from the page cache to the socket, past the memory of this process.
 *
 * It takes turns with the client's stream. It sends only while nothing is queued there. When the socket is full, the next
 * few bytes go to the stream, whose callback says when there is room again. What is not in the page cache is left to be
 * read by another thread, because `sendfile` would keep this one waiting for the disk. After an error everything is left:
 * reading and writing find out what is wrong, and deal with it.
 */
import { readSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { FilePart, SessionReader } from '../cache/read-session.ts';
import { descriptorOf, type SystemCalls } from '../system-calls.ts';

/** The most that one call sends, in bytes: other clients wait so long. */
export const mostAtOnce = 1024 * 1024;

/** Where not all of that is in the page cache, as much as ends at a multiple of this may be. */
const unit = 256 * 1024;

/** What goes to the stream when the socket is full, in bytes: one page. */
const restSize = 4096;

/** A body of no more than this goes to the stream as well, and so in one piece with its head. */
const smallBody = 16 * 1024;

const { EAGAIN, EINTR } = constants.errno;

/** What one call has done. */
interface SentFile {
  readonly bytes: number;
  /** What comes next, where the socket took no more or all of it is small: to be written, and valid until that is done. */
  readonly rest: Buffer | null;
}

export class FileSender {
  readonly #response: ServerResponse;
  readonly #calls: SystemCalls;
  /** Whether nothing can go out any more before the head. */
  #isHeadOut = false;
  #hasFailed = false;
  /** What `begin` has found in the page cache. */
  #found: FilePart | null = null;
  #rest: Buffer | null = null;

  /** `null` where the client's connection is not a plain socket of the system. */
  static to(response: ServerResponse, calls: SystemCalls | null): FileSender | null {
    return calls !== null && response.socket?.constructor === Socket ? new FileSender(response, calls) : null;
  }

  private constructor(response: ServerResponse, calls: SystemCalls) {
    this.#response = response;
    this.#calls = calls;
  }

  /** Whether what the reader gives next can be sent without waiting for the disk. */
  has(reader: SessionReader): boolean {
    if (this.#hasFailed) return false;
    let has = false;
    reader.useFile(mostAtOnce, (part) => {
      has = this.#cachedOf(part) > 0;
      return 0;
    });
    return has;
  }

  /** The same of the first bytes of a reply, which are sent as soon as its head is written: `send` looks no second time. */
  begin(reader: SessionReader): boolean {
    if (this.#hasFailed) return false;
    reader.useFile(mostAtOnce, (part) => {
      const length = this.#cachedOf(part);
      if (length > 0) this.#found = { ...part, length };
      return 0;
    });
    return this.#found !== null;
  }

  /** Sends what the reader gives next, `most` bytes at most; `null` where it has to be read and written. */
  send(reader: SessionReader, most: number): SentFile | null {
    // Chunks have frames (RFC 9112 §7.1).
    if (this.#hasFailed || this.#response.chunkedEncoding) return null;
    const isSmall = !this.#isHeadOut && most <= smallBody;
    if (!this.#isHeadOut && !isSmall) {
      this.#response.flushHeaders();
      this.#isHeadOut = true;
    }
    let sent: SentFile | null = null;
    reader.useFile(Math.min(most, mostAtOnce), (part) => {
      const length = this.#foundOf(part) ?? this.#cachedOf(part);
      const bytes = length > 0 && !isSmall ? this.#send(part, length) : 0;
      const isLeft = bytes < length && !this.#hasFailed;
      const rest = isLeft ? this.#read(part, bytes, Math.min(isSmall ? smallBody : restSize, length - bytes)) : null;
      if (bytes > 0 || rest !== null) sent = { bytes, rest };
      return bytes + (rest?.length ?? 0);
    });
    return sent;
  }

  /** How many of the first bytes of the part `begin` has found; `null` where it found others, or none. */
  #foundOf({ descriptor, offset, length }: FilePart): number | null {
    const found = this.#found;
    this.#found = null;
    if (found === null || found.descriptor !== descriptor || found.offset !== offset) return null;
    return Math.min(found.length, length);
  }

  /** How many of the first bytes of the part are in the page cache: all, those up to the end of a unit, or none. */
  #cachedOf({ descriptor, offset, length }: FilePart): number {
    if (this.#calls.isCached(descriptor, offset, length)) return length;
    const first = unit - (offset % unit);
    return first < length && this.#calls.isCached(descriptor, offset, first) ? first : 0;
  }

  #send({ descriptor, offset }: FilePart, length: number): number {
    const { socket } = this.#response;
    if (socket === null || socket.writableLength > 0) return 0;
    const sent = this.#calls.sendFile(descriptorOf(socket) ?? -1, descriptor, offset, length);
    if (sent > 0) return sent;
    // 0: the file is shorter than it was.
    this.#hasFailed = sent !== -EAGAIN && sent !== -EINTR;
    return 0;
  }

  #read({ descriptor, offset }: FilePart, skipped: number, most: number): Buffer | null {
    // One is asked for when the one before is written.
    if (this.#rest === null || this.#rest.length < most) this.#rest = Buffer.allocUnsafe(most);
    try {
      const read = readSync(descriptor, this.#rest, 0, most, offset + skipped);
      if (read > 0) return this.#rest.subarray(0, read);
    } catch {
      // As for any other failure.
    }
    this.#hasFailed = true;
    return null;
  }
}
