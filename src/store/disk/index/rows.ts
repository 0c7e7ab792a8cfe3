/** What the index holds: a row an object, and a row for each of its segments. */
import type { Representation } from '../../../http/representation.ts';
import type { ObjectLabel, ObjectName } from '../../store.ts';

/** The database file, and the sizes in bytes for which its rows are true. */
export interface IndexLayout {
  readonly path: string;
  readonly blockSize: number;
  readonly segmentSize: number;
  /** Of this run of the machine, for as long as its memory holds what was written; `''` where that can't be told. */
  readonly boot: string;
}

export interface ObjectRow {
  readonly name: ObjectName;
  /** Tells objects of one name apart. */
  readonly generation: string;
  readonly label: ObjectLabel;
  readonly representation: Representation;
  /** Told when the row is made; later by `pin` alone. */
  readonly pinned: boolean;
  /** Wall-clock milliseconds of the last use. */
  readonly used: number;
  /** Where somebody left it last, as an offset; `null` where nobody did. */
  readonly place: number | null;
  readonly segments: readonly SegmentRow[];
}

/** The blocks of one segment. */
export interface BlocksRow {
  readonly number: number;
  /** One bit a block, lowest bit first: whether it is durable. */
  readonly blocks: Uint8Array;
  /** Likewise: whether it is written, though not durable. Forgotten with the boot in which it was saved. */
  readonly early: Uint8Array;
  /** CRC-32 of each of these blocks, four bytes each, little-endian. */
  readonly sums: Uint8Array;
  /** Durable bytes in the segment; with none of them, and nothing early, the row is forgotten. */
  readonly bytes: number;
}

export interface SegmentRow extends BlocksRow {
  /** Wall-clock milliseconds of the last use. */
  readonly used: number;
}

/** When one object was used last, and its segments, in wall-clock milliseconds. */
export interface UseRow {
  readonly name: ObjectName;
  readonly generation: string;
  readonly used: number;
  readonly segments: readonly (readonly [number: number, used: number])[];
}

/** One object as it is known without its blocks. */
export interface IndexedObject {
  readonly name: ObjectName;
  readonly generation: string;
  readonly label: ObjectLabel;
  /** `null` while unknown. */
  readonly length: number | null;
  readonly pinned: boolean;
  readonly used: number;
  readonly place: number | null;
  readonly segments: readonly { readonly number: number; readonly bytes: number; readonly used: number }[];
}
