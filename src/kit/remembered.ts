/**
 * Memoizes pure functions: for an object the result is kept as long as the object lives, for a text until many others have
 * come.
 */

export function remembered<Key extends object, Value extends object | null>(
  workOut: (key: Key) => Value,
): (key: Key) => Value {
  const known = new WeakMap<Key, Value>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const value = workOut(key);
    known.set(key, value);
    return value;
  };
}

/** So many texts are remembered for each function, and none that is longer than so many characters. */
const mostTexts = 1024;
const longestText = 256;

export function recalled<Value>(workOut: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const value = workOut(text);
    if (text.length > longestText) return value;
    // Strangers may choose the texts: who sends ever new ones costs the others no more than a beginning.
    if (known.size >= mostTexts) known.clear();
    known.set(text, value);
    return value;
  };
}
