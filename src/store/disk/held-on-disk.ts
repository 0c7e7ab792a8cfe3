/** An object of the disk store, and what the other parts of the store ask of it while it is open. */
import { HeldObject, type Inventory } from '../inventory.ts';
import type { ObjectRow } from './index/rows.ts';

export interface OpenContent {
  readonly held: HeldOnDisk;
  /** Whether bytes wait to be written. */
  readonly hasUnwritten: boolean;
  /** Whether the index holds everything that it could. */
  readonly isSaved: boolean;
  /** Writes what was accepted, and names its whole blocks as early ones. Never rejects. */
  checkpoint(): Promise<void>;
  /** Makes durable every whole block of what was accepted until now. Never rejects: it may fail the medium instead. */
  sync(): Promise<void>;
  /** What the index does not hold yet; to be saved at once. */
  takeRow(): ObjectRow;
  /** The index has taken the row. */
  saved(row: ObjectRow): void;
  /** The index could not take the row. */
  notSaved(row: ObjectRow): void;
  /** Gives a segment up: tells who has it open, then unlinks its file, once no row names it (`unnamed`). */
  evict(segment: number, unnamed?: Promise<void>): Promise<void>;
  /** Nothing that was written is there any more, nor in the index. */
  invalidate(): void;
}

export class HeldOnDisk<Content extends OpenContent = OpenContent> extends HeldObject {
  /** `null` while nobody has the object open. */
  content: Content | null = null;
}

/** The content of every object that is open. */
export function openContents<Content extends OpenContent>(inventory: Inventory<HeldOnDisk<Content>>): Content[] {
  return inventory.all().flatMap(({ content }) => content ?? []);
}
