/**
 * An object that is stored whole and that nobody has open, given from what is known of it in memory and from its file.
 *
 * Nothing keeps it from going: each use looks whether it is still as it was found.
 */
import type { ByteRange } from '../../bytes/byte-range.ts';
import type { Clock } from '../../clock.ts';
import type { Representation } from '../../http/representation.ts';
import type { FilePart, WholeObject } from '../store.ts';
import type { CacheDirectory } from './cache-directory.ts';
import type { ClosedObjects, Description } from './closed-objects.ts';
import type { HeldOnDisk } from './held-on-disk.ts';
import { segmentPath } from './object-directory.ts';
import type { SegmentFiles } from './segment-files.ts';
import type { UseTimes } from './use-times.ts';

export interface WholeOnDiskParts {
  readonly clock: Clock;
  readonly directory: Pick<CacheDirectory, 'pathOf'>;
  readonly closed: Pick<ClosedObjects, 'has'>;
  readonly files: Pick<SegmentFiles, 'descriptorOf'>;
  readonly uses: Pick<UseTimes, 'note'>;
}

export class WholeOnDisk implements WholeObject {
  readonly #held: HeldOnDisk;
  readonly #description: Description;
  readonly #parts: WholeOnDiskParts;

  private constructor(held: HeldOnDisk, description: Description, parts: WholeOnDiskParts) {
    this.#held = held;
    this.#description = description;
    this.#parts = parts;
  }

  /** `null` where a byte is missing. */
  static of(held: HeldOnDisk, description: Description, parts: WholeOnDiskParts): WholeOnDisk | null {
    const { representation, blocks } = description;
    const [all] = blocks.ranges();
    const isWhole = all?.start === 0 && all.end === representation.length;
    return isWhole ? new WholeOnDisk(held, description, parts) : null;
  }

  get representation(): Representation {
    return this.#description.representation;
  }

  useFile({ start, end }: ByteRange, use: (part: FilePart) => number): number | null {
    const { clock, directory, closed, files, uses } = this.#parts;
    const { blocks } = this.#description;
    if (this.#held.detached || !closed.has(this.#held, this.#description)) return null;
    const { segment, within: offset } = blocks.placeOf(start);
    const stop = Math.min(end, blocks.comparedEnd(start));
    if (stop <= start) return null;
    const descriptor = files.descriptorOf(segmentPath(directory.pathOf(this.#held.key), segment));
    if (descriptor === null) return null;
    const used = use({ descriptor, offset, length: stop - start });
    if (used > 0) {
      this.#held.watch(segment, clock);
      uses.note(this.#held);
    }
    return used;
  }
}
