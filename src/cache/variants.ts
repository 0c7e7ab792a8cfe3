/**
 * Which of several entries of one target a client gets, where the origin's answers have `Vary` (RFC 9111 §4.1).
 *
 * The first answer for a target is in the entry that has the target's own key. Clients who would choose another have
 * entries of their own, by what they say in the fields that `Vary` names. What turns out to be the same film after all
 * (RFC 9110 §8.8.1) is had from the first entry from then on.
 */
import type { Fields } from '../http/fields.ts';
import { combinable, type Representation, sameRepresentation } from '../http/representation.ts';
import { mediaVariedBy, sameSelection, selecting } from '../http/vary.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import { variantKey } from './cache-key.ts';

/** So many targets are remembered whose answers vary. */
const mostVaried = 10_000;

/** What is known of the first entry of a target. */
interface Varied {
  /** The fields by which answers differ, and what of them chose the first. */
  readonly names: readonly string[];
  readonly by: Fields;
  /** The keys of those that have the same film. */
  readonly same: Set<string>;
}

/** An entry, and the first one of its target. */
export interface VariantPlace {
  readonly key: string;
  readonly first: string;
  /** What the first one has; `null` where that is not known. */
  readonly current: Representation | null;
}

export class Variants {
  readonly #varied = new Map<string, Varied>();

  /** The key of the entry for a request whose `fields` the origin gets; `first` is the target's own. */
  keyFor(first: string, fields: Fields): string {
    const varied = this.#varied.get(first);
    if (varied === undefined) return first;
    const by = selecting(varied.names, fields);
    const key = variantKey(first, by);
    return sameSelection(by, varied.by) || varied.same.has(key) ? first : key;
  }

  /** Whether the representation that an entry has is for a request with these fields; where not, `keyFor` knows the way. */
  isMeant(representation: Representation, { key, first, current }: VariantPlace, fields: Fields): boolean {
    if (key !== first) {
      const varied = this.#varied.get(first);
      const isSame = current !== null && combinable(current) && sameRepresentation(current, representation);
      if (isSame) varied?.same.add(key);
      return !isSame || varied === undefined;
    }
    const names = mediaVariedBy(representation);
    const by = selecting(names, representation.selection?.by ?? []);
    const wanted = selecting(names, fields);
    if (sameSelection(by, wanted)) return true;
    const known = this.#varied.get(first);
    const isKnown = known !== undefined && known.names.join() === names.join() && sameSelection(known.by, by);
    this.#varied.delete(first);
    this.#varied.set(first, isKnown ? known : { names, by, same: new Set() });
    keepNewest(this.#varied, mostVaried);
    return isKnown && known.same.has(variantKey(first, wanted));
  }
}
