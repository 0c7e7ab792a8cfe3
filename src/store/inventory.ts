/**
 * What a store holds: every object, segment by segment, and who has it open.
 *
 * An object is found by its name until it is detached, because it was removed or another took its place. Those who have a
 * detached object open read it to their end; then it is deleted from here.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { ObjectView, SegmentView } from './eviction.ts';
import type { Lost, ObjectLabel, ObjectName } from './store.ts';

export class HeldSegment implements SegmentView {
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

/** One who has an object open. */
export interface User {
  lost: Lost;
  playheads: readonly number[];
}

export interface Identity {
  readonly name: ObjectName;
  /** Tells objects of one name apart. */
  readonly generation: string;
  readonly label: ObjectLabel;
  /** Where somebody left it last; `null` where nobody did. */
  readonly place?: number | null;
}

/** Shared by all objects that nobody has open, which may be many. */
const nobody: readonly User[] = [];
const nowhere: readonly number[] = [];

export class HeldObject implements ObjectView<HeldSegment> {
  readonly name: ObjectName;
  readonly generation: string;
  /** No other object has it, not even one of the same name. */
  readonly key: string;
  readonly label: ObjectLabel;
  length: number | null;
  pinned: boolean;
  detached = false;
  /** Wall-clock milliseconds of the last use. */
  used: number;
  /** Who has it open. */
  users: readonly User[] = nobody;
  /** Where somebody left it last. */
  place: number | null;
  /** Where they read it now. */
  playheads: readonly number[] = nowhere;
  readonly bySegment = new Map<number, HeldSegment>();

  constructor(
    { name, generation, label, place = null }: Identity,
    length: number | null,
    pinned: boolean,
    used: number,
  ) {
    this.name = name;
    this.generation = generation;
    this.key = `${name}.${generation}`;
    this.label = label;
    this.place = place;
    this.length = length;
    this.pinned = pinned;
    this.used = used;
  }

  get kept(): boolean {
    return this.pinned || this.detached;
  }

  get segments(): Iterable<HeldSegment> {
    return this.bySegment.values();
  }

  segment(number: number, used: number): HeldSegment {
    const segment = this.bySegment.get(number) ?? new HeldSegment(number, used);
    this.bySegment.set(number, segment);
    return segment;
  }

  /** Somebody uses it at this wall-clock time; where the clock has been set back, it was used last when it was. */
  use(at: number): void {
    this.used = Math.max(this.used, at);
  }

  /** Somebody watches the segment of that number now. */
  watch(number: number, clock: Pick<Clock, 'now' | 'wallTime'>): void {
    const at = clock.wallTime();
    this.use(at);
    const segment = this.bySegment.get(number);
    if (segment === undefined) return;
    segment.used = Math.max(segment.used, at);
    segment.watched = clock.now();
  }

  /** Tells everybody who has it open; to be called before these bytes can no longer be read. */
  lose(gone: readonly ByteRange[]): void {
    for (const { lost } of this.users) for (const range of gone) lost(range);
  }
}

/** `Held` is an object with what its store keeps of it besides. */
export class Inventory<Held extends HeldObject> {
  readonly #byKey = new Map<string, Held>();
  readonly #byName = new Map<ObjectName, Held>();
  #playheads = 0;

  /** How many objects can be found. */
  get count(): number {
    return this.#byName.size;
  }

  /** How many playheads there are in all objects. */
  get playheads(): number {
    return this.#playheads;
  }

  all(): Held[] {
    return [...this.#byKey.values()];
  }

  has(held: Held): boolean {
    return this.#byKey.get(held.key) === held;
  }

  at(key: string): Held | undefined {
    return this.#byKey.get(key);
  }

  find(name: ObjectName): Held | undefined {
    return this.#byName.get(name);
  }

  /** Takes the place of an object of the same name. */
  add(held: Held): void {
    this.#byKey.set(held.key, held);
    this.#byName.set(held.name, held);
  }

  detach(held: Held): void {
    held.detached = true;
    if (this.#byName.get(held.name) === held) this.#byName.delete(held.name);
  }

  delete(held: Held): void {
    this.detach(held);
    if (this.#byKey.delete(held.key)) this.#playheads -= held.playheads.length;
  }

  acquire(held: Held, lost: Lost): User {
    const user = { lost, playheads: nowhere };
    held.users = held.users.concat(user);
    return user;
  }

  release(held: Held, user: User): void {
    this.attend(held, user, nowhere);
    held.users = held.users.length === 1 ? nobody : held.users.filter((each) => each !== user);
  }

  /** How many times somebody has an object open. */
  get users(): number {
    return this.all().reduce((sum, { users }) => sum + users.length, 0);
  }

  /** The user reads the object at these offsets now. */
  attend(held: Held, user: User, playheads: readonly number[]): void {
    if (!held.users.includes(user)) return;
    user.playheads = playheads;
    const all = held.users.length === 1 ? playheads : held.users.flatMap((each) => each.playheads);
    if (this.has(held)) this.#playheads += all.length - held.playheads.length;
    held.playheads = all;
  }
}
