/**
 * What strict mode has stored, as its requests find and use it.
 *
 * An answer is found by its target, and by what `Vary` names of the request: the first answer for a target has the target's
 * name in the store, and tells by its `Vary` how the names of the others are made. In memory there is only what is in use.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { EventBus } from '../../events.ts';
import type { ConnectionSlots } from '../../fill/connection-slots.ts';
import { FillReporter } from '../../fill/fill-reporter.ts';
import type { FillPolicy } from '../../fill/policy.ts';
import { type Fields, fieldValue } from '../../http/fields.ts';
import { allowsCredentials } from '../../http/freshness.ts';
import { combinable, type Representation, sameRepresentation, underKnown } from '../../http/representation.ts';
import { sameSelection, selecting, variedBy } from '../../http/vary.ts';
import type { Origin } from '../../origin/origin.ts';
import { type ObjectName, type Store, StoreError } from '../../store/store.ts';
import { objectName, variantKey } from '../cache-key.ts';
import { AnswerContent } from './answer-content.ts';
import type { AnswerForm } from './stored-form.ts';

/** A target at an origin. */
export interface StrictTarget {
  /** Of the cache. */
  readonly key: string;
  readonly target: string;
  /** What may be shown of it. */
  readonly path: string;
  readonly origin: Origin;
  readonly slots: ConnectionSlots;
  readonly policy: FillPolicy;
  /** Forgets, in every mode, what is stored of the target, or of the one that `reference` means in an answer for it. */
  forget(reference?: string): Promise<void>;
}

export interface StoredAnswersParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly nextFill: () => number;
}

/** A stored answer that a request has in use. */
export interface UsedAnswer {
  readonly content: AnswerContent;
  leave(): void;
}

export class StoredAnswers {
  readonly #parts: StoredAnswersParts;
  /** Those that are in use, or about to be closed. */
  readonly #inUse = new Map<ObjectName, Promise<AnswerContent | null>>();

  constructor(parts: StoredAnswersParts) {
    this.#parts = parts;
  }

  /** The stored answer of a request, in use until `leave` is called; `null` where there is none. */
  async find(at: StrictTarget, fields: Fields): Promise<UsedAnswer | null> {
    const first = await this.#use(at, objectName(at.key));
    if (first === null) return null;
    const { representation } = first.content;
    if (!allowsCredentials(fields, representation.fields)) {
      first.leave();
      return null;
    }
    const names = variedBy(representation.fields);
    const by = names && selecting(names, fields);
    const { selection } = representation;
    if (by !== null && sameSelection(selection?.by ?? [], by)) return first;
    first.leave();
    if (by === null || selection === undefined) return null;
    return this.#use(at, variantName(at.key, selection.family ?? '', by));
  }

  async #use(at: StrictTarget, name: ObjectName): Promise<UsedAnswer | null> {
    for (;;) {
      let opening = this.#inUse.get(name);
      if (opening === undefined) {
        opening = this.#open(at, name);
        this.#inUse.set(name, opening);
      }
      const content = await opening;
      if (content === null) {
        if (this.#inUse.get(name) === opening) this.#inUse.delete(name);
        return null;
      }
      if (content.closing === null) return { content, leave: content.use() };
      await content.closing;
    }
  }

  async #open(at: StrictTarget, name: ObjectName): Promise<AnswerContent | null> {
    try {
      let content: AnswerContent | null = null;
      const object = await this.#parts.store.find(name, (range) => content?.presence.lose(range));
      content = object && this.#contentOf(name, object.representation, object, this.#called(at));
      return content;
    } catch (error) {
      if (error instanceof StoreError) return null;
      throw error;
    }
  }

  #contentOf(
    name: ObjectName,
    representation: Representation,
    object: ConstructorParameters<typeof AnswerContent>[0]['object'],
    called: ConstructorParameters<typeof FillReporter>[0],
  ): AnswerContent {
    const { clock, events } = this.#parts;
    const content: AnswerContent = new AnswerContent({
      object,
      representation,
      clock,
      id: called.fill,
      reporter: new FillReporter(called, clock, events),
      onClosed: () => {
        void this.#inUse.get(name)?.then((current) => {
          if (current === content) this.#inUse.delete(name);
        });
      },
    });
    return content;
  }

  /** The content that takes an answer past the store. */
  past(at: StrictTarget, representation: Representation): AnswerContent {
    return this.#contentOf('', representation, null, this.#called(at));
  }

  /** The content that takes an answer in: the rest of one that is stored in parts, or a new one. */
  async make(
    at: StrictTarget,
    fields: Fields,
    { representation }: AnswerForm,
    previous: AnswerContent | null,
  ): Promise<AnswerContent> {
    const { store } = this.#parts;
    if (
      previous !== null &&
      previous.closing === null &&
      combinable(representation) &&
      sameRepresentation(previous.representation, representation)
    ) {
      const { representation: known } = previous;
      previous.describe({ ...known, ...underKnown(known, representation), ranges: true });
      return previous;
    }
    const { name, selection } = await this.#placeFor(at, representation, fields);
    const described = selection === null ? representation : { ...representation, selection };
    const isPrivate = fieldValue(fields, 'authorization') !== null || fieldValue(fields, 'cookie') !== null;
    const label = { origin: at.origin.name, path: at.path, private: isPrivate };
    try {
      let content: AnswerContent | null = null;
      const object = await store.create(name, described, label, (range) => content?.presence.lose(range));
      content = this.#contentOf(name, described, object, this.#called(at));
      this.#inUse.set(name, Promise.resolve(content));
      return content;
    } catch (error) {
      if (error instanceof StoreError) return this.past(at, representation);
      throw error;
    }
  }

  /** Under which name an answer is stored: that of the target, unless an answer for other requests has it. */
  async #placeFor(at: StrictTarget, { fields }: Representation, request: Fields) {
    const { key } = at;
    const names = variedBy(fields) ?? [];
    const by = selecting(names, request);
    const first = await this.#use(at, objectName(key));
    const { selection, fields: known } = first?.content.representation ?? {};
    first?.leave();
    if (names.length === 0) return { name: objectName(key), selection: null };
    const isOther = selection !== undefined && !sameSelection(selection.by, by);
    const isFamily = selection !== undefined && variedBy(known ?? [])?.join() === names.join();
    const family = (isFamily && selection.family) || randomUUID();
    const name = isOther && isFamily ? variantName(key, family, by) : objectName(key);
    return { name, selection: { by, family } };
  }

  #called({ origin, path }: StrictTarget) {
    return { fill: this.#parts.nextFill(), origin: origin.name, path };
  }
}

/** The name of the object of one of the answers of a family. */
function variantName(key: string, family: string, by: Fields): ObjectName {
  return objectName(variantKey(`${key}\n${family}`, by));
}
