/** A signal that never aborts, for who waits to the end. */
export const never = new AbortController().signal;
