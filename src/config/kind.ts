/**
 * A kind of value: how what a person wrote is read, and the words about it. Kinds are put together to lists, records and
 * objects, which tell everything that is wrong in them.
 */

/** The words about a kind of value. */
export interface KindWords {
  /** What would be right, to follow the words "is not". */
  readonly description: string;
  /** What it is measured in once it has been read. */
  readonly unit: 'milliseconds' | 'bytes' | 'number' | 'text';
  /** What stands for the value in the help. */
  readonly placeholder: string;
}

export interface Kind<T> extends KindWords {
  /** `undefined` where it is wrong: then each reason was reported. */
  read(raw: unknown, report?: Report): T | undefined;
}

/** One thing that is wrong in a value. */
export interface Mistake {
  /** The names that lead to it. */
  readonly path: readonly string[];
  /** What was written there; `undefined` where something is missing. */
  readonly raw: unknown;
  /** What would be right there; `null` where there is no such name. */
  readonly right: string | null;
}

type Report = (mistake: Mistake) => void;

/** What a kind reads. */
export type ValueOf<K> = K extends Kind<infer T> ? T : never;

type Shape = Readonly<Record<string, Kind<unknown>>>;

/** What an object holds, of which only the `Needed` must be there. */
export type ValuesOf<S extends Shape, Needed extends keyof S> = {
  readonly [Name in Needed]: ValueOf<S[Name]>;
} & { readonly [Name in Exclude<keyof S, Needed>]?: ValueOf<S[Name]> | undefined };

/** From a function that reads it; `undefined` means wrong. */
export function kind<T>(words: KindWords, read: (raw: unknown) => T | undefined): Kind<T> {
  return {
    ...words,
    read(raw, report) {
      const value = read(raw);
      if (value === undefined) report?.({ path: [], raw, right: words.description });
      return value;
    },
  };
}

/** Several values: a list in the file, separated by spaces elsewhere. */
export function list<T>(element: Kind<T>, { atLeast = 0 } = {}): Kind<T[]> {
  const { description } = element;
  return {
    ...element,
    description: `${description}; several are separated by spaces`,
    read(raw, report) {
      const parts: unknown = wordsOf(raw);
      if (!Array.isArray(parts) || parts.length < atLeast) {
        report?.({ path: [], raw: parts, right: description });
        return undefined;
      }
      const values = parts.map((part) => element.read(part, report));
      return values.every((value) => value !== undefined) ? values : undefined;
    },
  };
}

/** The words of a text; anything else as it is. */
export function wordsOf(raw: unknown): unknown {
  return typeof raw === 'string' ? raw.split(/\s+/).filter((word) => word !== '') : raw;
}

/** Values of one kind under names of another. */
export function record<T>(words: KindWords, name: Kind<string>, element: Kind<T>): Kind<Record<string, T>> {
  return {
    ...words,
    read(raw, report) {
      if (!isObject(raw)) return kind(words, nothing).read(raw, report);
      const written = Object.entries(raw);
      const values = written.flatMap(([key, value]): [string, T][] => {
        if (name.read(key, within(key, report)) === undefined) return [];
        const read = element.read(value, within(key, report));
        return read === undefined ? [] : [[key, read]];
      });
      return values.length === written.length ? Object.fromEntries(values) : undefined;
    },
  };
}

/** A value for each of some names, of which only the `needed` must be there. */
export function object<const S extends Shape, Needed extends keyof S = never>(
  words: KindWords,
  shape: S,
  needed: readonly Needed[] = [],
): Kind<ValuesOf<S, Needed>> {
  return {
    ...words,
    read(raw, report) {
      if (!isObject(raw)) return kind(words, nothing).read(raw, report);
      let isRight = true;
      const note = (mistake: Mistake) => {
        isRight = false;
        report?.(mistake);
      };
      const values = Object.entries(shape)
        .filter(([name]) => raw[name] !== undefined || needed.some((each) => each === name))
        .map(([name, each]) => [name, each.read(raw[name], within(name, note))]);
      for (const name of Object.keys(raw)) {
        if (!Object.hasOwn(shape, name)) note({ path: [name], raw: raw[name], right: null });
      }
      return isRight ? Object.fromEntries(values) : undefined;
    },
  };
}

function nothing(): undefined {}

/** Neither a list nor something that only a program makes. */
export function isObject(raw: unknown): raw is Record<string, unknown> {
  return Object.prototype.toString.call(raw) === '[object Object]';
}

function within(name: string, report: Report | undefined): Report {
  return ({ path, ...mistake }) => report?.({ path: [name, ...path], ...mistake });
}
