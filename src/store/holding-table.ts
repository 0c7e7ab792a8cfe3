/** Every holding of a disk store: by the directory that it lies in, and by name where it can be found under it. */

import { directoryName } from './disk/object-directory.ts';
import type { Holding } from './holding.ts';
import type { ObjectName } from './store.ts';

export class HoldingTable {
  readonly #byDirectory = new Map<string, Holding>();
  readonly #byName = new Map<ObjectName, Holding>();

  /** How many can be found. */
  get count(): number {
    return this.#byName.size;
  }

  all(): Iterable<Holding> {
    return this.#byDirectory.values();
  }

  at(directory: string): Holding | undefined {
    return this.#byDirectory.get(directory);
  }

  named(name: ObjectName): Holding | undefined {
    return this.#byName.get(name);
  }

  /** One of the same name is found under it no more. */
  add(holding: Holding): void {
    this.#byDirectory.set(directoryName(holding.name, holding.generation), holding);
    this.#byName.set(holding.name, holding);
  }

  /** Can't be found any more; its files are still there. */
  hide(holding: Holding): void {
    holding.forgotten = true;
    if (this.#byName.get(holding.name) === holding) this.#byName.delete(holding.name);
  }

  delete(holding: Holding): void {
    this.hide(holding);
    this.#byDirectory.delete(directoryName(holding.name, holding.generation));
  }
}
