/**
 * What a store holds of one object, segment by segment, whether anyone has it open or not: the sizes and uses by which
 * room is counted and made.
 */
import type { HoldingSight, SegmentSight } from './eviction.ts';
import type { ObjectLabel, ObjectName } from './store.ts';

export class HeldSegment implements SegmentSight {
  readonly number: number;
  /** Of these, `coming` are accepted and not on the medium yet. */
  bytes = 0;
  coming = 0;
  used: number;
  watched: number | null = null;

  constructor(number: number, used: number) {
    this.number = number;
    this.used = used;
  }

  get busy(): boolean {
    return this.coming > 0;
  }
}

export interface HoldingName {
  readonly name: ObjectName;
  /** Tells objects of one name apart. */
  readonly generation: string;
  readonly label: ObjectLabel;
}

export class Holding implements HoldingSight<HeldSegment> {
  readonly name: ObjectName;
  readonly generation: string;
  readonly label: ObjectLabel;
  length: number | null;
  pinned: boolean;
  /** Whether it can't be found any more, and is only read to its end by those who have it. */
  forgotten = false;
  playheads: readonly number[] = [];
  /** Wall-clock milliseconds. */
  used: number;
  readonly bySegment = new Map<number, HeldSegment>();

  constructor({ name, generation, label }: HoldingName, length: number | null, pinned: boolean, used: number) {
    this.name = name;
    this.generation = generation;
    this.label = label;
    this.length = length;
    this.pinned = pinned;
    this.used = used;
  }

  get kept(): boolean {
    return this.pinned || this.forgotten;
  }

  get segments(): Iterable<HeldSegment> {
    return this.bySegment.values();
  }

  segment(number: number, used: number): HeldSegment {
    const segment = this.bySegment.get(number) ?? new HeldSegment(number, used);
    this.bySegment.set(number, segment);
    return segment;
  }

  /** Somebody watches the segment of that number at this wall-clock time. */
  watch(number: number, at: number): void {
    this.used = at;
    const segment = this.bySegment.get(number);
    if (segment === undefined) return;
    segment.used = at;
    segment.watched = at;
  }
}
