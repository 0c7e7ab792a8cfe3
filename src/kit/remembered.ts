/** What follows from an object that never changes, worked out once and remembered as long as the object lives. */

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
